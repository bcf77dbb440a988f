"""Whether Japanese text affirms or denies what stands at a place in it: 行った affirms, 行かなかった denies.

The place is followed to the predicate that governs it and to that predicate's end, and the negators on the way are
counted: two of them affirm (行かなければならない, 来ないはずがない). Forms that only look negative affirm
(かもしれない, 行くしかない, いいじゃない？, 行かなきゃ). Rules of our own over UniDic morphemes; what they leave out:
irony, and denial by another word (断った for 行かなかった).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from in2x.language.japanese.morphology import Token, tokenise

_BREAKS = frozenset("。．！？!?、，,；;：:\n「」『』（）()…")
_JOINS = frozenset({"が", "けど", "けれど", "から", "ので", "し", "ながら", "つつ"})
"""Surfaces of conjunctive particles that end a clause."""
_HELPERS = frozenset({"居る", "有る", "置く", "仕舞う", "呉れる", "貰う", "下さる", "頂く", "見る", "行く", "来る",
                      "上げる", "良い", "駄目", "いけない", "成る", "欲しい", "遣る", "見せる"})  # fmt: skip
"""What goes on with a predicate behind て: 知って|いない denies 知る."""
_NEGATORS = frozenset({"ない", "ず", "まい", "へん", "無い", "無し", "不可", "無理", "無用"})
_ENTRIES = frozenset({"動詞", "形容詞", "形状詞", "助動詞"})
_AFFIRMS = re.compile(
    r"か(?:も|と)?(?:知れ|しれ)(?:な[いくか]|ません|ん|ねえ)"  # perhaps
    r"|しか(?:ない|ありません|ねえ)|ほかない|他ない"  # nothing but
    r"|に(?:違い|ちがい|相違)(?:ない|ありません|ねえ)|に(?:過ぎ|すぎ)(?:ない|ません|ず|ん)"
    r"|(?:間違い|まちがい)(?:ない|なく|ありません)"
    r"|(?:申し訳|申しわけ|もうしわけ)が?(?:ない|なく|ありません|ございません|ねえ)"
    r"|(?:仕方|しかた|しょうが|しょうも)が?(?:ない|なく|ありません|ねえ)"
    r"|(?:構わ|かまわ)(?:ない|ん|ねえ|ず)|(?:構い|かまい)ません|(?:済み|すみ)ません|すいません|(?:済ま|すま)(?:ない|ん|ねえ)"
    r"|のみなら?ず|だけで(?:は|じゃ)?なく|ばかりか|(?:思わ|おもわ|絶え|必|相変わら|あいかわら|かなら)ず|少なからず"
    r"|(?:じゃ|では|く)(?:ない|ありません|ねえ)(?:です)?(?:か|の)?[?？]|(?:じゃ|では)(?:ないか|ないの|ありませんか|ねえか|ねえの)"
    r"|(?:せ|ませ|し|られ|れ|け|え|て|ね|べ|め)んか[?？。]"  # 来ませんか
    r"|な(?:きゃ|くちゃ|けりゃ)(?!なら|いけ|だめ|ダメ|駄目)"  # must, with its end left out
    r"|ないと(?=[。！!、]|$|ね|さ|な)"
    r"|(?:ない|ません)かな(?:あ|ぁ)?|(?:ない|ん)かい?[?？]"
)
"""Looks like a denial and is none."""


def denied(text: str, start: int, end: int) -> bool:
    """Whether what stands at `text[start:end]` is denied: an odd number of negators on the way to its predicate's end.

    Args:
        text: Japanese.
        start: offset of the first character.
        end: offset behind the last one.
    """
    tokens = tokenise(text)
    first = next((i for i, token in enumerate(tokens) if token.end > start), None)
    if first is None:
        return False
    harmless = [match.span() for match in _AFFIRMS.finditer(text)]
    count, governed = 0, False
    for at in range(first, len(tokens)):
        token = tokens[at]
        inside = token.start < end
        if not inside and _ends(tokens, at, governed):
            break
        governed = governed or token.pos in _ENTRIES
        # an expression that was itself found negative (仕方ない, 知らん) is what it is
        if inside or any(a <= token.start < b for a, b in harmless):
            continue
        count += _negates(tokens, at)
    return count % 2 == 1


def _negates(tokens: Sequence[Token], at: int) -> bool:
    token = tokens[at]
    if token.lemma in _NEGATORS:
        return not (token.lemma == "無い" and token.pos == "動詞")
    if token.surface in ("どころ", "もん", "もの") and at + 1 < len(tokens) and tokens[at + 1].surface == "か":
        return True
    # 行くな: the prohibition follows a verb's dictionary form; いいな and 行ったな are none
    return (
        token.surface == "な"
        and token.pos2 == "終助詞"
        and at > 0
        and tokens[at - 1].pos == "動詞"
        and tokens[at - 1].cform.startswith("終止形")
    )


def _ends(tokens: Sequence[Token], at: int, governed: bool) -> bool:
    """Whether the clause is over before this token; without a predicate yet, only a full stop ends it."""
    token = tokens[at]
    if token.surface[0] in _BREAKS:
        return governed or token.surface[0] not in "、，,"
    if not governed:
        return False
    if token.pos2 == "接続助詞" and token.surface in _JOINS:
        return True
    if token.lemma == "て" and token.pos2 == "接続助詞":
        rest = [t for t in tokens[at + 1 : at + 3] if t.pos2 not in ("係助詞", "副助詞")]
        return not rest or not (rest[0].lemma in _HELPERS or rest[0].lemma in _NEGATORS)
    # a new noun opens another phrase
    return token.pos in ("名詞", "代名詞") and token.lemma not in _FORMAL and not _nominal(tokens, at)


_FORMAL = frozenset({"訳", "筈", "事", "物", "の", "気", "つもり", "積もり", "様", "所", "場合", "必要", "無し", "無理",
                     "不可", "無用", "予定", "方", "為", "儘", "恐れ", "心配"})  # fmt: skip
"""Nouns that carry a predicate on: 行く|わけ|が|ない."""


def _nominal(tokens: Sequence[Token], at: int) -> bool:
    """Whether this noun is governed together with the one before it: キャンセル|料, 休み|の|予定."""
    before = tokens[at - 1] if at else None
    return before is not None and (before.pos in ("名詞", "接頭辞", "接尾辞") or before.surface == "の")
