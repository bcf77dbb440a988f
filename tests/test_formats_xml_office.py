"""Word, PowerPoint and Excel: what is a text, what is a tag, and what their own libraries see afterwards."""

from __future__ import annotations

import io
import random
import sys
import zipfile
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
import xlsxwriter
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from lxml import etree

from in2x.formats.document import Options, Tag, Text
from in2x.formats.registry import parse

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from markup_files import GENERATORS, book

EN_JA = Options(source_lang="en", target_lang="ja")


def texts(document) -> list[str]:
    return [segment.text for segment in document.segments]


def around(document) -> dict[int, Text]:
    return {
        n: Text("甲" + s.text, tuple(Tag(t.at + 1 if t.at else 0, t.raw, t.number, t.kind) for t in s.tags))
        for n, s in enumerate(document.segments)
    }


def saved(made) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def worded(inner: str) -> bytes:
    """A Word document of one paragraph with this content."""
    document = docx.Document()
    spaces = nsdecls("w") + ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    document.element.body.insert(0, parse_xml(f"<w:p {spaces}><w:pPr/>{inner}</w:p>"))
    return saved(document)


def run(text: str, look: str = "") -> str:
    return f'<w:r w:rsidR="00AA"><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def test_runs_that_look_alike_are_one_and_others_are_tags() -> None:
    inner = run("Split in") + '<w:proofErr w:type="spellStart"/>' + run("side a ", '<w:lang w:val="en"/><w:noProof/>')
    inner += run("word", "<w:b/>") + run(" &amp; so.")
    document = parse(worded(inner), "a.docx", EN_JA)
    [segment] = document.segments
    assert segment.text == "Split inside a word & so."
    assert [(t.at, t.raw, t.kind) for t in segment.tags] == [
        (15, "<w:r><w:rPr><w:b/></w:rPr>", "open"),
        (19, "</w:r>", "close"),
    ]
    (first, last) = segment.tags
    out = document.write({0: Text("太字の<文>", (Tag(0, "", 1, "open"), Tag(2, "", 1, "close")))})
    [paragraph] = docx.Document(io.BytesIO(out)).paragraphs
    assert [(r.text, r.bold) for r in paragraph.runs] == [("太字", True), ("の<文>", None)]
    assert first.number == last.number


def test_fields_stay_and_links_are_translated() -> None:
    char = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'

    def field(code: str, result: str) -> str:
        return (
            char.format("begin")
            + f"<w:r><w:instrText>{code}</w:instrText></w:r>{char.format('separate')}{result}{char.format('end')}"
        )

    raw = worded(
        run("Page ") + field(" PAGE ", run("7")) + run(" see ") + field(' HYPERLINK "https://a.b" ', run("this page"))
    )
    document = parse(raw, "a.docx", EN_JA)
    [segment] = document.segments
    assert segment.text == "Page  see this page"
    assert [(s.text, s.why) for s in document.skipped] == [("7", "the result of a field")]
    out = document.write(
        {
            0: Text(
                "頁と頁",
                tuple(Tag(min(t.at, 1 if t.kind == "alone" else 2), "", t.number, t.kind) for t in segment.tags),
            )
        }
    )
    xml = docx.Document(io.BytesIO(out)).element.xml
    assert xml.count("PAGE") == 1 and xml.count("HYPERLINK") == 1 and xml.count('w:fldCharType="end"') == 2


def test_deleted_text_is_listed_and_inserted_text_is_translated() -> None:
    inner = run("Now ") + '<w:del w:id="1"><w:r><w:delText>old</w:delText></w:r></w:del>'
    document = parse(worded(inner + f'<w:ins w:id="2">{run("new")}</w:ins>{run(" end")}'), "a.docx", EN_JA)
    assert texts(document) == ["Now new end"]
    assert [(s.text, s.why) for s in document.skipped] == [("old", "deleted text")]


def test_a_text_box_that_stands_twice_is_one_segment() -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent>"
    inner = run("Around ") + (
        f'<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing>{box}</w:drawing></mc:Choice>'
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    document = parse(worded(inner + run("it")), "a.docx", EN_JA)
    assert texts(document) == ["Around it", "In a box"]
    tags = tuple(Tag(1, t.raw, t.number, t.kind) for t in document.segments[0].tags)
    out = document.write({0: Text("周り", tags), 1: Text("箱の中")})
    xml = docx.Document(io.BytesIO(out)).element.xml
    assert xml.count("箱の中") == 2 and "In a box" not in xml and xml.count("周") == 1


def test_fields_over_paragraphs_stay() -> None:
    document = docx.Document()
    char = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    for inner in (
        char.format("begin") + "<w:r><w:instrText> TOC </w:instrText></w:r>" + char.format("separate") + run("One 1"),
        run("Two 2") + char.format("end"),
        run("After"),
    ):
        document.element.body.insert(-1, parse_xml(f"<w:p {nsdecls('w')}>{inner}</w:p>"))
    read = parse(saved(document), "a.docx", EN_JA)
    assert texts(read) == ["After"]
    assert {s.text for s in read.skipped} == {"One 1", "Two 2"}


@pytest.mark.parametrize("seed", range(12))
def test_every_text_of_a_document_is_a_segment_or_listed(seed) -> None:
    raw = GENERATORS["docx"](random.Random(seed))
    document = parse(raw, "a.docx", Options())
    said = [t.replace("\u2011", "") for t in [*texts(document), *(" ".join(s.text.split()) for s in document.skipped)]]
    with zipfile.ZipFile(io.BytesIO(raw)) as parts:
        for name in parts.namelist():
            if name.startswith(("word/document", "word/header", "word/footer")):
                for element in etree.fromstring(parts.read(name)).iter("{*}t", "{*}delText"):
                    text = (element.text or "").strip()
                    assert any(text in one or " ".join(text.split()) in one for one in said), (name, text)


def test_headings_cells_headers_and_footers_are_told_apart() -> None:
    made = docx.Document()
    made.add_heading("Chapter", 1)
    made.add_table(1, 1).cell(0, 0).text = "Cell"
    made.sections[0].header.paragraphs[0].text = "Top"
    document = parse(saved(made), "a.docx", EN_JA)
    assert [(s.text, s.kind, s.group) for s in document.segments] == [
        ("Chapter", "heading", "paragraph 1"), ("Cell", "cell", "paragraph 1"), ("Top", "text", "header"),
    ]  # fmt: skip


def test_slides_come_in_their_order_with_notes_and_charts() -> None:
    raw = GENERATORS["pptx"](random.Random(4))
    document = parse(raw, "a.pptx", EN_JA)
    seen = [
        (shape.text_frame.text, "title" in shape.name.lower())
        for slide in pptx.Presentation(io.BytesIO(document.write(around(document)))).slides
        for shape in slide.shapes
        if shape.has_text_frame
    ]
    assert seen and all(text.startswith("甲") for text, _ in seen)
    assert [s.kind for s in document.segments if s.place == "slide 1, paragraph 1"] == ["heading"]


def test_cells_that_share_a_string_are_translated_once() -> None:
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = made.add_worksheet("Stock")
    bold = made.add_format({"bold": True})
    for row in range(3):
        sheet.write(row, 0, "Boat")
        sheet.write(row, 1, 5)
    sheet.write_formula("C1", '=A1&"!"', None, "Boat!")
    sheet.write_rich_string("A5", "a ", bold, "big", " one")
    sheet.add_table("E1:F2", {"columns": [{"header": "Name"}, {"header": "Value"}]})
    made.close()
    document = parse(out.getvalue(), "a.xlsx", EN_JA)
    assert [(s.text, s.place) for s in document.segments] == [("Boat", "Stock!A1"), ("a big one", "Stock!A5")]
    whys = {s.text: s.why for s in document.skipped}
    assert whys["Stock"].startswith("the name of a sheet") and whys["Name"].startswith("the name of a column")
    assert whys["Boat!"] == "the result of a formula"
    new = document.write({0: Text("舟"), 1: around(document)[1]})
    cells = openpyxl.load_workbook(io.BytesIO(new), rich_text=True)["Stock"]
    assert [cells.cell(row, 1).value for row in (1, 2, 3)] == ["舟"] * 3
    assert [cells["B1"].value, cells["C1"].value, cells["E1"].value] == [5, '=A1&"!"', "Name"]
    assert str(cells["A5"].value) == "甲a big one"
    assert [part.text for part in cells["A5"].value if not isinstance(part, str) and part.font.b] == ["big"]


def test_ruby_of_a_sheet_is_no_text_and_leaves_with_its_source() -> None:
    made = openpyxl.Workbook()
    made.active["A1"] = "x"
    raw = saved(made)
    with zipfile.ZipFile(io.BytesIO(raw)) as old:
        parts = [(n, old.read(n)) for n in old.namelist()]
    ruby = '<is><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="1"/></is>'.encode()
    raw = book([(n, data.replace(b"<is><t>x</t></is>", ruby)) for n, data in parts])
    document = parse(raw, "a.xlsx", Options(source_lang="ja", target_lang="en"))
    assert texts(document) == ["東京"] and document.write({0: Text("東京")}) == raw
    out = document.write({0: Text("Tokyo")})
    with zipfile.ZipFile(io.BytesIO(out)) as new:
        sheet = new.read("xl/worksheets/sheet1.xml")
        assert b"rPh" not in sheet and b"Tokyo" in sheet
