"""Whether an answer speaks of what its item speaks of: a guard against fluent answers to another question.

Register, slang, voice and forms of address are checked by form, and form alone would let a polite sentence about
anything pass. So in these an answer must share at least one content word (by UniDic lemma, so kana and kanji alike)
with the good renderings of its item. That is little on purpose: it is to catch another meaning, not another wording.
Items whose good renderings share no content word with each other show that none can be asked for; they are not guarded
so, and carry an "any" check of their own where they need one.
"""

from __future__ import annotations

from functools import lru_cache

from in2x.evaluate.express.item import Item
from in2x.language.japanese import tokenise

GUARDED = ("register", "slang", "voice", "address")
"""Phenomena whose other checks are of form."""
CONTENT = ("名詞", "動詞", "形容詞", "形状詞", "副詞", "感動詞")
LIGHT = frozenset({
    "為る", "居る", "有る", "御座る", "成る", "言う", "下さる", "頂く", "致す", "申す", "呉れる", "貰う", "遣る",
    "出来る", "無い", "良い", "いらっしゃる", "過ぎる", "事", "物", "者", "所", "時", "方", "様", "上", "此れ", "其れ",
    "彼れ", "何", "誰", "一", "二", "三", "もう", "又", "本当", "今", "さん", "どうぞ", "真",
})  # fmt: skip
"""Lemmas that stand in sentences about anything."""


@lru_cache(maxsize=1 << 13)
def content_words(text: str) -> frozenset[str]:
    """Lemmas of nouns, verbs, adjectives, adverbs and interjections, without light ones."""
    return frozenset(t.lemma for t in tokenise(text) if t.pos in CONTENT and t.lemma not in LIGHT)


@lru_cache(maxsize=1 << 11)
def expected(item: Item) -> frozenset[str]:
    """Content words of the good renderings; empty where the item is not guarded."""
    if item.phenomenon not in GUARDED:
        return frozenset()
    words = [content_words(text) for text in item.natural]
    for place, mine in enumerate(words):
        others = frozenset().union(*words[:place], *words[place + 1 :])
        if not mine & others:
            return frozenset()
    return frozenset().union(*words)


def on_topic(item: Item, answer: str) -> bool:
    """Whether the answer shares a content word with the good renderings; true where the item is not guarded."""
    wanted = expected(item)
    return not wanted or bool(wanted & content_words(answer))
