"""What a translation came to, in figures and sentences: for stderr, and for the page of `page.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from in2x.formats.document import Skipped
from in2x.pages.environment import duration
from in2x.translate.drift import Drift, Place, Voice, drift
from in2x.translate.job import Job
from in2x.translate.outcome import Outcome
from in2x.translate.translator import Translated

ORIGINS = {
    "model": "translated", "kept": "kept from before", "edited": "edited by hand", "file": "translated in the file",
    "untouched": "without words", "failed": "not translated",
}  # fmt: skip
"""What became of a segment, in words for people."""
FEW = 5
"""Places of a kind that stderr names; the page has all."""


@dataclass(frozen=True)
class Summary:
    """One or several documents of one translation."""

    name: str
    model: str
    job: Job
    outcomes: tuple[Outcome, ...]
    skipped: tuple[Skipped, ...]
    seconds: float
    usage: dict[str, float] | None
    drift: Drift
    origins: Counter[str] = field(init=False)
    principles: Counter[str] = field(init=False)
    """Principle -> segments that break it."""
    repaired: Counter[str] = field(init=False)
    """Principle -> segments that broke it at first."""

    def __post_init__(self) -> None:
        """Count."""
        found = {
            "origins": Counter(one.origin for one in self.outcomes),
            "principles": Counter(p for one in self.outcomes for p in {f.principle for f in one.findings}),
            "repaired": Counter(p for one in self.outcomes for p in one.repaired),
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    @property
    def letters(self) -> tuple[int, int]:
        """Characters of the texts that are translated or need no translation, and of all texts that were found."""
        done = sum(len(one.segment.text) for one in self.outcomes if one.origin != "failed")
        every = sum(len(one.segment.text) for one in self.outcomes) + sum(len(one.text) for one in self.skipped)
        return done, every

    def place(self, found: Place) -> str:
        """Where a place of the drift report lies, for people."""
        return self.outcomes[found.segment].segment.place

    def departures(self) -> list[tuple[str, str, str, str]]:
        """(kind, place, why, excerpt) of every place where names, terms, forms or voices depart from what is agreed."""
        found = [("name", place) for place in self.drift.drifting]
        found += [("form", place) for place in self.drift.misuse]
        found += [("voice", place) for voice in self.drift.voices for place in voice.breaks
                  if not self._to_listener(voice, place)]  # fmt: skip
        rows = [(kind, self.place(at), at.why, self.outcomes[at.segment].text.text[max(0, at.start) : at.end])
                for kind, at in found]  # fmt: skip
        for kind, uses in (("term", self.drift.terms), ("name", self.drift.names)):
            rows += [(kind, self.outcomes[n].segment.place, f"{use.target} for {use.source} is missing", "")
                     for use in uses for n in use.missing]  # fmt: skip
        return rows

    def _to_listener(self, voice: Voice, place: Place) -> bool:
        """Whether a line that leaves the speaker's own register is in one that they have for somebody else, and the
        check of the line, which knew who was spoken to, found nothing."""
        person = self.job.rules.characters.who(voice.speaker)
        if person is None or self.job.checks == "off":
            return False
        shown = dict(voice.by_line).get(place.segment)
        agreed = any(relation.register == shown for _, relation in person.to)
        return agreed and not any(one.principle == "register" for one in self.outcomes[place.segment].findings)

    def lines(self) -> Iterator[str]:
        """A few sentences for stderr."""
        counts = [f"{self.origins[origin]:,} {words}" for origin, words in ORIGINS.items() if self.origins[origin]]
        skipped = f"; left out: {_counted(len(self.skipped), 'text')}" if self.skipped else ""
        yield f"{self.name}: {_counted(len(self.outcomes), 'segment')}: {', '.join(counts) or 'none'}{skipped}"
        if self.principles:
            broken = sum(1 for one in self.outcomes if one.findings)
            named = ", ".join(f"{name} {count:,}" for name, count in self.principles.most_common(FEW))
            yield f"to look at: {_counted(broken, 'segment')} ({named})"
        if self.repaired:
            named = ", ".join(f"{name} {count:,}" for name, count in self.repaired.most_common(FEW))
            yield f"mended by asking again: {named}"
        if (adherence := self.drift.adherence) is not None:
            yield f"agreed terms and names: {adherence:.1%} as agreed"
        if departures := self.departures():
            yield f"departures from what is agreed or usual: {len(departures):,}"
            for kind, place, why, _ in departures[:FEW]:
                yield f"  {place}: {kind}: {why}"
        cost = ""
        if self.usage is not None:
            tokens = self.usage["prompt_tokens"] + self.usage["answer_tokens"]
            money = f", {self.usage['money']:.2f} spent" if self.usage["money"] else ""
            cost = f", {_counted(int(self.usage['asked']), 'request')}, {_counted(int(tokens), 'token')}{money}"
        yield f"took {duration(self.seconds)}{cost}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def summary(name: str, model: str, parts: Sequence[tuple[str, Translated]]) -> Summary:
    """The summary of documents that were translated together.

    Args:
        name: the file or folder.
        model: as people call it.
        parts: name and translation of each document, at least one.
    """
    job = parts[0][1].job
    outcomes = tuple(outcome for _, one in parts for outcome in one.outcomes)
    skipped = tuple(
        Skipped(f"{own}, {text.place}" if len(parts) > 1 else text.place, text.text, text.why)
        for own, one in parts if one.document is not None for text in one.document.skipped
    )  # fmt: skip
    usages = [one.usage for _, one in parts if one.usage is not None]
    usage = {key: sum(each[key] for each in usages) for key in usages[0]} if usages else None
    answers = ["" if one.origin in ("failed", "untouched") else one.text.text for one in outcomes]
    whole = drift([one.segment for one in outcomes], answers, job.rules, job.source_lang, job.target_lang)
    return Summary(name, model, job, outcomes, skipped, sum(one.seconds for _, one in parts), usage, whole)
