"""The conjugation of Portuguese, as far as address needs it: second person singular, third persons, imperatives.

With what other languages do not have: the future subjunctive and the personal infinitive (*se quiseres, para saberes*),
whose second person ends in -es. Left out: *vós*, which is read in prayers only, and the pluperfect in -ra.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from in2x.language.address.forms import Forms, irregular
from in2x.language.address.marks import words

_VOWELS = {"e_i": ("e", "i"), "o_u": ("o", "u"), "u_o": ("u", "o")}


@cache
def verb_forms() -> Forms:
    """All forms of the verbs in `pt.yaml`."""
    data, forms = words("pt"), Forms()
    for infinitive, stems in irregular(data):
        _add(forms, infinitive, stems)
    for change, (old, new) in _VOWELS.items():
        for infinitive in data[change].split():
            head, _, tail = infinitive[:-2].rpartition(old)
            changed, stem = head + new + tail, infinitive[:-2]
            stressed = changed if change == "u_o" else stem  # sobes, but sentes
            raised = stem if change == "u_o" else changed  # suba, but sinta
            _add(
                forms,
                infinitive,
                {"present": f"{stressed}es {stressed}e {stressed}em", "subjunctive": _spelled(raised, "i")},
            )
    for infinitive in data["regular"].split():
        _add(forms, infinitive, {})
    forms.settle()
    return forms


def _spelled(stem: str, vowel: str) -> str:
    """The stem before the other vowel: *fiqu-e, pagu-e, comec-e; conheç-a, proteg-a, distingu-a*."""
    pairs = {"c": "qu", "g": "gu", "ç": "c"} if vowel == "a" else {"c": "ç", "gu": "g", "g": "j"}
    for end, other in pairs.items():
        if stem.endswith(end):
            return stem[: -len(end)] + other
    return stem


def _add(forms: Forms, infinitive: str, stems: dict[str, Any]) -> None:
    vowel, stem = infinitive[-2].replace("ô", "e"), infinitive[:-2]
    vowel = "e" if infinitive.endswith("or") else vowel
    theme, other = ("a", "e") if vowel == "a" else ("e", "a")
    stressed = stem + "i" if infinitive.endswith("ear") else stem  # passeias
    present = stems["present"].split() if "present" in stems else [stressed + theme + end for end in ("s", "", "m")]
    endings = {"a": ("aste", "ou", "aram"), "e": ("este", "eu", "eram"), "i": ("iste", "iu", "iram")}[vowel]
    past = stems.get("past", [stem + end for end in endings])
    raised = stems.get("subjunctive", _spelled(stressed, vowel))
    if raised in ("vá", "dê"):
        subjunctive = [raised + "s", raised, {"vá": "vão", "dê": "deem"}[raised]]
    else:
        other = "a" if infinitive == "estar" else other
        subjunctive = [raised + other + end for end in ("s", "", "m")]
    imperfect = stems.get(
        "imperfect", stem + ("av" if vowel == "a" else "í" if vowel == "i" and stem[-1:] in "aeo" else "i")
    )
    future = stems.get("future", infinitive)
    base = past[2].removesuffix("am")  # tiver-, falar-
    ss = base[:-1] + "ss"
    forms.add(
        infinitive,
        [
            (forms.second, [present[0], past[0], imperfect + "as", future + "ás", future + "ias", subjunctive[0]]),
            (forms.second, [ss + "es", base + "es", infinitive.replace("ô", "o") + "es"]),
            (forms.second, [stem + "íres"] if vowel == "i" and stem[-1:] in ("a", "u") else []),
            (forms.past, past[1:]),
            (forms.third, [present[1], present[2], *past[1:], future + "á", future + "ão"]),
            (forms.shared, [imperfect + "a", imperfect + "am", future + "ia", future + "iam", *subjunctive[1:]]),
            (forms.shared, [ss + "e", ss + "em"]),
            (forms.future_subjunctives, [base]),
            (forms.polite_commands, subjunctive[1:]),
            (forms.casual_commands, [stems.get("command", present[1])]),
        ],
    )
