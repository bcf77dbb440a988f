"""Japanese, simplified and traditional Chinese told apart, by kana and by the characters that only one writes.

The national character sets say which those are (GB 2312, Big5, JIS X 0208); common Chinese words help where a stretch
holds only characters that all share. Japanese of kanji alone (a heading, a name of an office) is never called Chinese
for a 的, 了, 是, 被 or 那 in it: Japanese writes them in compounds.
"""

from __future__ import annotations

import re
from functools import lru_cache

from in2x.language.han_words import CHINESE_WORDS, FUNCTION, HALF_FUNCTION, JAPANESE_WORDS
from in2x.language.model import log_chance
from in2x.language.script import HAN, HIRAGANA, KATAKANA, encodable
from in2x.language.unidic import rows

_HAN = re.compile(f"[{HAN}]")
_HIRAGANA = re.compile(f"[{HIRAGANA}]")
_KATAKANA = re.compile(f"[{KATAKANA}]")
_NAME = re.compile(rf"[{HAN}]+[（(]$")
_PARTICLE = re.compile(rf"[{HAN}）」』][はをがでへも](?:$|[{HAN}])")
_STRETCH = re.compile(rf"[{HAN}][{HAN}\W\d]*")
"""Han without kana or Latin letters between."""

LIMIT = 0.95
"""Signs of Chinese (a character or word of its own counts one) that a stretch of a Japanese text must show."""
BARE_LIMIT = 0.8
"""The same in a text without any kana."""
EXPECTED = 0.2
"""How much less is asked where strays are expected to be Chinese (the source of a translation is)."""

_CHINESE_WORDS = re.compile(
    "[个从你您她们們吗嗎呢吧啊哦呀啦这這哪很没么麼谁誰怎]|什么|什麼|[我他][的们們是在不有想要会會就说說也都]|不是|就是|也是|都是|"
    "一[个個]|因[为為]|所以|但是|可以|已[经經]|自己的|的[时時]候|[没沒]有|知道|不会|不會|[觉覺]得|我[的们們]|[来來]了|了[吗嗎吧]|"
    "[谢謝]{2}|[请請][问問]|[早晚]安|[没沒][关關][系係]|[对對]不起|恭喜|今天|明天|昨天|喜[欢歡]|漂亮|[难難]得|而且|[虽雖]然"
)
_CHINESE_HINTS = re.compile(
    "(?<![終完修満校読投魅])[了](?![解承知])|[是](?![正非認])|[我他在不也都就和有给給说說](?![々])|的(?=[^々])"
)
_JAPANESE_FORMS = re.compile("[々〆込働畑峠辻匂枠栃円図対応実験変戻広売駅渋経済発関黒歩帰気読払桜営届帳択沢様]")


@lru_cache(maxsize=1 << 15)
def sides(char: str) -> str:
    """Where a Han character belongs: "s" simplified alone, "t" traditional alone, "j" Japanese alone, else ""."""
    simplified, traditional = encodable(char, "gb2312"), encodable(char, "big5")
    japanese = encodable(char, "iso2022_jp")
    if simplified and not traditional and not japanese:
        return "s"
    if japanese and not simplified and not traditional:
        return "j"
    if traditional and not simplified:
        return "t"  # Japanese may write it too, in old spellings and names
    return ""


def _chinese_signs(stretch: str, bare: bool) -> float:
    """How much a stretch of Han speaks Chinese rather than Japanese; `bare`: nothing around it has kana."""
    size = len(_HAN.findall(stretch))
    only = sum(_chinese_only(char) for char in stretch)
    usual = sum(_usual(char) for char in stretch)
    strong = len(_CHINESE_WORDS.findall(stretch))
    hints = len(_CHINESE_HINTS.findall(JAPANESE_WORDS.sub("・", stretch)))
    score = (
        only * (1.5 if bare else 1.0) + strong + 0.4 * hints + 0.6 * usual - 0.7 * len(_JAPANESE_FORMS.findall(stretch))
    )
    if size >= 4 and stretch[-1] in "。！？":
        score += 0.6 if bare else 0.3  # a Japanese sentence hardly ends without kana
    if size >= 5 or (bare and (score > 0 or size >= 4)):
        score += 0.25 * _odds(stretch)
    return score


def _strayness(stretch: str) -> float:
    """How much a stretch of Han between kana speaks Chinese.

    Kango are taken out before the words of Chinese grammar are counted: 的, 会 and 在 stand in many of them. The model
    takes any Han for Chinese, so it has little to say.
    """
    size = len(_HAN.findall(stretch))
    only = sum(1.2 if sides(char) == "s" else 0.7 for char in stretch if _chinese_only(char))
    rest, kango = JAPANESE_WORDS.subn("・", stretch)
    grammar = 0.4 * len(FUNCTION.findall(rest)) + 0.15 * len(HALF_FUNCTION.findall(rest))
    words = 0.6 * len(CHINESE_WORDS.findall(rest)) + 0.6 * len(_CHINESE_WORDS.findall(rest))
    score = only + words + grammar
    # 〜的 ends a Japanese adjective too: it only adds to what else speaks Chinese
    score += (0.4 if score > 0.3 else 0.1) * rest.count("的")
    score += sum(0.5 if _usual(char) > 0 else -0.2 for char in stretch if _usual(char))
    score -= 0.25 * kango + 0.7 * len(_JAPANESE_FORMS.findall(stretch))
    if size >= 4 and stretch[-1] in "。！？":
        score += 0.5
    if size >= 5:
        score += 0.15 * max(-2.0, min(3.0, _odds(stretch)))
    return score


@lru_cache(maxsize=1 << 15)
def _usual(char: str) -> int:
    """1 for a character that is usual in Chinese and rare in Japanese, -1 for the reverse, else 0.

    The first levels of GB 2312 and JIS X 0208 are the characters that the standards held to be usual.
    """
    if _chinese_only(char) or not _HAN.match(char):
        return 0
    chinese, japanese = char.encode("gb2312", "ignore"), char.encode("euc_jp", "ignore")
    usual_chinese = len(chinese) == 2 and 0xB0 <= chinese[0] <= 0xD7
    usual_japanese = len(japanese) == 2 and 0xB0 <= japanese[0] <= 0xCF
    return int(usual_chinese) - int(usual_japanese) if usual_chinese != usual_japanese else 0


def _odds(text: str) -> float:
    """Log odds of Chinese against Japanese by the model, up to 5 either way."""
    return max(-5.0, min(5.0, log_chance(text, "zh") - log_chance(text, "ja")))


def chinese_strays(text: str, expected: bool = False) -> list[tuple[int, int]]:
    """Stretches of a Japanese text that are Chinese: Han without kana that speaks Chinese."""
    bare = not (_HIRAGANA.search(text) or _KATAKANA.search(text))
    limit = (BARE_LIMIT if bare else LIMIT) - (EXPECTED if expected else 0.0)
    found = []
    for match in _STRETCH.finditer(text):
        stretch = match[0].rstrip()
        if stretch[-1] in "（(" and _KATAKANA.match(text, match.end()):
            stretch = _NAME.sub("", stretch)  # a name, and how it is read
        if len(_HAN.findall(stretch)) < (2 if bare else 3):
            continue
        signs = _strayness(stretch)
        if bare:
            signs = max(signs, _chinese_signs(stretch, bare))
        if signs >= limit:
            found.append((match.start(), match.start() + len(stretch)))
    return found


def speaks_chinese(text: str) -> bool:
    """Whether a text of Han, or one that quotes a little Japanese, shows that it is Chinese."""
    signs = _chinese_signs(text, True)
    return signs >= BARE_LIMIT and _unlike_japanese(text, signs) >= _CHINESE


def quoting_kana(text: str) -> str:
    """ "zh" or "ja" for a text of Han alone that stands around kana in quotation marks: a sentence of it is Chinese."""
    if _JAPANESE_FORMS.search(text):
        return "ja"
    return "zh" if len(_HAN.findall(text)) >= 8 else without_kana(text) or "ja"


_CHINESE, _JAPANESE = 1.5, -0.5
"""From where `_unlike_japanese` says Chinese, and up to where Japanese (fitted to lines of either)."""


def without_kana(text: str) -> str | None:
    """ "zh" or "ja" for a text of Han without kana; None where nothing tells and it is shorter than a sentence."""
    size = len(_HAN.findall(text))
    if size <= 2:  # a word of both languages, unless it has a character or word of one
        if _chinese_signs(text, True) >= BARE_LIMIT:
            return "zh"
        return "ja" if _JAPANESE_FORMS.search(text) or any(sides(char) == "t" for char in text) else None
    told = _unlike_japanese(text, _chinese_signs(text, True) + 0.6 * sum(_usual_traditional(char) for char in text))
    if told >= _CHINESE:
        return "zh"
    if told <= _JAPANESE or _JAPANESE_FORMS.search(text):
        return "ja"
    return ("zh" if told > 0 else "ja") if size > 12 else None


def _unlike_japanese(text: str, signs: float) -> float:
    """Signs of Chinese, less how much of the text a Japanese dictionary knows as words of two characters and more.

    The dictionary knows Chinese words as well, so it says little alone: it weighs where the signs are few.
    """
    words = 0
    for line in text.replace("\0", " ").encode("utf-8", "replace").decode().splitlines():
        words += sum(len(row[0]) for row in rows(line) if _is_japanese_word(*row[:3]))
    return 2.4 * signs - 3.4 * words / max(1, len(_HAN.findall(text))) + 2.3


def _is_japanese_word(surface: str, pos: str, pos2: str) -> bool:
    if pos in ("接尾辞", "接頭辞") or pos2 == "数詞":
        return True
    return len(surface) > 1 and pos in ("名詞", "代名詞", "形状詞", "副詞", "動詞", "形容詞")


@lru_cache(maxsize=1 << 15)
def _usual_traditional(char: str) -> bool:
    """Usual in Big5 and not in JIS X 0208: old Japanese texts write them too, with kana around."""
    chinese, japanese = char.encode("big5", "ignore"), char.encode("euc_jp", "ignore")
    return len(chinese) == 2 and 0xA4 <= chinese[0] <= 0xC6 and not (len(japanese) == 2 and 0xB0 <= japanese[0] <= 0xCF)


@lru_cache(maxsize=1 << 15)
def _chinese_only(char: str) -> bool:
    """A Han character of the Chinese sets that no Japanese one has (the code page knows the letters of names too)."""
    return not encodable(char, "cp932") and (encodable(char, "gb2312") or encodable(char, "big5"))


def japanese_strays(text: str) -> list[tuple[int, int]]:
    """Stretches of a Chinese text that are Japanese: clauses with hiragana, or a text most of which is kana.

    の alone is none (Chinese brands write it), but beside katakana it is; a name in katakana is none.
    """
    found = []
    for match in re.finditer(rf"[{HAN}{HIRAGANA}{KATAKANA}]+", text):
        clause = match[0]
        hiragana, katakana = _HIRAGANA.findall(clause), len(_KATAKANA.findall(clause))
        kana = len(hiragana) + katakana
        grammar = [char for char in hiragana if char != "の"]
        if (
            len(grammar) >= 2
            or (grammar and kana + len(_JAPANESE_FORMS.findall(clause)) >= 2)
            or (hiragana and katakana >= 3)
            or _PARTICLE.search(text[max(0, match.start() - 1) : match.end()])
        ):
            first = next(re.finditer(f"[{HIRAGANA}{KATAKANA}]", clause)).start()
            found.append((match.start() + (0 if kana > 0.25 * len(clause) else first), match.end()))
    letters = len(_HAN.findall(text)) + len(_HIRAGANA.findall(text)) + len(_KATAKANA.findall(text))
    if not found and letters >= 3 and len(_KATAKANA.findall(text)) > 0.5 * letters:
        found.append((0, len(text)))
    return found


def written_otherwise(text: str, script: str) -> list[tuple[int, int]]:
    """Clauses of a Chinese text in the other writing: traditional in simplified ("Hans") text, or the reverse.

    Two characters that only the other one writes, and more of them than of one's own: a name may keep its spelling.
    Japanese forms are neither; in a short clause one of them is enough where nothing in the text is surely Chinese.
    """
    chinese: bool | None = None
    wrong, right = ("t", "s") if script == "Hans" else ("s", "t")
    found = []
    for match in re.finditer(rf"[{HAN}](?:[{HAN}\d]*[{HAN}])?", text):
        kinds = [sides(char) for char in match[0]]
        strange = kinds.count(wrong) + kinds.count("j")
        if strange <= kinds.count(right):
            continue
        if strange < 2 or len(kinds) < 6:
            if chinese is None:
                chinese = any(sides(char) == right for char in text) or bool(_CHINESE_WORDS.search(text))
            if chinese or (strange < 2 and not (kinds.count("j") and len(kinds) <= 8)):
                continue
        if strange:
            found.append((match.start(), match.end()))
    return found
