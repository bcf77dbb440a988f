"""`numbers(text, code)`: the numbers of a text by value and place, as the language of the text writes them.

    numbers("15 million people", "en")     15,000,000 at (0, 10)
    numbers("一万五千亿元")                    1,500,000,000,000
    numbers("2024/05/06")                  2024, 5, 6

Digits of every script, groups and decimal marks of the language, kanji, hangul and words, magnitudes, fractions,
percent, LaTeX, dates and times. A number that is written in a way that can mean several values carries them all:
whoever compares two texts asks whether two numbers can be one (`Number.agrees`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from in2x.language.dates import ERAS, dated, hours, short_year
from in2x.language.number_text import GROUP_SPACE, folded
from in2x.language.number_words import NumberFacts, number_facts
from in2x.language.numerals import CJK_DIGITS, HAN_DIGITS, Numeral, numerals
from in2x.language.script import usual_language

_TAKEN = "\ue000"
"""In the place of what has been read."""
_GUARD = "\ue002"
_MOST_LETTERS = 200_000


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text."""

    value: Fraction
    start: int
    """First code point in the text."""
    end: int
    """The code point behind it."""
    also: frozenset[Fraction] = frozenset()
    """What else it may mean: 50% is 0.5 and 50, 令和6年 is 2024 and 6, 10 pm is 10 and 22."""
    pieces: tuple[Fraction, ...] = ()
    """The numbers it is written with where it may be several: 9/11 is a fraction, or 9 and 11."""
    digits: bool = True
    """Whether it is written with digits."""
    ordinal: bool = False
    """Whether it is an ordinal in words."""
    sure: bool = True
    """False where it may be no number of anything: a kanji in a word (一緒), "one", a magnitude alone (万一)."""
    converted: bool = False
    """Whether its unit is one that translators convert (inches)."""

    @property
    def readings(self) -> frozenset[Fraction]:
        """All values it may have."""
        return self.also | {self.value}

    def agrees(self, other: Number) -> bool:
        """Whether the two can be the same number, signs aside (a minus may be a word)."""
        mine, theirs = {abs(v) for v in self.readings}, {abs(v) for v in other.readings}
        return bool(mine & theirs)


@cache
def _marks(facts: NumberFacts) -> dict[str, re.Pattern[str]]:
    space = rf"[ {GROUP_SPACE}]?"
    flags = re.IGNORECASE
    return {
        "percent": re.compile(rf"{space}-?(?:\\?%|{facts.percent})(?![^\W\d_a])|{space}(?:%|{facts.percent})", flags),
        "minus": re.compile(rf"(?:{facts.minus}){space}$", flags),
        "hours": re.compile(rf"{space}(?:{facts.hours})(?![^\W\d_]|間)" if facts.spaced else
                            rf"{space}(?:{facts.hours})(?!間|间)", flags),
        "decade": re.compile(
            rf"'?s(?![^\W_])|年代|년대|-?(?:е|х|er)(?![^\W\d_])|{space}(?:{facts.decades})(?![^\W\d_])", flags
        ),
        "before decade": re.compile(rf"(?:{facts.decades}) '?$", flags),
        "point": re.compile(rf"\s(?:{facts.point})\s", flags),
    }  # fmt: skip


_TENTHS = re.compile(
    r"割(?:({d})分(?:({d})厘)?)?|成(?![功为為年立果長长績绩人分就語员員])".replace("{d}", rf"[\d{HAN_DIGITS}]")
)
_ERA = re.compile("|".join(ERAS))
_DAY = re.compile(r"(1[0-2]|0?[1-9])[.](3[01]|[12]\d|0?[1-9])")
_MONTHS = re.compile(
    r"[ -]?(?:months?|Monaten?|mois|meses|mesi|месяц|महीने|개월|tháng|[かヶカヵケ个個箇]月)", re.IGNORECASE
)
_RANGE = re.compile(r"\s?(?:[-–—~〜～]|から|ないし|至|到|to|bis|à|a|bis zu|до)\s?", re.IGNORECASE)
_HALF = re.compile(r"(?:[年日時时点點個个歳岁週周]|か?月|时|시간|시|년)\s?(?:半|반)(?![分身径島岛年額额導导球天夜])")
_COUNTED = re.compile(
    r"\s?[年月日時时分秒円元人個个本枚台回度歳岁才階层番名匹冊册杯件点點倍割週周次位只条條家部所万%％名頭头张張座種种ひぴびヶカか箇トセメキグポユド级級号號世代話话章巻卷]"
)
_NEIGHBOURS = "|".join(("一二", "二三", "三四", "四五", "五六", "六七", "七八", "八九", "两三"))
_PAIR = re.compile(rf"(?<![{HAN_DIGITS}十百千万億亿点.])(?:{_NEIGHBOURS})(?=[十百千万億亿]?[{{c}}])".replace(
    "{c}", "人日年月個个本枚回度歳岁才分時时名件倍万億亿週周天次位只家百千十秒匹杯冊册点點つ"))  # fmt: skip


def parse_numeral(text: str, code: str | None = None) -> Fraction | None:
    """The value of one numeral without sign ("1,234.5", "一二三四", "千二百三十四", "3万5千"); None if it is none."""
    plain = folded(text)[0].strip()
    found = numerals(plain, number_facts(code or usual_language(text)))
    return found[0].value if len(found) == 1 and (found[0].start, found[0].end) == (0, len(plain)) else None


def numbers(text: str, code: str | None = None) -> list[Number]:
    """Every number of `text` in order, with its place in `text`.

    Args:
        code: language of the text, which says how it groups digits and which words are numbers; None: told by its
            script, English for Latin letters.

    Raises:
        UsageError: no such language.
    """
    if not text or len(text) > _MOST_LETTERS:
        text = text[:_MOST_LETTERS]
    plain, places = folded(text)
    facts = number_facts(code or usual_language(text))
    found = [Number(d.value, d.start, d.end, d.also, sure=d.sure, digits=plain[d.start].isdigit())
             for d in dated(plain, facts)]  # fmt: skip
    letters = list(plain)
    for number in found:
        letters[number.start : number.end] = _TAKEN * (number.end - number.start)
    reader = _Reader("".join(letters), plain, facts)
    found.extend(reader.told())
    found.sort(key=lambda number: (number.start, number.end))
    return [replace(number, start=places[number.start], end=places[number.end - 1] + 1) for number in found]


def _spoken(text: str, numeral: Numeral) -> set[Fraction]:
    """Other ways to say it: months as years (18 months, 1年半), 九折 as 10% off, 三点一刻 as 3:15, 5K as
    5 km."""
    value, after = numeral.value, text[numeral.end : numeral.end + 8]
    if value >= 6 and value % 6 == 0 and _MONTHS.match(after):
        return {value / 12}
    if after.startswith(("折", "掛", "がけ")):
        part = value / 10 if value < 10 else value / 100
        return {part, 1 - part, 100 * part, 100 - 100 * part}
    if after.startswith("刻"):
        return {15 * value}
    last = numeral.parts[-1]
    if (
        last.kind == "scale"
        and last.end - last.start == 1
        and not last.cjk
        and text[: numeral.start][-1:] not in "$€£¥"
    ):
        return {value / last.value}
    return set()


class _Reader:
    """From the numerals of one text to its numbers: sign, percent, fractions, hours, years, decades, units, idioms."""

    def __init__(self, text: str, plain: str, facts: NumberFacts) -> None:
        self.text, self.plain, self.facts, self.marks = text, plain, facts, _marks(facts)
        self.unsure = [match.span() for match in facts.unsure.finditer(plain)]

    def read(self) -> list[Number]:
        """The numbers, in order."""
        text = self.text
        pairs = [match.start() for match in _PAIR.finditer(text)]
        rest = list(text)
        for at in pairs:
            rest[at] = _TAKEN
        found = numerals("".join(rest), self.facts)
        made: list[Number] = [
            Number(Fraction(CJK_DIGITS[text[at]]), at, at + 1, digits=False,
                   converted=self.facts.converted.match(text, at + 2) is not None) for at in pairs
        ]  # fmt: skip
        index = 0
        while index < len(found):
            numeral = found[index]
            following = found[index + 1] if index + 1 < len(found) else None
            number = self._joined(numeral, following)
            if number is not None:
                index += 2
                made.append(number)
                continue
            index += 1
            if following is not None and not following.value and self._over(numeral, following):
                index += 1  # 1/0
                continue
            if not made or numeral.start >= made[-1].end:  # not the 5 of 3割5分
                made.extend(self._one(numeral))
        made.sort(key=lambda number: number.start)
        return self._ranges(made)

    def _over(self, first: Numeral, second: Numeral) -> bool:
        """Whether a stroke makes a fraction of two numerals."""
        gap = self.text[first.end : second.start]
        return re.fullmatch(r"\s?/\s?", gap) is not None and first.in_digits and second.in_digits

    def _joined(self, first: Numeral, second: Numeral | None) -> Number | None:
        """三分の一, 百分之三十, 5/6, 二点五, 10・5%: one number of two numerals; None where it is none."""
        if second is None:
            return None
        gap = self.text[first.end : second.start]
        if re.fullmatch(r"\s?分[のノ之]\s?", gap):
            if first.value:
                return self._number(
                    second.value / first.value, first, second, also={second.value} if first.value == 100 else set()
                )
            return None
        if second.value and self._over(first, second):
            sign = -1 if self._negative(first.start) else 1
            made = self._number(first.value / second.value * sign, first, second)
            start = first.start - (1 if sign < 0 else 0)
            return Number(made.value, start, made.end, made.also, (first.value, second.value), converted=made.converted)
        if gap in ("点", "點") and all(part.kind == "value" for part in second.parts) and not re.match(
            "[分刻半]", self.text[second.end : second.end + 1]
        ):  # fmt: skip
            tail = "".join(str(CJK_DIGITS.get(c, "")) for c in self.text[second.start : second.end])
            if tail:
                return self._number(first.value + Fraction(int(tail), 10 ** len(tail)), first, second)
        if self.marks["point"].fullmatch(gap) and all(part.kind == "value" for part in second.parts):
            return self._number(first.value + second.value / 10 ** len(str(second.value)), first, second)
        if (
            gap in (" ", "-")
            and not (first.in_digits or second.in_digits)
            and self.facts.spaced
            and 11 <= first.value <= 20
            and 10 <= second.value < 100
            and first.value.denominator == second.value.denominator == 1
        ):  # nineteen ninety-five
            return Number(first.value * 100 + second.value, first.start, second.end, frozenset(),
                          (first.value, second.value), digits=False)  # fmt: skip
        percent = self.marks["percent"].match(self.text, second.end)
        if gap == "・" and first.in_digits and second.in_digits and percent:
            size = second.end - second.start
            value = first.value + second.value / 10**size
            return Number(value / 100, first.start, percent.end(), frozenset({value}), (first.value, second.value))
        return None

    def _number(self, value: Fraction, first: Numeral, second: Numeral, also: set[Fraction] | None = None) -> Number:
        return Number(value, first.start, second.end, frozenset(also or ()), digits=first.in_digits or second.in_digits,
                      converted=self.facts.converted.match(self.text, second.end) is not None)  # fmt: skip

    def _negative(self, start: int) -> bool:
        """Whether a minus sign stands before `start`, which is no hyphen and no range."""
        before = self.text[max(0, start - 2) : start]
        return before.endswith("-") and not re.match(rf"[A-Za-z\d{HAN_DIGITS})\]{_TAKEN}]", before[:-1])

    def _one(self, numeral: Numeral) -> list[Number]:
        text, value, start, end = self.text, numeral.value, numeral.start, numeral.end
        also, follow = set(numeral.also), []
        if self._negative(start):
            value, start = -value, start - 1
        elif said := self.marks["minus"].search(text[max(0, start - 16) : start]):
            value, start = -value, start - (len(text[max(0, start - 16) : start]) - said.start())
        if tenths := _TENTHS.match(text, end):
            parts = [Fraction(CJK_DIGITS.get(g, 0) if g in CJK_DIGITS else int(g)) for g in tenths.groups() if g]
            value = value / 10 + sum((part / 10 ** (2 + n) for n, part in enumerate(parts)), Fraction(0))
            also.add(value * 100)
            end = tenths.end()
        elif percent := self.marks["percent"].match(text, end):
            also.add(value)
            value, end = value / 100, percent.end()
        else:
            follow = self._when(numeral, also)
            also |= _spoken(self.text, numeral)
            if (era := _ERA.search(text[max(0, start - 2) : start])) and text.startswith("年", end):
                also.add(value)
                value += ERAS[era[0]]
        number = Number(
            value,
            start,
            end,
            frozenset(also),
            self._pieces(numeral),
            digits=numeral.in_digits,
            ordinal=any(part.kind == "ordinal" for part in numeral.parts),
            sure=self._sure(numeral),
            converted=self.facts.converted.match(text, end) is not None,
        )
        return [number, *follow]

    def _pieces(self, numeral: Numeral) -> tuple[Fraction, ...]:
        """Month and day of what may be a date (6.25), hour and minute of 0430, dollars and cents of $3.74."""
        written = self.plain[numeral.start : numeral.end]
        if clock := re.fullmatch(r"([01]\d|2[0-3])([0-5]\d)", written):
            return tuple(Fraction(int(n)) for n in clock.groups() if n != "00") if written[0] == "0" else ()
        if self.plain[: numeral.start][-1:] in ("$", "€", "£") and re.fullmatch(r"\d+\.\d\d", written):
            return tuple(Fraction(int(n)) for n in written.split("."))
        day = _DAY.fullmatch(written)
        return (Fraction(int(day[1])), Fraction(int(day[2]))) if day else ()

    def _when(self, numeral: Numeral, also: set[Fraction]) -> list[Number]:
        """Readings as an hour, a year or a decade; a half that stands behind ("2時半")."""
        text, value, end = self.text, numeral.value, numeral.end
        before = text[max(0, numeral.start - 16) : numeral.start]
        written = self.plain[numeral.start : numeral.end]
        if self.marks["hours"].match(text, end):
            also |= hours(value)
        if value.denominator == 1 and 0 <= value < 100:
            two = len(written) == 2 and (
                written[0] == "0"
                or re.match(r"\s?(?:年|학년|년)", text[end : end + 3]) is not None
                or re.search(r"\d年?[、,~-]$|\ue000[、,~-]$", before) is not None
            )
            decade = self.marks["decade"].match(text, end) or self.marks["before decade"].search(before)
            if two or decade or re.search(r"(?<!\w)'$", before):
                also |= short_year(int(value))
            if text.startswith("年", end) and 1 <= value <= 64:
                also |= {value + ERAS[era] for era in ("昭和", "平成", "令和")}
        elif 1900 <= value < 2100 and self.marks["decade"].match(text, end):
            also.add(value % 100)
        if 1000 <= value < 2100 and value % 100 == 0 and self.marks["decade"].match(text, end):
            also.add(value / 100 + 1)
        if half := _HALF.match(text, end):
            also.add(value + Fraction(1, 2))
            clock = half[0][0] in "時时點点시"
            return [
                Number(Fraction(1, 2), half.end() - 1, half.end(), frozenset({Fraction(30)}), digits=False, sure=clock)
            ]
        if (share := numeral.parts[-1].share) is not None:
            also.add(share)
        if numeral.parts[-1].kind == "fraction" and value.denominator in (2, 4):
            also.add(value * 60)
        return []

    def told(self) -> list[Number]:
        """The numbers, those of idioms named as such."""
        found, idioms = self.read(), self.unsure
        return [
            replace(n, sure=False) if any(a <= n.start and n.end <= b for a, b in idioms) else n for n in found
        ]  # fmt: skip

    def _sure(self, numeral: Numeral) -> bool:
        """Whether a numeral in words counts something."""
        if numeral.in_digits:
            named = re.match(r"[A-Za-z]", self.text[: numeral.start][-1:]) is not None
            return not (named and numeral.value < 10)  # Y2K
        kinds = {part.kind for part in numeral.parts}
        if "fraction" in kinds and "value" not in kinds:
            return numeral.value >= 1000  # half a million, not half of it
        if numeral.parts[0].cjk:
            if "value" not in kinds:
                return False  # 万一, 千葉
            length = numeral.end - numeral.start
            if numeral.value <= 1:
                return False
            if len(numeral.parts) > 1:
                return numeral.parts[0].value < 10_000 or numeral.parts[0].kind != "scale"
            return length > 2 or _COUNTED.match(self.text, numeral.end) is not None
        return self.facts.spaced and numeral.value > (2 if "ordinal" in kinds else 1)

    def _ranges(self, found: list[Number]) -> list[Number]:
        """In "10-15 million" and "10-15%" the first number has the magnitude of the second too."""
        for index in range(len(found) - 2, -1, -1):
            first, second = found[index], found[index + 1]
            if not (first.digits and second.digits) or not _RANGE.fullmatch(self.text[first.end : second.start]):
                continue
            head = re.match(r"[\d.,]+", self.plain[second.start : second.end])
            if head is None or head.end() == second.end - second.start or not first.value:
                continue
            shown = re.sub(r"[.,]$", "", head[0])
            try:
                base = Fraction(shown.replace(",", "."))
            except ValueError:
                continue
            if base and second.value / base != 1:
                factor = second.value / base
                found[index] = replace(
                    first, also=first.also | {first.value * factor}, converted=second.converted
                )  # fmt: skip
        return found
