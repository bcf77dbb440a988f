"""`in2x check` on documents: matching segments, the page for an editor, and the page in a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer

from in2x.commands.check import check
from in2x.errors import In2xError, UsageError
from in2x.formats.document import Segment, Tag, Text
from in2x.translate.check_page import render
from in2x.translate.checked import Pair, check_pairs, is_lines, read_pairs
from in2x.translate.findings import Rules
from test_check_findings import PEOPLE, SCRIPT
from test_report import audit

EVIL = "<script>alert('1')</script>"
CHROMIUM = Path("/usr/bin/chromium")
CHARACTERS = """characters:
  - {name: Kyle, target: カイル, first person: 俺, register: casual}
  - {name: Emma, target: エマ}
"""


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    app = typer.Typer()
    app.command()(check)

    def call(source: str, translation: str, *options: str, suffix: str = ".txt") -> str:
        files = tmp_path / f"source{suffix}", tmp_path / f"made{suffix}"
        for file, text in zip(files, (source, translation), strict=True):
            file.write_text(text, encoding="utf-8")
        app([*map(str, files), "--from", "en", "--to", "ja", *options], standalone_mode=False)
        return capsys.readouterr().out

    return call


def broken(out: str) -> list[tuple[int, str]]:
    return [(row["line"], row["principle"]) for row in json.loads(out) if row["kept"] is False]


SOURCE = "The cat sleeps.\nIt costs 42 dollars.\nThe dog eats fish.\nMy mother reads a book.\n"
MADE = "猫が眠る。\n42ドルする。\n犬が魚を食べる。\n母は本を読む。\n"


def test_moved_lines_are_named(run) -> None:
    assert broken(run(SOURCE, MADE, "--json")) == []
    lines = MADE.splitlines()
    moved = "\n".join([lines[0], lines[2], lines[1], lines[3]]) + "\n"
    rows = json.loads(run(SOURCE, moved, "--json"))
    assert {row["line"] for row in rows if row["principle"] == "shift" and row["kept"] is False} == {2, 3}
    assert "it fits line 3 better" in next(r["why"] for r in rows if r["principle"] == "shift" and r["line"] == 2)


def test_a_missing_line_is_one_sentence_that_says_where(run) -> None:
    lines = MADE.splitlines()
    with pytest.raises(In2xError, match=r"line 4: 1 line too few .* from 2 on they stop fitting"):
        run(SOURCE, "\n".join([lines[0], *lines[2:]]) + "\n")


def test_documents_are_matched_by_segment(run, tmp_path: Path) -> None:
    source = {"menu": {"open": "Open the file", "close": "Close it, {name}"}, "title": "The mage of the north"}
    made = {"menu": {"open": "ファイルを開く", "close": "閉じる"}, "title": "北の魔法使い"}
    (tmp_path / "g.tsv").write_text("source\ttarget\tforbidden\nmage\t魔導士\t魔法使い\n", encoding="utf-8")
    out = run(json.dumps(source), json.dumps(made, ensure_ascii=False), "--json", "--glossary",
              str(tmp_path / "g.tsv"), suffix=".json")  # fmt: skip
    assert broken(out) == [(2, "tags"), (3, "glossary"), (3, "forbidden")]
    del made["title"]
    with pytest.raises(
        In2xError, match=r"2 segments, where .*source.json has 3.*; give a translation of the same file"
    ):
        run(json.dumps(source), json.dumps(made, ensure_ascii=False), suffix=".json")


def test_a_file_of_both_sides_is_read_with_its_tags() -> None:
    from in2x.translate.checked import _done

    segment = Segment("Hi !", (Tag(3, "{name}", 1),), done="やあ、{name}さん！")
    assert _done(segment) == Text("やあ、さん！", (Tag(3, "{name}", 1),))
    assert _done(Segment("Hi !", (Tag(3, "{name}", 1),), done="やあ！")) == Text("やあ！")


def test_a_po_file_is_its_own_source(tmp_path: Path) -> None:
    file = tmp_path / "m.po"
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    file.write_text(head + 'msgid "Hello, {name}!"\nmsgstr "やあ、{name}さん！"\n\nmsgid "The mage left."\nmsgstr ""\n',
                    encoding="utf-8")  # fmt: skip
    first, second = check_pairs(read_pairs(file, file, "en", "ja"), Rules(), "en", "ja")
    assert first.broken == {} and first.pair.answer.text == "やあ、さん！"
    assert second.verdicts["copied"].kept is False and second.pair.answer.text == ""


def test_formats_and_lines(tmp_path: Path) -> None:
    assert is_lines(Path("book.txt")) and is_lines(Path("book.en")) and not is_lines(Path("book.json"))
    files = tmp_path / "a.en", tmp_path / "a.ja"
    files[0].write_text("- One.\n\n---\nTwo.\n", encoding="utf-8")
    files[1].write_text("- 一。\n\n---\n二。\n", encoding="utf-8")
    pairs = read_pairs(*files, "en", "ja")
    assert [(pair.number, pair.segment.text, pair.segment.group) for pair in pairs] == [
        (1, "- One.", "paragraph 1"), (3, "---", "paragraph 2"), (4, "Two.", "paragraph 2"),
    ]  # fmt: skip


def test_bad_files_are_one_sentence(run, tmp_path: Path) -> None:
    faulty = tmp_path / "c.yaml"
    faulty.write_text(CHARACTERS.replace("casual", "cool"), encoding="utf-8")
    with pytest.raises(In2xError, match=r"c.yaml, line 2: Japanese has no register 'cool'"):
        run(SOURCE, MADE, "--characters", str(faulty))
    with pytest.raises(UsageError, match="there is no folder"):
        run(SOURCE, MADE, "-o", str(tmp_path / "none" / "page.html"))
    with pytest.raises(In2xError, match="the file is empty"):
        run("\n", "\n")


def page(**more: object) -> str:
    pairs = [
        Pair(
            n, Segment(text, place=f"line {n}", group="chapter 1" if n < 5 else "chapter 2", speaker=who), Text(answer)
        )
        for n, (who, text, answer) in enumerate(SCRIPT * 4, 1)
    ]
    pairs += [Pair(len(pairs) + 1, Segment(f"Look at {EVIL} & 42.", group=EVIL), Text(f"見ろ{EVIL}。"))]
    rules = Rules(characters=PEOPLE)
    return render(check_pairs(pairs, rules, "en", "ja"), rules, "en", "ja", (f"a{EVIL}.txt", "b.txt"))


def test_the_page_is_whole_escaped_and_needs_nothing_else() -> None:
    html = page()
    found = audit(html)
    text = "".join(found.text)
    assert EVIL in text and EVIL not in html and found.scripts == 2
    assert all(link.startswith("#") for link in found.links), found.links
    assert found.anchors <= found.ids and not re.search(r"https?://", html)
    assert {"findings", "voices", "terms", "address"} <= found.anchors
    for words in (
        "Kyle says 俺, here 僕",
        "カイル for Kyle is missing",
        "first person",
        "of agreed terms and names kept",
    ):
        assert words in text, words


def test_the_page_of_a_clean_translation_says_so() -> None:
    pairs = [Pair(1, Segment("The cat sleeps."), Text("Die Katze schläft."))]
    html = render(check_pairs(pairs, Rules(), "en", "de"), Rules(), "en", "de", ("a", "b"))
    assert "Nothing was found." in html and audit(html).anchors <= audit(html).ids


def test_the_command_writes_the_page(run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CHARACTERS, encoding="utf-8")
    run("Kyle: I sleep.\nEmma: I know.\n", "カイル：僕は眠る。\nエマ：知ってる。\n", "-o", str(tmp_path / "p.html"),
        "--characters", str(tmp_path / "c.yaml"))  # fmt: skip
    html = (tmp_path / "p.html").read_text("utf-8")
    assert "Kyle says 俺, here 僕" in html and not list(tmp_path.glob("*.partial"))


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_in_a_browser(tmp_path: Path, width: int, scheme: str) -> None:
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    file = tmp_path / "page.html"
    file.write_text(page(), encoding="utf-8")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        faults: list[str] = []
        shown.on("pageerror", lambda error: faults.append(str(error)))
        shown.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        shown.goto(file.as_uri())
        assert shown.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "it scrolls sideways"
        every = shown.locator(".found:visible").count()
        shown.click("button[data-kind='first person']")
        some = shown.locator(".found:visible").count()
        assert 0 < some < every and shown.locator(".found:visible[data-kinds*='first person;']").count() == some
        # a link to what the filter hides shows it
        hidden = shown.locator(".found[hidden]").first.get_attribute("id")
        shown.evaluate(f"location.hash = '{hidden}'")
        shown.wait_for_function("!document.querySelector('.found[hidden]')")
        shown.click("button[data-kind='']")
        assert shown.locator(".found:visible").count() == every
        assert not faults, faults
        found = axe.Axe().run(shown)
        grave = [v for v in found.response["violations"] if v["impact"] in ("critical", "serious")]
        assert not grave, [(v["id"], v["nodes"][0]["html"][:200]) for v in grave]
        browser.close()
