"""Japanese, simplified and traditional Chinese told apart, by kana and by the characters that only one writes.

The national character sets say which those are (GB 2312, Big5, JIS X 0208); common Chinese words help where a stretch
holds only characters that all share. Japanese of kanji alone (a heading, a name of an office) is never called Chinese
for a 的, 了, 是, 被 or 那 in it: Japanese writes them in compounds.
"""

from __future__ import annotations

import re
from functools import lru_cache

from in2x.language.model import log_chance
from in2x.language.script import HAN, HIRAGANA, KATAKANA

_HAN = re.compile(f"[{HAN}]")
_HIRAGANA = re.compile(f"[{HIRAGANA}]")
_KATAKANA = re.compile(f"[{KATAKANA}]")
_STRETCH = re.compile(rf"[{HAN}][{HAN}\W\d]*")
"""Han without kana or Latin letters between."""

LIMIT = 1.4
"""Signs of Chinese (a character or word of its own counts one) that a stretch of a Japanese text must show."""
BARE_LIMIT = 0.9
"""The same in a text without any kana."""

_CHINESE_WORDS = re.compile(
    "[你您她们們吗嗎呢吧啊哦呀啦这這哪很没么麼谁誰怎]|什么|什麼|[我他][的们們是在不有想要会會就说說也都]|不是|就是|也是|都是|"
    "一[个個]|因[为為]|所以|但是|可以|已[经經]|自己的|的[时時]候|[没沒]有|知道|不会|不會|[觉覺]得|我[的们們]|[来來]了|了[吗嗎吧]"
)
_CHINESE_HINTS = re.compile("(?<![終完修満校読投魅])[了](?![解承知])|[是](?![正非認])|[我他在不也都就和有给給说說](?![々])|的(?=[^々])")
_JAPANESE_FORMS = re.compile("[々〆込働畑峠辻匂枠栃円図対応実験変戻広売駅渋経済発関黒歩帰気読払桜]")


def _encodable(char: str, codec: str) -> bool:
    try:
        char.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=1 << 15)
def sides(char: str) -> str:
    """Where a Han character belongs: "s" simplified alone, "t" traditional alone, "j" Japanese alone, else ""."""
    simplified, traditional = _encodable(char, "gb2312"), _encodable(char, "big5")
    japanese = _encodable(char, "iso2022_jp")
    if simplified and not traditional and not japanese:
        return "s"
    if japanese and not simplified and not traditional:
        return "j"
    if traditional and not simplified:
        return "t"  # Japanese may write it too, in old spellings and names
    return ""


def chinese_strays(text: str) -> list[tuple[int, int]]:
    """Stretches of a Japanese text that are Chinese: Han without kana that speaks Chinese."""
    bare = not (_HIRAGANA.search(text) or _KATAKANA.search(text))
    found = []
    for match in _STRETCH.finditer(text):
        stretch = match[0].rstrip()
        han = len(_HAN.findall(stretch))
        if han < (2 if bare else 3):
            continue
        only = sum(_chinese_only(char) for char in stretch)
        strong, hints = len(_CHINESE_WORDS.findall(stretch)), len(_CHINESE_HINTS.findall(stretch))
        score = only * (1.5 if bare else 1.0) + strong + 0.4 * hints - 0.7 * len(_JAPANESE_FORMS.findall(stretch))
        if (han >= 6 or bare) and score > 0:
            score += 0.25 * max(-4.0, min(4.0, log_chance(stretch, "zh") - log_chance(stretch, "ja")))
        if score >= (BARE_LIMIT if bare else LIMIT):
            found.append((match.start(), match.start() + len(stretch)))
    return found


@lru_cache(maxsize=1 << 15)
def _chinese_only(char: str) -> bool:
    """A Han character of the Chinese sets that no Japanese one has (the code page knows the letters of names too)."""
    return not _encodable(char, "cp932") and (_encodable(char, "gb2312") or _encodable(char, "big5"))


def japanese_strays(text: str) -> list[tuple[int, int]]:
    """Stretches of a Chinese text that are Japanese: clauses with hiragana; a katakana name is none."""
    found = []
    for match in re.finditer(rf"[{HAN}{HIRAGANA}{KATAKANA}]+", text):
        clause = match[0]
        hiragana = len(_HIRAGANA.findall(clause))
        kana = hiragana + len(_KATAKANA.findall(clause))
        runs = [run for run in re.finditer(f"[{HIRAGANA}]+", clause) if run[0] != "の"]
        if runs and (hiragana >= 3 or (hiragana >= 2 and (len(runs) >= 2 or kana >= 5))):
            found.append((match.start() + (0 if kana > 0.25 * len(clause) else runs[0].start()), match.end()))
    return found


def written_otherwise(text: str, script: str) -> list[tuple[int, int]]:
    """Clauses of a Chinese text in the other writing: traditional in simplified ("Hans") text, or the reverse.

    Two characters that only the other one writes, and more of them than of one's own: a name may keep its spelling.
    Japanese forms are neither.
    """
    wrong, right = ("t", "s") if script == "Hans" else ("s", "t")
    found = []
    for match in re.finditer(rf"[{HAN}]+", text):
        kinds = [sides(char) for char in match[0]]
        strange = kinds.count(wrong) + kinds.count("j")
        if strange >= 2 and strange > kinds.count(right):
            found.append((match.start(), match.end()))
    return found
