"""Multiple choice: the letter or number that the answer settles on.

Verifier: {"name": "choice", "value": "B", "options"?: {"A": "text of option A", ...}}.

An option is a letter or digit that stands alone: アメリカ is no ア, "A dog" no A. In this order: the last that a
statement of the result names ("the answer is", 正解は), the last that is chosen (Bを選びます, C is right), the only
one that is named, the only one of the last sentence, the option whose text is given. What is denied (AではなくB) is
not named, and two to choose from are none (`stated.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from in2x.language import wording
from in2x.rl.rewards.base import ItemReward, RewardItem
from in2x.rl.rewards.stated import Item, corrected, kept, listed, spoken, statements

_SAME = str.maketrans("アイウエオ甲乙丙丁①②③④⑤⑥⑦⑧⑨", "ABCDEABCD123456789")
_KANA = "ア-ヶー"
_ALONE = re.compile(
    rf"(?<![A-Za-z0-9_])(?P<letter>[B-H]|A(?!\s+(?!or\b|and\b|is\b|not\b|nor\b)[a-z]{{2}}))(?![A-Za-z0-9_'’+#])"
    rf"|(?<![{_KANA}一-龥])(?P<kana>[アイウエオ甲乙丙丁])(?![{_KANA}一-龥])"
    r"|(?P<ring>[①-⑨])"
    r"|[（(\[](?P<bracket>[a-h1-9])[)）\]]"
    r"|(?<![\d.])(?P<digit>[1-9])(?=\s?[番号])"
    r"|(?:[Oo]ption|[Cc]hoice|選択肢|选项|選項|Nr\.|№)\s?(?P<named>[a-h1-9])(?![A-Za-z0-9])"
)
_FIRST = re.compile(r"\W*(?P<first>[A-Ha-h1-9])(?![A-Za-z0-9'’+#]|[.,]\d)(?!\s+[a-z]{2,})")
"""An option that a statement begins with: any letter or digit there."""
_HEAD = re.compile(r"\W*([a-h1-9])(?:[)）\].:、,。番]|\s*$)")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_SAME)).strip().upper()


def _wide(text: str) -> str:
    """Full-width letters, digits and marks as the usual ones, with nothing moved."""
    return "".join(unicodedata.normalize("NFKC", c) if "！" <= c <= "～" else c for c in text)


def _options(text: str, statement: bool = False) -> list[Item]:
    """The options that a text names and does not deny."""
    found = [Item(_plain(str(m[m.lastgroup or 0])), m.start(), m.end()) for m in _ALONE.finditer(text)]
    if statement and (first := _FIRST.match(text)) and not any(item.start == first.start("first") for item in found):
        found.insert(0, Item(_plain(first["first"]), first.start("first"), first.end()))
    return kept(text, sorted(found, key=lambda item: item.start))


def _single(items: Sequence[Item]) -> str | None:
    values = {str(item.value) for item in items}
    return values.pop() if len(values) == 1 else None


def _settled(text: str, items: Sequence[Item]) -> str | None:
    """The option of one statement: the corrected one, the first; None where several are to choose from."""
    rest = corrected(text, items)
    return _single(listed(text, rest)[0])


def _chosen_in_words(text: str) -> str | None:
    """The last option that is called chosen or right."""
    items = _options(text)
    last: tuple[int, str] | None = None
    for pattern in wording.patterns("settles", (("ITEM", "(?P<item>[A-H1-9ア-オ甲乙丙丁①-⑨])"),)):
        for match in pattern.finditer(text):
            named = next((item for item in items if item.start <= match.start("item") < item.end), None)
            if named is not None and (last is None or match.start() > last[0]):
                last = (match.start(), str(named.value))
    return last[1] if last else None


def chosen(answer: str, options: Mapping[str, str] | None = None) -> str | None:
    """The option an answer settles on, as an upper-case letter or digit; None where it names none or several."""
    text = _wide(spoken(answer)).strip()
    for said, _ in reversed(statements(text)):
        if items := _options(said, statement=True):
            return _settled(said, items)
    if (settled := _chosen_in_words(text)) is not None:
        return settled
    items = _options(text)
    if not items and (head := _HEAD.match(text)):
        return _plain(head[1])
    if items:
        if (only := _single(items)) is not None:
            return only
        last = [sentence for sentence in re.split(r"(?<=[。！？!?\n])|(?<=\.)\s", text) if sentence.strip()][-1]
        return _single(_options(last))
    if options:
        by_text = [key for key, value in options.items() if value and value in answer]
        if len(by_text) == 1:
            return _plain(by_text[0])
    return None


class Choice(ItemReward):
    """1 where the answer settles on the right option, else 0."""

    name = verifier = "choice"

    def one(self, item: RewardItem) -> float:
        """The verdict on one item."""
        right = _plain(str(item.verifier["value"]))
        return float(chosen(item.answer, item.verifier.get("options")) == right)
