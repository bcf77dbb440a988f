"""The predicate that closes a Japanese sentence, found from the end: marks, final particles, auxiliaries, verb."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from in2x.language.japanese.morphology import Sentence, Token

_CASUAL_FINALS = {
    "よ", "ね", "な", "ぞ", "ぜ", "さ", "わ", "け", "もん", "の", "い", "や", "べ", "かしら", "じゃん", "ねん",
    "ねえ", "のう", "べい", "ばい", "部屋", "屁",
}  # fmt: skip
"""べい and べや (which the tagger takes for 部屋), っぺ (for 屁), ばい, のう: what dialects and old men close with."""
_CONJUNCTIVE_FINALS = {"けれど", "が", "から", "し", "のに", "ので", "と"}
_LAUGHTER = {"笑", "w", "ｗ", "www", "汗", "泣", "ー", "〜", "っ"}
_REQUESTS = {"ください", "下さい", "くださいませ", "下さいませ", "くださいまし"}
_POLITE_FIXED = {"御免", "御休み", "休み", "休む"}
"""ごめんなさい, おやすみなさい: the imperative なさい is polite here."""
_WELCOME = {"返る", "帰る", "帰り"}
"""お帰りなさい, with its お; 帰りなさい is an order."""


class Predicate(NamedTuple):
    """The predicate that closes a sentence."""

    style: str
    """"polite" | "plain" | "casual" | "none"."""
    full: bool
    """A finite predicate; False for a fragment (a te-form, a noun with a final particle), which tells less."""
    start: int
    """Offset of the word that carries the predicate (its main verb, adjective or noun)."""
    end: int
    literary: bool
    """である or a classical form: written style, never casual."""


def is_polite_at(tokens: Sequence[Token], i: int) -> bool:
    """Whether です or ます (not the contracted でしょ, っす) or a polite request stands at `i`."""
    token = tokens[i]
    if token.ctype == "助動詞-マス":
        return True
    if token.ctype == "助動詞-デス" and token.surface not in ("でしょ", "っしょ", "っす", "す"):
        # そこでしている is そこで + している, though the tagger reads でし as です
        return not (
            token.surface == "でし" and [t.surface for t in tokens[i + 1 : i + 3]] in (["て", "いる"], ["て", "い"])
        )
    return _is_polite_request(tokens, i)


def _tail(tokens: Sequence[Token]) -> int:
    """Index behind the last meaningful token: closing marks, laughter and emoji are dropped."""
    end = len(tokens)
    while end and (tokens[end - 1].pos in ("補助記号", "記号", "空白") or tokens[end - 1].surface in _LAUGHTER):
        end -= 1
    return end


@lru_cache(maxsize=8192)
def closing_predicate(sentence: Sentence) -> Predicate:
    """The predicate that closes `sentence`, with its style."""
    tokens = sentence.tokens
    end = _tail(tokens)
    i = end
    while i and _is_final_particle(tokens[i - 1]):
        i -= 1
    finals = tokens[i:end]
    k = i
    seen_polite = literary = False
    while k and _in_chain(tokens[k - 1]):
        k -= 1
        seen_polite = seen_polite or is_polite_at(tokens, k)
        literary = literary or (tokens[k].lemma == "有る" and k > 0 and tokens[k - 1].surface == "で")
    start = tokens[max(k - 1, 0)].start
    close = tokens[end - 1].end if end else sentence.end
    if seen_polite:
        return Predicate("polite", True, start, close, literary)
    if i == 0:
        return Predicate("none", False, start, close, False)
    last = tokens[i - 1]
    if last.pos2 == "接続助詞" and last.surface in ("て", "で", "って"):
        return Predicate("casual", False, start, close, False)
    if last.lemma == "頂戴" and i > 1 and tokens[i - 2].surface in ("て", "で"):  # 見せてちょうだい
        return Predicate("casual", True, start, close, False)
    if _classical_being(tokens, i, end):
        return Predicate("plain", True, start, close, True)
    casual_end = any(token.lemma in _CASUAL_FINALS or token.surface in ("って", "けど", "じゃん") for token in finals)
    unfinished = last.cform.startswith(("連用形", "語幹", "未然形", "仮定形"))
    if last.pos2 == "準体助詞" or (last.pos in ("動詞", "形容詞", "助動詞") and not unfinished):
        explained = any(token.surface == "ん" and token.pos2 == "準体助詞" for token in tokens[k:i])
        soft = last.pos2 == "準体助詞" and all(
            token.surface != "か" for token in finals
        )  # 行くの, but 行くのか is plain
        blunt = explained or soft or last.surface in ("だろ", "でしょ", "っしょ", "っす", "たまえ", "っ")
        asked = any(token.surface[0] in "?？" for token in tokens[end:]) and all(
            token.surface != "か" for token in finals
        )
        style = "casual" if casual_end or blunt or asked else "plain"
        return Predicate(style, _is_full(tokens, i, end), start, close, literary)
    if casual_end and not literary:
        return Predicate("casual", False, start, close, False)
    if [token.surface for token in finals] == ["か"] and any(
        token.surface in ("は", "が", "も") for token in tokens[:i]
    ):
        return Predicate("plain", False, start, close, False)  # これは何か
    return Predicate("none", False, start, close, False)


def _classical_being(tokens: Sequence[Token], i: int, end: int) -> bool:
    """あり that closes a sentence as a classical predicate (風の音あり); the tagger takes it for a noun.

    A note of two words (予約あり) is none.
    """
    return i == end and i > 2 and tokens[i - 1].surface in ("あり", "有り") and tokens[i - 1].lemma in ("有り", "有る")


def _is_full(tokens: Sequence[Token], i: int, end: int) -> bool:
    """Whether the finite predicate whose last token is `i - 1` makes a sentence.

    It does not where it leans on something unsaid (静かな…, 私のは？, 終わるなんて, 何をすべきか without a question
    mark), nor where the speaker wonders to himself (だろうか) or exclaims (one bare adjective): both are heard
    in any company.
    """
    last, finals = tokens[i - 1], tokens[i:end]
    if last.ctype == "助動詞-ダ" and last.cform.startswith("連体形") and last.surface == "な":
        return False
    if any(token.surface in ("は", "なんて", "とは") for token in finals):
        return False
    closed = [token.surface for token in finals]
    if closed == ["か"] and all(token.surface[0] not in "?？" for token in tokens[end:]):
        return False
    if closed == ["か"] and last.cform.startswith("意志推量形"):
        return False
    words = [token for token in tokens[:i] if token.pos not in ("補助記号", "記号", "空白", "感動詞")]
    return not (not finals and words[0].pos == "形容詞" and all(token.pos == "助動詞" for token in words[1:]))


def _is_final_particle(token: Token) -> bool:
    return (
        token.pos2 in ("終助詞", "副助詞", "係助詞", "間投助詞")
        or (token.pos2 == "接続助詞" and token.lemma in _CONJUNCTIVE_FINALS)
        or (token.pos == "助詞" and token.lemma in ("もの", "じゃん"))
        or token.surface in ("べや", "っぺ")
    )


def _in_chain(token: Token) -> bool:
    """Whether a token may belong to the closing predicate behind its main word: auxiliaries and what they lean on."""
    return (
        token.pos == "助動詞"
        or (token.pos in ("動詞", "形容詞") and token.pos2 == "非自立可能")
        or token.pos2 in ("準体助詞", "助動詞語幹")
        or token.pos3 == "助動詞語幹"
        or (token.pos2 == "接続助詞" and token.surface in ("て", "で"))
    )


def _is_polite_request(tokens: Sequence[Token], i: int) -> bool:
    """ください, ごめんなさい, おやすみなさい, いってらっしゃい at `i`: polite without です・ます."""
    token = tokens[i]
    if token.lemma == "下さる" and token.surface in _REQUESTS:
        return True
    if token.surface == "てらっしゃい" and i and tokens[i - 1].lemma == "行く":
        return True
    if token.surface != "なさい" or not i:
        return False
    welcome = i > 1 and tokens[i - 2].lemma == "御" and tokens[i - 1].lemma in _WELCOME
    return welcome or tokens[i - 1].lemma in _POLITE_FIXED


_POLITE_WORDS = {"どうぞ", "如何", "宜しい"}


def has_polite_clause(sentence: Sentence) -> bool:
    """Whether です, ます or a word of polite invitation (どうぞ, いかが) occurs anywhere outside quotation marks."""
    depth = 0
    for i, token in enumerate(sentence.tokens):
        if token.surface in ("「", "『"):
            depth += 1
        elif token.surface in ("」", "』"):
            depth -= 1
        elif depth <= 0 and (is_polite_at(sentence.tokens, i) or token.lemma in _POLITE_WORDS):
            return True
    return False
