"""Role language (役割語): the speech by which fiction marks an old man, a lady, a samurai or a person from Osaka.

A mark is made of whole morphemes: letters inside other words (へん in たいへん, わし in いわし) are none, and a word
is one only in its own part of speech (やがる, not いやがる). Marks that ordinary speech has as well (めっちゃ, or
余は of an essayist) are left out: training text is tagged by these, and a wrong mark costs more than a missed one.
Our choice.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from in2x.language.finding import Finding
from in2x.language.japanese.morphology import Token, tokenise

_MARKS = r"。．！？!?…」』）)♪〜~\n"
_END = rf"(?=[{_MARKS}]|$)"


class Role(NamedTuple):
    """How a role is known."""

    words: str
    """Pattern of a morpheme that no other speech has, with part of speech and conjugation type: "拙者/代名詞 "."""
    phrases: str
    """Pattern in the text, from the start of a morpheme to the end of one."""
    en: str
    ja: str


ROLES = {
    "elder": Role(
        "わし/代名詞 ",
        rf"(?<=\w)(?<!それ)じゃ(?=[のよ]|な(?![いくかしけり])|[。．！!」』\n]|$)|(?<=[誰何だれこそ])じゃ(?=[？?])|じゃろう|のう(?=、)|のう{_END}"
        rf"|(?<=[てで])おる(?:の|{_END})",
        "speech of an old man",
        "老人語",
    ),
    "samurai": Role(
        "(?:拙者|それがし|お主|おぬし)/代名詞 |拙者/名詞 |つかまつ[るりっら]/動詞 .*"
        "|(?:かたじけ(?:ない|なく|のう)|忝い)/形容詞 .*"
        "|(?:ござ|御座)(?:る|っ|ら|れ|ろ)/動詞 .*",
        rf"(?:にて|で)候(?=[。！])|いざ参(?:る|ろう|れ)|御意(?=のまま|にござ|に召|[{_MARKS}]|$)",
        "speech of a samurai",
        "武士言葉",
    ),
    "lady": Role(
        "",
        rf"(?:です|ます|でした|ました|ません)(?:わ|の|のよ|わね|わよ){_END}|ごきげんよう|あそばせ(?=[。！よ」]|$)"
        rf"|ですこと{_END}|よ(?:ろし)?く(?:っ)?てよ{_END}",
        "speech of a lady",
        "お嬢様言葉",
    ),
    "kansai": Role(
        "へん.*/助動詞 助動詞-ヘン",
        rf"おおきに(?=[、{_MARKS}]|$)|まへん(?=[かえなでがわやの、{_MARKS}]|$)|ほんま(?=[にかやのでもす、{_MARKS}]|$)|やねん|やんか{_END}|あかん(?=[わでねなかよや、{_MARKS}]|$)|せや(?=[な、]|から|けど)|なんでや(?:ねん|{_END})"
        rf"|(?<![っいきしちにびみりぎえけせてねへめれん])ちゃう(?:で|ねん|やん){_END}|やで{_END}|どない(?=し|や|なっ|も)|やさかい",
        "Kansai dialect",
        "関西方言",
    ),
    "rural": Role(
        "おら/代名詞 ",
        rf"(?<=[うくぐすつぬぶむるだ])(?<![すな]す)べえ?(?=[さなやよ{_MARKS}]|$)|だんべ[えぇ]?{_END}|っぺ{_END}",
        "rural speech",
        "田舎言葉",
    ),
    "rough": Role(
        "てめ[えぇー]+/代名詞 |貴様/代名詞 |ぶっ殺[さしすせそ]/動詞 .*",
        rf"(?<![をがはもにの、。「]い)やが(?:[るりっ]|れ(?![たて]))|(?:ねえ|ねぇ|ねー|てぇ|てえ)んだよ|くたばれ|ざけんな|だぜ(?=[、，よ{_MARKS}]|$)|じゃね[えぇー]",
        "rough speech",
        "荒い言葉",
    ),
    "sovereign": Role(
        "朕/代名詞 |わらわ/(?:代)?名詞 ",
        "苦しゅうない|大儀であ(?:った|る)|下がってよい|よきにはからえ|余は(?=[^。」]{0,20}(?:じゃ|ぞ[。！」]|命ず|満足))",
        "speech of a sovereign",
        "君主の言葉",
    ),
    "cat": Role(
        "",
        rf"(?<=[だすたるいよう])にゃ[ー～〜ぁあん]*{_END}",
        "speech of a cat",
        "猫の語尾",
    ),
    "classical": Role(
        "",
        "なかれ(?=[。！])|(?<![のに]|て|で)候(?=[。！])",
        "classical style",
        "文語",
    ),
}
"""By the label of the findings; the verb endings of the classical style are told by `_classical`."""
_ROLES = tuple((name, re.compile(role.words), re.compile(role.phrases), role) for name, role in ROLES.items())
_ALONE = re.compile("(?:わし|それがし|おら|わらわ)(?![はがのもをに、]|じゃ)")
"""Words that are marks only with a particle behind them (おら！ is a shout)."""


def role_language(text: str) -> list[Finding]:
    """Marks of role language; the label is the role."""
    tokens = tokenise(text)
    starts, ends = {token.start for token in tokens}, {token.end for token in tokens}
    found = {("classical", *span) for span in _classical(tokens)}
    for name, words, phrases, role in _ROLES:
        if role.words:
            found |= {
                (name, token.start, token.end)
                for token in tokens
                if words.fullmatch(f"{token.surface}/{token.pos} {token.ctype}") and not _ALONE.match(text, token.start)
            }
        for match in phrases.finditer(text):
            if match.start() in starts and match.end() in ends:
                found.add((name, *match.span()))
    return [
        Finding("role", name, start, end, ROLES[name].en, ROLES[name].ja)
        for name, start, end in sorted(_apart(found), key=lambda mark: mark[1:])
    ]


def _apart(found: set[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Marks of one role that lie in one another are one, the longest."""
    return [
        mark
        for mark in found
        if not any(o != mark and o[0] == mark[0] and o[1] <= mark[1] and mark[2] <= o[2] for o in found)
    ]


_CLASSICAL = {"文語助動詞-ナリ-断定", "文語助動詞-ケリ", "文語助動詞-ベシ", "文語助動詞-リ"}


def _classical(tokens: tuple[Token, ...]) -> list[tuple[int, int]]:
    """Classical auxiliaries (なり, けり, べし, せり) that end a sentence; 言いなり and the like are nouns."""
    found = []
    for before, token, behind in zip(tokens, tokens[1:], [*tokens[2:], None], strict=False):
        closes = behind is None or behind.surface in ("。", "！")
        noun = token.surface == "なり" and before.cform.startswith("連用形")
        if closes and token.ctype in _CLASSICAL and token.cform.startswith("終止形") and not noun:
            found.append((token.start, token.end))
    return found
