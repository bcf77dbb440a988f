"""Best of N by principles: of several sampled translations, the one with the fewest and least severe findings.

What is looked at is what the question itself tells: its text and tags, languages, register and agreed terms. Of those
that are equally good the others' agreement decides, as in minimum Bayes risk (`mbr.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from in2x.chat.placeholders import parsed
from in2x.chat.source import Source
from in2x.formats.document import Segment, Text
from in2x.translate.findings import Finding, Rules, find, weight
from in2x.translate.glossary import Glossary, Term
from in2x.translate.mbr import UTILITY, MbrBackend, consensus
from in2x.translate.tags import TagsLost, unmarked, without_placeholders


class BestBackend(MbrBackend):
    """A translator that samples answers of one or several systems and returns the one with the least findings."""

    signature = f"best by findings|ties by {UTILITY}"

    def _choice(self, source: Source, candidates: Sequence[str], samples: Sequence[str]) -> str:
        weights = {candidate: weight(findings_of(source, candidate)) for candidate in dict.fromkeys(candidates)}
        least = min(weights.values())
        return consensus([one for one in candidates if weights[one] == least], samples or candidates)


def findings_of(source: Source, answer: str) -> list[Finding]:
    """What a model's answer to `source` breaks, placeholders read as tags; gravest first."""
    asked = parsed(source.text) if source.tagged else Text(source.text)
    lost: list[Finding] = []
    try:
        said = unmarked(answer, asked, source.target_lang)
    except TagsLost as error:
        lost = [Finding("tags", error.why, "critical")]
        said = Text(without_placeholders(answer, asked, source.target_lang)[0])
    agreed = Glossary(tuple(Term(*term) for term in source.terms), source.source_lang, source.target_lang)
    found = find(source, said, Rules(agreed), Segment(asked.text, asked.tags))
    return lost + [finding for finding in found if not (lost and finding.principle == "tags")]
