"""How polite a Japanese segment is: the class of its highest honorific form, and one number to rank segments by."""

from __future__ import annotations

import re
from functools import lru_cache

from in2x.language.japanese.keigo import Keigo, keigo
from in2x.language.japanese.morphology import sentences, tokenise
from in2x.language.japanese.register import has_casual_marks, votes

KEIGO_CLASSES = ("sonkei", "kenjou", "teinei", "none")
"""尊敬語, 謙譲語, 丁寧語, none."""

_RECEIVED = ("いただ", "頂")


def _raises_the_other(form: Keigo) -> bool:
    """尊敬語; 〜いただく・くださる, which speak of what the other does; ございます, the highest courtesy."""
    return form.kind == "sonkei" or form.rule == "ございます" or any(part in form.rule for part in _RECEIVED)


_ORDER = "お〜なさい"
"""From なさる, so 尊敬語 by its class, though an order or a greeting by its use."""
_FAMILIAR = {"ちょうだい", "頂戴", "いただく", "頂く", "戴く"}
"""Humble verbs that plain speech uses for asking, eating and taking: 来てちょうだい, ひとついただくよ."""


@lru_cache(maxsize=8192)
def keigo_class(text: str) -> str:
    """The class of a segment: "sonkei" | "kenjou" | "teinei" | "none".

    Verb forms decide before nouns, and among either a form that raises the other (尊敬語) before one that lowers
    oneself (謙譲語): お荷物をお持ちします is humble though お荷物 raises. Without such a form です・ます makes 丁寧語.
    In a segment that is not polite only verb forms count, familiar ones apart.
    """
    vote = votes(text)
    polite = vote.polite > 0 and vote.polite >= vote.informal
    counted = [
        form for form in keigo(text) if polite or form.rule == _ORDER or (form.strong and form.rule not in _FAMILIAR)
    ]
    own = [form for form in counted if form.strong and not _raises_the_other(form)]
    others = [form for form in counted if _raises_the_other(form)]
    if any(form.kind == "sonkei" and (form.strong or form.rule == _ORDER) for form in others):
        return "sonkei"
    if own:
        return "kenjou"
    if others:
        return "sonkei"
    if counted:
        return "kenjou"
    return "teinei" if polite else "none"


_POLITE_PLACES = {"こちら", "そちら", "あちら", "どちら", "どなた"}


def deference(text: str) -> int:
    """How many kinds of deference other than keigo verbs a segment shows, 0 to 5.

    The kinds: a noun with お or ご that raises the other, 様, こちら for これ, よろしい or いかが, and the indirect
    question でしょうか. Two of them make です・ます speech honorific in tone (こちらのお品はいかがでしょうか).
    """
    tokens = tokenise(text)
    kinds = {"noun" for form in keigo(text) if not form.strong}
    for i, token in enumerate(tokens):
        if token.surface in _POLITE_PLACES:
            kinds.add("place")
        elif token.lemma == "様" and token.pos == "接尾辞":
            kinds.add("title")
        elif token.lemma in ("宜しい", "如何"):
            kinds.add("word")
        elif token.surface == "でしょう" and [t.surface for t in tokens[i + 1 : i + 2]] == ["か"]:
            kinds.add("question")
    return len(kinds)


_LIGHT = {"お〜できる", "お＋名詞する", "お＋名詞です"}
"""Honorific by grammar, yet heard as little more than です・ます (お手伝いします): they weigh like a noun with お."""
_GENTLE = {_ORDER, "ちょうだい", "頂戴"}
"""No honorific speech (見せてちょうだい, お座りなさい), yet gentler than an imperative: they weigh like a verb form."""


_HIGH = re.compile(
    "ございます|存|申し?上げ|申しあげ|いらっしゃ|いらしゃ|おっしゃ|いたす|致す|参る|まいる|お〜される|お〜なさる|なされる|おります"
    "|伺う|承る|拝|願う|お目に"
)
"""Forms of the highest courtesy, of announcements, letters and service."""
_USUAL = re.compile("^(?:お〜する|お＋|お〜です|いただく|頂く)|(?:くださる|なさる)$")
"""Forms of everyday courtesy."""
_FORMAL_WORDS = {
    "本日", "昨日", "明日", "先日", "先程", "後程", "誠", "恐縮", "恐れ入る", "申し訳", "何卒", "少々", "生憎", "早速",
    "失礼", "何方", "御覧", "皆", "方", "如何", "宜しい", "此の度", "私", "大変", "只今", "暫く", "僅か", "幸い",
}  # fmt: skip
"""Lemmas of 改まり語: what formal speech says for everyday words (本日 for 今日)."""


@lru_cache(maxsize=8192)
def politeness(text: str) -> float:
    """A number that grows with politeness: below 1 plain or casual, 1 to 2 です・ます, above 2 honorific (our choice).

    Within a band it grows with the number of honorific forms, with those of the highest courtesy among them, and with
    formal vocabulary; it falls with marks of casual speech.
    """
    vote = votes(text)
    total = vote.polite + vote.informal
    polite = vote.polite / total if total else 0.0
    forms = keigo(text)
    strong = [form for form in forms if (form.strong or form.rule in _GENTLE) and form.rule not in _LIGHT]
    weak = len(forms) - len(strong)
    marks = any(has_casual_marks(sentence) for sentence in sentences(text))
    formal = len({token.lemma for token in tokenise(text)} & _FORMAL_WORDS) + (deference(text) >= 2)
    if not strong:
        if polite < 0.5:
            return 0.2 + 0.2 * min(weak, 2) + 0.2 * polite - 0.1 * (vote.casual > 0) - 0.05 * marks
        return 1.0 + 0.3 * min(weak, 2) + 0.15 * min(formal, 2) - 0.1 * marks
    high = sum(_HIGH.search(form.rule) is not None for form in strong)
    score = 2.0 + 0.4 * min(len(strong) - 1, 3) + 0.15 * min(weak, 3) + 0.3 * min(high, 3) + 0.1 * min(formal, 3)
    usual = all(_USUAL.search(form.rule) for form in strong)
    return score - 0.15 * usual - 0.6 * (1 - polite) - 0.2 * marks
