"""Made files of the formats of markup and of packages, no two alike: what writers of such files do, and what they
should not but do.

    GENERATORS["docx"](random.Random(7)) -> bytes

Texts are drawn from a few words, so that nothing here is anybody's.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable
from html import escape
from typing import Any

import docx
import openpyxl
import pptx
import xlsxwriter
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

WORDS = [
    "boat",
    "night",
    "lamp",
    "she",
    "he",
    "ran",
    "said",
    "river",
    "tea",
    "cold",
    "&",
    "<",
    ">",
    '"so"',
    "it's",
    "12",
    "3.5%",
    "夜",
    "川",
    "舟が",
    "café",
    "🎐",
    "—",
    "…",
    "the",
    "of",
    "a",
    "slowly",
    "never",
    "again",
    "window",
    "letter",
    "old",
]


def words(r: random.Random, most: int = 9) -> str:
    """Some words as a sentence."""
    return " ".join(r.choice(WORDS) for _ in range(r.randint(1, most))) + r.choice((".", "?", "", "!"))


def marked(r: random.Random, depth: int = 0) -> str:
    """Inline HTML: texts in elements, entities, images, code, comments, ruby."""
    parts = []
    for _ in range(r.randint(1, 4)):
        text = escape(words(r, 5), quote=r.random() < 0.3)
        match r.randint(0, 11):
            case 0 if depth < 3:
                parts.append(f"<b>{marked(r, depth + 1)}</b>")
            case 1 if depth < 3:
                parts.append(f'<a href="x?a=1&amp;b=2" title="{escape(words(r, 3))}">{marked(r, depth + 1)}</a>')
            case 2:
                parts.append(f'<img src="a.png" alt="{escape(words(r, 3))}"/>')
            case 3:
                parts.append(f"<code>{text}</code>")
            case 4:
                parts.append(f"{text}&#160;&#x2014;{text}")
            case 5:
                parts.append("<br/>" * r.randint(1, 2))
            case 6:
                parts.append("<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp>京<rt>きょう</rt></ruby>")
            case 7:
                parts.append(f"<!-- {text.replace('--', '')} -->")
            case 8:
                parts.append(f'<span translate="no">{text}</span>')
            case 9 if depth < 3:
                parts.append(f"<em><i>{marked(r, depth + 1)}</i></em>")
            case _:
                parts.append(text)
    return r.choice((" ", "", "\n   ")).join(parts)


def blocks(r: random.Random, depth: int = 0) -> str:
    """Block elements of a page, also with loose text between them."""
    out = []
    for _ in range(r.randint(1, 5)):
        match r.randint(0, 7):
            case 0:
                level = r.randint(1, 4)
                out.append(f"<h{level}>{marked(r)}</h{level}>")
            case 1 if depth < 3:
                out.append(f"<div>{blocks(r, depth + 1)}</div>")
            case 2:
                out.append("<ul>" + "".join(f"<li>{marked(r)}</li>" for _ in range(r.randint(1, 3))) + "</ul>")
            case 3:
                out.append(f"<table><tr><th>{marked(r)}</th><td>{marked(r)}</td></tr></table>")
            case 4:
                out.append(f"<pre>{escape(words(r))}</pre>")
            case _:
                out.append(f"<p>{marked(r)}</p>")
    return r.choice(("\n", "", "\r\n\t")).join(out)


def html(r: random.Random) -> bytes:
    """A page, at times in an old encoding, without end tags, with scripts."""
    body = blocks(r)
    if r.random() < 0.4:
        body = body.replace("</p>", "").replace("</li>", "")
    script = "<script>if (a < b) { document.write('<p>no text</p>'); }</script>" if r.random() < 0.5 else ""
    encoding = r.choice(("utf-8", "utf-8", "shift_jis", "iso-8859-1"))
    head = f'<meta charset="{encoding}"><title>{escape(words(r))}</title><style>p > a {{ color: red }}</style>'
    page = f'<!DOCTYPE html>\n<html lang="en"><head>{head}{script}</head><body class=x>{body}{script}</body></html>\n'
    return page.encode({"iso-8859-1": "cp1252", "shift_jis": "cp932"}.get(encoding, encoding), "xmlcharrefreplace")


def coded(r: random.Random, version: int) -> str:
    """A source of XLIFF with inline codes."""
    out = []
    for number in range(1, r.randint(2, 5)):
        text = escape(words(r, 4), quote=False)
        one = r.randint(0, 4)
        if version == 1:
            out.append((
                text, f'<g id="{number}">{text}</g>', f'<x id="{number}"/>{text}',
                f'<ph id="{number}">{{0}}</ph> {text}',
                f'<bpt id="{number}">&lt;b&gt;</bpt>{text}<ept id="{number}">&lt;/b&gt;</ept>',
            )[one])  # fmt: skip
        else:
            out.append((
                text, f'<pc id="{number}">{text}</pc>', f'<ph id="{number}"/>{text}',
                f'<mrk id="m{number}" translate="no">{text}</mrk>',
                f'<sc id="{number}"/>{text}<ec startRef="{number}"/>',
            )[one])  # fmt: skip
    return " ".join(out)


def xliff(r: random.Random) -> bytes:
    """XLIFF 1.2."""
    units = []
    for number in range(r.randint(1, 8)):
        target = r.choice(
            ("", "<target/>", '<target state="new">x</target>', f"\n        <target>{coded(r, 1)}</target>")
        )
        note = f"<note>{escape(words(r))}</note>" if r.random() < 0.3 else ""
        no = ' translate="no"' if r.random() < 0.1 else ""
        unit = f"<source>{coded(r, 1)}</source>{target}{note}"
        units.append(f'      <trans-unit id="{number}"{no}>\n        {unit}\n      </trans-unit>')
    lines = "\n".join(units)
    whole = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">\n'
        '  <file original="a.txt" source-language="en" target-language="ja" datatype="plaintext">\n'
        f"    <body>\n{lines}\n    </body>\n  </file>\n</xliff>\n"
    )
    return whole.replace("\n", r.choice(("\n", "\r\n"))).encode(r.choice(("utf-8", "utf-8-sig")))


def xlf(r: random.Random) -> bytes:
    """XLIFF 2.0."""
    units = []
    for number in range(r.randint(1, 6)):
        target = r.choice(("", f"<target>{escape(words(r), quote=False)}</target>"))
        state = r.choice(("", ' state="initial"', ' state="translated"' if target else ""))
        units.append(f'<unit id="u{number}"><segment{state}><source>{coded(r, 2)}</source>{target}</segment></unit>')
    return (
        '<?xml version="1.0"?>\n<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en" '
        f'trgLang="ja"><file id="f1">{"".join(units)}</file></xliff>'
    ).encode()


def tmx(r: random.Random) -> bytes:
    """TMX 1.4."""
    units = []
    for number in range(r.randint(1, 8)):
        text = escape(words(r), quote=False)
        source = r.choice(
            (text, f'<bpt i="1">&lt;b&gt;</bpt>{text}<ept i="1">&lt;/b&gt;</ept>', f'<hi>{text}</hi> <ph x="1"/>{text}')
        )
        other = r.choice(
            ("", '\n    <tuv xml:lang="ja"><seg>夜</seg></tuv>', '\n    <tuv xml:lang="de"><seg>Nacht</seg></tuv>')
        )
        units.append(f'  <tu tuid="{number}">\n    <tuv xml:lang="en-GB"><seg>{source}</seg></tuv>{other}\n  </tu>')
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4"><header '
        'srclang="en-GB" datatype="xml" segtype="sentence" adminlang="en" o-tmf="x" '
        'creationtool="x" creationtoolversion="1"/><body>\n'
        + "\n".join(units) + "\n</body></tmx>\n"
    ).encode()  # fmt: skip


def android(r: random.Random) -> bytes:
    """strings.xml."""
    out = []
    for number in range(r.randint(1, 9)):
        text = escape(words(r, 6), quote=False).replace("'", "\\'").replace('"', '\\"')
        out.append((
            f'<string name="s{number}">{text}</string>',
            f'<!-- {number} -->\n    <string name="s{number}">%1$s {text}\\n\\u00A0<b>{text}</b></string>',
            f'<string name="s{number}">"  {text} "</string>',
            f'<string name="s{number}"><![CDATA[<a href="x">{words(r, 3)}</a>]]></string>',
            f'<string name="s{number}" translatable="false">{text}</string>',
            f'<string name="s{number}">{text} <xliff:g id="n">%d</xliff:g> {text}</string>',
            f'<plurals name="s{number}"><item quantity="one">%d {text}</item>'
            f'<item quantity="other">%d {text}</item></plurals>',
            f'<string-array name="s{number}"><item>{text}</item><item>@string/s0</item></string-array>',
        )[r.randint(0, 7)])  # fmt: skip
    body = "\n    ".join(out)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<resources xmlns:xliff="urn:oasis:names:tc:xliff:document:1.2">\n'
        f"    {body}\n</resources>\n"
    ).encode()


class _Stream(io.RawIOBase):
    """A file that cannot be gone back in: sizes then stand behind each entry."""

    def __init__(self, out: io.BytesIO) -> None:
        self.out = out

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.out.write(data)


def packed(r: random.Random, parts: list[tuple[str, bytes]], first: str = "") -> bytes:
    """A ZIP as one of many writers would pack it; `first` is stored."""
    out = io.BytesIO()
    file: Any = _Stream(out) if r.random() < 0.3 and not first else out
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts:
            info = zipfile.ZipInfo(name, (2020 + r.randint(0, 5), 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name == first or r.random() < 0.15 else zipfile.ZIP_DEFLATED
            info.external_attr = r.choice((0, 0o644 << 16))
            if name != first and r.random() < 0.1:
                info.extra = b"\x55\x58\x04\x00abcd"
            archive.writestr(info, data, compresslevel=r.randint(1, 9))
        archive.comment = r.choice((b"", b"", b"made"))
    return out.getvalue()


def repacked(r: random.Random, raw: bytes) -> bytes:
    """The same parts packed otherwise."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return packed(r, [(name, archive.read(name)) for name in archive.namelist()])


def epub(r: random.Random) -> bytes:
    """A book of some chapters, EPUB 3 with the contents of EPUB 2 besides."""
    count = r.randint(1, 3)
    heads = [escape(words(r, 4)) for _ in range(count)]
    container = (
        '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="OEBPS/book.opf" '
        'media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    items = "".join(f'<item id="c{n}" href="c%20{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(count))
    refs = "".join(f'<itemref idref="c{n}"/>' for n in range(count))
    opf = (
        '<?xml version="1.0" encoding="utf-8"?>\n<package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
        'unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">urn:uuid:0</dc:identifier><dc:title>{escape(words(r))}</dc:title>'
        '<dc:language>en</dc:language><dc:creator>A. B.</dc:creator>'
        '<meta property="dcterms:modified">2026-01-01T00:00:00Z</meta></metadata><manifest>'
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
        '<item id="css" href="s.css" media-type="text/css"/><item id="png" href="a.png" media-type="image/png"/>'
        f'{items}</manifest><spine toc="ncx">{refs}</spine></package>'
    )  # fmt: skip
    page = (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" {}lang="en" xml:lang="en">'
    )
    links = "".join(f'<li><a href="c%20{n}.xhtml">{head}</a></li>' for n, head in enumerate(heads))
    nav = page.format('xmlns:epub="http://www.idpf.org/2007/ops" ') + (
        f'<head><title>Contents</title></head><body><nav epub:type="toc"><ol>{links}</ol></nav></body></html>'
    )
    points = "".join(
        f'<navPoint id="n{n}" playOrder="{n + 1}"><navLabel><text>{head}</text></navLabel>'
        f'<content src="c%20{n}.xhtml"/></navPoint>'
        for n, head in enumerate(heads)
    )
    ncx = (
        '<?xml version="1.0"?><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><head>'
        '<meta name="dtb:uid" content="urn:uuid:0"/></head><docTitle><text>Book</text></docTitle>'
        f"<navMap>{points}</navMap></ncx>"
    )
    pixel = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
    pages = [
        (
            f"OEBPS/c {n}.xhtml",
            page.format("")
            + f'<head><title>{head}</title><link rel="stylesheet" href="s.css"/></head>'
            + f"<body>\n<h1>{head}</h1>\n{strict(r)}</body></html>",
        )
        for n, head in enumerate(heads)
    ]
    texts = [
        ("META-INF/container.xml", container),
        ("OEBPS/book.opf", opf),
        ("OEBPS/nav.xhtml", nav),
        ("OEBPS/toc.ncx", ncx),
        *pages,
    ]
    parts = [("mimetype", b"application/epub+zip"), *((name, text.encode()) for name, text in texts)]
    parts += [("OEBPS/s.css", b"body { writing-mode: vertical-rl }"), ("OEBPS/a.png", pixel)]
    return packed(r, parts, "mimetype")


def book(parts: list[tuple[str, bytes]]) -> bytes:
    """A ZIP with its first part stored and without extras, as the standard of books wants it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, data) in enumerate(parts):
            archive.writestr(zipfile.ZipInfo(name) if not number else name, data)
    return out.getvalue()


def strict(r: random.Random) -> str:
    """Blocks that a validator of books takes."""
    return "\n".join(f"<p>{link(marked(r))}</p>" for _ in range(r.randint(1, 6)))


def link(text: str) -> str:
    """No link in a link, and none that leads nowhere."""
    return re.sub(r"<a [^>]*>", "<span>", text).replace("</a>", "</span>")


def _word_paragraph(r: random.Random) -> Any:
    def run(text: str, look: str = "") -> str:
        words = f'<w:t xml:space="preserve">{escape(text)}</w:t>'
        return f'<w:r w:rsidR="00AB{r.randint(10, 99)}"><w:rPr>{look}</w:rPr>{words}</w:r>'

    def coded(code: str, result: str) -> str:
        char = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
        return (
            char.format("begin") + f"<w:r><w:instrText>{code}</w:instrText></w:r>" + char.format("separate") + result
            + char.format("end")
        )  # fmt: skip

    out = []
    for _ in range(r.randint(1, 6)):
        text = words(r, 4)
        cut = r.randint(0, len(text))
        out.append((
            run(text[:cut]) + '<w:proofErr w:type="spellStart"/>' + run(text[cut:], '<w:lang w:val="en-GB"/>'),
            run(text, "<w:b/>"), run(text, "<w:i/><w:noProof/>"),
            '<w:r><w:tab/><w:t>x</w:t><w:br/></w:r>',
            coded(" PAGE ", run("12")), coded(' HYPERLINK "https://a.b" ', run(text, "<w:u/>")),
            f'<w:hyperlink w:anchor="a">{run(text, "<w:u/>")}</w:hyperlink>',
            f'<w:ins w:id="1" w:author="a">{run(text)}</w:ins>',
            f'<w:del w:id="2" w:author="a"><w:r><w:delText>{escape(text)}</w:delText></w:r></w:del>',
            f'<w:sdt><w:sdtPr/><w:sdtContent>{run(text)}</w:sdtContent></w:sdt>',
            f'<w:bookmarkStart w:id="5" w:name="m"/>{run(text)}<w:bookmarkEnd w:id="5"/>',
            "<w:r><mc:AlternateContent><mc:Choice Requires=\"wps\"><w:drawing><w:txbxContent>"
            f"<w:p>{run('A box.')}</w:p></w:txbxContent></w:drawing></mc:Choice><mc:Fallback><w:pict><w:txbxContent>"
            f"<w:p>{run('A box.')}</w:p></w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r>",
            '<w:r><w:ruby><w:rubyPr/><w:rt><w:r><w:t>かわ</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>川</w:t></w:r></w:rubyBase></w:ruby></w:r>',
        )[r.randint(0, 12)])  # fmt: skip
    spaces = nsdecls("w") + ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    return parse_xml(f'<w:p {spaces}><w:pPr><w:jc w:val="left"/></w:pPr>{"".join(out)}</w:p>')


def word(r: random.Random) -> bytes:
    """A document with headings, tables, a header, and paragraphs as word processors leave them."""
    document = docx.Document()
    for _ in range(r.randint(1, 5)):
        match r.randint(0, 3):
            case 0:
                document.add_heading(words(r, 4), r.randint(0, 3))
            case 1:
                table = document.add_table(2, 2)
                for cell in (cell for row in table.rows for cell in row.cells):
                    cell.text = words(r, 3)
            case _:
                document.element.body.insert(0, _word_paragraph(r))
    document.sections[0].header.paragraphs[0].text = words(r, 3)
    document.sections[0].footer.paragraphs[0].add_run(words(r, 3)).bold = True
    out = io.BytesIO()
    document.save(out)
    return repacked(r, out.getvalue())


def slides(r: random.Random) -> bytes:
    """A presentation with runs, tables, notes and a chart."""
    deck = pptx.Presentation()
    for _ in range(r.randint(1, 2)):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = words(r, 4)
        frame = slide.placeholders[1].text_frame
        frame.text = words(r)
        for _ in range(r.randint(0, 3)):
            paragraph = frame.add_paragraph()
            for _ in range(r.randint(1, 3)):
                run = paragraph.add_run()
                run.text = words(r, 3) + " "
                run.font.bold = r.choice((None, True))
            if r.random() < 0.3:
                paragraph.add_line_break()
        if r.random() < 0.5:
            slide.notes_slide.notes_text_frame.text = words(r)
        if r.random() < 0.3:
            table = slide.shapes.add_table(1, 2, Inches(1), Inches(4), Inches(4), Inches(1)).table
            table.cell(0, 0).text = words(r, 2)
        if r.random() < 0.3:
            data = CategoryChartData()
            data.categories = ["x", "y"]
            data.add_series("s", (1, 2))
            place = Inches(1), Inches(1), Inches(3), Inches(3)
            chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart
            chart.has_title = True
            chart.chart_title.text_frame.text = words(r, 3)
    out = io.BytesIO()
    deck.save(out)
    return repacked(r, out.getvalue())


def cells(r: random.Random) -> bytes:
    """A workbook of one of two writers: strings shared by cells, or in each cell."""
    out = io.BytesIO()
    if r.random() < 0.6:
        book = xlsxwriter.Workbook(out, {"in_memory": True})
        bold = book.add_format({"bold": True})
        for name in ("One", "Two")[: r.randint(1, 2)]:
            sheet = book.add_worksheet(name)
            said = [words(r, 4) for _ in range(3)]
            for row in range(r.randint(1, 5)):
                sheet.write(row, 0, r.choice(said))
                sheet.write(row, 1, row * 1.5)
                sheet.write_rich_string(row, 2, "plain ", bold, words(r, 3), " end")
                sheet.write_formula(row, 3, f'=A{row + 1}&"x"', None, "cached")
            if r.random() < 0.3:
                sheet.write_comment("A1", words(r))
            if r.random() < 0.3:
                sheet.add_table("F1:G3", {"columns": [{"header": "Name"}, {"header": "Value"}]})
            if r.random() < 0.3:
                sheet.insert_textbox("I1", words(r))
        book.close()
    else:
        made = openpyxl.Workbook()
        for row in range(1, r.randint(2, 6)):
            made.active.cell(row, 1, words(r, 4))
            made.active.cell(row, 2, row)
        made.active["D1"] = CellRichText(words(r, 2), " ", TextBlock(InlineFont(b=True), words(r, 2)))
        made.active["A1"].comment = Comment(words(r), "a")
        made.save(out)
    return repacked(r, out.getvalue())


GENERATORS: dict[str, Callable[[random.Random], bytes]] = {
    "html": html, "xliff": xliff, "xlf": xlf, "tmx": tmx, "xml": android, "epub": epub, "docx": word, "pptx": slides,
    "xlsx": cells,
}  # fmt: skip
"""Suffix -> a made file."""
