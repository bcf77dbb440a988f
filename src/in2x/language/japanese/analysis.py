"""Everything seen in a Japanese text, as findings with spans and reasons."""

from __future__ import annotations

from in2x.language.finding import Finding
from in2x.language.japanese import roles, surface, voice
from in2x.language.japanese.keigo import keigo
from in2x.language.japanese.misuse import misused_keigo
from in2x.language.japanese.morphology import sentences
from in2x.language.japanese.predicate import closing_predicate

_KEIGO = {
    "sonkei": ("honorific form that raises the other person", "相手を高める尊敬語"),
    "kenjou": ("humble form that lowers one's own side", "自分側を低める謙譲語"),
    "teichou": ("courteous form towards the listener", "聞き手に対する丁重語"),
}
_STYLE = {
    "polite": ("the sentence closes in です・ます", "文末が丁寧体（です・ます）"),
    "plain": ("the sentence closes in the plain style", "文末が常体（だ・である・辞書形）"),
    "casual": ("the sentence closes as in casual speech", "文末がくだけた話し言葉"),
}


def predicates(text: str) -> list[Finding]:
    """The style of the predicate that closes each sentence."""
    found = []
    for sentence in sentences(text):
        predicate = closing_predicate(sentence)
        if predicate.style in _STYLE:
            en, ja = _STYLE[predicate.style]
            found.append(Finding("predicate", predicate.style, predicate.start, predicate.end, en, ja))
    return found


def keigo_forms(text: str) -> list[Finding]:
    """Each honorific form."""
    return [
        Finding("keigo", form.kind, form.start, form.end, f"{_KEIGO[form.kind][0]}: {form.rule}",
                f"{_KEIGO[form.kind][1]}：{form.rule}")
        for form in keigo(text)
    ]  # fmt: skip


ANALYSERS = (
    predicates,
    keigo_forms,
    misused_keigo,
    voice.final_particles,
    voice.person_words,
    voice.titles,
    roles.role_language,
    surface.residue,
    surface.ruby,
    surface.punctuation,
    surface.numerals,
    surface.onomatopoeia,
)


def analyse(text: str) -> list[Finding]:
    """All findings of `text`, in order of their place."""
    found = [finding for analyser in ANALYSERS for finding in analyser(text)]
    return sorted(found, key=lambda finding: (finding.start, finding.end, finding.kind))
