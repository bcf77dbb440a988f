"""Misuse of Japanese honorifics, named: what grammars and the guidelines of the Agency for Cultural Affairs call wrong.

Only what is wrong whoever speaks to whom: two honorifics on one verb (二重敬語), a humble verb raised (参られる), a
humble form asked of the other (ご確認してください), a needless さ (読まさせていただく), two titles (社長様). Forms that
the guidelines accept by usage (お召し上がりになる, お見えになる, お伺いする) are no misuse. Whether a humble verb is
said of the other is told only where its subject stands before it (お客様が申しました).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from in2x.language.finding import Finding
from in2x.language.japanese.keigo import DEVERBAL, NOT_RAISED, keigo
from in2x.language.japanese.morphology import Token, tokenise

_RAISING = {"仰る", "いらっしゃる", "召し上がる", "為さる", "下さる"}
_HUMBLE = {"参る", "申す", "頂く", "伺う", "致す", "拝見", "拝読", "拝聴", "拝借", "承る", "存ずる", "申し上げる"}
_OF_OTHERS = {"参る", "申す", "頂く", "伺う", "致す", "申し上げる", "拝見", "拝読", "存ずる", "居る"}
_RESPECTED = {"様", "先生", "陛下", "殿下", "閣下"}
_POSTS = {"社長", "部長", "課長", "会長", "先生", "教授", "博士", "校長", "院長", "各位"}
_WHY = {
    "double keigo": ("two honorific forms on one verb", "二重敬語"),
    "humble verb raised": ("a humble verb with an honorific ending", "謙譲語に尊敬の助動詞を付けた形"),
    "humble form of the other": ("a humble form of what the other does", "相手の行為に謙譲語"),
    "needless さ": ("さ before せる is needless here", "さ入れ言葉"),
    "double title": ("two titles", "二重敬称"),
}


def misused_keigo(text: str) -> list[Finding]:
    """Misused honorific forms; the label is the kind of misuse."""
    tokens = tokenise(text)
    humble = {form.end: form.start for form in keigo(text) if form.rule == "お〜する"}
    return [
        Finding(
            "keigo misuse", label, humble.get(tokens[first].end, tokens[first].start), tokens[last].end, *_WHY[label]
        )
        for label, first, last in _misuses(tokens, humble.keys())
    ]


def _misuses(tokens: Sequence[Token], humble: Set[int]) -> Iterator[tuple[str, int, int]]:
    """Label, first and last token of each misuse; `humble`: where お〜する ends."""
    for i, token in enumerate(tokens):
        raised = _at(tokens, i + 1).ctype == "助動詞-レル"
        if raised and (start := _raising(tokens, i)) is not None:
            yield "double keigo", start, i + 1
        elif token.lemma in _HUMBLE and token.surface != "うかがわ" and (raised or _raised_noun(tokens, i)):
            yield "humble verb raised", i, i + 1
        elif _at(tokens, i + 1).surface == "て" and _asked(tokens, i, humble):
            yield "humble form of the other", i, i + 2
        elif token.lemma in _OF_OTHERS and _of_respected(tokens, i):
            yield "humble form of the other", i, i
        elif _needless(tokens, i):
            yield "needless さ", i, i + 1
        elif token.lemma == "様" and _at(tokens, i - 1).lemma in _POSTS and _at(tokens, i - 1).pos == "名詞":
            yield "double title", i - 1, i


_NONE = Token("", "", "", "", "", "", "", "", -1, -1)


def _at(tokens: Sequence[Token], i: int) -> Token:
    return tokens[i] if 0 <= i < len(tokens) else _NONE


def _raising(tokens: Sequence[Token], i: int) -> int | None:
    """Where a form begins that raises by itself and ends at `i`: おっしゃる, お〜になる (not お世話になる)."""
    if tokens[i].lemma in _RAISING:
        return i
    word = _at(tokens, i - 2)
    if tokens[i].lemma != "成る" or _at(tokens, i - 1).surface != "に" or word.lemma in NOT_RAISED:
        return None
    if word.lemma == "御覧":
        return i - 2
    if word.pos != "動詞" and word.pos3 != "サ変可能" and not DEVERBAL.search(word.surface):
        return None  # お一人になられて
    return next((j for j in (i - 3, i - 4) if _at(tokens, j).lemma == "御"), None)


def _raised_noun(tokens: Sequence[Token], i: int) -> bool:
    """拝見される, 拝見なさる."""
    verb = _at(tokens, i + 1)
    honoured = verb.lemma == "為さる" or (verb.lemma == "為る" and _at(tokens, i + 2).ctype == "助動詞-レル")
    return tokens[i].pos == "名詞" and honoured


def _asked(tokens: Sequence[Token], i: int, humble: Set[int]) -> bool:
    """Whether the other is asked, or thanked, for what a humble verb says: ご確認してください, いただいてください."""
    helper = _at(tokens, i + 2).lemma
    if tokens[i].lemma == "頂く":
        return helper == "下さる"
    return tokens[i].end in humble and helper in ("下さる", "頂く", "貰う")


def _of_respected(tokens: Sequence[Token], i: int) -> bool:
    """Whether the subject of the verb at `i` is a respected person, named right before it."""
    if tokens[i].lemma == "居る" and not (tokens[i].surface == "おり" and _at(tokens, i + 1).ctype == "助動詞-マス"):
        return False
    if _at(tokens, i - 1).surface in ("て", "で", "と") or _at(tokens, i - 1).lemma == "御":
        return False
    clause: list[Token] = []
    for token in reversed(tokens[:i]):
        if token.pos == "補助記号" or token.pos in ("動詞", "助動詞"):
            break
        clause.insert(0, token)
    marks = [at for at, token in enumerate(clause) if token.surface in ("が", "は", "も")]
    return len(marks) == 1 and marks[0] > 0 and clause[marks[0] - 1].lemma in _RESPECTED


_IN_MASU = {"済ます", "澄ます", "覚ます", "冷ます", "励ます", "悩ます", "騙す", "増す"}


def _needless(tokens: Sequence[Token], i: int) -> bool:
    """読まさせて: させる behind a verb that takes せる (休まさ, 帰らさ as the tagger cuts it)."""
    verb, behind = tokens[i], _at(tokens, i + 1)
    if verb.pos != "動詞" or not verb.cform.startswith("未然形") or not verb.ctype.startswith("五段"):
        return False
    doubled = verb.surface.endswith(("まさ", "らさ")) and verb.lemma not in _IN_MASU and behind.lemma == "せる"
    return behind.lemma == "させる" or doubled
