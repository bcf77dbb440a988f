"""The page people judge on in a real browser, served by `in2x people serve`: keys, drags, offline, two tabs."""

from __future__ import annotations

import contextlib
import io
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from browser import chromium, opened  # noqa: F401  # a fixture
from in2x.cli import main
from in2x.people.model import Span
from in2x.people.store import Store

QUALITY = {"alpha": 85, "beta": 60, "gamma": 35}
FAMILY = "👨‍👩‍👧が𠮷野家で待つ。"
EDITIONS = ("初版", "二版", "三版")


def text(system: str, line: int) -> str:
    if line == 0:
        return f"{FAMILY}{EDITIONS[list(QUALITY).index(system)]}"
    return f"{EDITIONS[list(QUALITY).index(system)]}の{line}番目の文が、駅の前で静かに待っている。"


def recipe(folder: Path, name: str, **changes: Any) -> Path:
    lines = 24
    sources = [f"Sentence {n} waits quietly in front of the station." for n in range(lines)]
    broken = "\n".join(s + ("\n" if n % 2 else "") for n, s in enumerate(sources))  # documents of two
    (folder / "source.txt").write_text(broken + "\n")
    for system in QUALITY:
        rows = [text(system, n) + ("\n" if n % 2 else "") for n in range(lines)]
        (folder / f"{system}.txt").write_text("\n".join(rows) + "\n")
    known = {"source": "A piece of cake.", "candidates": ["一切れのケーキ。"], "phenomena": ["idiom"],
             "known": [{"dimension": "score", "most": 50, "feedback": {"en": "At most 50."}}]}  # fmt: skip
    body = {
        "name": name, "title": {"en": "Page", "ja": "ページ"}, "guidelines": {"en": "Read.\n\nMark."},
        "source_lang": "en", "target_lang": "ja",
        "texts": {"source": str(folder / "source.txt"), "systems": {s: str(folder / f"{s}.txt") for s in QUALITY}},
        "protocol": {"score": True, "spans": True, "source": "after", "questions": ["native", "meaning"]},
        "sampling": {"by": "order"}, "assignment": {"annotators": 6, "judgements": 1, "twice": 0.5},
        "controls": {"degraded": 0, "repeats": 0}, "practice": [known],
    }  # fmt: skip
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({**body, **changes}, allow_unicode=True))
    return file


def in2x(*arguments: str) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(arguments) == 0
    return said.getvalue()


class House:
    """A store with some campaigns and its server; each test takes annotators of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, str(folder / "people.db")
        self.links: dict[str, dict[str, str]] = {}
        self.taken: Counter[str] = Counter()
        self.url = ""

    def campaign(self, name: str, **changes: Any) -> None:
        made = in2x("people", "campaign", str(recipe(self.folder, name, **changes)), "--store", self.store, "--json")
        self.links[name] = json.loads(made)["links"]

    def annotator(self, name: str = "page") -> tuple[str, str]:
        """One that nobody has been yet, and their link."""
        self.taken[name] += 1
        person = list(self.links[name])[self.taken[name] - 1]
        return person, self.url + self.links[name][person]

    def start(self) -> None:
        port = self.url.rsplit(":", 1)[1] if self.url else "0"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "in2x", "people", "serve", "--store", self.store, "--port", port],
            stdout=subprocess.PIPE, text=True)  # fmt: skip
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("people"))
    made.campaign("page")
    made.campaign("order", protocol={"rank": True, "candidates": 3, "questions": ["meaning"]}, practice=[])
    made.campaign("mqm", protocol={"spans": True, "categories": "mqm"}, practice=[])
    made.start()
    yield made
    made.stop()


def begin(page: Any, address: str) -> None:
    page.goto(address)
    page.click(".intro button.done")
    page.wait_for_selector(".item")


def saved(page: Any) -> None:
    page.wait_for_selector(".saved.fine")


def here(page: Any) -> str:
    return str(page.evaluate("document.activeElement.closest('section')?.id ?? ''"))


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something of the page (whose policy forbids Playwright's own waiting for functions)."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def practised(page: Any) -> None:
    """Through the practice item."""
    for key in ("3", "2", "3", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector(".feedback button.done")
    page.click(".feedback button.done")
    page.wait_for_selector(".item:not(:has(.feedback p))")


def annotate(page: Any, judge: Callable[[str], int], spans: bool) -> int:
    """Judge all that is left, by keys alone; the most keys that one item took beyond its spans."""
    most = 0
    while page.query_selector(".item"):
        at = here(page)
        shown = page.eval_on_selector(f"#{at} .candidate .text", "e => e.textContent")
        score = judge(shown)
        keys = ["1" if score > 50 else "3", str(max(1, min(9, score // 10))), "1" if score > 50 else "2", "Enter"]
        page.keyboard.press(keys[0])
        if spans and score < 50:
            page.focus(f"#{at} .candidate .text")
            page.keyboard.press("ArrowRight")
            page.keyboard.press("2")
        for key in keys[1:]:
            page.keyboard.press(key)
        most = max(most, len(keys))
        until(lambda at=at: here(page) != at)  # type: ignore[misc]
    return most


@pytest.mark.slow
def test_three_annotators_one_of_them_careless(chromium: Any, tmp_path: Path) -> None:  # noqa: F811
    """The planted ranking comes out, and who was careless is named."""
    house, faults, keys = House(tmp_path), [], []
    house.campaign("page", assignment={"annotators": 3, "twice": 0.5}, controls={"degraded": 0.12, "repeats": 0.1})
    house.start()
    for number in range(3):
        rng = random.Random(number)

        def careful(shown: str, rng: random.Random = rng) -> int:
            edition = [e for e in EDITIONS if e in shown]
            whole = len(edition) == 1 and shown.endswith(("。", *EDITIONS)) and shown.count("待") == 1
            quality = list(QUALITY.values())[EDITIONS.index(edition[0])] if whole else 12
            return max(5, min(99, round(rng.gauss(quality, 9))))

        judge = careful if number < 2 else (lambda shown, rng=rng: rng.randrange(10, 100))  # type: ignore[misc]
        page = opened(chromium, faults, viewport={"width": 1280, "height": 900}, locale="en-US")
        careless, link = house.annotator()
        begin(page, link)
        practised(page)
        keys.append(annotate(page, judge, spans=number == 0))
        until(lambda page=page: "saved" in page.inner_text(".end"))  # type: ignore[misc]
        page.context.close()
    house.stop()
    assert not faults and max(keys) <= 4
    found = json.loads(in2x("people", "analyse", "--store", house.store, "--json"))
    assert [row["system"] for row in found["systems"]] == list(QUALITY), found["systems"]
    assert [row["name"] for row in found["annotators"] if row["fails"]] == [careless], found["annotators"]


def test_spans_undo_reload_and_a_lost_connection(chromium: Any, house: House) -> None:  # noqa: F811
    faults: list[str] = []
    page = opened(chromium, faults, viewport={"width": 1280, "height": 900}, locale="en-US")
    begin(page, house.annotator()[1])
    practised(page)
    at = here(page)
    assert "is shown once" in page.inner_text(f"#{at} .source"), "native? is asked before the source is shown"
    page.keyboard.press("1")
    assert "Sentence" in page.inner_text(f"#{at} .source")
    # By keys: the first word and the second, then one more place; the last is undone.
    page.focus(f"#{at} .candidate .text")
    for key in ("ArrowRight", "Shift+ArrowRight", "1"):
        page.keyboard.press(key)
    first = page.inner_text(f"#{at} .candidate mark.minor")
    for key in ("ArrowLeft", "2", "Control+z"):
        page.keyboard.press(key)
    assert page.locator(f"#{at} .candidate mark").count() == 1
    # The connection goes: work goes on, is kept, and is sent when it is back.
    page.context.set_offline(True)
    page.locator(f"#{at} .score input").focus()
    page.keyboard.press("7")
    page.wait_for_selector(".saved.trouble")
    page.fill(f"#{at} .foot input.words", "a note")
    page.keyboard.press("Tab")
    house.stop()
    house.start()
    page.context.set_offline(False)
    saved(page)
    page.reload()
    page.wait_for_selector(".item")
    assert page.inner_text(f"#{at} .candidate mark.minor") == first
    assert page.inner_text(f"#{at} .value") == "70" and page.input_value(f"#{at} .foot input.words") == "a note"
    assert [fault for fault in faults if "ERR_" not in fault and "Failed to load" not in fault] == []


def test_places_are_code_points_and_whole_graphemes(chromium: Any, house: House) -> None:  # noqa: F811
    """Dragged over half a family of emoji: the whole of it is marked, and what is stored fits the text."""
    faults: list[str] = []
    house.campaign("emoji", assignment={"annotators": 1}, sampling={"by": "order", "segments": 2}, practice=[])
    page = opened(chromium, faults, viewport={"width": 1280, "height": 900}, locale="ja-JP")
    begin(page, house.annotator("emoji")[1])
    at = page.evaluate("[...document.querySelectorAll('.item')].find(i => i.innerText.includes('𠮷')).id")
    page.click(f"#{at} .choices label")
    page.evaluate(
        """at => { const node = document.querySelector(`#${at} .candidate .text`).firstChild;
        getSelection().setBaseAndExtent(node, 3, node, 10); }""", at)  # fmt: skip
    page.locator(f"#{at} .candidate .text").dispatch_event("pointerup")
    page.click(f"#{at} .candidate .tools button.major")
    assert page.inner_text(f"#{at} .candidate mark") == "👨‍👩‍👧が𠮷"
    page.locator(f"#{at} .score input").focus()
    for key in ("4", "1", "Enter"):
        page.keyboard.press(key)
    saved(page)
    with Store.open(house.store) as store:
        spans = {span for row in store.judgements("emoji") for span in row.spans}
    assert spans == {Span(0, 7, "major")}, "five code points of a family, a particle, a surrogate pair"
    page.click(f"#{at} .candidate mark")  # a click on it offers to take it away again
    page.click(f"#{at} .candidate .tools button:has-text('取り消す')")
    assert page.locator(f"#{at} .candidate mark").count() == 0
    assert not faults


def test_two_tabs_tell_each_other(chromium: Any, house: House) -> None:  # noqa: F811
    faults: list[str] = []
    link = house.annotator()[1]
    one = opened(chromium, faults, locale="en-US")
    begin(one, link)
    practised(one)
    saved(one)
    two = one.context.new_page()
    two.goto(link)
    two.wait_for_selector(".item")
    at = here(one)
    for page, key in ((one, "2"), (two, "8")):
        page.locator(f"#{at} .score input").focus()
        page.keyboard.press(key)
        saved(page)
    two.wait_for_selector(f"#{at} .notice")
    assert two.inner_text(f"#{at} .value") == "80", "the later answer counts, and both tabs' are kept"


@pytest.mark.parametrize(
    ("campaign", "options"),
    [
        ("page", {"viewport": {"width": 390, "height": 844}, "has_touch": True, "locale": "ja-JP"}),
        ("order", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark", "locale": "zh-CN"}),
        ("mqm", {"viewport": {"width": 1280, "height": 900}, "locale": "en-US"}),
    ],
)
def test_axe_finds_nothing_and_nothing_overflows(
    chromium: Any, house: House, campaign: str, options: dict[str, Any]  # noqa: F811
) -> None:  # fmt: skip
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    faults: list[str] = []
    page = opened(chromium, faults, **options)
    page.goto(house.annotator(campaign)[1])
    for step in (".intro", ".item"):
        if step == ".item":
            page.click(".intro button.done")
        page.wait_for_selector(step)
        found = axe.Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if options.get("has_touch"):
        page.locator(".candidate .text").first.tap(position={"x": 30, "y": 15})
        page.wait_for_selector(".candidate .tools button.minor")
    assert not faults


def test_a_link_that_is_no_longer_good_says_so(chromium: Any, house: House) -> None:  # noqa: F811
    person, link = house.annotator()
    page = opened(chromium, [], locale="en-US")
    begin(page, link)
    practised(page)
    in2x("people", "invite", person, "--store", house.store, "--campaign", "page", "--revoke")
    page.keyboard.press("1")
    page.wait_for_selector(".saved.trouble")
    assert "no longer good" in page.inner_text(".saved")
    assert page.locator(".choices input:checked").count() == 1, "what was done stays on the page"
