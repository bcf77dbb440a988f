"""Cleaning rules: each a named function `text -> (text, count)`, run in the order of `RULES`.

`count` is how often the rule struck, summed by rule into the manifest. A rule must be cheap to pass by: each begins
with a test that lets a text without its subject through. Order matters: markup first (it is recognised by its exact
form), then characters, then lines.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from functools import cache
from typing import Literal

from in2x.corpus.personal import Kind, masker
from in2x.language.characters import Rule, control_characters, mojibake, newlines, normalise
from in2x.language.readings import is_read

Ruby = Literal["drop", "keep"]


_START = re.compile(
    r"^.{0,20}\*{3}\s*START OF (?:THE|THIS) PROJECT GUTENBERG.*$|^\*END\*?THE SMALL PRINT.*$", re.M | re.I
)
_STOP = re.compile(
    r"\n(?:.{0,20}\*{3}\s*END OF (?:THE|THIS) PROJECT GUTENBERG|\W{0,99}End of (?:the |this )?Project Gutenberg)", re.I
)
"""Begins with a line end, which a search finds at once; with `^` it would try every character."""
_CREDITS = re.compile(
    r"\s*(?:(?:Produced|E-text prepared|Prepared|Transcribed|Scanned|Proofed|HTML version)[^\n]*\n(?:[^\n]+\n)*\s*)+",
    re.I,
)
_SMALL_PRINT = re.compile(r"Project Gutenberg|gutenberg\.(?:org|net)|pglaf\.org", re.I)


def gutenberg(text: str) -> tuple[str, int]:
    """Drop the header, the licence and the credits of a Project Gutenberg book (counted: parts removed)."""
    if "utenberg" not in text and "UTENBERG" not in text:
        return text, 0
    struck = 0
    head = None
    for head in _START.finditer(text, 0, min(len(text), 60_000)):  # noqa: B007 -- the last one counts
        pass
    if head:
        text, struck = text[head.end() :], struck + 1
    tail = _STOP.search(text, max(0, len(text) // 3))
    if tail:
        text, struck = text[: tail.start() + 1], struck + 1
    if struck:
        credits = _CREDITS.match(text)
        if credits:
            text, struck = text[credits.end() :], struck + 1
    if not any(sign in text for sign in ("utenberg", "UTENBERG", "pglaf")):
        return text, struck
    lines = text.split("\n")
    kept = [line for line in lines if not _SMALL_PRINT.search(line)]
    return "\n".join(kept), struck + len(lines) - len(kept)


_NOTE_BOX = re.compile(
    r"^ *\+-{8,}\+ *\n(?: *\|[^\n]*\n)*? *\|[^\n]*ranscriber'?s? ?Note[^\n]*\n(?: *\|[^\n]*\n)* *\+-{8,}\+ *\n?",
    re.M,
)
_NOTE_PARAGRAPH = re.compile(
    r"^[\[_* ]*Transcriber'?s? ?Notes?\b[ \t]*[:.]?[\]_*]*[ \t]*\n\s*(?:[^\n]+\n)+"
    r"|^\[Transcriber'?s? Notes?:[^\]]*\]\n?",
    re.M | re.I,
)


def transcriber_notes(text: str) -> tuple[str, int]:
    """Drop the notes of who typed a book: a box, a heading with its paragraph, a bracket (counted: notes)."""
    if "ranscriber" not in text and "RANSCRIBER" not in text:
        return text, 0
    text = text.replace("Transcriber\u2019s", "Transcriber's")
    text, boxes = _NOTE_BOX.subn("", text)
    text, paragraphs = _NOTE_PARAGRAPH.subn("", text)
    return text, boxes + paragraphs


_NOTE_MARK = re.compile(r"〔\d{1,3}〕")
_APPARATUS = re.compile(r"^[ \u3000]*〔1〕", re.M)


def note_marks(text: str) -> tuple[str, int]:
    """Drop an editor's notes 〔1〕, 〔2〕, ... to an East Asian text (counted: marks).

    The apparatus is what follows the line that begins with 〔1〕, where a mark has stood in the text before; the marks
    go, too. A single mark without an apparatus is no note of an editor; square brackets may be code, and stay.
    """
    if "〔" not in text:
        return text, 0
    found = len(_NOTE_MARK.findall(text))
    first = _NOTE_MARK.search(text)
    notes = _APPARATUS.search(text, first.end() if first else 0)
    if notes is None and found < 2:
        return text, 0
    return _NOTE_MARK.sub("", text[: notes.start()] if notes else text), found


_LEGEND = re.compile(
    r"^-{20,}\n【テキスト中に現れる記号について】\n.*?^-{20,}\n"
    # Some typists write the heading or the rules otherwise: the heading, and the lines that explain marks.
    r"|^(?:-{20,}\n)?[【《]テキスト中に現れる記号について[】》]\n"
    r"(?:[ \u3000]*\n|[ \u3000]*(?:《》|｜|［＃］|〔〕|／＼|※|（例）|（数字は)[^\n]*\n)*(?:-{20,}\n)?"
    r"|^［表記について］\n(?:[ \u3000]*\n|●[^\n]*\n)*",
    re.M | re.S,
)
_COLOPHON = re.compile(
    r"^(?:={5,}\n?)?(?:翻訳の)?底本(?:の親本)?[:：].*\Z|^This is a \w+ translation of .*\Z|^［＃本文終わり］.*\Z",
    re.M | re.S,
)
_FILE_NOTE = re.compile(
    r"^(?:青空文庫(?:作成|収録)ファイル[:：]"
    r"|このファイルは、(?:著作権者自らの意思により、)?インターネットの図書館、青空文庫).*\Z",
    re.M | re.S,
)


def aozora_frame(text: str) -> tuple[str, int]:
    """Drop the legend of marks at the head and the colophon at the foot of an Aozora Bunko text (counted: parts)."""
    struck = 0
    if "テキスト中に現れる記号について" in text or "［表記について］" in text:
        text, struck = _LEGEND.subn("", text, count=1)
    if "底本" in text or "青空文庫" in text or "［＃本文終わり］" in text:
        for pattern in (_COLOPHON, _FILE_NOTE):
            found = pattern.search(text, len(text) // 2)
            if found:
                text, struck = text[: found.start()], struck + 1
    return text, struck


_GAIJI = re.compile(
    r"［＃※[^］]*?(?:U\+(?P<code>[0-9A-Fa-f]{4,6})|[、水準号](?P<plane>[12])-(?P<row>\d{1,2})-(?P<cell>\d{1,2}))[^］]*］"
)
"""A character by its number in Unicode, or by plane, row and cell of JIS X 0213."""
_NOTE = re.compile(r"［＃[^［］]*(?:［[^［］]*］[^［］]*)*］")
_REPEAT = re.compile(r"(?<=[\w）〵＼ゝゞヽヾ])／(″?)＼")
_DESCRIBED = re.compile(
    r"［＃※(?:小書き(?:片仮名|平仮名)?「?(?P<small>[ぁ-ゖァ-ヺ])」?|(?P<sign>感嘆符|疑問符)(?P<count>[二三四五])つ"
    r"|ローマ数字(?P<roman>\d{1,4})(?P<lower>小文字)?)(?=[、］])[^］]*］"
)
"""What is told in words and has a character of its own."""
_SMALL = str.maketrans(
    "アイウエオツヤユヨワカケクシストヌハヒフヘホムラリルレロあいうえおつやゆよわかけ",
    "ァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿぁぃぅぇぉっゃゅょゎゕゖ",
)


def aozora_notes(text: str) -> tuple[str, int]:
    """Drop the typist's notes ［＃...］, and write the repetition mark ／＼ as the character it stands for (counted).

    A note that tells which character is missing (by Unicode or JIS X 0213) is replaced by it; where none is told the
    geta mark 〓 stands, as in print, so that the sentence does not silently lose a word.
    """
    text, repeats = _REPEAT.subn(lambda m: "〴〵" if m[1] else "〳〵", text) if "＼" in text else (text, 0)
    if "［＃" not in text:
        return text, repeats
    text = text.replace("※［＃", "［＃※")  # the sign of a missing character goes into its note
    text, named = _GAIJI.subn(_gaiji, text)
    text, told = _DESCRIBED.subn(_described, text)
    named += told
    text, found = _NOTE.subn(lambda m: "〓" if m[0].startswith("［＃※") else "", text)
    return text, repeats + named + found


def _gaiji(note: re.Match[str]) -> str:
    if note["code"]:
        code = int(note["code"], 16)
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "〓"
    plane, row, cell = int(note["plane"]), int(note["row"]), int(note["cell"])
    if not 1 <= row <= 94 or not 1 <= cell <= 94:
        return "〓"
    raw = bytes([0xA0 + row, 0xA0 + cell])
    return (b"\x8f" + raw if plane == 2 else raw).decode("euc_jis_2004", "replace").replace("\ufffd", "〓")


def _described(note: re.Match[str]) -> str:
    if note["small"]:
        return note["small"].translate(_SMALL)
    if note["sign"]:
        return ("！" if note["sign"] == "感嘆符" else "？") * (2 + "二三四五".index(note["count"]))
    figure = _roman(int(note["roman"]))
    return figure.lower() if note["lower"] else figure


_ROMAN = {1000: "M", 900: "CM", 500: "D", 400: "CD", 100: "C", 90: "XC", 50: "L", 40: "XL", 10: "X", 9: "IX", 5: "V",
          4: "IV", 1: "I"}  # fmt: skip


def _roman(number: int) -> str:
    out = ""
    for value, sign in _ROMAN.items():
        out += sign * (number // value)
        number %= value
    return out


_MARKED = re.compile(r"［＃|｜[^｜《》\n]{1,40}《|^底本[:：]|青空文庫|／″?＼", re.M)
"""What only a text that marks its readings by 《》 holds."""
_RUBY_MARKED = re.compile(r"[｜|]([^｜|《》\n]{1,40})《([^《》\n]{1,60})》")
_RUBY_READ = re.compile(
    r"([\u3400-\u9fff\uf900-\ufaff々〆\U00020000-\U0003ffff]{1,12})《([ぁ-ゖァ-ヺーゝゞヽヾ・]{1,60})》([ぁ-ゖ]{0,3})"
)
_RUBY = re.compile(
    r"《(?<=[\u3400-\u9fff\uf900-\ufaff々〆〇ヶ〓］\U00020000-\U0003ffffA-Za-zＡ-Ｚａ-ｚ'’ァ-ヺーぁ-ゖ]《)"
    r"([ぁ-ゖァ-ヺーゝゞヽヾ・／″＼\u3000 ]{1,60})》"
)
"""Bare ruby stands behind the run of one script that it belongs to. Its reading is kana: elsewhere 《》 holds a
title. The patterns begin with the bracket, which a search finds at once, and look back from there."""
_RUBY_OTHER = re.compile(
    r"《(?:(?<=[^\s《》、。]《)(?=[^《》\n]*[ぁ-ゖァ-ヺ])([ぁ-ゖァ-ヺーゝゞヽヾ・／″＼\u3000 、，（）？]{1,120})》"
    r"|(?<=[ァ-ヺー]{2}《)([\u3400-\u9fff々]{1,10})》)"
)
"""Ruby of a sign or of a bracketed word, readings in parts, and a loan word glossed in characters."""


def ruby(text: str, mode: Ruby = "drop") -> tuple[str, int]:
    """Readings `漢字《かんじ》` and `｜base《reading》`: dropped, or kept as `漢字（かんじ）` (counted).

    《》 hold titles, cards and songs as well. In a text with marks of Aozora Bunko or with ｜ they hold readings behind
    anything; in any other only behind characters that are read so (墓地の《サイクロン》 and 名画《ひまわり》 stay).
    """
    if "《" not in text:
        return text, 0
    keep = mode == "keep"
    if not _MARKED.search(text):
        return _ruby_by_reading(text, keep)
    text, marked = _RUBY_MARKED.subn(r"\1（\2）" if keep else r"\1", text)
    text, found = _RUBY.subn(r"（\1）" if keep else "", text)
    text, other = _RUBY_OTHER.subn(lambda m: f"（{m[1] or m[2]}）" if keep else "", text)
    return text, marked + found + other


def _ruby_by_reading(text: str, keep: bool) -> tuple[str, int]:
    read = [is_read(*match.groups()) for match in _RUBY_READ.finditer(text)]
    if sum(read) >= 3 and 2 * sum(read) > len(read):  # a text that gives readings gives unusual ones, too
        read = [True] * len(read)
    verdicts = iter(read)

    def plain(match: re.Match[str]) -> str:
        base, reading, after = match.groups()
        if not next(verdicts):
            return match[0]
        return f"{base}（{reading}）{after}" if keep else base + after

    return _RUBY_READ.sub(plain, text), sum(read)


_BOILERPLATE = re.compile(
    r"\n[^\w\n]{0,4}(?=[aceplrst無転広続ペこク版未广阅返分])"
    r"(?:copyright\b.{0,80}\ball rights reserved.{0,80}|all rights reserved\.?|accept (?:all )?cookies.{0,40}"
    r"|(?:please )?enable javascript.{0,60}|(?:click|tap) here to .{0,60}|subscribe to our newsletter.{0,60}"
    r"|share (?:this )?on (?:facebook|twitter|x)\b.{0,40}"
    r"|skip to (?:main )?content|advertisement|read more|lorem ipsum.{0,400}"
    r"|(?:無断転載|転載)(?:を禁じます|禁止).{0,20}|広告|続きを読む|ページの先頭へ.{0,10}|この記事をシェア.{0,20}"
    r"|クッキー.{0,20}同意.{0,20}|版权所有.{0,40}|未经(?:许可|授权).{0,10}(?:转载|复制).{0,20}|广告"
    r"|阅读(?:更多|全文)|返回顶部|分享到.{0,20})[^\w\n]*(?=\n|\Z)",
    re.I,
)


def boilerplate(text: str) -> tuple[str, int]:
    """Drop lines that are a page's furniture: cookie banners, sharing bars, copyright lines (counted: lines)."""
    text, found = _BOILERPLATE.subn("", f"\n{text}")
    return text.removeprefix("\n"), found


_FENCE = re.compile(r"\A\s*```[a-z]*\n(.*?)\n?```\s*\Z", re.S)
_RULE_LINE = re.compile(r"\n[ \t\u3000]*(?:(?:[-=_*~#※＊─━◇◆○●][ \t\u3000]*){3,}|(?:[―・][ \t\u3000]*){12,})(?=\n|\Z)")
"""A few ― or ・ alone in a line are a silence in a dialogue."""


def furniture(text: str) -> tuple[str, int]:
    """Drop a code fence around a whole text and lines that only draw a rule (counted: parts)."""
    fence = _FENCE.match(text)
    struck = int(bool(fence))
    if fence:
        text = fence[1]
    text, found = _RULE_LINE.subn("", f"\n{text}")
    return text.removeprefix("\n"), struck + found


_ALIKE = re.compile(r"\n([^\n]*+)\n\1\n\1(?:\n|\Z)")


def repeated_lines(text: str) -> tuple[str, int]:
    """Of a line that is repeated five times or more in a row keep one: a refrain is shorter (counted: lines)."""
    if not _ALIKE.search(f"\n{text}"):
        return text, 0
    lines = text.split("\n")
    kept: list[str] = []
    at = 0
    while at < len(lines):
        stop = at + 1
        while stop < len(lines) and lines[stop] == lines[at]:
            stop += 1
        repeat = stop - at
        if not lines[at].strip():
            repeat = min(repeat, 2)
        elif repeat >= 5:
            repeat = 1
        kept.extend(lines[at : at + repeat])
        at = stop
    return "\n".join(kept), len(lines) - len(kept)


_SPACES = " \t\u3000\xa0"
_RUNS = re.compile(r"(?<=[^\s])(?:[ \t\xa0]{2,}|[\t\xa0])")


def spaces(text: str) -> tuple[str, int]:
    """Drop spaces at line ends, make tabs and runs of spaces inside a line one space, keep at most one empty line.

    A line's indentation stays: it is the structure of code and verse (counted: runs).
    """
    trailing = runs = empty = 0
    if any(f"{space}\n" in text for space in _SPACES) or text.endswith(tuple(_SPACES)):
        lines = text.split("\n")
        bare = [line.rstrip(_SPACES) for line in lines]
        trailing = sum(map(operator.ne, lines, bare))
        text = "\n".join(bare)
    if "\t" in text or "\xa0" in text or "  " in text:
        text, runs = _RUNS.subn(" ", text)
    if "\n\n\n" in text:
        text, empty = re.subn(r"\n\n\n+", "\n\n", text)  # not \n{3,}: a search finds literals at once
    return text.strip("\n"), trailing + runs + empty


UNREADABLE = "\ufffd"
"""Stands where a character could not be decoded."""


def unreadable(text: str) -> tuple[str, int]:
    """Count the characters that were lost before the text came here; they stay, for nothing tells what they were."""
    return text, text.count(UNREADABLE)


@cache
def rules(ruby_mode: Ruby = "drop", personal: tuple[Kind, ...] = ()) -> tuple[tuple[str, Rule], ...]:
    """The rules in order, by name; `personal` are the kinds of personal data that are made unreal."""

    def _ruby(text: str) -> tuple[str, int]:
        return ruby(text, ruby_mode)

    return (
        ("mojibake", mojibake),  # first: its bytes look like line ends and control characters
        ("newlines", newlines),
        ("control_characters", control_characters),
        ("gutenberg", gutenberg),
        ("transcriber_notes", transcriber_notes),
        ("note_marks", note_marks),
        ("ruby", _ruby),  # before the marks go by which a text with readings is known
        ("aozora_frame", aozora_frame),
        ("aozora_notes", aozora_notes),
        ("normalise", normalise),  # behind the markup, which is recognised by its full-width forms
        ("personal", masker(personal)),  # behind the digits of full width
        ("boilerplate", boilerplate),
        ("furniture", furniture),
        ("repeated_lines", repeated_lines),
        ("spaces", spaces),
        ("unreadable", unreadable),
    )


RULE_NAMES: tuple[str, ...] = tuple(name for name, _ in rules())


def clean(text: str, order: Sequence[tuple[str, Rule]]) -> tuple[str, list[int]]:
    """Run the rules over one text. Returns the clean text and how often each rule struck."""
    counts = []
    for _, rule in order:
        text, count = rule(text)
        counts.append(count)
    return text, counts
