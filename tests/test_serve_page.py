"""The translator's page in a real browser: what is typed, chosen, dropped and kept; and what its server is asked."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from browser import chromium, opened  # noqa: F401  # a fixture
from in2x.chat.known import named
from in2x.chat.source import Source
from in2x.language.pack import REGISTERS
from in2x.serve.access import Access
from in2x.serve.config import Config
from in2x.serve.dialects.page import HERE
from in2x.serve.engine import Engine
from in2x.translate.backend import Done, Translation
from in2x.translate.findings import SEVERITY
from in2x.translate.glossary import read_glossary
from in2x.translate.request import TranslationRequest
from in2x.translate.translator import Translator
from scripted_backend import Scripted
from serve_running import Running

CAT, DOGS, LAMP = "The cat sleeps.", "Tom has 25 dogs.", "A lamp stands there."
SAID = {
    CAT: ("猫が眠っています。", "猫が眠っているよ。"),
    DOGS: ("トムは犬を24匹飼っています。", "トムは犬を24匹飼っているよ。"),
    LAMP: ("ランプがそこに立っています。", "ランプがそこに立っているよ。"),
    "Kyle: I am going.": ("カイル：私は行きます。", "カイル：私は行くよ。"),
    "猫が眠っています。": (CAT, CAT),
    "A garden": ("庭", "庭"),
}
OTHERS = ("一匹の猫が眠っています。", "あの猫は眠っています。")
HOSTILE = "<img src=x onerror=alert(1)>"
TOKEN = "a-token-that-is-long-enough"
STATIC = HERE / "static"


def reply(source: Source) -> str | Translation:
    if source.text == "Nothing comes.":
        return Translation("", "nothing came back", unasked=True)
    said = SAID.get(source.text, (f"{source.text}です。", f"{source.text}だよ。"))[source.register == "casual"]
    terms = dict(source.terms)
    return said.replace("猫", terms["cat"]) if "cat" in terms else said


class Author(Scripted):
    """Has other words for the cat when several are asked for."""

    def _draw(
        self, sources: Sequence[Source], request: TranslationRequest, samples: int, done: Done | None
    ) -> list[list[Translation]]:
        found = super()._draw(sources, request, samples, done)
        if samples == 1:
            return found
        return [[*(Translation(other) for other in OTHERS), *answers][:samples] for answers in found]


def serving(config: Config | None = None) -> tuple[Running, Author]:
    author = Author(reply)
    engine = Engine(Translator(author, "scripted", probed=True), "en", checks="mark")
    return Running(engine, config), author


@pytest.fixture(scope="module")
def house() -> Iterator[Running]:
    with serving()[0] as running:
        yield running


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What a page complains of; nothing is let pass."""
    found: list[str] = []
    yield found
    assert not found


@pytest.fixture
def page(chromium: Any, house: Running, faults: list[str]) -> Iterator[Any]:  # noqa: F811
    page = opened(chromium, faults, locale="en-US", accept_downloads=True)
    yield begun(page, house)
    page.context.close()


def begun(page: Any, house: Running) -> Any:
    page.on("dialog", lambda box: pytest.fail(f"the page says {box.message}"))
    page.goto(house.url)
    page.wait_for_selector("#source")
    page.select_option("#choose-to", "ja")
    return page


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def translation(page: Any) -> str:
    return "".join(page.eval_on_selector_all(
        ".out .sentence[data-at]", "all => all.map(e => [...e.childNodes].filter(n => n.className !== 'only-heard')"
        ".map(n => n.textContent).join(''))"))  # fmt: skip


def shows(page: Any, text: str) -> None:
    until(lambda: translation(page) == text)


def write(page: Any, text: str, comes: str) -> None:
    page.fill("#source", text)
    shows(page, comes)


def add_term(page: Any, source: str, target: str, forbidden: str = "") -> None:
    page.click("text=Glossary")
    if page.input_value("dialog tbody input >> nth=0"):
        page.click("dialog .done")
    for at, value in enumerate((source, target, forbidden)):
        page.fill(f"dialog tbody input >> nth={at}", value)
    page.keyboard.press("Escape")


# --- texts ------------------------------------------------------------------------------------------------------------


def test_what_is_typed_is_translated_and_findings_are_marked_with_their_reason(page: Any) -> None:
    page.type("#source", f"{CAT} {DOGS}")
    shows(page, "猫が眠っています。トムは犬を24匹飼っています。")
    assert page.text_content(".chooser option:checked") == "Detected: English"
    assert page.get_attribute(".out", "lang") == "ja"
    until(lambda: "2 sentences, findings: 1" in page.inner_text(".side:nth-child(2) .foot"))
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_selector(".findings li")
    assert page.inner_text(".details .of") == DOGS
    assert "numbers" in page.inner_text(".findings") and "25" in page.inner_text(".findings .why")
    assert page.get_attribute(".sentence[data-at='1']", "aria-pressed") == "true"


def test_lines_stay_lines_and_a_sentence_that_fails_says_why(page: Any) -> None:
    page.fill("#source", f"{CAT}\n\nNothing comes.")
    page.wait_for_selector(".sentence.critical")
    assert page.text_content(".out").startswith("猫が眠っています。\n\n")
    page.click(".sentence.critical")
    assert "nothing came back" in page.inner_text(".details .notice")


def test_another_register_is_another_translation(page: Any) -> None:
    write(page, CAT, "猫が眠っています。")
    assert page.eval_on_selector_all("#choose-register option", "all => all.map(e => e.value)") == [
        "", "plain", "polite", "honorific", "casual", "literary"]  # fmt: skip
    page.select_option("#choose-register", "casual")
    shows(page, "猫が眠っているよ。")
    page.select_option("#choose-to", "zh")
    assert page.eval_on_selector_all("#choose-register option", "all => all.length") == 5


def test_a_text_in_the_language_wanted_turns_the_direction(page: Any) -> None:
    write(page, CAT, "猫が眠っています。")
    write(page, "猫が眠っています。", CAT)
    assert page.input_value("#choose-to") == "en"


def test_alternatives_on_click_and_by_key_and_a_sentence_of_ones_own(page: Any) -> None:
    write(page, f"{CAT} {DOGS}", "猫が眠っています。トムは犬を24匹飼っています。")
    page.click(".sentence[data-at='0']")
    page.wait_for_selector(".others button")
    assert [one.strip() for one in page.locator(".others span").all_inner_texts()] == list(OTHERS)
    page.keyboard.press("2")
    shows(page, "あの猫は眠っています。トムは犬を24匹飼っています。")
    assert "猫が眠っています。" in page.inner_text(".others")  # the first one can be had again
    page.click(".sentence[data-at='1']")
    assert page.is_visible(".findings")
    page.fill(".details textarea", "トムは犬を25匹飼っています。")
    page.click(".details button:text('Use')")
    shows(page, "あの猫は眠っています。トムは犬を25匹飼っています。")
    assert not page.is_visible(".findings")


def test_a_translation_of_ones_own_is_checked_in_place(page: Any, faults: list[str]) -> None:
    write(page, f"{CAT}\n{DOGS}", "猫が眠っています。トムは犬を24匹飼っています。")
    page.click("text=Check my own translation")
    page.fill("textarea.pane:visible >> nth=1", "猫が眠っています。\nトムは犬を26匹飼っています。")
    page.click("text=Check it")
    shows(page, "猫が眠っています。トムは犬を26匹飼っています。")
    page.click(".sentence[data-at='1']")
    assert "numbers" in page.inner_text(".findings")
    page.fill("textarea.pane:visible >> nth=1", "一行だけ。")
    page.click("text=Check it")
    until(lambda: "2 lines" in page.inner_text("#say"))
    assert "400" in faults.pop()  # the browser tells of such answers


def test_keys_do_everything(page: Any) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "source"
    page.keyboard.insert_text(f"{CAT} {LAMP}")
    page.keyboard.press("Control+Enter")
    shows(page, "猫が眠っています。ランプがそこに立っています。")
    page.keyboard.press("Escape")
    for key, at in (("j", "0"), ("j", "1"), ("k", "0"), ("ArrowRight", "1")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.dataset.at") == at
    page.keyboard.press("?")
    assert "Ctrl+Enter" in page.inner_text("dialog .keys") and "object" not in page.inner_text("dialog")
    page.keyboard.press("Escape")
    for key, title in (
        ("g", "Glossary, English to Japanese"),
        ("c", "Characters, texts in Japanese"),
        ("h", "History"),
    ):
        page.keyboard.press(key)
        assert page.inner_text("dialog h2") == title
        page.keyboard.press("Escape")
        until(lambda: page.query_selector("dialog") is None)
    page.keyboard.press("d")
    assert page.is_visible(".drop")
    page.keyboard.press("t")
    page.keyboard.press("Alt+s")
    until(lambda: page.input_value("#source") == "猫が眠っています。ランプがそこに立っています。")
    assert page.input_value("#choose-to") == "en"


# --- drawers ----------------------------------------------------------------------------------------------------------


def test_the_glossary_counts_at_once_and_travels_as_a_table(page: Any, tmp_path: Path) -> None:
    write(page, CAT, "猫が眠っています。")
    add_term(page, "cat", "ネコ")
    shows(page, "ネコが眠っています。")
    add_term(page, "sleep", "寝る", "眠")
    until(lambda: "forbidden" in str(page.evaluate("localStorage['in2x-page-glossary-en-ja']")))
    page.wait_for_selector(".sentence.major")
    page.click(".sentence")
    page.wait_for_selector(".findings")
    assert "forbidden rendering" in page.inner_text(".findings")
    page.keyboard.press("Escape")
    page.click("text=Glossary")
    with page.expect_download() as coming:
        page.click("text=Export TSV")
    file = tmp_path / "terms.tsv"
    coming.value.save_as(file)
    terms = {term.source: term for term in read_glossary(file, "en", "ja").terms}
    assert terms["cat"].target == "ネコ" and terms["sleep"].forbidden == ("眠",)
    (tmp_path / "new.tsv").write_text("source\ttarget\tforbidden\ncat\tニャンコ\n" + HOSTILE + "\t罠\t\n")
    page.set_input_files("dialog input[type=file]", tmp_path / "new.tsv")
    until(lambda: "3 terms" in page.inner_text("dialog"))
    page.keyboard.press("Escape")
    shows(page, "ニャンコが眠っています。")
    page.reload()
    shows(page, "ニャンコが眠っています。")


def test_characters_speak_as_they_do(page: Any) -> None:
    page.click("text=Characters")
    page.click("dialog .done")
    for at, value in enumerate(("Kyle", "カイル", "俺")):
        page.fill(f".person input >> nth={at}", value)
    page.select_option(".person select", "casual")
    page.keyboard.press("Escape")
    write(page, f"Kyle: I am going.\n{CAT}", "カイル：私は行くよ。猫が眠っています。")
    page.click(".sentence[data-at='0']")
    page.wait_for_selector(".findings")
    assert "Kyle says 俺" in page.inner_text(".findings") and page.inner_text(".sentence mark") == "私"
    page.select_option("#choose-speaker", "Kyle")
    shows(page, "カイル：私は行くよ。猫が眠っているよ。")


def test_the_history_is_kept_in_the_browser_and_only_there(page: Any) -> None:
    write(page, CAT, "猫が眠っています。")
    page.fill("#source", "")
    write(page, LAMP, "ランプがそこに立っています。")
    page.click("text=History")
    page.wait_for_selector(".past")
    assert page.locator(".past").count() == 2
    page.click(".past >> nth=1")
    shows(page, "猫が眠っています。")
    page.click("text=History")
    page.uncheck("dialog input[type=checkbox]")
    page.click("text=Delete all")
    page.keyboard.press("Escape")
    write(page, f"{CAT} {LAMP}", "猫が眠っています。ランプがそこに立っています。")
    assert page.evaluate("localStorage['in2x-page-history'] ?? null") is None


# --- documents --------------------------------------------------------------------------------------------------------

MARKDOWN = f"# A garden\n\n{CAT}\n\n```\ncode()\n```\n\n{DOGS}\n\n" + "\n\n".join(f"Lamp number {n}" for n in range(40))


def drop(page: Any, name: str, content: str) -> None:
    data = page.evaluate_handle(
        "([name, content]) => { const data = new DataTransfer(); data.items.add(new File([content], name)); "
        "return data; }",
        [name, content])  # fmt: skip
    page.dispatch_event(".drop", "drop", {"dataTransfer": data})


def test_a_dropped_file_is_translated_looked_through_and_fetched(page: Any, tmp_path: Path) -> None:
    page.click("text=Documents")
    drop(page, "notes.exe", "x")
    until(lambda: "notes.exe: a format that is not known here" in page.inner_text("#say"))
    drop(page, f"{HOSTILE}.md", MARKDOWN)
    page.wait_for_selector(".state.done")
    assert page.inner_text(".paper .name") == f"{HOSTILE}.md" and page.query_selector(".paper img") is None
    page.click(".paper [data-does=open]")
    page.wait_for_selector(".segments tbody tr")
    assert page.inner_text(".coverage") == "43 translated, 1 left out, 0 failed"
    page.select_option(".view select", "skipped")
    until(lambda: page.locator(".segments tbody tr").count() == 1)
    assert "code()" in page.inner_text(".segments tbody") and page.inner_text(".segments .notice").startswith(
        "Left out: "
    )
    page.select_option(".view select", "findings")
    until(lambda: "25" in page.inner_text(".segments .findings >> nth=0"))
    with page.expect_download() as coming:
        page.click(".paper [data-does=download]")
    coming.value.save_as(tmp_path / "made.md")
    made = (tmp_path / "made.md").read_text()
    assert made.startswith("# 庭\n\n猫が眠っています。\n\n```\ncode()\n```\n\nトムは犬を24匹")
    page.reload()  # the list is kept here, the document there
    page.wait_for_selector("#source")
    page.click("text=Documents")
    page.wait_for_selector(".state.done")
    page.click(".paper [data-does=remove]")
    assert page.inner_text(".papers") == "No documents yet."


def test_a_document_is_its_owners_and_gone_when_it_is_taken_away(house: Running) -> None:
    wish = '{"text": "", "target_lang": "ja", "source_lang": "en"}'
    files = {"file": ("a.txt", f"{CAT}\n".encode())}
    left = httpx.post(f"{house.url}/page/documents", data={"wish": wish}, files=files).json()
    address = f"{house.url}/page/documents/{left['id']}"
    assert httpx.post(address, json={"key": "0" * 64}).status_code == 404
    assert httpx.post(address, json={"key": left["key"]}).json()["segments"] == 1
    assert httpx.request("DELETE", address, json={"key": left["key"]}).status_code == 200
    assert httpx.post(address, json={"key": left["key"]}).status_code == 404
    wrong = httpx.post(f"{house.url}/page/documents", data={"wish": "{"}, files=files)
    assert wrong.status_code == 400 and set(wrong.json()) == {"error", "message", "status"}


def test_a_document_has_the_glossary_and_the_characters_of_the_page(house: Running) -> None:
    wish = {"text": "", "target_lang": "ja", "source_lang": "en", "terms": [{"source": "cat", "target": "ネコ"}],
            "characters": [{"name": "Kyle", "register": "casual", "first_person": "俺"}]}  # fmt: skip
    files = {"file": ("a.txt", f"Kyle: I am going.\n{CAT}\n".encode())}
    left = httpx.post(f"{house.url}/page/documents", data={"wish": json.dumps(wish)}, files=files).json()
    address, key = f"{house.url}/page/documents/{left['id']}", {"key": left["key"]}
    until(lambda: httpx.post(address, json=key).json()["state"] == "done")
    assert httpx.post(f"{address}/result", json=key).text == "カイル：私は行くよ。\nネコが眠っています。\n"
    rows = httpx.post(f"{address}/view", json=key).json()["rows"]
    assert [finding["principle"] for finding in rows[0]["findings"]] == ["first person"]


# --- looks and safety -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "lang", "scheme"), [(1280, "en-US", "light"), (360, "ja-JP", "light"), (390, "zh-CN", "dark")]
)
def test_axe_finds_nothing_and_nothing_overflows(
    chromium: Any, house: Running, faults: list[str], width: int, lang: str, scheme: str  # noqa: F811
) -> None:  # fmt: skip
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(chromium, faults, viewport={"width": width, "height": 800}, locale=lang, color_scheme=scheme)
    begun(page, house)

    def look(what: str) -> None:
        found = axe.Axe().run(page).response["violations"]
        assert not [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found], what
        assert page.evaluate("document.documentElement.scrollWidth") <= width, what

    look("empty")
    write(page, f"{CAT} {DOGS}", "猫が眠っています。トムは犬を24匹飼っています。")
    page.click(".sentence[data-at='1']")
    page.wait_for_selector(".others button")
    look("a sentence")
    for at in range(3):
        page.locator(".drawers button").nth(at).click()
        if at < 2:
            page.click("dialog .done")
        page.wait_for_timeout(50)
        look(f"drawer {at}")
        page.keyboard.press("Escape")
    page.locator(".tab").nth(1).click()
    drop(page, "a.md", MARKDOWN)
    page.wait_for_selector(".state.done")
    page.click(".paper [data-does=open]")
    page.wait_for_selector(".segments tbody tr")
    look("documents")
    page.context.close()


def test_dark_and_light_and_the_language_of_the_page_are_kept(page: Any) -> None:
    page.click("[title='Dark or light']")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.select_option(".tools select", "ja")
    assert page.inner_text("nav.tabs .tab >> nth=0") == "テキスト"
    page.reload()
    page.wait_for_selector("#source")
    assert page.evaluate("document.documentElement.lang") == "ja"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark != "rgb(246, 245, 242)"


def test_hostile_texts_stay_texts(page: Any) -> None:
    add_term(page, HOSTILE, HOSTILE)
    page.click("text=Characters")
    page.click("dialog .done")
    page.fill(".person input >> nth=0", HOSTILE)
    page.fill(".person input >> nth=1", HOSTILE)
    page.keyboard.press("Escape")
    page.fill("#source", f"A {HOSTILE} stands there. <script>alert(2)</script>")
    page.wait_for_selector(".out:not([aria-busy]) .sentence[data-at]")
    assert HOSTILE in translation(page)
    page.click(".sentence[data-at='0']")
    page.wait_for_selector(".others button, .details [role=status]")
    page.click("text=History")
    page.wait_for_selector(".past")
    page.keyboard.press("Escape")
    page.click("text=Glossary")
    assert page.query_selector("img") is None and page.query_selector("body script") is None


def test_the_policy_lets_nothing_in_from_elsewhere(house: Running) -> None:
    answer = httpx.get(house.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in answer.text.replace("html", "")
    assert httpx.get(f"{house.url}/static/../app.py").status_code == 404
    assert httpx.get(f"{house.url}/static/%2e%2e/app.py").status_code == 404
    assert httpx.get(f"{house.url}/static/page.js").headers["content-type"].startswith("text/javascript")


def test_a_server_with_tokens_asks_for_one(chromium: Any) -> None:  # noqa: F811
    faults: list[str] = []
    with serving(Config(access=Access((TOKEN,))))[0] as running:
        page = begun(opened(chromium, faults, locale="en-US"), running)
        page.fill("#source", CAT)
        page.wait_for_selector("dialog.token")
        page.fill("dialog input", "wrong-and-long-enough")
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog.token .notice")
        page.fill("dialog input", TOKEN)
        page.keyboard.press("Enter")
        shows(page, "猫が眠っています。")
        assert page.evaluate("JSON.stringify(localStorage)").count(TOKEN) == 0
        page.context.close()
    assert all("401" in one or "403" in one for one in faults)  # the browser tells of every such answer


def test_a_server_that_is_away_is_said_and_come_back_to(chromium: Any) -> None:  # noqa: F811
    faults: list[str] = []
    running, _ = serving()
    with running:
        page = begun(opened(chromium, faults, locale="en-US"), running)
        write(page, CAT, "猫が眠っています。")
    page.fill("#source", LAMP)
    until(lambda: "does not answer" in page.inner_text("#say"))
    assert page.input_value("#source") == LAMP
    page.context.close()


def test_every_finding_and_every_sentence_of_the_page_has_words_in_each_of_its_languages() -> None:
    here = STATIC / "words.js"
    _, *parts = re.split(r"\n  (\w\w): \{", here.read_text(encoding="utf-8"))
    columns = {
        lang: {a or b for a, b in re.findall(r'(?:^|[{,]\s*)(?:"([^"]+)"|(\w+)): "', words, re.MULTILINE)}
        for lang, words in zip(parts[::2], parts[1::2], strict=True)
    }
    assert set(columns) == {"en", "ja", "zh"} and columns["en"] == columns["ja"] == columns["zh"]
    wanted = {f"p_{name}" for name in SEVERITY} | set(SEVERITY.values()) | set(REGISTERS)
    code = "".join(file.read_text(encoding="utf-8") for file in STATIC.glob("*.js") if file != here)
    wanted |= set(re.findall(r'say\("([^"]+)"', code))
    assert wanted <= columns["en"], wanted - columns["en"]
    unused = {key for key in columns["en"] - wanted if f'"{key}"' not in code}
    assert not unused, unused


# --- what its server is asked -----------------------------------------------------------------------------------------


def ask(house: Running, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{house.url}/page/{path}", json={"target_lang": "ja", **body})


def test_sentences_are_each_others_context_and_only_terms_that_stand_in_them_are_told() -> None:
    running, author = serving()
    author.profile = named("chat")  # a model that takes context
    running.engine.translator.profiles = [author.profile]
    with running:
        author.asked.clear()
        terms = [{"source": "cat", "target": "ネコ"}, {"source": "horse", "target": "ウマ"}]
        ask(running, "translate", text=f"{CAT} {LAMP}", terms=terms)
        asked = {source.text: source for source in author.asked}
        assert asked[CAT].terms == (("cat", "ネコ"),) and asked[LAMP].terms == ()
        assert [source for source, _ in asked[LAMP].before] == [CAT]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"text": CAT, "register": "rude"}, "no register 'rude'"),
        ({"text": CAT, "target_lang": "xx"}, "xx"),
        ({"text": CAT, "source_lang": "ja"}, "already"),
        ({"text": CAT, "terms": [{"source": ""}]}, "terms.0.source"),
        ({"text": CAT, "characters": [{"name": "Kyle", "register": "rude"}]}, "for Kyle"),
        ({"text": CAT, "model": "/etc/passwd"}, "model"),
        ({"text": "a" * 100_001}, "text"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(house: Running, body: dict[str, Any], why: str) -> None:
    answer = ask(house, "translate", **body)
    assert answer.status_code == 400
    assert why in answer.json()["message"] and "\n" not in answer.json()["message"]


def test_what_takes_too_long_ends_with_a_sentence_in_its_place() -> None:
    running, author = serving(Config(deadline=0.3))
    with running:
        true = author.reply
        author.reply = lambda source: (time.sleep(0.8), true(source))[1]
        said = [json.loads(row) for row in ask(running, "translate", text=CAT).text.split("\n") if row]
        assert said[0]["sentences"][0]["source"] == CAT
        assert said[1]["error"] == "too-late" and said[1]["status"] == 504
        late = ask(running, "alternatives", text=CAT, source_lang="en")
        assert late.status_code == 504 and late.json()["error"] == "too-late"


def test_alternatives_of_who_left_are_not_drawn() -> None:
    running, author = serving()
    with running:
        true = author.reply
        author.reply = lambda source: (time.sleep(1.0), true(source))[1]
        body = {"target_lang": "ja", "text": CAT, "source_lang": "en"}
        holding = threading.Thread(target=ask, args=(running, "translate"), kwargs={"text": LAMP})
        holding.start()
        until(lambda: LAMP in [source.text for source in author.asked])
        with pytest.raises(httpx.ReadTimeout):  # as the page does when another sentence is chosen
            httpx.post(f"{running.url}/page/alternatives", json=body, timeout=0.3)
        holding.join()
        until(lambda: running.engine._queue.lots == 0)
        assert CAT not in [source.text for source in author.asked]


def test_a_check_tells_a_moved_line(house: Running) -> None:
    text = "Anna has 31 cats.\nBen has 57 dogs.\nCarl has 82 cows.\nDora has 94 pigs."
    rows = ("ベンは犬を57匹", "カールは牛を82頭", "ドーラは豚を94匹", "アンナは猫を31匹")
    made = "\n".join(f"{row}飼っている。" for row in rows)
    answers = ask(house, "check", text=text, translation=made, source_lang="en").json()["answers"]
    assert sum(one["principle"] == "shift" for answer in answers for one in answer["findings"]) >= 3
