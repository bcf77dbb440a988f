"""LibreTranslate's interface and DeepLX's on the same path, as their clients call them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from libretranslatepy import LibreTranslateAPI

from in2x.chat.source import Source
from serve_running import OTHER, TOKEN, Server, serving


def say(source: Source) -> str:
    return f"訳{source.text}。"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(say, tmp_path_factory.mktemp("data")) as running:
        yield running


def post(server: Server, path: str, **more: object) -> httpx.Response:
    return httpx.post(server.url + path, timeout=30, **more)  # type: ignore[arg-type]


def test_its_client(server: Server) -> None:
    client = LibreTranslateAPI(server.url, TOKEN)
    assert client.translate("Where is my hat?", "en", "ja") == "訳Where is my hat?。"
    assert client.detect("Where is my hat, please?")[0]["language"] == "en"
    assert client.detect("我的帽子在哪里？")[0]["language"] == "zh-Hans"
    languages = {one["code"]: one for one in client.languages()}
    assert set(languages) == {"de", "en", "ja", "th", "zh-Hans", "zh-Hant"}
    assert "zh-Hans" in languages["en"]["targets"] and "en" not in languages["en"]["targets"]


BODY = {"q": "Where is my hat?", "source": "en", "target": "ja", "api_key": TOKEN}


@pytest.mark.parametrize("how", ["json", "data", "params"])
def test_json_form_and_query_say_the_same(server: Server, how: str) -> None:
    answer = post(server, "translate", **{how: BODY})
    assert answer.status_code == 200
    assert answer.json() == {
        "translatedText": "訳Where is my hat?。", "detectedLanguage": {"confidence": 100.0, "language": "en"}
    }  # fmt: skip


def test_the_language_is_told_for_each_text(server: Server) -> None:
    body = BODY | {"q": ["Where is my red hat, please?", "", "帽子はどこですか。"], "source": "auto", "target": "zh"}
    said = post(server, "translate", json=body).json()
    assert said["translatedText"] == ["訳Where is my red hat, please?。", "", "訳帽子はどこですか。。"]
    assert [one["language"] for one in said["detectedLanguage"]][::2] == ["en", "ja"]
    assert len(said["detectedLanguage"]) == 3 and all(0 <= one["confidence"] <= 100 for one in said["detectedLanguage"])
    assert post(server, "translate", json=BODY | {"q": []}).json() == {"translatedText": [], "detectedLanguage": []}


def test_inside_and_outside_codes_of_a_language(server: Server) -> None:
    for code in ("zh", "zh-Hans", "zh-CN", "zh-Hant", "zt"):
        status = post(server, "translate", json=BODY | {"target": code}).status_code
        assert status == (400 if code == "zt" else 200), code


def test_html(server: Server) -> None:
    body = BODY | {"q": "<p>My <b>red</b> hat</p>", "format": "html"}
    assert post(server, "translate", json=body).json()["translatedText"] == "<p>訳My <b>red</b> hat。</p>"
    assert post(server, "translate", json=body | {"format": "text"}).json()["translatedText"].startswith("訳<p>")


def test_alternatives_are_others_and_bounded(tmp_path_factory: pytest.TempPathFactory) -> None:
    said = iter(range(10_000))
    with serving(lambda source: f"訳{next(said)}", tmp_path_factory.mktemp("data"), tokens=()) as server:
        found = post(server, "translate", json=BODY | {"alternatives": 3}).json()
        assert found["translatedText"] not in found["alternatives"] and len(found["alternatives"]) <= 3
        assert len(post(server, "translate", json=BODY | {"alternatives": 99_999}).json()["alternatives"]) <= 8
        many = post(server, "translate", json=BODY | {"q": ["a hat", "a cat"], "alternatives": 1}).json()
        assert [len(one) <= 1 for one in many["alternatives"]] == [True, True]


def test_what_is_suggested_is_said_from_then_on_to_that_client(server: Server) -> None:
    before = {"q": "Mind the gap", "source": "en", "target": "ja", "api_key": TOKEN}
    assert post(server, "suggest", data=before | {"s": "足元に注意"}).json() == {"success": True}
    assert post(server, "translate", json=before).json()["translatedText"] == "足元に注意"
    assert post(server, "translate", json=before | {"api_key": OTHER}).json()["translatedText"] == "訳Mind the gap。"
    assert post(server, "translate", json=before | {"target": "de"}).json()["translatedText"] == "訳Mind the gap。"
    assert post(server, "suggest", json=before).status_code == 400


def test_a_file(server: Server) -> None:
    answer = post(server, "translate_file", files={"file": ("帽子.md", b"# A hat\n\nIt is **red**.\n")},
                  data={"source": "en", "target": "ja", "api_key": TOKEN})  # fmt: skip
    where = answer.json()["translatedFileUrl"]
    assert where.startswith(server.url + "download_file/")
    fetched = httpx.get(where)
    assert fetched.text == "# 訳A hat。\n\n訳It is **red**.。\n"
    assert fetched.headers["content-disposition"].startswith("attachment")
    assert httpx.get(where.replace("download_file/", "download_file/0")).status_code == 404
    odd = post(server, "translate_file", files={"file": ("a.pdf", b"%PDF-1")}, data={"target": "ja", "api_key": TOKEN})
    assert odd.status_code == 400 and "pdf" in odd.json()["error"]
    assert post(server, "translate_file", data={"target": "ja", "api_key": TOKEN}).status_code == 400


def test_the_file_of_a_client_that_left_is_worked_on_no_longer(tmp_path: Path) -> None:
    def slow(source: Source) -> str:
        time.sleep(0.02)
        return say(source)

    with serving(slow, tmp_path) as server:
        lines = "\n".join(f"Hat number {n} is red." for n in range(500)).encode()
        form = {"source": "en", "target": "ja", "api_key": TOKEN}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}translate_file", files={"file": ("a.txt", lines)}, data=form, timeout=1)
        until = time.monotonic() + 20
        while any((tmp_path / "documents").iterdir()):  # nobody has its key
            assert time.monotonic() < until
            time.sleep(0.05)
        while server.engine._queue.lots:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert 0 < len(server.backend.asked) < 500


def test_alternatives_take_no_longer_than_an_answer_may(tmp_path: Path) -> None:
    def slow(source: Source) -> str:
        time.sleep(0.4)
        return say(source)

    with serving(slow, tmp_path, deadline=0.6) as server:
        assert post(server, "translate", json=BODY).status_code == 200
        late = post(server, "translate", json=BODY | {"alternatives": 3})
        assert late.status_code == 504 and "longer than it may" in late.json()["error"]


def test_what_a_page_of_it_asks_first(server: Server) -> None:
    said = httpx.get(server.url + "frontend/settings").json()
    assert said["keyRequired"] and said["suggestions"] and said["filesTranslation"]
    assert ".srt" in said["supportedFilesFormat"] and said["language"]["source"]["code"] == "auto"
    assert httpx.get(server.url + "health").json() == {"status": "ok"}


@pytest.mark.parametrize(("body", "status"), [
    ({"q": "a", "source": "en", "target": "ja"}, 403), (BODY | {"api_key": "not-a-token-of-this-server"}, 403),
    (BODY | {"target": ""}, 400), (BODY | {"target": "xx"}, 400), (BODY | {"source": "xx"}, 400),
    ({"target": "ja", "api_key": TOKEN}, 400), (BODY | {"format": "tex"}, 400), (BODY | {"alternatives": "many"}, 400),
    (BODY | {"q": {"a": 1}}, 400), (BODY | {"q": [1]}, 400), (BODY | {"target": ["ja", "de"]}, 400),
])  # fmt: skip
def test_faults_in_its_shape(server: Server, body: dict[str, object], status: int) -> None:
    answer = post(server, "translate", json=body)
    assert answer.status_code == status and set(answer.json()) == {"error"}


# --- DeepLX -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "target"), [("EN", "JA"), ("auto", "ja"), ("", "zh-Hans"), ("en-US", "DE")])
def test_deeplx_is_told_apart_by_text(server: Server, source: str, target: str) -> None:
    body = {"text": "Where is my hat?", "source_lang": source, "target_lang": target}
    answer = post(server, "translate", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
    said = answer.json()
    assert answer.status_code == said["code"] == 200 and isinstance(said["id"], int)
    assert said["data"] == "訳Where is my hat?。" and said["alternatives"] == []
    assert (said["source_lang"], said["target_lang"], said["method"]) == ("EN", target.upper(), "Free")


def test_deeplx_with_tags_and_its_token_in_the_query(server: Server) -> None:
    body = {"text": "My <b>hat</b>", "source_lang": "EN", "target_lang": "DE", "tag_handling": "html"}
    assert post(server, f"translate?token={TOKEN}", json=body).json()["data"] == "訳My <b>hat</b>。"


@pytest.mark.parametrize(("body", "token", "status"), [
    ({"text": "a", "target_lang": "JA"}, "", 401), ({"text": "a", "target_lang": "JA"}, "a-wrong-token-entirely", 403),
    ({"text": "a"}, TOKEN, 400), ({"text": "a", "target_lang": "XX"}, TOKEN, 400),
    ({"text": ["a", "b"], "target_lang": "JA"}, TOKEN, 400),
])  # fmt: skip
def test_faults_in_deeplx_shape(server: Server, body: dict[str, object], token: str, status: int) -> None:
    answer = post(server, "translate", json=body, headers={"Authorization": f"Bearer {token}"} if token else {})
    assert answer.status_code == status and answer.json()["code"] == status and answer.json()["message"]


def test_requests_as_subtitle_edit_sends_them(server: Server) -> None:
    libre = b'{"q": "One\\ntwo","source": "en","target": "ja","format": "text","api_key": "%s"}' % TOKEN.encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    said = post(server, "translate", content=libre, headers=headers).json()["translatedText"]
    assert said == "訳One。\n訳two。", "a line stays a line"
    deeplx = b'{"text":"One\\ntwo","source_lang":"EN","target_lang":"JA"}'
    said = post(server, "translate", content=deeplx, headers=headers | {"Authorization": f"Bearer {TOKEN}"}).json()
    assert said["data"] == "訳One。\n訳two。"


def test_without_tokens_everybody_may_call(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(say, tmp_path_factory.mktemp("data"), tokens=()) as server:
        assert LibreTranslateAPI(server.url).translate("My hat", "en", "ja") == "訳My hat。"
        assert not httpx.get(server.url + "frontend/settings").json()["keyRequired"]
