"""The conjugation of Italian, as far as address needs it: second and third persons of the singular, imperatives.

The plural *voi* is nobody's polite form and nobody's familiar one, so its endings are left out, and so are the
subjunctives in -ssi, which are "I" as well as "you". *Parli* (of *parlare*) is "you speak" to a friend and "speak!" to
a stranger: it stands in `second` and in `polite_commands`, and the place in the clause decides.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from in2x.language.address.forms import Forms, irregular
from in2x.language.address.marks import words

_ENDINGS = {
    "a": ("i", "a", "ano", "i", "ino", "asti", "ò", "arono"),
    "e": ("i", "e", "ono", "a", "ano", "esti", "é", "erono"),
    "i": ("i", "e", "ono", "a", "ano", "isti", "ì", "irono"),
}
"""By the vowel of the infinitive: present 2, 3, 3 plural; subjunctive 3, 3 plural; past 2, 3, 3 plural."""


@cache
def verb_forms() -> Forms:
    """All forms of the verbs in `it.yaml`."""
    data, forms = words("it"), Forms()
    for infinitive, stems in irregular(data):
        _add(forms, infinitive, stems)
    for infinitive in data["isc"].split():
        stem = infinitive[:-3] + "isc"
        _add(forms, infinitive, {"present": f"{stem}i {stem}e {stem}ono -", "subjunctive": stem})
    for infinitive in data["regular"].split():
        _add(forms, infinitive, {})
    forms.settle()
    return forms


def _soft(stem: str, ending: str) -> str:
    """Join so that the sound stays: *cerc-i* is *cerchi*, *mangi-i* is *mangi*."""
    if ending[0] in "ie":
        if stem.endswith(("c", "g")):
            return stem + "h" + ending
        if stem.endswith("i"):
            return stem[:-1] + ending
    return stem + ending


def _add(forms: Forms, infinitive: str, stems: dict[str, Any]) -> None:
    vowel, stem = infinitive[-3], infinitive[:-3]
    vowel = vowel if vowel in "aei" else "e"  # porre, tradurre
    ends = _ENDINGS[vowel]
    join = _soft if vowel == "a" else str.__add__
    present = stems["present"].split()[:3] if "present" in stems else [join(stem, end) for end in ends[:3]]
    past = stems.get("past", [stem + end for end in ends[5:]])
    if "subjunctive" in stems:
        subjunctive = [stems["subjunctive"] + "a", stems["subjunctive"] + "ano"]
    else:
        subjunctive = [join(stem, end) for end in ends[3:5]]
    imperfect = stems.get("imperfect", stem + vowel)
    if isinstance(imperfect, str):
        imperfect = [imperfect + end for end in ("vi", "va", "vano")]
    future = stems.get("future", join(stem, "er") if vowel == "a" else stem + vowel + "r")
    past_subjunctive = stems.get("past_subjunctive", stem + vowel + "ss")
    command = stems.get("command", present[1] if vowel == "a" else present[0])
    doubtful = vowel == "a" and "subjunctive" not in stems  # parli
    forms.add(
        infinitive,
        [
            (forms.second, [present[0], imperfect[0], past[0], future + "ai", future + "esti"]),
            (forms.past, past[1:]),
            (forms.third, [present[1], present[2], *past[1:], future + "à", future + "anno"]),
            (forms.third, [imperfect[1], imperfect[2], future + "ebbe", future + "ebbero"]),
            (forms.shared, [] if doubtful else subjunctive),
            (forms.shared, [past_subjunctive + "e", past_subjunctive + "ero"]),
            (forms.polite_commands, subjunctive),
            (forms.casual_commands, [command.rstrip("'") if len(command) < 4 else command]),
        ],
    )
