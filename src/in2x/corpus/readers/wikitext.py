"""Wikitext as plain text: templates, tables, references and links taken off, the sentences left.

A template is not expanded; of those that only dress a text (`lang`, `ruby`, `nowrap`) the text stays. Own, because
mwparserfromhell's `strip_code` keeps captions and tables and is many times slower (docs/log.md). Nested marks are taken
off from the inside out, each pass over the whole text once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

_DEPTH = 30
"""Levels of nesting that are taken off; what is nested deeper was no prose."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_NOWIKI = re.compile(r"<nowiki\s*/>|<nowiki>((?:(?!</?nowiki\b).)*+)</nowiki>", re.S | re.I)
_DROPPED = re.compile(
    r"<(ref|gallery|timeline|imagemap|score|graph|mapframe|maplink|templatedata|references|chem|syntaxhighlight|source|"
    r"math|hiero|section|includeonly|inputbox|categorytree)\b(?:[^<>]*?/>|[^<>]*>(?:(?!<\1\b).)*?</\1\s*>)",
    re.S | re.I,
)  # fmt: skip
_TEMPLATE = re.compile(r"\{\{([^{}]*(?:\{(?!\{)[^{}]*\}[^{}]*)*)\}\}")
_TABLE = re.compile(r"^[ :*]*\{\|(?:(?!^[ :*]*\{\|).)*?^[ ]*\|\}", re.S | re.M)
_LINK = re.compile(r"\[\[([^\[\]]*(?:\[(?!\[)[^\[\]]*\](?!\])[^\[\]]*)*)\]\]")
_OUTSIDE = re.compile(r"\[(?:https?:|ftp:|//|mailto:)[^\s\[\]]*+[ \u3000]*+([^\[\]\n]*+)\]", re.I)
_VARIANT = re.compile(r"-\{([^{}]*)\}-")
_WORDS = re.compile(r"__[A-Z]{3,}__|'{2,5}")
_BREAK = re.compile(r"<(?:br|hr)\b[^<>]*>", re.I)
_READING = re.compile(r"<rt\b[^<>]*>((?:(?!</?rt\b).)*+)</rt>", re.S | re.I)
_RP = re.compile(r"<rp\b[^<>]*>(?:(?!</?rp\b).)*+</rp>", re.S | re.I)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>")
_HEADING = re.compile(r"^(={1,6})[ \t]*(.+?)[ \t]*\1[ \t]*$")
_ITEM = re.compile(r"^[*#:;]+[ \t]*")
_EMPTY = re.compile(r"[（(][\s、，,;；:：/・]*[)）]")
_BEGINS = re.compile(r"(?<=[（(])[\s、，,;；:：]++")
_ENDS = re.compile(r"(?<![\s、，,;；:：])[\s、，,;；:：]++(?=[）)])")
_PARAMETER = re.compile(r"\s*[\w -]{1,30}\s*=(?!=)")
_LINKED = re.compile(r"\[\[[^\[\]]*\]\]|\[(?:https?:)?//[^\]]*\]|\{\{[^{}]*\}\}|<[^<>]*>|[\s*#:;・,、()（）\d.–-]")

_DRESS = """
    nowrap nobr small big larger smaller quote quotation cquote blockquote bquote poemquote poem_quote verse val abbr
    tooltip ruby ルビ ruby-ja convert nihongo nihongo2 transl em strong bold color sic ill illm ill2 le link link-en
    link-ja internal_link_helper tsl zhw cjk jpn 読み仮名 仮リンク 要出典範囲 補助漢字フォント
    jis2004フォント 拡張漢字 綠鏈
"""
_SHOWN = {name.replace("_", " "): 0 for name in _DRESS.split()} | {"lang": 1, "lang2": 1}
"""Name of a template that dresses a text -> the argument that is the text, from 0 (`lang-ja` and its like: 0)."""
_READ = frozenset(("読み仮名", "ruby", "ルビ", "ruby-ja", "nihongo"))
"""Those whose second argument is a reading."""
_LITERAL = {"!": "|", "=": "=", "(": "{", ")": "}", "·": "・", "spaces": " ", "nbsp": " ", "snd": " – ", "ndash": "–"}


def plain_text(text: str, unseen: frozenset[str] = frozenset(("file", "image", "category")), ruby: str = "drop") -> str:
    """The prose of an article.

    Args:
        text: wikitext.
        unseen: lower-cased namespaces whose links show no text (files, categories), in the wiki's language.
        ruby: "keep" leaves readings in brackets behind the characters.
    """
    text = _COMMENT.sub("", text)
    text = _NOWIKI.sub(lambda m: html.escape(m[1] or "").replace("[", "&#91;").replace("{", "&#123;"), text)
    text = _until_still(_DROPPED, lambda m: "", text)
    text = _prose_sections(text)
    text = _VARIANT.sub(_variant, text)
    text = _until_still(_TEMPLATE, lambda m: _template(m[1], ruby), text)
    text = _until_still(_TABLE, lambda m: "", text)
    text = _until_still(_LINK, lambda m: _link(m[1], unseen), text)
    text = _OUTSIDE.sub(r"\1", text)
    text = _RP.sub("", text)
    text = _READING.sub(r"（\1）" if ruby == "keep" else "", text)
    text = _TAG.sub("", _BREAK.sub("\n", _WORDS.sub("", text)))
    text = html.unescape(text).replace("\xa0", " ")
    return _lines(_ENDS.sub("", _BEGINS.sub("", _EMPTY.sub("", text))))


def _until_still(pattern: re.Pattern[str], shown: Callable[[re.Match[str]], str], text: str) -> str:
    for _ in range(_DEPTH):
        text, found = pattern.subn(shown, text)
        if not found:
            break
    return text


def _arguments(inner: str) -> list[str]:
    """Parted by |, but for those inside a link."""
    parts, depth = [""], 0
    for piece in re.split(r"(\[\[|\]\]|\|)", inner):
        depth += (piece == "[[") - (piece == "]]")
        if piece == "|" and depth <= 0:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _template(inner: str, ruby: str) -> str:
    name, *told = _arguments(inner)
    name = name.strip().lower().replace("_", " ")
    if name in _LITERAL:
        return _LITERAL[name]
    place = _SHOWN.get(name)
    if name.startswith("lang-") and len(name) < 12:
        place = 0
    if place is None:
        return ""
    plain = [part.strip() for part in told if not _PARAMETER.match(part)]
    named = {part.partition("=")[0].strip(): part.partition("=")[2].strip() for part in told if "=" in part}
    shown = plain[place] if place < len(plain) else named.get(str(place + 1), named.get("text", ""))
    if name == "convert" and len(plain) > 1:
        return f"{shown} {plain[1]}"
    if name in _READ and len(plain) > 1 and (ruby == "keep" or name in ("読み仮名", "nihongo")):
        return f"{shown}（{plain[1]}）"  # here the reading stands in the running text, too
    return shown


def _link(inner: str, unseen: frozenset[str]) -> str:
    target, *parts = inner.split("|")
    space, colon, rest = target.partition(":")
    if colon and space.strip().lower() in unseen:
        return ""
    if parts:
        return parts[-1] or target.rpartition(":")[2].partition("(")[0].strip()
    if colon and not space:
        return rest.strip()
    # a link to the same article in another language shows nothing
    return "" if colon and re.fullmatch(r"[a-z]{2,3}(-[a-z]+)*", space) else target.partition("#")[0] or target[1:]


def _variant(match: re.Match[str]) -> str:
    """Of a text in several scripts the first; flags that only set the title or a rule show nothing."""
    inner = match[1]
    if re.match(r"\s*[A-Z]+\s*\|", inner):
        flag, _, inner = inner.partition("|")
        if flag.strip() in ("H", "T", "-"):
            return ""
    first = inner.split(";")[0]
    return first.partition(":")[2].strip() if re.match(r"\s*zh(-\w+)?\s*:", first) else first


def _prose_sections(text: str) -> str:
    """Without the sections that only list links (see also, literature, external links), in any language."""
    lines = text.split("\n")
    bounds = [k for k, line in enumerate(lines) if _HEADING.match(line)]
    if not bounds:
        return text
    out = lines[: bounds[0]]
    for start, stop in zip(bounds, [*bounds[1:], len(lines)], strict=True):
        body = [line for line in lines[start + 1 : stop] if line.strip()]
        items = [line for line in body if line.startswith(("*", "#"))]
        bare = [line for line in items if 3 * len(_LINKED.sub("", line)) < len(line)]
        others = [line for line in body if not line.startswith(("{{", "[[", "}}", "|"))]
        if not items or len(items) < 0.8 * len(others) or 2 * len(bare) <= len(items):
            out += lines[start:stop]
    return "\n".join(out)


def _lines(text: str) -> str:
    """Lines without the marks of lists; a heading stays where something stands under it."""
    out: list[str] = []
    heads: list[tuple[int, str]] = []
    for line in text.split("\n"):
        heading = _HEADING.match(line.strip())
        if heading:
            level = len(heading[1])
            heads = [head for head in heads if head[0] < level]
            heads.append((level, heading[2]))
            continue
        line = _ITEM.sub("", line).rstrip()
        if re.fullmatch(r"[\s|{}\[\]!*#:;・。、,.()（）-]*", line):
            if out and out[-1]:
                out.append("")
            continue
        for _, head in heads:
            out += ["", head] if out and out[-1] else [head]
        heads = []
        out.append(line)
    return "\n".join(out).strip()
