"""DeepL's interface: its own client, unmodified, and requests of the shapes that others send."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import deepl
import pytest
from deepl.api_data import MultilingualGlossaryDictionaryEntries

from in2x.chat.source import Source
from in2x.serve import trickle
from in2x.translate.backend import Translation
from serve_running import OTHER, TOKEN, Server, serving

SRT = "1\n00:00:01,000 --> 00:00:02,000\nHello\nmy friend.\n\n2\n00:00:03,000 --> 00:00:04,000\n<i>A cat</i> sleeps.\n"


def say(source: Source) -> str:
    """The source between marks, so that a test sees what was asked."""
    return f"訳{source.text}。"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(say, tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[deepl.DeepLClient]:
    server.backend.asked.clear()
    with closing(deepl.DeepLClient(TOKEN, server_url=server.url)) as found:
        yield found


def post(server: Server, body: dict[str, object], token: str = TOKEN) -> tuple[int, dict[str, object]]:
    answer = server.call("POST", "v2/translate", json=body, token=token)
    return answer.status_code, answer.json()


# --- the client that DeepL gives out --------------------------------------------------------------------------------


def test_the_client_translates_one_text_and_many(server: Server, client: deepl.DeepLClient) -> None:
    one = client.translate_text("Where is my hat?", target_lang="JA")
    assert (one.text, one.detected_source_lang, one.billed_characters) == ("訳Where is my hat?。", "EN", 16)
    many = client.translate_text(["Good morning to you.", "", "It is raining."], source_lang="EN", target_lang="DE")
    assert [(m.text, m.billed_characters) for m in many] == [
        ("訳Good morning to you.。", 20), ("", 0), ("訳It is raining.。", 14)
    ]  # fmt: skip


@pytest.mark.parametrize(("formality", "register"), [("more", "polite"), ("less", "plain"), ("prefer_more", "polite"),
                                                     ("default", None)])  # fmt: skip
def test_formality_is_a_register_of_the_language(
    server: Server, client: deepl.DeepLClient, formality: str, register: str | None
) -> None:
    client.translate_text("Sit down.", target_lang="JA", formality=formality)
    assert server.backend.asked[-1].register == register


def test_formality_that_a_language_lacks(server: Server, client: deepl.DeepLClient) -> None:
    with pytest.raises(deepl.DeepLException, match="formality is not supported"):
        client.translate_text("Sit down.", target_lang="TH", formality="more")
    client.translate_text("Sit down.", target_lang="TH", formality="prefer_less")
    assert server.backend.asked[-1].register is None
    shown = {lang.code: lang.supports_formality for lang in client.get_target_languages()}
    assert shown["JA"] and shown["DE"] and shown["ZH-HANT"] and not shown["TH"]


def test_the_client_lists_languages_and_usage(client: deepl.DeepLClient) -> None:
    assert [lang.code for lang in client.get_source_languages()] == ["DE", "EN", "JA", "TH", "ZH"]
    assert {"EN-US", "EN-GB", "JA", "ZH-HANS", "ZH-HANT"} <= {lang.code for lang in client.get_target_languages()}
    before = client.get_usage().character.count
    client.translate_text("Twelve signs", target_lang="JA")
    usage = client.get_usage()
    assert usage.character.count == before + 12 and not usage.any_limit_reached


def test_context_and_instructions_reach_the_model(server: Server, client: deepl.DeepLClient) -> None:
    client.translate_text("It is cold.", target_lang="JA", context="A soup is served.",
                          custom_instructions=["Short words.", "No slang."])  # fmt: skip
    assert server.backend.asked[-1].scene == "A soup is served."
    assert server.backend.asked[-1].style == "Short words.; No slang."


def test_xml_as_weblate_sends_it(server: Server, client: deepl.DeepLClient) -> None:
    found = client.translate_text(
        ['Open <x id="0"></x> now &amp; wait', '<x id="0"></x> files, <b>really</b>', "no tags < here"],
        source_lang="EN", target_lang="DE", tag_handling="xml", ignore_tags=["x"],
    )  # fmt: skip
    assert [one.text for one in found] == [
        '訳Open <x id="0"></x> now &amp; wait。', '<x id="0"></x> 訳files, <b>really</b>。', "訳no tags &lt; here。",
    ]  # fmt: skip


def test_what_parts_xml(server: Server, client: deepl.DeepLClient) -> None:
    def asked() -> list[str]:
        found = [one.text.replace(" ", "") for one in server.backend.asked]  # on which side of a tag is not this test's
        server.backend.asked.clear()
        return found

    text = "<page><title>One hat</title><par>Two <i>hats</i>.</par></page>"
    client.translate_text(text, target_lang="JA", tag_handling="xml")
    assert asked() == ["Onehat", "Two<1>hats</1>."]
    client.translate_text(text, target_lang="JA", tag_handling="xml", outline_detection=False)
    assert asked() == ["<1>Onehat</1><2>Two<3>hats</3>.</2>"]
    client.translate_text("One hat<cut/>two hats", target_lang="JA", tag_handling="xml", splitting_tags=["cut"])
    assert asked() == ["Onehat", "twohats"]


def test_html_is_read_as_a_browser_does(server: Server, client: deepl.DeepLClient) -> None:
    page = '<p>A  <b>red</b>\n hat.</p><script>let a;</script><p translate="no">Keep</p><ul><li>One<li>Two</ul>'
    found = client.translate_text(page, target_lang="DE", tag_handling="html")
    assert found.text == (
        '<p>訳A <b>red</b> hat.。</p><script>let a;</script><p translate="no">Keep</p><ul><li>訳One。<li>訳Two。</ul>'
    )


def test_broken_xml_is_refused_by_version_2_alone(server: Server) -> None:
    body = {"text": ["<b>A hat"], "target_lang": "JA", "source_lang": "EN", "tag_handling": "xml"}
    status, said = post(server, body | {"tag_handling_version": "v2"})
    assert status == 400 and "well-formed" in str(said["message"])
    assert post(server, body | {"tag_handling_version": "v1"})[0] == 200


@pytest.mark.parametrize(("split", "asked", "text"), [
    ("1", ["The hat", "is red."], "訳The hat。\n訳is red.。\n"),
    ("nonewlines", ["The hat is red."], "訳The hat is red.。\n"),
    ("0", ["The hat is red."], "訳The hat is red.。\n"),
])  # fmt: skip
def test_line_breaks(server: Server, client: deepl.DeepLClient, split: str, asked: list[str], text: str) -> None:
    found = client.translate_text("The hat\nis red.\n", target_lang="DE", source_lang="EN", split_sentences=split)
    assert ([one.text for one in server.backend.asked], found.text) == (asked, text)


def test_texts_are_each_others_context_only_where_that_is_asked(server: Server, client: deepl.DeepLClient) -> None:
    texts = ["Anna has a hat.", "She likes it."]
    client.translate_text(texts, source_lang="EN", target_lang="JA")
    assert [one.before for one in server.backend.asked] == [(), ()]
    server.backend.asked.clear()
    client.translate_text(texts, source_lang="EN", target_lang="JA", extra_body_parameters={"together": True})
    assert server.backend.asked[-1].before == (("Anna has a hat.", "訳Anna has a hat.。"),)


@pytest.mark.parametrize(
    ("how", "register"), [({"style": "business"}, "polite"), ({"tone": "friendly"}, "plain"), ({}, None)]
)
def test_a_text_is_said_in_another_register(
    server: Server, client: deepl.DeepLClient, how: dict[str, str], register: str | None
) -> None:
    server.backend.asked.clear()
    said = client.rephrase_text(["これは帽子です。", "あれは猫です。"], target_lang="JA", **how)
    assert [one.detected_source_language for one in said] == ["ja", "ja"] and said[0].target_language == "ja"
    asked = server.backend.asked
    assert [(one.source_lang, one.target_lang) for one in asked] == [("ja", "en")] * 2 + [("en", "ja")] * 2
    assert {one.register for one in asked[2:]} == {register}


@pytest.mark.parametrize("body", [
    {"text": []}, {"text": ["帽子です。"], "writing_style": "loud"}, {"text": ["これは帽子だ。"], "target_lang": "DE"},
    {"text": ["帽子です。"], "writing_style": "casual", "tone": "friendly"}, {"text": ["  "]},
])  # fmt: skip
def test_what_cannot_be_rephrased(server: Server, body: dict[str, object]) -> None:
    answer = server.call("POST", "v2/write/rephrase", json=body)
    assert answer.status_code == 400 and answer.json()["message"]


def test_glossaries_of_one_pair(server: Server, client: deepl.DeepLClient) -> None:
    made = client.create_glossary("Köche", "en", "ja", {"hat": "帽子", "red": "赤い"})
    assert (made.name, made.source_lang, made.target_lang, made.entry_count, made.ready) == (
        "Köche", "EN", "JA", 2, True,
    )  # fmt: skip
    assert client.get_glossary_entries(made) == {"hat": "帽子", "red": "赤い"}
    assert made.glossary_id in [one.glossary_id for one in client.list_glossaries()]
    assert client.get_glossary(made.glossary_id).creation_time == made.creation_time
    client.translate_text("My hat.", source_lang="EN", target_lang="JA", glossary=made)
    assert server.backend.asked[-1].terms == (("hat", "帽子"),), "only what stands in the text"
    client.delete_glossary(made)
    with pytest.raises(deepl.GlossaryNotFoundException):
        client.get_glossary(made.glossary_id)
    from_csv = client.create_glossary_from_csv("csv", "EN", "DE", 'hat,"Hut, der"\n')
    assert client.get_glossary_entries(from_csv) == {"hat": "Hut, der"}
    pairs = {(one.source_lang, one.target_lang) for one in client.get_glossary_languages()}
    assert ("en", "ja") in pairs and ("ja", "ja") not in pairs


def test_glossaries_of_several_pairs(server: Server, client: deepl.DeepLClient) -> None:
    dictionary = MultilingualGlossaryDictionaryEntries
    made = client.create_multilingual_glossary(
        "House", [dictionary("en", "ja", {"hat": "帽子"}), dictionary("en", "de", {"hat": "Hut"})]
    )
    assert {(one.source_lang, one.target_lang, one.entry_count) for one in made.dictionaries} == {
        ("EN", "JA", 1), ("EN", "DE", 1)
    }  # fmt: skip
    client.update_multilingual_glossary_dictionary(made, dictionary("en", "ja", {"red": "赤い"}))
    found = client.get_multilingual_glossary_entries(made, "en", "ja").dictionaries[0].entries
    assert found == "hat\t帽子\nred\t赤い", "beside what is there; the client leaves the lines as they are"
    told = client.replace_multilingual_glossary_dictionary(made, dictionary("en", "ja", {"cat": "猫"}))
    assert told.entry_count == 1
    assert client.update_multilingual_glossary_name(made, "Home").name == "Home"
    client.translate_text("The cat's hat", source_lang="EN", target_lang="DE", glossary=made)
    assert server.backend.asked[-1].terms == (("hat", "Hut"),)
    client.delete_multilingual_glossary_dictionary(made, source_lang="en", target_lang="de")
    assert [one.target_lang for one in client.get_multilingual_glossary(made.glossary_id).dictionaries] == ["JA"]
    assert post(server, {"text": ["A hat"], "source_lang": "EN", "target_lang": "DE",
                         "glossary_id": made.glossary_id})[0] == 400  # fmt: skip
    other = client.create_glossary("Zoo", "en", "ja", {"cat": "ネコ", "dog": "犬"})
    client.translate_text("cat and dog", source_lang="EN", target_lang="JA", glossary_ids=[made, other])
    assert dict(server.backend.asked[-1].terms) == {"cat": "猫", "dog": "犬"}, "the first glossary has its way"
    client.delete_multilingual_glossary(made)
    assert made.glossary_id not in [one.glossary_id for one in client.list_multilingual_glossaries()]


def test_the_client_translates_documents(server: Server, client: deepl.DeepLClient, tmp_path: Path) -> None:
    source = tmp_path / "film.srt"
    source.write_text(SRT, encoding="utf-8")
    glossary = client.create_glossary("film", "en", "ja", {"friend": "友"})
    status = client.translate_document_from_filepath(source, tmp_path / "out.srt", source_lang="EN", target_lang="JA",
                                                     formality="less", glossary=glossary)  # fmt: skip
    assert status.done and status.billed_characters == len("Hello\nmy friend.A cat sleeps.")
    written = (tmp_path / "out.srt").read_text(encoding="utf-8")
    assert "訳Hello my friend.。" in written and "<i>" in written and "00:00:03,000 --> 00:00:04,000" in written
    assert {one.register for one in server.backend.asked} == {"plain"}
    assert server.backend.asked[0].terms == (("friend", "友"),)
    target = io.BytesIO()
    client.translate_document(b"# A hat\n\nIt is **red**.\n", target, target_lang="DE", filename="hat.md")
    assert target.getvalue().decode() == "# 訳A hat。\n\n訳It is **red**.。\n"


def test_documents_that_cannot_be(server: Server, client: deepl.DeepLClient) -> None:
    for raw, name, why in ((b"%PDF-1.7", "a.txt", "PDF"), (b"x", "a.exe", "format"), (b"1 2 3", "a.pdf", "format")):
        with pytest.raises(deepl.DeepLException, match=why):
            client.translate_document_upload(raw, target_lang="DE", filename=name)
    with pytest.raises(deepl.DeepLException, match="stays in its format"):
        client.translate_document_upload(b"A hat", target_lang="DE", filename="a.txt", output_format="docx")


def test_a_document_is_asked_for_by_its_key_and_its_owner(server: Server, client: deepl.DeepLClient) -> None:
    handle = client.translate_document_upload(b"A hat that is red.", target_lang="DE", filename="a.txt")
    assert client.translate_document_wait_until_done(handle, timeout_s=20).done
    path, key = f"v2/document/{handle.document_id}", {"document_key": handle.document_key}
    assert server.call("POST", path, json=key, token=OTHER).status_code == 404
    assert server.call("POST", path, json={"document_key": "0" * 64}).status_code == 404
    assert server.call("POST", f"{path}/result", json={}).status_code == 404
    answer = server.call("POST", f"{path}/result", json=key)
    assert answer.text == "訳A hat that is red.。" and "attachment" in answer.headers["content-disposition"]


def test_a_document_is_not_ready_before_it_is(tmp_path: Path) -> None:
    go = threading.Event()

    def wait(source: Source) -> str:
        if "hat" in source.text:
            go.wait(20)
        return say(source)

    with serving(wait, tmp_path) as server:
        files = {"file": ("a.txt", b"One hat.\nTwo hats.\n")}
        try:
            left = server.call(
                "POST", "v2/document", files=files, data={"target_lang": "JA", "source_lang": "EN"}
            ).json()
            path, key = f"v2/document/{left['document_id']}", {"document_key": left["document_key"]}
            early = server.call("POST", f"{path}/result", json=key)
            assert early.status_code == 503 and early.json()["message"] and early.headers["retry-after"]
            assert server.call("POST", path, json=key).json()["status"] in ("queued", "translating")
        finally:
            go.set()
        until = time.monotonic() + 20
        while (state := server.call("POST", path, json=key).json())["status"] != "done":
            assert time.monotonic() < until, state
            time.sleep(0.05)
        assert state == {"document_id": left["document_id"], "status": "done", "billed_characters": 17}
        assert server.call("POST", f"{path}/result", data=key).text == "訳One hat.。\n訳Two hats.。\n"


# --- slow answers ---------------------------------------------------------------------------------------------------


def slow(seconds: float) -> list[str]:
    """What a model was asked in whose answers `seconds` go by, through the client."""
    asked: list[str] = []

    def wait(source: Source) -> str:
        asked.append(source.text)
        time.sleep(seconds if source.text == "A hat." else 0.0)  # not while it warms up
        return say(source)

    with serving(wait) as server, closing(deepl.DeepLClient(TOKEN, server_url=server.url)) as client:
        asked.clear()
        assert client.translate_text("A hat.", source_lang="EN", target_lang="JA").text == "訳A hat.。"
        counted = server.call("GET", "metrics").text
    assert 'path="/v2/translate",code="200"} 1' in counted or 'code="200",path="/v2/translate"} 1' in counted, counted
    return asked


def test_a_slow_answer_is_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepl.http_client, "min_connection_timeout", 0.6)
    monkeypatch.setattr(trickle, "PAUSE", 0.2)
    assert slow(2.0) == ["A hat."]


@pytest.mark.slow
def test_a_slow_answer_is_one_request_at_the_clients_own_pace() -> None:
    assert slow(12.0) == ["A hat."]


# --- the shapes that others send, and faults --------------------------------------------------------------------------


def test_a_form_says_the_same_as_json(server: Server) -> None:
    body = {"text": ["A hat.", "Two hats."], "target_lang": "ja", "source_lang": "en", "formality": "less"}
    form = server.call("POST", "v2/translate", data=body)
    assert form.status_code == 200 and form.json() == server.call("POST", "v2/translate", json=body).json()


def test_requests_as_weblate_and_subtitle_edit_send_them(server: Server) -> None:
    found = server.call("GET", "v2/languages", params={"type": "target"}).json()
    assert {"language": "JA", "name": "Japanese", "supports_formality": True} in found
    weblate = {"text": ['See <x id="4"></x>.'], "target_lang": "JA", "source_lang": "EN", "tag_handling": "xml",
               "ignore_tags": ["x"], "formality": "prefer_more"}  # fmt: skip
    [said] = server.call("POST", "v2/translate", json=weblate).json()["translations"]
    assert said["text"].count('<x id="4"></x>') == 1
    subtitles = "text=One%0Atwo&target_lang=JA&source_lang=EN&formality=prefer_less"
    answer = server.call("POST", "v2/translate", content=subtitles,
                         headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})  # fmt: skip
    assert answer.json()["translations"][0]["text"] == "訳One。\n訳two。"


def test_languages_of_version_3(server: Server) -> None:
    found = {one["lang"]: one for one in server.call("GET", "v3/languages?resource=translate_text").json()}
    assert found["en"]["usable_as_source"] and not found["en"]["usable_as_target"]
    assert found["en-US"]["usable_as_target"] and not found["en-US"]["usable_as_source"]
    assert (
        found["ja"]["usable_as_source"] and found["ja"]["usable_as_target"] and "formality" in found["ja"]["features"]
    )
    assert "formality" not in found["th"]["features"] and found["zh-Hant"]["usable_as_target"]


HAT = {"text": ["A hat."], "target_lang": "JA"}


@pytest.mark.parametrize(("body", "status"), [
    ({}, 400), ({"text": ["a"]}, 400), ({"target_lang": "JA"}, 400), ({"text": [1], "target_lang": "JA"}, 400),
    (HAT | {"target_lang": "XX"}, 400), (HAT | {"target_lang": "FR"}, 400), (HAT | {"source_lang": "qq"}, 400),
    (HAT | {"formality": "rude"}, 400), (HAT | {"tag_handling": "tex"}, 400), (HAT | {"split_sentences": "2"}, 400),
    (HAT | {"preserve_formatting": "maybe"}, 400), (HAT | {"glossary_id": "none"}, 400),
    (HAT | {"glossary_id": "none", "source_lang": "EN"}, 404), (HAT | {"style_id": "s"}, 400),
    (HAT | {"glossary_ids": list("abcdef"), "source_lang": "EN"}, 400), (HAT | {"context": {"a": 1}}, 400),
    (HAT | {"custom_instructions": ["x" * 301]}, 400), (HAT | {"register": "royal"}, 400),
    (HAT | {"text": ["a"] * 51}, 400), (HAT | {"text": ["a" * 140_000]}, 413), (HAT | {"model_type": "big"}, 400),
])  # fmt: skip
def test_what_is_wrong_has_the_contracts_code_and_shape(server: Server, body: dict[str, object], status: int) -> None:
    found, said = post(server, body)
    assert found == status and set(said) == {"message"} and said["message"]


def test_keys(server: Server, client: deepl.DeepLClient) -> None:
    wrong = deepl.DeepLClient("not-a-token-of-this-server", server_url=server.url)
    with pytest.raises(deepl.AuthorizationException):
        wrong.get_usage()
    for headers in ({"Authorization": ""}, {"Authorization": "Basic eA=="}):
        answer = server.call("POST", "v2/translate?auth_key=" + TOKEN, json=HAT, headers=headers)
        assert answer.status_code == 403 and answer.json()["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"[" * 100_000, b'"text"', b"\xff\xfe", b"text=a"])
def test_a_body_that_is_none(server: Server, body: bytes) -> None:
    answer = server.call("POST", "v2/translate", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and set(answer.json()) == {"message"}


def test_half_a_surrogate_is_no_fault_of_ours(server: Server) -> None:
    body = json.dumps(HAT | {"text": ["A \ud83d hat"]}).encode()
    assert server.call("POST", "v2/translate", content=body,
                       headers={"Content-Type": "application/json"}).status_code == 200  # fmt: skip


def test_the_quota(tmp_path: Path) -> None:
    with serving(say, tmp_path, characters=20) as server:
        assert post(server, HAT | {"text": ["A" * 15]})[0] == 200
        status, said = post(server, HAT | {"text": ["A" * 6]})
        assert status == 456 and "quota" in str(said["message"])
        assert post(server, HAT, token=OTHER)[0] == 200, "a client's own"
        with closing(deepl.DeepLClient(TOKEN, server_url=server.url)) as client:
            assert (client.get_usage().character.count, client.get_usage().character.limit) == (15, 20)
            with pytest.raises(deepl.QuotaExceededException):
                client.translate_text("A hat. A hat.", target_lang="JA")


def test_a_text_that_could_not_be_translated_says_so(tmp_path: Path) -> None:
    with serving(lambda source: Translation("", "an endless answer"), tmp_path) as server:
        [said] = server.call("POST", "v2/translate", json=HAT).json()["translations"]
    assert (said["text"], said["failed"]) == ("A hat.", "an endless answer")


def test_the_same_language_is_left_as_it_is(server: Server) -> None:
    for source in ({}, {"source_lang": "EN"}):
        status, said = post(server, {"text": ["Where is the red hat?"], "target_lang": "EN-GB"} | source)
        assert status == 200 and said["translations"][0]["text"] == "Where is the red hat?"  # type: ignore[index]
