"""`in2x translate` on documents: one journal, edits, folders, the review table, the page; nothing asked twice."""

from __future__ import annotations

import io
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

import in2x as package
from chat_server import Body, ChatServer, source_of
from conftest import PAIRS
from in2x.errors import In2xError
from in2x.formats.document import Document, Segment, Text
from in2x.translate.job import Job
from in2x.translate.outcome import Outcome
from in2x.translate.translator import Translated
from test_translate_numbered import PAIRS as BOOKS

Call = Callable[..., tuple[int, str, str]]
LINES = [*BOOKS]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """Knows `BOOKS`, in single questions and numbered ones; refuses what it does not know."""

    def reply(body: Body) -> str | tuple[int, object]:
        last = source_of(body)
        if last.startswith("{"):
            return json.dumps({key: BOOKS.get(text, "") for key, text in json.loads(last).items()}, ensure_ascii=False)
        return BOOKS.get(last, (400, {"error": {"message": "not this one"}}))

    with ChatServer(reply) as running:
        yield running


def of(server: ChatServer) -> tuple[str, ...]:
    return "--model", server.url, "--profile", "chat", "--no-probe", "--from", "en", "--to", "ja"


def book(folder: Path, lines: list[str], name: str = "book.txt") -> Path:
    file = folder / name
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def lines_of(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").split("\n")[:-1]


def test_a_document_is_kept_and_the_same_command_asks_nothing(in2x: Call, server: ChatServer, tmp_path: Path) -> None:
    source, out = book(tmp_path, [*LINES, "---", ""]), tmp_path / "out.txt"
    code, said, told = in2x("translate", source, *of(server), "-o", out)
    assert (code, said) == (0, "") and lines_of(out) == [*BOOKS.values(), "---", ""]
    assert "12 translated" in told and "requests" in told
    asked = len(server.asked)
    code, _, told = in2x("translate", source, *of(server), "-o", out)
    assert code == 0 and len(server.asked) == asked and "12 kept from before" in told
    first = out.read_bytes()
    out.unlink()
    assert in2x("translate", source, *of(server), "-o", out)[0] == 0
    assert out.read_bytes() == first and len(server.asked) == asked, "the output follows from source and journal"


def test_a_refused_line_is_named_and_costs_no_other(in2x: Call, server: ChatServer, tmp_path: Path) -> None:
    source, out = book(tmp_path, [*LINES[:3], "An unknown line.", *LINES[3:]]), tmp_path / "out.txt"
    code, _, told = in2x("translate", source, *of(server), "-o", out)
    assert code == 3
    assert lines_of(out) == [*list(BOOKS.values())[:3], "An unknown line.", *list(BOOKS.values())[3:]]
    assert "book.txt, line 4: not translated (the server refuses the request (400: not this one))" in told
    before = Counter(map(source_of, server.asked))
    assert in2x("translate", source, *of(server), "-o", out)[0] == 3
    fresh = Counter(map(source_of, server.asked)) - before
    assert set(fresh) == {"An unknown line."}


def test_edits_outrank_the_model_and_stay(in2x: Call, server: ChatServer, tmp_path: Path) -> None:
    source, out, table = book(tmp_path, LINES), tmp_path / "out.txt", tmp_path / "out.txt.review.tsv"
    code, _, told = in2x("translate", source, *of(server), "-o", out, "--qe")
    assert code == 0 and told.endswith(f"to review: {table}\n")
    rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 13
    rows[5][5] = "人が書いた訳。"
    place = rows[5][1]
    table.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    asked, written = len(server.asked), table.read_bytes()
    code, _, told = in2x("translate", source, *of(server), "-o", out, "--qe")
    assert code == 2 and f"1 of its edits were not given back yet; add --edits {table}" in told
    assert table.read_bytes() == written
    code, _, told = in2x("translate", source, *of(server), "-o", out, "--edits", table, "--qe")
    assert code == 0 and "1 edited by hand" in told and "人が書いた訳。" in table.read_text(encoding="utf-8")
    assert in2x("translate", source, *of(server), "-o", out, "--qe")[0] == 0, "what the journal knows is not lost"
    number = int(place.removeprefix("line ")) - 1
    assert lines_of(out)[number] == "人が書いた訳。"
    assert len(server.asked) == asked
    # It stays without --edits, with other wishes, and when a line is added above.
    source.write_text("---\n" + source.read_text(encoding="utf-8"), encoding="utf-8")
    assert in2x("translate", source, *of(server), "-o", out, "--register", "polite")[0] == 0
    assert lines_of(out)[number + 1] == "人が書いた訳。"


def test_an_output_that_is_not_ours_is_not_written_over(in2x: Call, server: ChatServer, tmp_path: Path) -> None:
    source, out = book(tmp_path, LINES), tmp_path / "out.txt"
    out.write_text("precious\n")
    code, _, told = in2x("translate", source, *of(server), "-o", out)
    assert code == 2 and told.endswith("there is such a file already; give another -o, or --force.\n")
    assert out.read_text() == "precious\n" and not server.asked
    assert in2x("translate", source, *of(server), "-o", out, "--force")[0] == 0
    out.write_text("mended by hand\n")
    code, _, told = in2x("translate", source, *of(server), "-o", out)
    assert code == 2 and "was changed since it was written" in told
    other = book(tmp_path, LINES, "other.txt")
    code, _, told = in2x("translate", other, *of(server), "-o", out, "--force")
    assert code == 2 and "the journal of book.txt from en to ja, not of other.txt" in told


def test_a_folder_is_mirrored(in2x: Call, server: ChatServer, tmp_path: Path) -> None:
    tree, out = tmp_path / "site", tmp_path / "site.ja"
    (tree / "sub").mkdir(parents=True)
    book(tree, LINES[:4], "a.txt")
    (tree / "sub" / "b.json").write_text(json.dumps({"title": LINES[4], "n": 3}), encoding="utf-8")
    (tree / "photo.png").write_bytes(b"\x89PNG")
    (tree / "bad.json").write_text("{")
    report = tmp_path / "report.html"
    code, _, told = in2x("translate", tree, *of(server), "-o", out, "--report", report)
    assert code == 0
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()) == ["a.txt", "sub/b.json"]
    assert lines_of(out / "a.txt") == list(BOOKS.values())[:4]
    assert json.loads((out / "sub" / "b.json").read_text(encoding="utf-8")) == {"title": BOOKS[LINES[4]], "n": 3}
    assert "photo.png: left out" in told and "bad.json: left out" in told
    assert "site" in report.read_text(encoding="utf-8")
    asked = len(server.asked)
    assert in2x("translate", tree, *of(server), "-o", out)[0] == 0 and len(server.asked) == asked
    for args, part in ((("-o", tree / "in"), "inside the folder"), ((), "give -o FOLDER")):
        code, _, told = in2x("translate", tree, *of(server), *args)
        assert code == 2 and part in told


def test_the_page_is_escaped_and_names_what_to_review(in2x: Call, server: ChatServer, tmp_path: Path) -> None:
    source, page = book(tmp_path, ["<script>alert(1)</script> is unknown.", *LINES]), tmp_path / "page.html"
    glossary = tmp_path / "terms.tsv"
    glossary.write_text("map\t図\nbooks\t本\n", encoding="utf-8")
    code, _, told = in2x("translate", source, *of(server), "-o", tmp_path / "o.txt", "--report", page, "--glossary",
                         glossary)  # fmt: skip
    assert code == 3
    html = page.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in html and "&lt;script&gt;alert(1)" in html
    for part in ("not translated", "Terms and names", "Voices", "図"):
        assert part in html, part
    assert "agreed terms and names" in told


def test_lines_come_and_go_as_a_stream(in2x: Call, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "---\nWhere is the station?\n\u200b\n  Where is the station?\n\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    code, out, err = in2x("translate", "--model", tiny_model, "--from", "en", "--to", "ja", "--register", "polite")
    right = PAIRS["Where is the station?"]["polite"]
    assert (code, out.split("\n"), err) == (0, ["---", right, "\u200b", f"  {right}", "", ""], "")


def test_a_terminal_is_talked_with_line_by_line(in2x: Call, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(io.BytesIO(b"Where is the station?\n")))
    code, out, err = in2x("translate", "--model", tiny_model, "--from", "en", "--to", "ja", "--register", "casual")
    assert code == 0 and out == PAIRS["Where is the station?"]["casual"] + "\n"
    assert "Ctrl-D ends" in err


def test_what_needs_a_document_says_so(in2x: Call, tiny_model: Path, tmp_path: Path) -> None:
    base = ("translate", "--model", tiny_model, "--from", "en", "--to", "ja")
    code, _, err = in2x(*base, "--report", tmp_path / "q.html")
    assert code == 2 and err == "in2x: --edits and --report belong to a document; give -o.\n"
    (tmp_path / "x.docx").write_bytes(b"PK\x03\x04")
    code, _, err = in2x(*base, tmp_path / "x.docx")
    assert code == 2 and "cannot go to a terminal; give -o FILE" in err
    (tmp_path / "empty").mkdir()
    code, _, err = in2x(*base, tmp_path / "empty", "-o", tmp_path / "out")
    assert code == 1 and "there is no document in this folder" in err


def test_the_help_is_in_groups(in2x: Call) -> None:
    code, out, _ = in2x("translate", "--help")
    assert code == 0
    heads = re.findall(r"^(\w[\w ]*):$", out, re.MULTILINE)
    assert heads == ["Arguments", "Options", "Wording", "Checks", "Decoding", "Files and runs"]
    assert "--model TEXT" in out and "<" not in out.replace("<off|mark|repair>", "").replace("<tokens|answers>", "")


def test_qe_without_a_file_speaks_on_stderr(in2x: Call, tiny_model: Path, monkeypatch: pytest.MonkeyPatch,
                                            tmp_path: Path) -> None:  # fmt: skip
    wanted = (
        "translate",
        "--model",
        tiny_model,
        "--from",
        "en",
        "--to",
        "ja",
        "--register",
        "polite",
        "--checks",
        "mark",
    )
    source = book(tmp_path, ["Where is the station?", "Call 5550123 now, Bob, about 77 ladders."])
    code, out, told = in2x(*wanted, source, "--qe")
    assert code == 0 and re.fullmatch(r"line 2, risk [\d.]+: \w+: .*\n", told), told
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(source.read_bytes())))
    assert in2x(*wanted, "--qe") == (0, out, told)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(source.read_bytes())))
    assert in2x(*wanted) == (0, out, ""), "nobody asked"


def test_what_cannot_stand_in_the_format_is_marked_alone() -> None:
    class Narrow(Document):
        def write(self, texts: Mapping[int, Text]) -> bytes:
            if any("✗" in text.text for text in texts.values()):
                raise In2xError("✗ cannot be written here")
            return "|".join(texts.get(n, s).text for n, s in enumerate(self.segments)).encode()

    document = Narrow(b"", tuple(Segment(f"Line {n}.", place=f"line {n}") for n in range(9)))
    outcomes = tuple(
        Outcome(s, Text("✗" if n in (3, 7) else f"訳{n}"), "model") for n, s in enumerate(document.segments)
    )
    done = Translated(outcomes, Job("en", "ja"), document).fitted()
    assert done.write().decode() == "訳0|訳1|訳2|Line 3.|訳4|訳5|訳6|Line 7.|訳8"
    assert [(one.segment.place, one.fault) for one in done.failed] == [
        ("line 3", "✗ cannot be written here"), ("line 7", "✗ cannot be written here"),
    ]  # fmt: skip


def test_the_facade_is_there_without_torch() -> None:
    import subprocess

    code = "import in2x, sys; assert 'torch' not in sys.modules; print(in2x.Translator.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Translator\n"
    with pytest.raises(AttributeError, match="no attribute 'Translater'"):
        package.Translater  # noqa: B018


def test_the_facade_tells_texts_findings_and_confidence(tiny_model: Path) -> None:
    translator = package.Translator.load(tiny_model)
    done = translator.translate(["Where is the station?", "---"], "en", "ja", register="polite")
    assert done.texts == [PAIRS["Where is the station?"]["polite"], "---"] and not done.failed
    one, other = done.outcomes
    assert (one.origin, other.origin) == ("model", "untouched") and one.confidence == 1.0
    with pytest.raises(ValueError, match="no document"):
        done.write()
