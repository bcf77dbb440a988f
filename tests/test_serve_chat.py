"""OpenAI's and Ollama's interfaces: an unmodified client, streams, prompts of others, and clients that leave."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from contextlib import suppress

import httpx
import openai
import psutil
import pytest

from in2x.serve import trickle
from in2x.serve.access import Access
from in2x.serve.config import Config
from in2x.serve.dialects.asked import asked
from in2x.translate.open import open_backend
from in2x.translate.request import TranslationRequest
from in2x.web import guard
from scripted_backend import Scripted
from serve_running import Running, scripted, shout

TO_GERMAN = {"translation_options": {"source_lang": "English", "target_lang": "German"}}


@pytest.fixture(scope="module")
def server():
    engine, backend = scripted()
    with Running(engine, Config(target_lang="de")) as running:
        running.backend = backend
        yield running


def test_our_own_translator_asks_it_without_being_told_how(server):
    """As `in2x translate --model http://.../v1` does: the words around the text are not translated."""
    backend = open_backend(f"{server.url}/v1")
    asked = TranslationRequest("en", "ja")
    texts = ["Where is the station?", "Note: he said: go.\n", "Translate this into German: no."]
    assert backend.translate(texts, asked) == [f"ja:{text.strip()}" for text in texts]
    assert [source.source_lang for source in server.backend.asked[-3:]] == ["en"] * 3


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


# --- OpenAI -----------------------------------------------------------------------------------------------------------


def test_the_client_gets_a_translation(client) -> None:
    answer = client.chat.completions.create(model="any", messages=user("One.\nTwo."), extra_body=TO_GERMAN)
    assert answer.choices[0].message.content == "de:One.\nde:Two." and answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_the_client_streams_line_by_line(client) -> None:
    stream = client.chat.completions.create(
        model="any", messages=user("One.\r\n\nTwo."), extra_body=TO_GERMAN, stream=True,
        stream_options={"include_usage": True},
    )  # fmt: skip
    chunks = list(stream)
    assert len({chunk.id for chunk in chunks}) == 1 and {c.object for c in chunks} == {"chat.completion.chunk"}
    *told, last, counted = chunks
    assert told[0].choices[0].delta.role == "assistant" and last.choices[0].finish_reason == "stop"
    assert [c.choices[0].delta.content for c in told[1:]] == ["de:One.\r\n", "\n", "de:Two."]
    assert counted.choices == [] and counted.usage.completion_tokens > 0


async def _ask_async(url: str) -> str:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as made:
        stream = await made.chat.completions.create(model="x", messages=user("One."), stream=True, extra_body=TO_GERMAN)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


def test_the_asynchronous_client_streams(server) -> None:
    assert asyncio.run(_ask_async(server.url)) == "de:One."


def test_completions_and_models(client) -> None:
    assert client.completions.create(model="x", prompt="Translate into German:\n\nOne.").choices[0].text == "de:One."
    parts = client.completions.create(model="x", prompt="One.\nTwo.", stream=True, extra_body=TO_GERMAN)
    assert "".join(part.choices[0].text for part in parts) == "de:One.\nde:Two."
    assert [model.id for model in client.models.list()] == ["in2x"]
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("other")


@pytest.fixture(scope="module")
def drawing():
    """A server whose model says something else each time that it draws."""

    class Drawing(Scripted):
        def _draw(self, sources, request, samples, done):
            found = super()._draw(sources, request, samples, done)
            return [[type(one)(f"{one.text}{n % 3}") if samples > 1 else one for n, one in enumerate(row)]
                    for row in found]  # fmt: skip

    engine, _ = scripted()
    engine.translator.members = [Drawing(shout)]
    with Running(engine) as running:
        yield openai.OpenAI(base_url=f"{running.url}/v1", api_key="none")


def test_several_answers_differ_and_lines_stay_lines(drawing) -> None:
    answer = drawing.chat.completions.create(model="x", messages=user("One.\n\nTwo."), n=3, extra_body=TO_GERMAN)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    texts = [choice.message.content for choice in answer.choices]
    assert texts[0] == "de:One.\n\nde:Two." and len(set(texts)) == 3 and all(t.count("\n") == 2 for t in texts)
    many = drawing.chat.completions.create(model="x", messages=user("One."), n=8, extra_body=TO_GERMAN).choices
    assert len(many) == 8 and len({choice.message.content for choice in many}) == 4  # it has no more


def test_several_answers_are_streamed_each_under_its_number(drawing) -> None:
    stream = drawing.chat.completions.create(
        model="x", messages=user("One.\nTwo."), n=2, stream=True, extra_body=TO_GERMAN)  # fmt: skip
    said, ends = ["", ""], [0, 0]
    for chunk in stream:
        [choice] = chunk.choices
        said[choice.index] += choice.delta.content or ""
        ends[choice.index] += choice.finish_reason == "stop"
    assert said[0] == "de:One.\nde:Two." and said[1].count("\n") == 1 and said[1] != said[0] and ends == [1, 1]


def test_several_prompts_are_several_choices(client) -> None:
    made = client.completions.create(model="x", prompt=["One.", "Two.", "Three."], extra_body=TO_GERMAN)
    assert [(one.index, one.text) for one in made.choices] == [(0, "de:One."), (1, "de:Two."), (2, "de:Three.")]
    parts = client.completions.create(model="x", prompt=["One.", "Two."], stream=True, extra_body=TO_GERMAN)
    said = ["", ""]
    for part in parts:
        said[part.choices[0].index] += part.choices[0].text
    assert said == ["de:One.", "de:Two."]


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "/v1/nothing", lambda body: body["error"]["message"]),
        ("GET", "/v1/chat/completions", lambda body: body["error"]["message"]),
        ("POST", "/v2/nothing", lambda body: body["message"]),
        ("GET", "/v2/translate", lambda body: body["message"]),
        ("GET", "/translate", lambda body: body["error"]),
        ("GET", "/api/chat", lambda body: body["error"]),
    ],
)
def test_what_is_no_route_has_the_contracts_shape(server, method, path, told) -> None:
    answer = httpx.request(method, server.url + path)
    assert answer.status_code in (404, 405) and isinstance(told(answer.json()), str)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/chat/completions", lambda body: body["error"]["message"]),
        ("/v2/document", lambda body: body["message"]),
        ("/translate_file", lambda body: body["error"]),
        ("/api/chat", lambda body: body["error"]),
    ],
)
def test_200_megabytes_are_refused_in_the_contracts_shape(server, path, told) -> None:
    piece = b"x" * (1 << 20)
    answer = httpx.post(server.url + path, content=iter([piece] * 200), headers={"Content-Length": f"{200 << 20}"})
    assert answer.status_code == 413 and "at most" in told(answer.json())


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v2/translate", "/translate"])
def test_a_body_that_grows_too_large_or_never_ends_is_refused(server, monkeypatch, path) -> None:
    grown = httpx.post(f"{server.url}{path}", content=iter([b" " * 600_000] * 2),
                       headers={"Content-Type": "application/json"})  # fmt: skip
    assert grown.status_code == 413 and "bytes" in grown.text
    monkeypatch.setattr(guard, "SILENCE", 0.2)
    monkeypatch.setattr(guard, "SWALLOWING", 0.2)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                     "Content-Length: 100\r\n\r\n{".encode())  # fmt: skip
        said = line.recv(65536)
    assert b" 408 " in said.split(b"\r\n")[0], said


def test_a_body_that_drips_is_refused(server, monkeypatch) -> None:
    monkeypatch.setattr(guard, "SILENCE", 1.0)
    monkeypatch.setattr(guard, "SWALLOWING", 0.2)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=0.1) as line:
        line.sendall(b"POST /translate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 9000\r\n\r\n{")  # fmt: skip
        said = b""
        for _ in range(3_000):  # never silent for a second
            line.sendall(b" ")
            with suppress(TimeoutError):
                said = line.recv(65536)
                break
    assert b" 408 " in said.split(b"\r\n")[0], said


def test_no_model_is_needed_and_unknown_fields_do_no_harm(server) -> None:
    body = {"messages": user("One."), "temperature": 0.2, "cache_prompt": True, **TO_GERMAN}
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=body)
    assert answer.json()["choices"][0]["message"]["content"] == "de:One." and answer.json()["model"] == "in2x"
    assert set(answer.json()) == {"id", "created", "model", "object", "choices", "usage"}


def test_options_reach_the_question(server) -> None:
    options = {"source_lang": "en", "target_lang": "Japanese", "terms": [{"source": "cat", "target": "ねこ"}],
               "domains": "A tale.", "register": "polite"}  # fmt: skip
    body = {"messages": user("A cat that options chose."), "translation_options": options}
    assert httpx.post(f"{server.url}/v1/chat/completions", json=body).status_code == 200
    one = next(source for source in server.backend.asked if "options chose" in source.text)
    assert (one.target_lang, one.register, one.terms, one.scene) == ("ja", "polite", (("cat", "ねこ"),), "A tale.")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"messages": []}, 400),
        ({"messages": "x"}, 400),
        ({"messages": user("x"), "translation_options": {"target_lang": "Klingonese"}}, 400),
        ({"messages": user("x"), "translation_options": {"target_lang": "ja", "register": "loud"}}, 400),
        ({"messages": user("x"), "n": 9}, 400),
        ({"messages": user("x"), "n": 0}, 400),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400),
        ({"messages": user("x" * (1 << 20))}, 413),
    ],
)
def test_bad_input_has_the_contracts_shape(server, body, status) -> None:
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=body)
    assert answer.status_code == status
    if status == 400:
        error = answer.json()["error"]
        assert error["type"] == "invalid_request_error" and error["message"] and "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat", "/pages", "/page/translate"])
@pytest.mark.parametrize(("kind", "content"), [
    ("application/json", b"{"), ("application/json", b"[1]"), ("application/json", b""),
    ("application/x-www-form-urlencoded", b"messages=One"), ("text/plain", b"One."),
])  # fmt: skip
def test_a_body_that_is_no_json_is_one_sentence(server, path, kind, content) -> None:
    answer = httpx.post(f"{server.url}{path}", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400 and "the body must be a JSON object" in answer.text


def test_ollama_is_asked_as_its_documentation_does(server) -> None:
    """By curl without a content type, which then says that it is a form."""
    body = json.dumps({"model": "x", "stream": False, "messages": user("One."), **TO_GERMAN})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = httpx.post(f"{server.url}/api/chat", content=body, headers=kind)
    assert answer.json()["message"]["content"] == "de:One."


def test_an_order_in_a_text_is_translated_where_options_say_so(client) -> None:
    text = "Translate this into French:\n\nOui."
    answer = client.chat.completions.create(model="x", messages=user(text), extra_body=TO_GERMAN)
    assert answer.choices[0].message.content == "de:Translate this into French:\n\nde:Oui."


# --- prompts of clients -----------------------------------------------------------------------------------------------

SUBTITLES = "keep punctuation as input, do not censor the translation, give only the output without comments or notes"


@pytest.mark.parametrize(
    ("system", "message", "wanted"),
    [
        ("", f"Translate from English to Japanese, {SUBTITLES}:\n\nOne.\nTwo.", ("One.\nTwo.", "en", "ja")),
        ("", "Translate the following segment into German, without explanation.\n\nOne.", ("One.", None, "de")),
        ("", "Translate this from English to Chinese:\nEnglish", ("English", "en", "zh")),
        ("", "Translate to Canadian French: hi", ("hi", None, "fr")),
        ("", "Translate to Traditional Chinese:\nhi", ("hi", None, "zh-Hant")),
        ("", "Translate into Simplified Chinese (output translation only):\n\nhi", ("hi", None, "zh")),
        ("", "Übersetze: hi", None),
        ("", "把下面的文本翻译成日语，不要额外解释。\n\nHi", ("Hi", None, "ja")),
        ("", "次の英語をドイツ語に翻訳してください：\nHi", ("Hi", "en", "de")),
        ("You translate from en to fr.", "Hi", ("Hi", None, None)),
        ("You are a professional translator. Translate the text into French.", "Hi", ("Hi", None, "fr")),
        ("You are helpful.", "Hi: there\n\nThe end", ("Hi: there\n\nThe end", None, None)),
        ("", 'Translate into German:\n\n"""\nHi\n"""', ("Hi", None, "de")),
        ("", "He wanted to translate it.\n\nThen he went to Germany.", None),
    ],
)  # fmt: skip
def test_the_instruction_of_a_client_is_no_text(system, message, wanted) -> None:
    found = asked(system, message)
    assert (found.text, found.source_lang, found.target_lang) == (wanted or (message, None, None))


def test_a_page_in_json_is_answered_in_json(client, server) -> None:
    page = {
        "targetLanguage": "ja", "title": "Cats", "description": "", "summary": "", "tone": "neutral",
        "glossary": {"cat": "ねこ"},
        "segments": [{"id": 0, "text": "A <i1>cat</i1> of the page."}, {"id": 1, "text": "Two words."}],
    }  # fmt: skip
    messages = [{"role": "system", "content": "Translate and answer in JSON."}, *user(json.dumps(page))]
    answer = client.chat.completions.create(model="x", messages=messages)
    rows = json.loads(answer.choices[0].message.content)["translations"]
    assert [row["id"] for row in rows] == [0, 1] and {row["sourceLanguage"] for row in rows} == {"en"}
    assert rows[1]["text"] == "ja:Two words." and "<i1>" in rows[0]["text"] and "</i1>" in rows[0]["text"]
    one = next(source for source in server.backend.asked if "of the page" in source.text)
    assert one.terms == (("cat", "ねこ"),) and one.scene == "Cats"


def test_custom_interfaces_of_extensions(server) -> None:
    pages = f"{server.url}/pages"
    mine = httpx.post(pages, json={"texts": ["One word here."], "from": "auto", "to": "zh-CN"}).json()
    assert mine == {"translations": [{"text": "zh:One word here.", "src": "en"}]}
    theirs = httpx.post(
        pages, json={"text_list": ["One word here."], "source_lang": "auto", "target_lang": "ja"}
    ).json()
    assert theirs == {"translations": [{"text": "ja:One word here.", "detected_source_lang": "en"}]}
    assert httpx.post(pages, json={"to": "ja"}).status_code == 400


# --- Ollama -----------------------------------------------------------------------------------------------------------


def test_ollama_answers_whole_and_in_lines(server) -> None:
    body = {"model": "m", "prompt": "Translate into German:\n\nOne.\nTwo.", "stream": False}
    whole = httpx.post(f"{server.url}/api/generate", json=body).json()
    assert whole["response"] == "de:One.\nde:Two." and whole["done"] and whole["done_reason"] == "stop"
    chat = {"model": "m", "messages": user("One.\nTwo."), "think": False, "options": {"num_ctx": 4096}, **TO_GERMAN}
    rows = [json.loads(row) for row in httpx.post(f"{server.url}/api/chat", json=chat).text.splitlines()]
    assert [row["message"]["content"] for row in rows] == ["de:One.\n", "de:Two.", ""]
    assert [row["done"] for row in rows] == [False, False, True] and rows[-1]["eval_count"] > 0
    assert httpx.get(f"{server.url}/api/tags").json()["models"][0]["name"] == "in2x"
    assert httpx.post(f"{server.url}/api/chat", json={"messages": []}).json()["error"]


# --- slow answers -----------------------------------------------------------------------------------------------------


def slowly(seconds: float):
    def reply(source) -> str:
        time.sleep(seconds)
        return shout(source)

    return reply


def test_a_slow_answer_is_asked_for_once(monkeypatch) -> None:
    """A client that gives up after .6 s without a byte waits 1.5 s, for there is one every .2 s."""
    monkeypatch.setattr(trickle, "PAUSE", 0.2)
    engine, backend = scripted(slowly(1.5))
    with Running(engine) as server:
        asks = len(backend.asked)
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x", timeout=0.6, max_retries=5) as client:
            answer = client.chat.completions.create(model="x", messages=user("One."), extra_body=TO_GERMAN)
            assert answer.choices[0].message.content == "de:One."
            stream = client.chat.completions.create(model="x", messages=user("Two."), extra_body=TO_GERMAN, stream=True)
            assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "de:Two."
        raw = httpx.post(f"{server.url}/v1/chat/completions", json={"messages": user("Three."), **TO_GERMAN}).text
        assert raw.startswith("  ") and json.loads(raw)["choices"]
        assert len(backend.asked) == asks + 3


def test_a_fault_after_the_first_byte_is_in_the_body(monkeypatch) -> None:
    monkeypatch.setattr(trickle, "PAUSE", 0.1)
    engine, _ = scripted(slowly(1.0))
    with Running(engine, Config(deadline=0.4)) as server:
        body = {"messages": user("One."), **TO_GERMAN}
        late = httpx.post(f"{server.url}/v1/chat/completions", json=body)
        assert late.status_code == 200 and late.json()["error"]["code"] == "too-late"
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client:
            stream = client.chat.completions.create(model="x", messages=user("Two."), extra_body=TO_GERMAN, stream=True)
            with pytest.raises(openai.APIError, match="longer than it may"):
                list(stream)


@pytest.mark.slow
def test_a_job_of_25_seconds_is_asked_for_once() -> None:
    """The pause as it is, against a client that gives up after ten seconds without a byte."""
    slow = slowly(25)
    engine, backend = scripted(lambda source: slow(source) if source.text == "One." else shout(source))
    with Running(engine) as server:
        asks = len(backend.asked)
        body = {"messages": user("One."), **TO_GERMAN}
        answer = httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=10)
        assert answer.json()["choices"][0]["message"]["content"] == "de:One." and len(backend.asked) == asks + 1


def leave(url: str, body: dict, after: float) -> None:
    """Ask, and hang up without a word."""
    host, port = url.removeprefix("http://").split(":")
    raw = json.dumps(body).encode()
    with socket.create_connection((host, int(port))) as line:
        line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(raw) + raw)  # fmt: skip
        line.settimeout(after)
        try:
            while line.recv(65536):
                pass
        except TimeoutError:
            pass


def left_alone(times: int, after: float, each: float) -> None:
    engine, _ = scripted(slowly(each))
    with Running(engine) as server:
        files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        tasks = server.tasks()
        for n in range(times):
            if n == times // 2:
                before = psutil.Process().memory_info().rss
            lines = "\n".join(f"call {n} line {k}" for k in range(200))
            leave(server.url, {"messages": user(lines), "stream": n % 3 != 2, **TO_GERMAN}, after)
        until = time.monotonic() + 10
        while time.monotonic() < until and (engine._queue.lots or server.tasks() > tasks):
            time.sleep(0.05)
        assert engine._queue.lots == 0 and engine._queue.characters == 0
        assert server.tasks() <= tasks
        assert psutil.Process().memory_info().rss < before + 64e6
        assert len(os.listdir("/proc/self/fd")) <= files + 2 and threading.active_count() <= threads + 2
        assert httpx.get(f"{server.url}/health").status_code == 200
        body = {"messages": user("still here"), **TO_GERMAN}
        assert httpx.post(f"{server.url}/v1/chat/completions", json=body).status_code == 200


def test_clients_that_leave_in_mid_stream_leave_nothing_behind(monkeypatch) -> None:
    monkeypatch.setattr(trickle, "PAUSE", 0.05)
    left_alone(12, 0.12, 0.004)


@pytest.mark.slow
def test_200_clients_that_leave_in_mid_stream_leave_nothing_behind() -> None:
    left_alone(200, 0.25, 0.01)


# --- who may call -----------------------------------------------------------------------------------------------------

TOKEN = "a-token-of-good-length"


@pytest.fixture(scope="module")
def guarded():
    engine, _ = scripted()
    with Running(engine, Config(access=Access((TOKEN,)))) as running:
        yield running


def test_a_token_is_demanded(guarded) -> None:
    url, body = f"{guarded.url}/v1/chat/completions", {"messages": user("my secret text"), **TO_GERMAN}
    assert httpx.post(url, json=body).status_code == 401
    wrong = httpx.post(url, json=body, headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 403 and wrong.json()["error"]["code"] == "wrong-token"
    for scheme in ("Bearer", "DeepL-Auth-Key"):
        assert httpx.post(url, json=body, headers={"Authorization": f"{scheme} {TOKEN}"}).status_code == 200
    assert httpx.get(f"{guarded.url}/health").status_code == 200
    assert httpx.get(f"{guarded.url}/metrics").status_code == 401


def test_nothing_of_a_client_is_in_the_metrics(guarded) -> None:
    httpx.get(f"{guarded.url}/my-own-path")
    text = httpx.get(f"{guarded.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    for secret in ("my-own-path", "secret", TOKEN, "127.0.0.1"):
        assert secret not in text
    names = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")}
    counters = {line.split(" ")[2] for line in text.splitlines() if line.endswith(" counter")}
    assert all(name.startswith("in2x_") for name in names) and all(name.endswith("_total") for name in counters)
    assert 'path="other"' in text and "in2x_queue_depth 0" in text


def test_a_bug_of_ours_is_told_by_its_place_and_without_a_clients_words(monkeypatch, capfd) -> None:
    engine, _ = scripted()
    with Running(engine) as server:

        def broken(texts, *_, **__) -> None:
            raise ValueError(texts[0])

        monkeypatch.setattr(engine, "translate", broken)
        answer = httpx.post(f"{server.url}/pages", json={"texts": ["my secret text"], "to": "de"})
        assert answer.status_code == 500 and "secret" not in answer.text
    told = capfd.readouterr().err
    assert "Traceback" in told and "ValueError in an answer" in told and "extensions.py" in told


def test_other_hosts_and_sites_are_turned_away_and_extensions_are_not(server) -> None:
    url, body = f"{server.url}/v1/chat/completions", {"messages": user("One."), **TO_GERMAN}
    assert httpx.post(url, json=body, headers={"Host": "evil.example"}).status_code == 403
    evil = httpx.post(url, json=body, headers={"Origin": "https://evil.example"})
    assert evil.status_code == 403 and "access-control-allow-origin" not in evil.headers
    mine = "chrome-extension://abcdefghijklmnop"
    good = httpx.post(url, json=body, headers={"Origin": mine, "Sec-Fetch-Site": "cross-site"})
    assert good.status_code == 200 and good.headers["access-control-allow-origin"] == mine
    assert "access-control-allow-credentials" not in good.headers
    first = httpx.options(url, headers={"Origin": mine, "Access-Control-Request-Method": "POST"})
    assert first.status_code == 204 and "authorization" in first.headers["access-control-allow-headers"]


def test_a_client_that_asks_too_often_is_told_when_to_come_back() -> None:
    engine, _ = scripted()
    with Running(engine, Config(access=Access((), rate=0.5, burst=2))) as server:
        codes = [httpx.get(f"{server.url}/v1/models") for _ in range(3)]
        assert [one.status_code for one in codes] == [200, 200, 429]
        assert int(codes[-1].headers["retry-after"]) >= 1


def test_the_page_of_interfaces_lists_every_route_and_loads_nothing(server) -> None:
    page = httpx.get(f"{server.url}/docs")
    for path in httpx.get(f"{server.url}/openapi.json").json()["paths"]:
        assert path in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"] and "<script" not in page.text
