"""Made files of each text format, as nasty as people's are: random marks, escapes, encodings, line ends, odd layouts.

`GENERATORS[suffix](random)` gives the bytes of one file that is right by its format. Words are random letters of five
scripts, so nothing here is anyone's text.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable

Maker = Callable[[random.Random], bytes]
LETTERS = "abcdefghijklmnopqrstuvwxyz" * 3 + "éüñßçœ" + "あいうえおかきくけこ今日本語字" + "абвгд" + "한국어" + "אבג"
MARKS = (
    *(
        ". ",
        ", ",
        "! ",
        "? ",
        "; ",
        ": ",
        " - ",
        " … ",
        "。",
        "、",
        "「",
        "」",
        " (",
        ") ",
        "'s ",
        " & ",
        " 50% ",
        "😀",
    ),
    *("\u00a0", " # ", "*", "_", " < ", " > ", "\\", '"', "'", "{", "}", "[", "]", "|", "~", "`", "$", "@", "\u200b"),
    *("👨\u200d👩\u200d👧", "ー", "々"),
)


def word(r: random.Random) -> str:
    return "".join(r.choice(LETTERS) for _ in range(r.randint(1, 9)))


def phrase(r: random.Random, without: str = "", words: int = 8) -> str:
    """Words and marks; `without` lists characters that may not be in it."""
    out = word(r)
    for _ in range(r.randint(0, words)):
        out += (r.choice(MARKS) if r.random() < 0.35 else " ") + word(r)
    return "".join(letter for letter in out if letter not in without).strip() or "x"


def message(r: random.Random) -> str:
    """A message of a program, with placeholders."""
    parts = [phrase(r, "{}<>%$@&'\\[]", 3)]
    for _ in range(r.randint(0, 3)):
        parts.append(
            r.choice(["%s", "%1$d", "{name}", "{{count}}", "%(who)s", "<b>", "</b>", "<br/>", "%%", "${x}", "%@"])
        )
        parts.append(phrase(r, "{}<>%$@&'\\[]", 3))
    return r.choice(["", " "]).join(parts)


def ending(r: random.Random) -> str:
    return r.choice(["\n", "\n", "\r\n"])


def encoded(r: random.Random, text: str, codecs: tuple[str, ...] = ("utf-8", "utf-8", "utf-8-sig", "utf-16")) -> bytes:
    if r.random() < 0.3:
        text = text.rstrip("\r\n")
    return text.encode(r.choice(codecs))


def plain(r: random.Random) -> bytes:
    out, end = "", ending(r)
    for _ in range(r.randint(0, 30)):
        margin = r.choice(["", "", "  ", "\t", "　", "- ", "* ", "1. ", "・", "> ", "(a) "])
        body = r.choice([phrase(r), phrase(r), "", "---", "|||", "😀", "\u200b", "42", "\x0c", "\x07" + phrase(r)])
        out += margin + body + r.choice(["", "", " ", "\t"]) + (end if r.random() < 0.95 else "\n")
    return encoded(
        r, out, ("utf-8", "utf-8-sig", "utf-16", "utf-16-le" if out[:1].isascii() and len(out) > 40 else "utf-8")
    )


def tree(r: random.Random, depth: int = 0) -> object:
    kind = r.random()
    if depth > 4 or kind < 0.5:
        return r.choice([message(r), phrase(r), 42, -1.5e3, True, None, "", "a/b.png", "https://x.y/z", "\u2028 😀"])
    if kind < 0.8:
        return {f"{word(r)}{n}": tree(r, depth + 1) for n in range(r.randint(0, 5))}
    return [tree(r, depth + 1) for _ in range(r.randint(0, 5))]


def json_file(r: random.Random) -> bytes:
    text = json.dumps(tree(r), ensure_ascii=r.random() < 0.3, indent=r.choice([None, 2, "\t"]))
    if r.random() < 0.2:
        text = text.replace("/", "\\/")
    text = text.replace("\n", ending(r)) + r.choice(["", "\n", "  "])
    return encoded(r, text, ("utf-8", "utf-8-sig"))


def jsonl(r: random.Random) -> bytes:
    end = ending(r)
    lines = [json.dumps(tree(r), ensure_ascii=r.random() < 0.3) for _ in range(r.randint(0, 8))]
    return encoded(r, "".join(line + end + r.choice(["", "", end]) for line in lines), ("utf-8", "utf-8-sig"))


def xcstrings(r: random.Random) -> bytes:
    strings: dict[str, object] = {}
    for n in range(r.randint(1, 6)):
        entry: dict[str, object] = {"comment": phrase(r)} if r.random() < 0.4 else {}
        if r.random() < 0.2:
            entry["shouldTranslate"] = False
        langs = {lang: {"stringUnit": {"state": r.choice(["new", "translated"]), "value": message(r)}}
                 for lang in r.sample(["en", "de", "ja", "fr"], r.randint(0, 3))}  # fmt: skip
        if langs:
            entry["localizations"] = langs
        strings[f"{message(r)} {n}"] = entry
    text = json.dumps({"sourceLanguage": "en", "strings": strings, "version": "1.0"}, ensure_ascii=False, indent=2)
    return text.replace('": ', '" : ').replace("{}", "{\n\n    }").encode()


def yaml(r: random.Random) -> bytes:
    end = ending(r)

    def scalar(indent: str) -> str:
        text = message(r)
        style = r.randint(0, 5)
        if style == 0:
            escaped = r.random() < 0.5 and all(ord(letter) < 0x10000 for letter in text)
            return " " + json.dumps(text, ensure_ascii=escaped)
        if style == 1:
            return " '" + text.replace("'", "''") + "'"
        if style in (2, 3):
            lines = ([indent + "  " + phrase(r) for _ in range(r.randint(1, 3))]) + r.choice([[], [""]])
            lines += [indent + "  " + phrase(r)]
            return r.choice([" |", " >", " |-", " >-", " |+", " >+"]) + "\n" + "\n".join(lines)
        safe = phrase(r, "#:{}[]&*!|>'\"%@`,\\-?~<", 5)
        return " " + safe + r.choice(["", "  # " + phrase(r)])

    def mapping(indent: str, depth: int) -> str:
        out = ""
        for n in range(r.randint(1, 4)):
            key = r.choice([f"k{n}", f'"q {n}"', f"'s{n}'"])
            kind = r.random()
            if depth < 3 and kind < 0.3:
                out += f"{indent}{key}:\n" + mapping(indent + r.choice(["  ", "    "]), depth + 1)
            elif kind < 0.4:
                out += f"{indent}{key}:\n" + "".join(
                    f"{indent}-{scalar(indent + ' ')}\n" for _ in range(r.randint(1, 3))
                )
            elif kind < 0.5:
                out += f'{indent}{key}: {{a: {word(r)}, "b": [{json.dumps(message(r), ensure_ascii=False)}, 3]}}\n'
            else:
                out += f"{indent}{key}:{r.choice(['', f' &a{r.randrange(1 << 30)}'])}{scalar(indent)}\n"
            out += r.choice(["", "", "\n", f"{indent}# {phrase(r)}\n"])
        return out

    return encoded(r, (r.choice(["", "---\n"]) + mapping("", 0)).replace("\n", end), ("utf-8", "utf-8-sig"))


def table(r: random.Random, delimiter: str) -> bytes:
    end, columns = ending(r), r.randint(2, 5)

    def cell() -> str:
        text = r.choice([message(r), phrase(r), "", str(r.randint(0, 99)), "a\nb " + word(r), phrase(r) + delimiter])
        if r.random() < 0.4 or any(mark in text for mark in (delimiter, '"', "\n", "\r")):
            return '"' + text.replace('"', '""') + '"'
        return text

    rows = [delimiter.join(f"name {n}" for n in range(columns))]
    rows += [delimiter.join(cell() for _ in range(columns)) for _ in range(r.randint(1, 8))]
    return encoded(r, end.join(rows) + end)


def po(r: random.Random) -> bytes:
    end = ending(r)

    def literal(text: str) -> str:
        quote = json.dumps(text, ensure_ascii=False)
        return quote if r.random() < 0.7 else f'""\n{quote}'

    out = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    out += '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
    for n in range(r.randint(1, 8)):
        out += "\n" + r.choice(
            ["", f"# {phrase(r)}\n", f"#. {phrase(r)}\n#: a.c:{n}\n", "#, fuzzy, c-format\n", "#, c-format\n"]
        )
        out += r.choice(["", f"msgctxt {literal(word(r))}\n"])
        tail = r.choice(["", "\n"])
        out += f"msgid {literal(f'{message(r)} {n}{tail}')}\n"
        if r.random() < 0.3:
            out += f"msgid_plural {literal(message(r) + tail)}\n"
            out += f"msgstr[0] {literal(r.choice(['', message(r) + tail]))}\nmsgstr[1] {literal('')}\n"
        else:
            out += f"msgstr {literal(r.choice(['', message(r) + tail]))}\n"
    out += r.choice(["", '\n#~ msgid "old"\n#~ msgstr "x"\n'])
    return encoded(r, out.replace("\n", end), ("utf-8",))


def stamp(r: random.Random, at: int, sign: str) -> str:
    hours, rest = divmod(at, 3600)
    return f"{hours:02}:{rest // 60:02}:{rest % 60:02}{sign}{r.randint(0, 999):03}"


def cue(r: random.Random, marks: tuple[str, ...]) -> str:
    def line() -> str:
        text = phrase(r, "<>{}&-\\", 4)
        if r.random() < 0.3:
            first, last = r.choice(marks).split("|")
            text = first + text + last
        return text

    return r.choice([line(), line() + "\n" + line(), "40", "- " + line() + "\n- " + line(), "♪ " + line() + " ♪"])


def srt(r: random.Random) -> bytes:
    out, end, numbered = "", ending(r), r.random() < 0.85
    for n in range(r.randint(1, 12)):
        out += f"{n + 1}\n" if numbered else ""
        out += f"{stamp(r, n * 5, ',')} --> {stamp(r, n * 5 + 3, ',')}{r.choice(['', '', ' X1:10 X2:20'])}\n"
        out += cue(r, ("<i>|</i>", "{\\an8}|", '<font color="#fff">|</font>', "<b><i>|</i></b>"))
        out += "\n\n" if not numbered or r.random() < 0.9 else "\n"
        out += r.choice(["", "", "\n"])
    return encoded(r, out.replace("\n", end))


def vtt(r: random.Random) -> bytes:
    out, end = r.choice(["WEBVTT", "WEBVTT - " + word(r), "WEBVTT\nKind: captions"]) + "\n\n", ending(r)
    for n in range(r.randint(1, 12)):
        out += r.choice(["", "", f"NOTE {phrase(r, '<>&-')}\n\n", "STYLE\n::cue { color: red }\n\n", f"id {n}\n"])
        out += f"{stamp(r, n * 5, '.')} --> {stamp(r, n * 5 + 3, '.')}{r.choice(['', ' align:start position:10%'])}\n"
        out += cue(r, ("<i>|</i>", "<v Bob>|</v>", "<c.red>|</c>", "&amp; |", "<c.a.b_c>|</c>", "<v Eve>|")) + "\n\n"
    return encoded(r, out.replace("\n", end), ("utf-8", "utf-8-sig"))


def ass(r: random.Random) -> bytes:
    out, end = (
        "[Script Info]\nTitle: x\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: A,B\n\n",
        ending(r),
    )
    out += "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    for n in range(r.randint(1, 12)):
        text = r.choice(["", "{\\pos(1,2)}", "{\\k20}", "{\\p1}", "{note}"]) + cue(
            r, ("{\\i1}|{\\i0}", "{\\an8}|", "\\h|")
        )
        kind = r.choice(["Dialogue", "Dialogue", "Dialogue", "Comment"])
        head = f"0,0:00:{n:02}.00,0:00:{n + 1:02}.50,A,{r.choice(['', 'Bob'])},0,0,0,,"
        out += f"{kind}: {head}{text}".replace("\n", "\\N") + "\n"
    return encoded(r, out.replace("\n", end))


def strings(r: random.Random) -> bytes:
    out, end = "", ending(r)
    for n in range(r.randint(1, 8)):
        value = message(r).replace("\\", "\\\\").replace('"', '\\"') + r.choice(["", "\\n", " \\U00e9"])
        out += r.choice(["", f"/* {phrase(r, '*/')} */\n", "// c\n"]) + f'"k{n}"{r.choice([" = ", "="])}"{value}";\n'
    return encoded(r, out.replace("\n", end))


def properties(r: random.Random) -> bytes:
    out, end = "", ending(r)
    for n in range(r.randint(1, 8)):
        value = message(r).replace("\\", "\\\\")
        value = r.choice(
            [value, value.encode("ascii", "backslashreplace").decode().replace("\\x", "\\u00"), value + " \\\n   more"]
        )
        value = "".join(letter for letter in value if ord(letter) < 0x10000 or letter.isalpha()).replace("\\U", "x")
        out += r.choice(["", f"# {phrase(r)}\n", "! c\n"]) + f"k.{n}{r.choice([' = ', '=', ': ', ' '])}{value}\n"
    return encoded(r, out.replace("\n", end), ("utf-8", "utf-8-sig"))


def fluent(r: random.Random) -> bytes:
    out, end = "", ending(r)
    for n in range(r.randint(1, 8)):
        text = [phrase(r, "{}<>.*[\\") for _ in range(3)]
        out += r.choice(["", f"# {phrase(r)}\n", f"## {word(r)}\n\n"])
        out += r.choice([
            f"m{n} = {text[0]} {{ $x }} {text[1]}\n",
            f"m{n} =\n    {text[0]}\n    {text[1]}\n\n      {text[2]}\n",
            f"m{n} = {text[0]}\n    .title = {text[1]} {{ \"{{\" }}\n",
            f"m{n} = {{ $n ->\n    [one] {text[0]}\n   *[other] {{ $n }} {text[1]}\n}}\n",
            f"m{n} = {text[2]} {{ $n ->\n        [one] {text[0]}\n       *[other] {text[1]}\n    }} z\n",
            f"-t{n} = {word(r)}\n    .kind = {word(r)}\n",
        ])  # fmt: skip
    return encoded(r, out.replace("\n", end), ("utf-8", "utf-8-sig"))


def renpy(r: random.Random) -> bytes:
    out, end = 'define e = Character("Ann", color="#fff")\nlabel start:\n', ending(r)
    for n in range(r.randint(1, 12)):
        said = phrase(r, "{}[]\\\"'`%") + r.choice(["", " {b}x{/b} y", " [name] z", " {w}", ' \\"q\\"', " [[a] {{b}"])
        out += r.choice([
            f'    "{said}"\n', f'    e "{said}"\n', f'    e happy "{said}" with vpunch\n', "    # c \"d\n",
            f'    menu:\n        "{said}":\n            jump x\n        "{word(r)}" if a > 1:\n            pass\n',
            '    play music "a.ogg"\n', f'    $ x = "{word(r)}"\n',
            f'init python:\n    y = _("{word(r)}")\n\nlabel l{n}:\n',
        ])  # fmt: skip
    out += r.choice(["", f'\ntranslate xx strings:\n\n    old "{word(r)}"\n    new ""\n'])
    return encoded(r, out.replace("\n", end), ("utf-8", "utf-8-sig"))


def span(r: random.Random, depth: int = 0) -> str:
    """A piece of a paragraph of Markdown."""
    text = phrase(r, "*_[]<>`\\~$|{}#&!", 4)
    if depth > 2:
        return text
    return r.choice([
        text, text, f"**{span(r, depth + 1)}**", f"*{span(r, depth + 1)}*", f"_{text}_", f" ~~{text}~~ ", f"`{text}`",
        f"[{span(r, depth + 1)}](https://x.y/{word(r)[:1].encode().hex()})",
        f'[{text}](a "{text.replace(chr(34), "")}")',
        f"![{text}](i.png)", f"<b>{text}</b>", f"\\*{text}\\*", f"{text} &amp; {text}", f"[{text}][ref]", f"{text}[^1]",
        f"{text}  \n{text}", f"{text}\\\n{text}", f"<https://x.y>{text}", "$a_b$ " + text,
    ])  # fmt: skip


def paragraph(r: random.Random) -> str:
    return "x" + r.choice(["", " ", "は"]).join(span(r) for _ in range(r.randint(1, 5)))


def markdown(r: random.Random) -> bytes:
    out, end = r.choice(["", f"---\ntitle: {word(r)}\ntags: [a]\n---\n"]), ending(r)

    def inside(margin: str, first: str) -> str:
        return first + paragraph(r).replace("\n", "\n" + margin) + "\n"

    def row() -> str:
        return f"| {span(r, 3)} | {span(r, 3)} \\| c |\n"

    for _ in range(r.randint(1, 10)):
        line = paragraph(r).replace("\n", " ")
        out += r.choice([
            inside("", ""), "#" * r.randint(1, 6) + f" {line}{r.choice(['', ' ##'])}\n", f"{line}\n---\n",
            inside("  ", "- ") + inside("  ", "- "), inside("   ", "1. "), inside("> ", "> "), inside(">   ", "> - "),
            f"```py\n{phrase(r)}\n```\n", f"<div>\n{phrase(r)}\n</div>\n", f"    {phrase(r, '#')}\n", "***\n",
            "[ref]: https://x.y 'T'\n", "| a | b |\n|---|:-:|\n" + "".join(row() for _ in range(r.randint(1, 3))),
            f"- [ ] {line}\n", "$$\nx^2\n$$\n",
        ]) + "\n"  # fmt: skip
    return encoded(r, out.replace("\n", end), ("utf-8", "utf-8-sig"))


GENERATORS: dict[str, Maker] = {
    "txt": plain,
    "md": markdown,
    "json": json_file,
    "jsonl": jsonl,
    "xcstrings": xcstrings,
    "yaml": yaml,
    "csv": lambda r: table(r, ","),
    "tsv": lambda r: table(r, "\t"),
    "po": po,
    "srt": srt,
    "vtt": vtt,
    "ass": ass,
    "strings": strings,
    "properties": properties,
    "ftl": fluent,
    "rpy": renpy,
}
"""Suffix -> a maker of files."""
