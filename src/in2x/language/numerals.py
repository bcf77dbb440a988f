"""Numerals of a folded text (`number_text.py`): digits, kanji, hangul and number words, alone and in chains.

A chain is read with a stack: a magnitude multiplies all that stands on the stack below it, or 1 where there is nothing
(3 + 万 = 30,000; + 亿 = 3 * 10^12; 1 + 万 + 5 + 千 + 亿 = 1.5 * 10^12; two + hundred + and + fifty + thousand =
250,000).
What does not fit below the last part begins a number of its own (two three; 3万 40万). Our choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

from in2x.language.number_text import GROUP_SPACE
from in2x.language.number_words import NOTHING, NumberFacts

_DIGIT_SETS = (
    "〇零○영공",
    "一壱壹일",
    "二弐贰貳이",
    "三参叁參삼",
    "四肆사",
    "五伍오",
    "六陸육륙",
    "七漆柒칠",
    "八捌팔",
    "九玖구",
)
_FORMAL = "参參叁陸漆柒伍捌玖肆拾仟佰"
"""Numerals of cheques, which alone are letters of other words (参加)."""
_METRIC = "米克瓦卡赫焦"
"""Units that 千 makes others of (千米)."""
CJK_DIGITS = {char: value for value, chars in enumerate(_DIGIT_SETS) for char in chars} | dict.fromkeys("两兩", 2)
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "십": 10, "백": 100, "천": 1000}
_TENS = {"廿": 20, "卅": 30}
_LARGE = {"万": 10**4, "萬": 10**4, "億": 10**8, "亿": 10**8, "兆": 10**12, "京": 10**16, "垓": 10**20}
_LARGE |= {"만": 10**4, "억": 10**8, "조": 10**12, "경": 10**16}
_CJK_SCALES = _SMALL | _LARGE
_HAN = "".join(c for c in (*CJK_DIGITS, *_TENS, *_CJK_SCALES) if not "가" <= c <= "힣")
_HANGUL = "".join(c for c in (*CJK_DIGITS, *_CJK_SCALES) if "가" <= c <= "힣")
_HANGUL_SCALES = "십백천만억조경"
HAN_DIGITS = "".join(c for c in CJK_DIGITS if not "가" <= c <= "힣")
_KOREAN_COUNTERS = "년|월|일|시|분|초|원|층|번|개월|주일|도|회|명|개국|세기|학년|호|미터|킬로|달러|퍼센트|인|세|%"

# one separator of thousands, as written in text or in LaTeX
_COMMA = r"(?:,|、(?=0\d\d)|\{,\}|,\\!|\\,|\\!)"
_APART = rf"[{GROUP_SPACE}']"
_POWER = r"(?:\^(?:\{(?P<brace>-?\d{1,4})\}|(?P<power>-?\d{1,4})))"
_SCIENTIFIC = (
    r"(?:\s?(?:×|x|\*|⋅|·|\\times|\\cdot)\s?10\^(?:\{(?P<tenbrace>-?\d{1,3})\}|(?P<ten>-?\d{1,3}))"
    r"|[eE](?P<e>[+-]?\d{1,3})(?!\w))"
)
_MOST = 400
"""Digits of the largest number that is worked out; a longer one is none of anything."""


def _plain_digits(comma: bool) -> str:
    grouped = rf"\d{{1,3}}(?:{_COMMA}\d{{3}})+(?!\d)(?:\.\d+)?|\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?!\d)(?:\.\d+)?"
    apart = rf"\d{{1,3}}(?:{_APART}\d{{3}})+(?!\d)(?:[.,]\d+)?"
    if not comma:
        return rf"{apart}|{grouped}|\d+(?:\.\d+)?|(?<![\w.-])\.\d+"
    dotted = r"\d{1,3}(?:\.\d{3})+(?!\d)(?:,\d+)?|\d{1,3}(?: \d{3})+(?!\d)(?:,\d+)?"
    return (
        rf"{apart}|{dotted}|\d{{1,3}}(?:{_COMMA}\d{{3}}){{2,}}(?!\d)(?:\.\d+)?|\d{{1,3}},\d{{3}}\.\d+|\d+(?:[.,]\d+)?"
    )


@cache
def digits_pattern(comma: bool) -> str:
    """A regular expression for a numeral in digits, without groups."""
    return _plain_digits(comma)


def digits_value(text: str, comma: bool) -> tuple[Fraction, frozenset[Fraction]]:
    """The value of a numeral in digits, and what else it may mean ("1.234" and "1,234" where the mark is a comma)."""
    apart = re.search(rf"{_APART}| ", text) is not None
    bare = re.sub(rf"{_APART}| ", "", re.sub(r"\{,\}|,\\!|\\,|\\!|、", ",", text))
    marks = re.findall(r"[.,]", bare)
    whole = Fraction(re.sub(r"[.,]", "", bare))
    if not marks:
        return whole, frozenset()
    if len(set(marks)) == 2 or (apart and len(marks) == 1):  # the last mark is the decimal one
        head, mark, tail = bare.rpartition(marks[-1])
        return Fraction(re.sub(r"[.,]", "", head) + "." + tail), frozenset()
    head, mark, tail = bare.rpartition(marks[-1])
    head = head or "0"
    decimal = Fraction(re.sub(r"[.,]", "", head) + "." + tail)
    groups = len(marks) > 1 or (len(tail) == 3 and len(head) <= 3 and head != "0")
    native = "," if comma else "."
    if not comma:
        thousands = frozenset({whole} if mark == "." and tail == "000" else ())
        return (decimal, thousands) if mark == "." else (whole, frozenset())
    if len(marks) > 1:
        return whole, frozenset()
    if not groups:
        return decimal, frozenset()
    return (decimal, frozenset({whole})) if mark == native else (whole, frozenset({decimal}))


@dataclass(slots=True)
class Part:
    """A piece of a numeral."""

    kind: str
    """"digits", "value", "ordinal", "scale", "fraction", "added" or "glue"."""
    value: Fraction
    start: int
    end: int
    also: frozenset[Fraction] = frozenset()
    cjk: bool = False
    share: Fraction | None = None


@dataclass(slots=True)
class Numeral:
    """A numeral: its value, what else it may mean, and its parts."""

    value: Fraction
    start: int
    end: int
    also: frozenset[Fraction] = frozenset()
    parts: list[Part] = field(default_factory=list)

    @property
    def in_digits(self) -> bool:
        """Whether a digit is part of it."""
        return any(part.kind == "digits" for part in self.parts)


@cache
def _parts_pattern(facts: NumberFacts) -> re.Pattern[str]:
    digits = digits_pattern(facts.comma)
    braces = r"\{\s*(-?\d{1,12})\s*\}"
    return re.compile(
        rf"\\[dt]?frac\s*(?:{braces}\s*{braces}|(\d)(\d))"
        rf"|(?P<mixed>(?:\d{{1,12}})[ {GROUP_SPACE}]\d{{1,12}}[/⁄]\d{{1,12}}(?![\d/]))"
        rf"|(?P<vulgar>\d{{1,12}}⁄\d{{1,12}})"
        rf"|(?P<digits>{digits})(?:{_SCIENTIFIC}|{_POWER}|(?P<suffix>(?-i:[kKMBTm])(?![^\W_])))?"
        rf"|(?P<han>[{_HAN}]+)"
        rf"|(?P<hangul>(?<=\d)[{_HANGUL_SCALES}]+|(?<![가-힣])(?:[{_HANGUL}]*[{_HANGUL_SCALES}][{_HANGUL}]*|[{_HANGUL}]+(?=\s?(?:{_KOREAN_COUNTERS})))"
        rf"(?=[^가-힣]|$|여|원|명|개|년|번|대|배|장|권|마리|살|세|달러|달|엔|유로|위안|톤|미터|킬로|인|건|표|이[나다]|분|초|도))"
        rf"|(?P<word>{facts.shapes or NOTHING})",
        re.IGNORECASE,
    )


_SUFFIXES = {"k": 10**3, "K": 10**3, "M": 10**6, "m": 10**6, "B": 10**9, "T": 10**12}
_MONEY = "$€£¥₩₹₽"


def _power(value: Fraction, exponent: int) -> Fraction | None:
    size = max(len(str(abs(value.numerator))), len(str(value.denominator)))
    if abs(exponent) * size > _MOST or (value == 0 and exponent < 0):
        return None
    return value**exponent


def _digits(match: re.Match[str], facts: NumberFacts) -> Iterator[Part]:
    if len(match["digits"]) > _MOST:
        return
    value, also = digits_value(match["digits"], facts.comma)
    exponent = match["power"] or match["brace"]
    ten = match["ten"] or match["tenbrace"] or match["e"]
    made: Fraction | None = value
    if exponent:
        made = _power(value, int(exponent))
    elif ten:
        factor = _power(Fraction(10), int(ten))
        made = value * factor if factor is not None else None
    if made is None:
        return
    if made != value:
        also = frozenset()
    yield Part("digits", made, match.start(), match.end("digits") if match["suffix"] else match.end(), also)
    before = match.string[: match.start()][-1:]
    # 4T and 100m are money only behind its sign; a letter before makes a name of it (B4T)
    if match["suffix"] and not before.isalpha() and (match["suffix"] in "kKMB" or before in _MONEY):
        yield Part("scale", Fraction(_SUFFIXES[match["suffix"]]), match.start("suffix"), match.end("suffix"))


def _cjk(text: str, start: int, end: int) -> Iterator[Part]:
    for piece in re.finditer(
        rf"[两兩]?[{''.join(char for char in CJK_DIGITS if char not in '两兩')}]+|.", text[start:end]
    ):
        at, run = start + piece.start(), piece[0]
        if len(run) > _MOST:
            continue
        if (run in "京경" and at == start and not text[:at][-1:].isdigit()) or (
            run == "千" and text[at + 1 : at + 2] in _METRIC and at + 1 < len(text)
        ):
            continue  # 東京, 千米
        if end - start == 1 and run in _FORMAL:
            continue
        if run[0] in CJK_DIGITS:
            value = Fraction(int("".join(str(CJK_DIGITS[char]) for char in run)))
            yield Part("value", value, at, at + len(run), cjk=True)
        elif run in _TENS:
            yield Part("value", Fraction(_TENS[run]), at, at + 1, cjk=True)
        else:
            yield Part("scale", Fraction(_CJK_SCALES[run]), at, at + 1, cjk=True)


def _words(text: str, start: int, facts: NumberFacts) -> Iterator[Part]:
    for piece in facts.word.finditer(text):
        said = piece[0].lower()
        word = facts.words.get(said) or facts.words.get(re.sub(f"[ {GROUP_SPACE}]", "-", said))
        if word is not None:  # None: a letter whose small form is another's (ſ, K)
            yield Part(word.kind, word.value, start + piece.start(), start + piece.end(), share=word.share)


def parts(text: str, facts: NumberFacts) -> Iterator[Part]:
    """The pieces of numerals in a folded text, in order."""
    for match in _parts_pattern(facts).finditer(text):
        if match["digits"]:
            yield from _digits(match, facts)
        elif match["han"] or match["hangul"]:
            yield from _cjk(text, match.start(), match.end())
        elif match["word"]:
            yield from _words(match[0], match.start(), facts)
        else:
            whole, above, below = "0", "0", "0"
            if match["mixed"]:
                whole, above, below = re.split(rf"[ {GROUP_SPACE}/⁄]", match["mixed"])
            elif match["vulgar"]:
                above, below = match["vulgar"].split("⁄")
            else:
                above, below = (g for g in match.groups()[:4] if g is not None)
            if int(below):
                value = Fraction(int(whole)) + Fraction(int(above), int(below))
                yield Part("digits", value, match.start(), match.end())


def _room(part: Part) -> Fraction:
    """What fits below a part: less than this."""
    if part.kind == "scale":
        return part.value if part.value != 12 else Fraction(1)  # nothing stands below a dozen
    if part.kind not in ("value", "ordinal") or part.value < 10 or part.value.denominator != 1:
        return Fraction(1)
    value, room = int(part.value), 1
    while value % 10 == 0:
        value, room = value // 10, room * 10
    return Fraction(room)


class _Chain:
    """The stack of a chain that is being read."""

    def __init__(self, facts: NumberFacts) -> None:
        self.facts = facts
        self.terms: list[tuple[Fraction, Fraction]] = []
        self.parts: list[Part] = []
        self.glued = ""

    def add(self, part: Part, gap: str, scaled: bool) -> bool:
        """Take in one more part behind `gap`; False where it begins another number. `scaled`: a magnitude follows."""
        taken = getattr(self, f"_{part.kind}")(part, gap, scaled) if self.terms else self._first(part)
        if taken:
            self.parts.append(part)
            self.glued = ""
        return bool(taken)

    def _first(self, part: Part) -> bool:
        self.terms.append((part.value, _room(part)))
        return True

    def _value(self, part: Part, gap: str, scaled: bool) -> bool:
        value, room = self.terms[-1]
        if part.value < room:
            self.terms.append((part.value, min(room, _room(part))))
            return True
        if self.facts.inverted and self.glued and value < 10 <= part.value < 100 and len(self.terms) < 4:
            self.terms[-1] = (value + part.value, Fraction(1))
            return True
        return False

    def _ordinal(self, part: Part, gap: str, scaled: bool) -> bool:
        if part.share is not None and not self.glued and self.parts[-1].kind in ("value", "digits"):
            value, room = self.terms[-1]
            if value < 10 and room == 1:  # two fifths
                self.terms[-1] = (value * part.share, Fraction(0))
                return True
        return self._value(part, gap, scaled)

    def _digits(self, part: Part, gap: str, scaled: bool) -> bool:
        if (
            self.parts[-1].kind != "scale"
            or self.parts[0].kind == "scale"
            or part.value >= self.terms[-1][1]
            or self.glued
        ):
            return False
        myriads = self.parts[-1].cjk and self.terms[-1][1] >= 10_000
        if gap and not scaled and not myriads:
            return False
        return self._value(part, gap, scaled)

    def _scale(self, part: Part, gap: str, scaled: bool) -> bool:
        below = Fraction(0)
        while self.terms and self.terms[-1][0] < part.value:
            below += self.terms.pop()[0]
        if not below and self.terms and self.terms[-1][1] <= part.value:
            below = self.terms.pop()[0]  # 15000万, twenty dozen
        if below * part.value > 10**_MOST:
            return False
        self.terms.append(((below or 1) * part.value, part.value))
        return True

    def _fraction(self, part: Part, gap: str, scaled: bool) -> bool:
        value, _ = self.terms.pop()
        if self.parts[-1].kind == "scale" and not self.glued:
            self.terms.append((value, _))
            return False
        if "and" in self.glued:
            self.terms.append((value + part.value, Fraction(0)))
        elif value < 10 and self.parts[-1].kind in ("value", "digits") and not self.glued and part.value < 1:
            self.terms.append((value * part.value, Fraction(0)))
        else:
            self.terms.append((value, Fraction(0)))
            return False
        return True

    def _added(self, part: Part, gap: str, scaled: bool) -> bool:
        value, room = self.terms.pop()
        self.terms.append((value + part.value * (room if self.parts[-1].kind == "scale" else 1), Fraction(0)))
        return True

    def made(self) -> Numeral:
        """What has been read."""
        also = self.parts[0].also if len(self.parts) == 1 else frozenset()
        if len(self.parts) > 1 and self.parts[0].also and self.parts[1].kind == "scale":
            also = frozenset(v * self.parts[1].value for v in self.parts[0].also)
        value = sum((value for value, _ in self.terms), Fraction(0))
        return Numeral(value, self.parts[0].start, self.parts[-1].end, also, self.parts)


_GAP = re.compile(rf"[ {GROUP_SPACE}]?-?[ {GROUP_SPACE}]?")
_OVER = re.compile("[多余餘来來数數]")
"""Between a number and its magnitude: 40多万 is a bit more than 400,000."""
_AND = ("and", "und", "et", "y", "e", "и", "с", "và")


@cache
def _glue(facts: NumberFacts) -> re.Pattern[str]:
    """The words that may stand between the parts of a chain, with the space around them."""
    words = "|".join(re.escape(said) for said, word in facts.words.items() if word.kind == "glue") or NOTHING
    return re.compile(rf"[ {GROUP_SPACE}-]*(?:({words})[ {GROUP_SPACE}-]+)*", re.IGNORECASE)


def numerals(text: str, facts: NumberFacts) -> list[Numeral]:
    """The numerals of a folded text, in order."""
    pieces = list(parts(text, facts))
    found: list[Numeral] = []
    chain = _Chain(facts)
    glue = _glue(facts)
    for index, part in enumerate(pieces):
        if part.kind == "glue":
            chain.glued += "and"
            continue
        if chain.parts:
            gap = text[chain.parts[-1].end : part.start]
            near = _GAP.fullmatch(gap) is not None
            if not near and len(gap) < 16 and (said := glue.fullmatch(gap)) and said[1]:
                joining = any(word in gap.lower().split() for word in _AND)
                near = joining or chain.parts[-1].kind == "fraction"  # half a million, not $3 a dozen
                chain.glued += "and" if joining else "of"
            elif not near and chain.glued and gap.isalpha():
                near = True  # dreiundzwanzig: the glue is inside the word
            near = near or (part.kind == "scale" and part.cjk and _OVER.fullmatch(gap) is not None)
            both_digits = part.kind == "digits" and chain.parts[-1].kind == "digits"
            following = pieces[index + 1] if index + 1 < len(pieces) else None
            scaled = following is not None and following.kind == "scale" and following.start - part.end <= 1
            dashed = "-" in gap and part.kind != "scale" and ("digits" in (part.kind, chain.parts[-1].kind) or part.cjk)
            if near and not both_digits and not dashed and chain.add(part, gap, scaled):
                continue
            found.append(chain.made())
        chain = _Chain(facts)
        chain.add(part, "", False)
    if chain.parts:
        found.append(chain.made())
    return found
