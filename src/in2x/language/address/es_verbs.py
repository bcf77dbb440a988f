"""The conjugation of Spanish, as far as address needs it: second and third persons, imperatives.

From an infinitive and the class of its stem change. Spelling follows the sound (*busco, busques; llegar, llegues*).
*Vos tenés* and *vosotros tenéis* count as familiar beside *tú tienes*. Left out: the first persons, the future
subjunctive, *cupe*-like rarities beyond the list, and reflexive infinitives (the pronoun is seen by itself).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from in2x.language.address.forms import Forms, irregular
from in2x.language.address.marks import words

_BACK = {"a": "á", "e": "é", "i": "í"}


@cache
def verb_forms() -> Forms:
    """All forms of the verbs in `es.yaml`."""
    data, forms = words("es"), Forms()
    for infinitive, stems in irregular(data):
        _add(forms, infinitive, stems)
    for change in ("regular", "e_ie", "o_ue", "e_i", "uir", "accent"):
        for infinitive in data[change].split():
            _add(forms, infinitive, _stems(infinitive, change))
    forms.settle()
    forms.second.update(data["second_anyway"].split())
    return forms


def _stems(infinitive: str, change: str) -> dict[str, Any]:
    """The present, the stem of the subjunctive and the stem of the third person preterite of a regular verb."""
    stem, vowel = infinitive[:-2], infinitive[-2].replace("í", "i")
    stressed, third = _changed(stem, change), stem
    if vowel == "i" and change in ("e_ie", "e_i"):
        third = _swap(stem, "e", "i")
    elif vowel == "i" and change == "o_ue":
        third = _swap(stem, "o", "u")
    theme = "a" if vowel == "a" else "e"
    second_plural = stem + {"a": "áis", "e": "éis", "i": "ís"}[vowel]
    return {
        "present": f"{stressed}{theme}s {stressed}{theme} {stressed}{theme}n {second_plural}",
        "subjunctive": _spelled(stressed, vowel),
        "weak": (stem, third),
        "future": stem + vowel + "r",
    }


def _swap(stem: str, old: str, new: str) -> str:
    head, _, tail = stem.rpartition(old)
    return head + new + tail


def _changed(stem: str, change: str) -> str:
    if change == "uir":
        return stem + "y"
    if change == "regular":
        return stem
    if change == "accent":  # continú-as, enví-as
        return stem[:-1] + {"i": "í", "u": "ú"}[stem[-1]]
    old, new = change.split("_")
    new = "üe" if new == "ue" and stem.rpartition("o")[0].endswith("g") else new
    return _swap(stem, old, new)


def _spelled(stem: str, vowel: str) -> str:
    """The stem before the other vowel: *busqu-e, llegu-e, goc-e; coj-a, sig-a, conozc-a, venz-a*."""
    if vowel == "a":
        for end, other in (("c", "qu"), ("gu", "gü"), ("g", "gu"), ("z", "c")):
            if stem.endswith(end):
                return stem[: -len(end)] + other
        return stem
    if stem.endswith("gu"):
        return stem[:-1]
    if stem.endswith("g"):
        return stem[:-1] + "j"
    if stem.endswith("c"):
        return stem[:-1] + ("zc" if stem[-2:-1] in "aeiou" else "z")
    return stem


def _add(forms: Forms, infinitive: str, stems: dict[str, Any]) -> None:
    ar = infinitive.endswith("ar") or infinitive == "dar"
    stem, present = infinitive[:-2], stems["present"]
    second, third, third_plural, second_plural = present.split() if isinstance(present, str) else present
    future = stems["future"]
    subjunctive = dict(zip(("s2", "s3", "p3", "p2"), _subjunctive(stems["subjunctive"], infinitive), strict=True))
    past = list(_preterite(stem, ar, stems))
    imperfect = stems.get("imperfect", stem + ("aba" if ar else "ía"))
    imperfects = [imperfect + end for end in ("s", "", "n")]
    base = past[2][:-3] if past[2].endswith("ron") else past[2]  # "habla-ron", "dije-ron"
    past_subjunctive = [base + end for end in ("ras", "ra", "ran", "ses", "se", "sen", "rais", "seis")]
    vos = "sos" if infinitive == "ser" else stem + {"a": "ás", "e": "és", "i": "ís", "í": "ís"}[infinitive[-2]]
    command = str(stems.get("command", third))
    sets: list[tuple[set[str], list[str]]] = [
        (forms.second, [second, second_plural, past[0], past[3], imperfects[0], subjunctive["s2"], subjunctive["p2"]]),
        (forms.second, [past_subjunctive[0], past_subjunctive[3], *past_subjunctive[6:]]),
        (forms.second, [future + end for end in ("ás", "éis", "ías", "íais")]),
        (forms.second, [] if infinitive in ("ir", "ver", "dar", "estar", "haber") else [vos]),
        (forms.past, past[1:3]),
        (forms.third, [third, third_plural, past[1], past[2], future + "á", future + "án"]),
        (
            forms.shared,
            [*imperfects[1:], *past_subjunctive[1:3], *past_subjunctive[4:6], future + "ía", future + "ían"],
        ),
        (forms.shared, [subjunctive["s3"], subjunctive["p3"]]),
        (forms.polite_commands, [subjunctive["s3"], subjunctive["p3"]]),
        (forms.casual_commands, [command, infinitive[:-1] + "d"]),
    ]
    forms.add(infinitive, sets)


def _subjunctive(stem: str, infinitive: str) -> Iterator[str]:
    vowel = "e" if infinitive.endswith("ar") else "a"
    if infinitive in ("ser", "ver"):
        stem, vowel = ("se", "a") if infinitive == "ser" else ("ve", "a")
    if stem.endswith("´"):  # esté, dé
        yield from (stem[:-1] + end for end in ("és", "é", "én", "éis"))
        return
    yield from (stem + vowel + end for end in ("s", "", "n"))
    yield stem + _BACK[vowel] + "is"


def _preterite(stem: str, ar: bool, stems: dict[str, Any]) -> Iterator[str]:
    """Second, third, third plural and second plural person of the preterite."""
    strong = stems.get("preterite")
    if strong in ("fu", "v", "d"):  # fue, vio, dio
        yield from (strong + "iste", strong + ("e" if strong == "fu" else "io"))
        yield from (strong + ("eron" if strong == "fu" else "ieron"), strong + "isteis")
    elif strong:
        third = "z" if strong.endswith("hic") else strong[-1]
        yield from (strong + "iste", strong[:-1] + third + "o")
        yield from (strong + ("eron" if strong.endswith("j") else "ieron"), strong + "isteis")
    elif ar:
        yield from (stem + "aste", stem + "ó", stem + "aron", stem + "asteis")
    else:
        weak, third = stems.get("weak", (stem, stem))
        glide = third[-1:] in "aeou" and not third.endswith(("gu", "qu"))
        yield from (weak + ("íste" if weak[-1] in "aeo" else "iste"), third + ("yó" if glide else "ió"))
        yield from (third + ("yeron" if glide else "ieron"), weak + "isteis")
