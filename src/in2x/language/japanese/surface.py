"""The surface of a Japanese text: residue of another language, ruby, punctuation, numbers, onomatopoeia."""

from __future__ import annotations

import re

from in2x.language.finding import Finding
from in2x.language.japanese.morphology import tokenise
from in2x.language.script import simplified_only

_LATIN = re.compile(r"[A-Za-zＡ-Ｚａ-ｚ\u00c0-\u024f][A-Za-zＡ-Ｚａ-ｚ\u00c0-\u024f'’-]*")
_HANGUL = re.compile(r"[\uac00-\ud7a3\u1100-\u11ff]+")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]{2,}")
_ABBREVIATION = re.compile(r"[A-ZＡ-Ｚ]{1,6}s?$|(?:www|https?|com|jp|cm|mm|km|kg|ml|GB|MB|Hz|pH|ok|OK|px)$")


def residue(text: str, source: str | None = None) -> list[Finding]:
    """What looks untranslated: Latin words (in `source`, where it is given), simplified Chinese, Hangul, Cyrillic.

    Acronyms, units and, with a source, Latin words that it does not hold are left alone.
    """
    found = []
    for match in _LATIN.finditer(text):
        word = match[0]
        if len(word) < 3 or word.isupper() or _ABBREVIATION.fullmatch(word):
            continue
        if source is not None and not re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", source):
            continue
        kind = "word" if word.islower() else "name"
        en, ja = f"{word!r} stands in Latin letters", f"「{word}」が欧文のまま残っている"
        found.append(Finding("residue", f"latin {kind}", match.start(), match.end(), en, ja))
    for char in sorted(set(simplified_only(text))):
        for match in re.finditer(char, text):
            found.append(Finding("residue", "simplified Chinese", match.start(), match.end(),
                                 f"{char} is a simplified Chinese character", f"「{char}」は簡体字"))  # fmt: skip
    for pattern, label, ja in ((_HANGUL, "Hangul", "ハングル"), (_CYRILLIC, "Cyrillic", "キリル文字")):
        for match in pattern.finditer(text):
            found.append(Finding("residue", label, match.start(), match.end(), f"{label} letters", f"{ja}が残っている"))
    return sorted(found, key=lambda finding: finding.start)


_RUBY = re.compile(
    r"｜(?P<base1>[^《》｜\n]++)《(?P<ruby1>[^《》\n]+)》"
    r"|(?<![\u3400-\u9fff々〆ヶ])(?P<base2>[\u3400-\u9fff々〆ヶ]+)《(?P<ruby2>[^《》\n]+)》"
    r"|<ruby>(?P<base3>[^<]+)(?:<rp>[^<]*</rp>)?<rt>(?P<ruby3>[^<]+)</rt>(?:<rp>[^<]*</rp>)?</ruby>"
    r"|(?<![\u3400-\u9fff々])(?P<base4>[\u3400-\u9fff々]+)[（(](?P<ruby4>[ぁ-ゖー]+)[）)]"
)


def ruby(text: str) -> list[Finding]:
    """Readings: ｜漢字《かんじ》, 漢字《かんじ》, <ruby>, 漢字（かんじ）. The label of a finding is the reading."""
    found = []
    for match in _RUBY.finditer(text):
        base = next(match[f"base{i}"] for i in range(1, 5) if match[f"base{i}"])
        reading = next(match[f"ruby{i}"] for i in range(1, 5) if match[f"ruby{i}"])
        found.append(
            Finding(
                "ruby", reading, match.start(), match.end(), f"{base} is read {reading}", f"{base}の読みは{reading}"
            )
        )
    return found


_JA = "ぁ-んァ-ヶ一-龥"
_PUNCTUATION: tuple[tuple[str, str, str, str], ...] = (
    (
        "half-width comma",
        rf"(?<=[{_JA}]),",
        "use 、 in Japanese text",
        "和文では読点「、」を使う",
    ),
    (
        "half-width stop",
        rf"(?<=[{_JA}])\.(?![\w.])",
        "use 。 in Japanese text",
        "和文では句点「。」を使う",
    ),
    (
        "straight quotes",
        rf"(?<=[{_JA}、。])[\"“][^\"”\n]{{1,60}}[\"”]|^[\"“][{_JA}][^\"”\n]{{0,60}}[\"”]",
        "use 「」 for quotations",
        "引用には「」を使う",
    ),
    (
        "stop before a closing quote",
        r"。(?=[」』])",
        "Japanese prose leaves 。 out before 」",
        "閉じ括弧の前の句点は省く",
    ),
    (
        "no space after a mark",
        rf"[！？](?=[{_JA}])",
        "a full space follows ！ or ？ inside a line",
        "文中の！？の後は全角空ける",
    ),
    (
        "doubled stop",
        r"。{2,}|、{2,}",
        "doubled mark",
        "句読点の重複",
    ),
    (
        "three dots",
        r"(?<![.…・])(?:\.{3}|・{3})(?![.…・])",
        "use …… for an ellipsis",
        "省略は「……」とする",
    ),
    (
        "single ellipsis",
        r"(?<!…)…(?!…)",
        "an ellipsis is two characters: ……",
        "三点リーダーは二つ重ねる",
    ),
    (
        "hyphen for a dash",
        rf"(?<=[{_JA}])\s?--+\s?(?=[{_JA}])",
        "use ―― for a dash",
        "ダッシュは「――」とする",
    ),
    (
        "space inside Japanese",
        r"(?<=[ぁ-ん]) (?=[ぁ-ん])",
        "no spaces between words",
        "分かち書きをしない",
    ),
)
_MARKS = tuple((label, re.compile(pattern, re.M), en, ja) for label, pattern, en, ja in _PUNCTUATION)


def punctuation(text: str) -> list[Finding]:
    """Breaks of the conventions of Japanese typesetting for prose."""
    return sorted(
        (
            Finding("punctuation", label, match.start(), match.end(), en, ja)
            for label, pattern, en, ja in _MARKS
            for match in pattern.finditer(text)
        ),
        key=lambda finding: finding.start,
    )


_NUMERALS = (
    ("full-width digits", re.compile(r"[０-９][０-９，．]*"), "full-width digits", "全角数字"),
    ("digits", re.compile(r"[0-9][0-9,.]*[0-9]|[0-9]"), "half-width digits", "半角数字"),
    ("kanji numerals",
     re.compile(r"[〇一二三四五六七八九十百千万億兆]{2,}|[二三四五六七八九十百千](?=[人本個年月日時分秒円歳回枚匹つ])"),
     "kanji numerals", "漢数字"),
)  # fmt: skip


def numerals(text: str) -> list[Finding]:
    """Numbers by the script they are written in; the label is the script."""
    return sorted(
        (
            Finding("number", label, match.start(), match.end(), f"{match[0]} in {en}", f"{match[0]}は{ja}")
            for label, pattern, en, ja in _NUMERALS
            for match in pattern.finditer(text)
        ),
        key=lambda finding: finding.start,
    )


_KANA = "[ぁ-んァ-ヶ]"
_REDUPLICATED = re.compile(
    rf"^(?:({_KANA}{{2,3}}ー?)\1|({_KANA}ー)\2|{_KANA}ー[んンっッ]と?|{_KANA}[っッんン]{_KANA}[りリ]|{_KANA}{{2}}(?:っ|ッ|ん|ン|り|リ)"
    rf"|{_KANA}{{1,3}}[っッ])$"
)
_ADVERB = re.compile(
    rf"^(?:{_KANA}{{1,4}}ー?[んン]|{_KANA}{{1,3}}[っッ]と|{_KANA}[ゃゅょャュョ]?({_KANA}[ゃゅょャュョ]?){_KANA}[ゃゅょャュョ]?\1)$"
)
"""Shapes that only adverbs have: がちゃん, ほっと, どたばた."""
_STILL = re.compile(r"[しシ]ー+[んン](?:と(?=[し静すな黙])|(?=[…。！]))")
"""しーん, which the dictionary lacks or takes for a scene."""
_PLAIN_ADVERBS = re.compile(
    r"^(?:いろいろ|ますます|なかなか|もともと|それぞれ|たびたび|ときどき|しばしば|そろそろ|わざわざ|だんだん|まだまだ|いよいよ|いちいち|たまたま"
    r"|とうとう|みなみな|いまいま|あまり|つまり|やはり|かなり|やっぱり|ばかり|きっと|もっと|ずっと|ちょっと|やっと|あらっ|さっき|まった|なるほど"
    r"|ひとり|ふたり|とおり|はじめ|すなわち|ほとん|もちろん|たぶん|かわり|おわり|まわり|つもり|よほど|ものもの|ところどころ)"
)


def onomatopoeia(text: str) -> list[Finding]:
    """Mimetic words (ドキドキ, しとしと, ぐっすり, きらり): adverbs and する-nouns of mimetic shape."""
    found = [
        Finding("onomatopoeia", still[0], *still.span(), "mimetic word", "擬音語・擬態語")
        for still in _STILL.finditer(text)
    ]
    for token in tokenise(text):
        if any(finding.start <= token.start < finding.end for finding in found):
            continue
        own = token.pos == "副詞" and _ADVERB.match(token.surface) and not re.search("[一-龥]", token.lemma)
        shaped = (own or _REDUPLICATED.match(token.surface)) and not _PLAIN_ADVERBS.match(token.lemma + token.surface)
        if (
            shaped
            and not _PLAIN_ADVERBS.match(token.surface)
            and token.pos in ("副詞", "名詞", "形状詞")
            and token.pos2 != "固有名詞"
        ):
            known = (
                token.pos == "副詞" or re.match(r"([ぁ-んァ-ヶ]{2})\1", token.surface) or token.surface == token.lemma
            )
            if known:
                found.append(
                    Finding("onomatopoeia", token.surface, token.start, token.end, "mimetic word", "擬音語・擬態語")
                )
    return sorted(found, key=lambda finding: finding.start)
