"""The content of a text as units: what of it carries meaning, in which order, and what may stand for what.

A unit is a word where spaces part the words or a grammar knows them, and one character where neither does (Chinese).
Its weight is 1 for what carries content and `LIGHT` for what only joins: words of the pack's list of common words,
particles, auxiliaries, Chinese function characters. Our choice; weights and likeness were set on pairs of human
translations (`benchmarks/reward_order.py`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from in2x.language.finding import LIGHT, Unit
from in2x.language.grammar import grammar
from in2x.language.japanese.sound import sounds_like
from in2x.language.language import language
from in2x.language.script import HAN, HIRAGANA, KATAKANA

_WORD = re.compile(rf"[{HAN}]|[{HIRAGANA}]+|[{KATAKANA}]+|[^\W_]+(?:['’][^\W_]+)*")
_HAN = re.compile(f"[{HAN}]")
_JOINS = frozenset("的了着过地得是在有和与及而也都就才又把被给让对从到向于以为之其这那个们吗呢吧啊呀嘛我你您他她它很")
_DENIES = {
    "zh": "不 没 沒 未 无 無 非 别 勿",
    "en": "not no never n't cannot neither nor nobody nothing none without",
    "de": "nicht kein keine keinen keinem keiner keines nie niemals nichts niemand ohne",
    "fr": "pas ne jamais rien personne aucun aucune sans",
    "es": "no nunca jamás nada nadie ningún ninguna ninguno sin",
    "it": "non mai niente nulla nessuno nessuna nessun senza",
    "pt": "não nunca jamais nada ninguém nenhum nenhuma sem",
    "ru": "не нет ни никогда ничего никто без нельзя",
    "ko": "안 않다 못 없다 아니다 않 없",
    "hi": "नहीं मत न ना कभी",
    "vi": "không chưa chẳng đừng chả",
}  # fmt: skip
_TABLE = {code: frozenset(words.split()) for code, words in _DENIES.items()}


@lru_cache(maxsize=1 << 14)
def units(text: str, code: str) -> tuple[Unit, ...]:
    """The units of `text`, which is in the language `code`, in order; punctuation and signs are none."""
    text = unicodedata.normalize("NFKC", text)
    tongue = language(code)
    rules = grammar(tongue.code)
    if rules is not None:
        return tuple(rules.units(text))
    common = tongue.pack.words
    denials = _TABLE.get(tongue.code.partition("-")[0], frozenset())
    found: list[Unit] = []
    start = True
    last = 0
    for match in _WORD.finditer(text):
        start = start or any(mark in text[last : match.start()] for mark in tongue.ends + '\n"“„«')
        last = match.end()
        word = match[0].replace("’", "'")
        key = word.lower()
        denies = key in denials or ("n't" in denials and key.endswith("n't"))
        joins = key in _JOINS if not tongue.spaced else key in common or key.partition("'")[0] in common
        weight = 1.0 if denies or not joins else LIGHT
        found.append(Unit(key, weight, word[0].isupper() and not start and weight == 1.0, denies))
        start = False
    return tuple(found)


@lru_cache(maxsize=1 << 14)
def is_whole(text: str, code: str) -> bool:
    """Whether `text` begins and ends as a sentence may: by its grammar, or by a capital where the script has them."""
    rules = grammar(language(code).code)
    if rules is not None:
        return rules.is_whole(text)
    return not text.lstrip("\"'“„«»(-–—… ¡¿")[:1].islower()


@lru_cache(maxsize=1 << 16)
def likeness(a: str, b: str) -> float:
    """How far one unit may stand for another, by form alone, in [0, 1]: the same word inflected, or from one root.

    Words with Chinese characters by the share of these characters that both have (終える, 終わる, 終了); others by the
    stretch with which both begin (finish, finished).
    """
    if a == b:
        return 1.0
    left, right = set(_HAN.findall(a)), set(_HAN.findall(b))
    if left or right:
        return 0.8 * 2 * len(left & right) / (len(left) + len(right))
    same = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        same += 1
    least = 4 if a.isascii() or b.isascii() else 2
    share = same / max(len(a), len(b))
    return 0.8 if same >= least and share >= 0.55 else 0.0


_KATAKANA = re.compile(f"[{KATAKANA}]{{2,}}")
_CAPITAL = re.compile(r"(?<![\w'’])[A-Z][a-zà-öø-ÿ]+")


@lru_cache(maxsize=1 << 14)
def _names(source: str) -> tuple[frozenset[str], frozenset[str]]:
    text = unicodedata.normalize("NFKC", source)
    return frozenset(_KATAKANA.findall(text)), frozenset(_CAPITAL.findall(text))


@lru_cache(maxsize=1 << 14)
def names_of(key: str, source: str) -> frozenset[str]:
    """The names of the source that the word `key` of a translation renders, by their letters or their sound."""
    kana, latin = _names(source)
    if _KATAKANA.fullmatch(key):
        return frozenset(name for name in latin if sounds_like(name, key) >= _SOUND)
    if key.isascii() and key.isalpha() and len(key) > 2:
        return frozenset(name for name in latin if name.lower() == key) | frozenset(
            name for name in kana if sounds_like(key.capitalize(), name) >= _SOUND
        )
    return frozenset()


_SOUND = 0.75
"""Least likeness of two spellings that are held to be one name."""
