"""Asking models as users do, against a server that thinks aloud, is cut, refuses and goes away: one table a kind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_server import Body, ChatServer, Reply, source_of
from in2x.llm.cache import Cache
from in2x.llm.client import Client
from in2x.llm.config import LlmConfig
from in2x.llm.embeddings import Embeddings
from in2x.llm.open import AT_ONCE
from in2x.llm.request import Request, chat
from in2x.llm.schema import read_json, violation
from in2x.translate.backend import Backend, Translation, unfit, wordless
from in2x.translate.lines import read_lines, translate_lines
from in2x.translate.request import TranslationRequest
from in2x.translate.translator import Translator

SOURCES = ["Fine weather today.", "She hid the key under a stone.", "Until tomorrow."]
RIGHT = [f"訳:{source}" for source in SOURCES]
ONE_BY_ONE = ("--from", "en", "--to", "ja", "--profile", "chat", "--no-probe", "--context", "0", "--checks", "off")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("in2x.llm.connection.LONGEST_PAUSE", 0.01)


@pytest.fixture
def translate(in2x: Callable[..., tuple[int, str, str]], tmp_path: Path) -> Callable[..., tuple[int, list[str], str]]:
    """`code, lines, stderr = translate(server)` of `SOURCES`, one a question; the lines are those of the output file,
    stderr is without the summary."""

    def call(server: ChatServer, sources: list[str] = SOURCES, *more: str) -> tuple[int, list[str], str]:
        file, out = tmp_path / "in.txt", tmp_path / "out.txt"
        file.write_text("".join(f"{line}\n" for line in sources), encoding="utf-8")
        code, said, err = in2x("translate", file, "--model", server.url, *ONE_BY_ONE, "-o", out, *more)
        assert said == ""
        err = re.sub(r"^(?:in\.txt: .* segments?: |took ).*\n", "", err, flags=re.MULTILINE)
        return code, out.read_text(encoding="utf-8").split("\n")[:-1] if out.exists() else [], err

    return call


def translation(body: Body) -> str:
    return f"訳:{source_of(body)}"


def about(body: Body, words: str) -> bool:
    return words in source_of(body)


# --- reasoning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        "<think>\nThe user wants Japanese.\n</think>\n\n{}",
        "<think>\n\n</think>\n\n{}",
        "[THINK]Japanese, then.[/THINK]{}",
        "Japanese it is.\n</think>\n\n{}",
        "<thought>ja</thought>{}",
        "<seed:think>ja</seed:think>\n{}",
        "<|channel|>analysis<|message|>ja<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
        "analysisWe translate.assistantfinal{}",
        "<think>ja</think>\n<answer>\n{}\n</answer>",
    ],
)
def test_reasoning_never_reaches_a_translation(translate: Any, frame: str) -> None:
    with ChatServer(lambda body: frame.format(translation(body))) as server:
        assert translate(server) == (0, RIGHT, "")


def test_reasoning_that_a_server_has_parted_off_is_read_by_nobody(translate: Any) -> None:
    for field in ("reasoning_content", "reasoning"):
        with ChatServer(lambda body: {"message": {"content": translation(body), field: "Hm."}}) as server:  # noqa: B023
            assert translate(server) == (0, RIGHT, "")
    parts = lambda body: {"message": {"content": [  # noqa: E731
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": translation(body)},
    ]}}  # fmt: skip
    with ChatServer(parts) as server:
        assert translate(server) == (0, RIGHT, "")


def test_a_text_about_reasoning_keeps_its_marks(translate: Any) -> None:
    sources = ["The tag <think> opens and </think> closes.", "Everything before </think> is dropped."]
    with ChatServer(lambda body: source_of(body).upper()) as server:
        assert translate(server, sources) == (0, [source.upper() for source in sources], "")


def test_thinking_is_asked_off(translate: Any) -> None:
    with ChatServer(translation) as server:
        translate(server)
    for body in server.asked:
        assert body["chat_template_kwargs"]["enable_thinking"] is False and body["reasoning_effort"] == "none"


# --- answers that are none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"message": {"content": "訳:She h"}, "finish_reason": "length"}, "was cut"),
        ({"message": {"content": ""}, "finish_reason": "length"}, "was cut"),
        ({"message": {"content": None, "reasoning_content": "Let me see ..."}, "finish_reason": "length"}, "was cut"),
        ({"message": {"content": "<think>Let me see ..."}, "finish_reason": "length"}, "was cut"),
        ({"message": {"content": "<think>Let me see ..."}}, "is empty"),
        ({"message": {"content": ""}}, "is empty"),
        ({"message": {"content": "\u3000\n"}}, "is empty"),
        ({"message": {"content": None}}, "no content"),
        ({"message": {"content": None, "refusal": "No."}}, "the model refuses"),
        ({"message": {"content": ""}, "finish_reason": "content_filter"}, "content filter"),
        ({"message": {"content": "訳:She"}, "finish_reason": "content_filter"}, "content filter"),
        ("I'm sorry, but I can't help with that.", "reads as a refusal"),
        ("申し訳ありませんが、この文の翻訳には対応できません。", "reads as a refusal"),
        ((400, {"error": {"message": "It was filtered by our content management policy"}}), "content management"),
        ((403, {"error": {"message": "content policy: blocked"}}), "content policy"),
        ((451, {"error": {"message": "not here"}}), "not here"),
        ((413, {"error": {"message": "too large"}}), "too large"),
    ],
)  # fmt: skip
def test_a_line_without_an_answer_stays_and_is_named(translate: Any, bad: Reply, why: str) -> None:
    with ChatServer(lambda body: bad if about(body, "key") else translation(body)) as server:
        code, lines, err = translate(server)
    assert code == 3 and lines == [RIGHT[0], SOURCES[1], RIGHT[2]]
    named, summary = err.splitlines()
    assert "in.txt, line 2: not translated (" in named and why in named
    assert "not translated, left as they were: 1" in summary


@pytest.mark.parametrize(
    "bad",
    [
        {"message": {"content": "訳:She h"}, "finish_reason": "length"},
        {"message": {"content": None, "reasoning_content": "Hm."}, "finish_reason": "length"},
        {"message": {"content": ""}},
        {"message": {"content": ""}, "finish_reason": "content_filter"},
        "Sorry, I can't assist with this request.",
    ],
)
def test_it_is_asked_again_first(translate: Any, bad: Reply) -> None:
    before: list[Body] = []

    def reply(body: Body) -> Reply:
        if not about(body, "key") or before:
            return translation(body)
        before.append(body)
        return bad

    with ChatServer(reply, usage={"prompt_tokens": 20, "completion_tokens": 100}) as server:
        assert translate(server) == (0, RIGHT, "")
    again = [body for body in server.asked if about(body, "key")][1]
    if isinstance(bad, dict) and bad.get("finish_reason") == "length":
        assert again["messages"] == before[0]["messages"], "the same"
        assert again["max_tokens"] == 4 * before[0]["max_tokens"], "with more room"
    else:
        assert "could not be used" in again["messages"][-1]["content"]


def test_a_source_that_refuses_may_be_translated_so(translate: Any) -> None:
    with ChatServer(lambda body: "申し訳ありませんが、お手伝いできません。") as server:
        assert translate(server, ["I'm sorry, I can't help you."])[0] == 0


@pytest.mark.parametrize(
    "said",
    [
        "I'm sorry, but I can't translate this text.", "I cannot assist with that request.",
        "I'm unable to translate this content.", "As an AI language model, I cannot do this.",
        "申し訳ありませんが、そのご依頼にはお応えできません。", "申し訳ございませんが、この文章は翻訳できません。",
        "抱歉，我无法翻译这段内容。", "对不起，我不能协助处理这个请求。",
        "죄송하지만 이 내용은 번역해 드릴 수 없습니다.", "죄송합니다. 그 요청은 도와드릴 수 없습니다.",
        "Es tut mir leid, aber ich kann diesen Text nicht übersetzen.", "Tut mir leid, dabei kann ich nicht helfen.",
        "Je suis désolé, mais je ne peux pas traduire ce texte.", "Désolé, je ne peux pas vous aider.",
        "Lo siento, pero no puedo traducir este texto.", "Lo siento, no puedo ayudar con esa solicitud.",
        "Mi dispiace, ma non posso tradurre questo testo.", "Mi spiace, non posso aiutarti con questa richiesta.",
        "Desculpe, mas não posso traduzir este texto.", "Sinto muito, não posso ajudar com esse pedido.",
        "Извините, но я не могу перевести этот текст.", "К сожалению, я не могу помочь с этим запросом.",
        "क्षमा करें, मैं इस पाठ का अनुवाद नहीं कर सकता।", "माफ़ कीजिए, मैं इस अनुरोध में मदद नहीं कर सकता।",
        "Xin lỗi, nhưng tôi không thể dịch văn bản này.", "Rất tiếc, tôi không thể hỗ trợ yêu cầu này.",
    ],
)  # fmt: skip
def test_a_refusal_is_known_in_every_language(said: str) -> None:
    assert "refusal" in unfit(said, "The rain fell on the tin roof.")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("笑わずにはいられない。", "I can't help laughing."),
        ("他に手はなかった。", "I cannot help but wonder."),
        ("Sorry, I can't make it tonight.", "죄송하지만 오늘 저녁에는 갈 수 없어요."),
        ("Sorry, I don't know.", "क्षमा करें, मुझे नहीं पता।"),
        ("Sorry, we are closed.", "申し訳ありません、本日は閉店しました。"),
        ("Unfortunately it rains.", "Leider regnet es."),
    ],
)
def test_an_apology_is_no_refusal(source: str, said: str) -> None:
    assert unfit(said, source) == ""


def test_human_translations_are_no_refusals(shared_data: Path) -> None:
    """Limit: 1 in 5,000 (29 November 2026: 1 of 17,540)."""
    pairs: list[tuple[str, str]] = []
    for file, a, b in (("parallel/enja.test.jsonl", "en", "ja"), ("parallel/jazh.test.jsonl", "ja", "zh"),
                       ("eval/dialogue.ja-en.jsonl", "en_sentence", "ja_sentence")):  # fmt: skip
        rows = [json.loads(line) for line in (shared_data / file).read_text(encoding="utf-8").splitlines()]
        pairs += [(row[a], row[b]) for row in rows] + [(row[b], row[a]) for row in rows]
    for file in sorted((shared_data / "register").glob("formality.en-*.jsonl")):
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        pairs += [(row["en"], row[column]) for row in rows for column in ("formal", "informal")]
    wrong = [pair for pair in pairs if unfit(pair[1], pair[0])]
    assert len(pairs) > 5000 and len(wrong) <= len(pairs) / 5000


def test_half_an_emoji_is_no_translation_and_a_whole_one_is(translate: Any) -> None:
    with ChatServer(lambda body: "訳\ud83d") as server:
        code, lines, err = translate(server)
        assert code == 3 and "Traceback" not in err and not any("訳" in line for line in lines)
    with ChatServer(lambda body: "訳\ud83d\ude00") as server:
        assert translate(server, ["A smile."]) == (0, ["訳😀"], "")
        (answer,) = Client(LlmConfig(base_url=server.url)).ask_all([chat("half \udc00")])
        assert answer.ok and server.asked[-1]["messages"][0]["content"] == "half \ufffd"


# --- nothing done is lost ---------------------------------------------------------------------------------------------


def test_what_was_answered_is_not_asked_again(translate: Any, tmp_path: Path) -> None:
    refusing = [True]

    def reply(body: Body) -> Reply:
        refused = refusing[0] and about(body, "key")
        return (400, {"error": {"message": "content management policy"}}) if refused else translation(body)

    with ChatServer(reply) as server:
        code, _, err = translate(server)
        assert code == 3 and "the same command asks for them again" in err
        server.asked.clear()
        refusing[0] = False
        assert translate(server) == (0, RIGHT, "")
        assert [source_of(body) for body in server.asked] == [SOURCES[1]]
        assert sorted(file.name for file in tmp_path.iterdir()) == ["in.txt", "out.txt", "out.txt.journal.jsonl"]
        kept = tmp_path / "kept.sqlite"
        for _ in range(2):
            server.asked.clear()
            (tmp_path / "out.txt").unlink()
            (tmp_path / "out.txt.journal.jsonl").unlink()
            assert translate(server, SOURCES, "--cache", str(kept)) == (0, RIGHT, "")
        assert server.asked == [] and kept.exists()


def test_a_server_that_has_enough_for_a_while_is_waited_for(translate: Any) -> None:
    busy = iter([False] * 3 + [True] * 20)

    def reply(body: Body) -> Reply:
        return (429, {"error": {"message": "slow down"}}) if next(busy, False) else translation(body)

    sources = [f"Line {n}." for n in range(40)]
    with ChatServer(reply) as server:
        assert translate(server, sources) == (0, [f"訳:{source}" for source in sources], "")


@pytest.mark.parametrize(
    ("status", "message", "sentence"),
    [
        (401, "bad key", r"does not accept the key (401)"),
        (403, "no access for you", r"does not accept the key (403)"),
        (402, "add credits", "nothing is left to pay"),
        (429, "You have insufficient_quota", "nothing is left to pay"),
        (404, "no model qwen3-thinker", "has no model 'qwen3-thinker'"),
        (405, "no", "does not speak the OpenAI API (405)"),
    ],
)
def test_what_ends_all_leaves_what_was_done(
    translate: Any, tmp_path: Path, status: int, message: str, sentence: str
) -> None:
    answered: list[str] = []

    def reply(body: Body) -> Reply:
        if len(answered) >= 10:
            return status, {"error": {"message": message}}
        answered.append(source_of(body))
        return translation(body)

    sources = [f"Line {n}." for n in range(20)]
    with ChatServer(reply) as server:
        code, lines, err = translate(server, sources)
        assert (code, lines) == (1, []) and sentence in err and err.count("\n") == 1
        assert not (tmp_path / "out.txt.partial").exists()
        server.reply = translation
        server.asked.clear()
        assert translate(server, sources)[0] == 0
        twice = set(answered) & {source_of(body) for body in server.asked}
        assert len(twice) < AT_ONCE, "but for what was on the wire when it ended"


def test_a_server_that_goes_away_is_one_sentence(translate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer(translation) as server:
        client = Client(LlmConfig(base_url=server.url, backoff=0.01, attempts=4))
        assert next(client.ask_all([chat("Hello")])).ok
    with pytest.raises(Exception, match=r"went away .*; start it and run again"):
        list(client.ask_all([chat("Bye")]))


def test_a_killed_translation_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def slowly(body: Body) -> str:
        time.sleep(0.05)
        return translation(body)

    sources = [f"Sentence number {n}." for n in range(60)]
    file, out = tmp_path / "in.txt", tmp_path / "out.txt"
    file.write_text("\n".join(sources), encoding="utf-8")
    kept = tmp_path / "out.txt.journal.jsonl"
    with ChatServer(slowly) as server:
        command = [sys.executable, "-m", "in2x", "translate", str(file), "--model", server.url, *ONE_BY_ONE, "-o",
                   str(out)]  # fmt: skip
        process = subprocess.Popen(command)
        until = time.monotonic() + 60
        while len(server.asked) < 30:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        done = sum(b'{"answer": ' in line for line in kept.read_bytes().splitlines())
        assert not out.exists() and 10 <= done < 60
        server.asked.clear()
        assert subprocess.run(command, check=False).returncode == 0
        assert len(server.asked) == 60 - done
    assert out.read_text(encoding="utf-8") == "\n".join(f"訳:{source}" for source in sources)
    assert b'{"answer": ' not in kept.read_bytes(), "done: only the segments are kept"


# --- parameters and keys ----------------------------------------------------------------------------------------------

JUDGED = {"type": "object", "required": ["score"], "properties": {"score": {"type": "number", "maximum": 100}}}
FULL = chat("Say so.", max_tokens=50, temperature=0.5, top_p=0.9, stop=("END",), top_logprobs=2, schema=JUDGED)


def openai_error(message: str, param: str | None = None) -> Body:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": "x"}}


REFUSALS: dict[str, tuple[str, int, Callable[[str], Any]]] = {
    "value": ("temperature", 400, lambda name: openai_error(
        f"Unsupported value: '{name}' does not support 0.5 with this model. Only the default (1) is supported.", name)),
    "renamed": ("max_tokens", 400, lambda name: openai_error(
        f"Unsupported parameter: '{name}' is not supported. Use 'max_completion_tokens' instead.", name)),
    "seed": ("seed", 422, lambda name: {"detail": [
        {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 0}]}),
    "schema": ("response_format", 400, lambda name: openai_error("This response_format type is unavailable now")),
    "old schema": ("response_format", 400, lambda name: openai_error("json_schema is not supported, use json_object")),
    "top_p": ("top_p", 400, lambda name: openai_error("`temperature` and `top_p` cannot both be specified", "top_p")),
    "logprobs": ("logprobs", 400, lambda name: openai_error("logprobs are not supported with reasoning models")),
    "stop": ("stop", 400, lambda name: openai_error("Unsupported parameter: 'stop' is not supported with this model.")),
    "template": ("chat_template_kwargs", 400, lambda name: openai_error(
        f"Unrecognized request argument supplied: {name}")),
    "keys": ("chat_template_kwargs", 422, lambda name: {"detail": f"Unexpected keys in the request: {{'{name}'}}"}),
    "no effort": ("reasoning_effort", 400, lambda name: openai_error(f"'{name}' is not allowed for this model", name)),
    "effort": ("reasoning_effort", 400, lambda name: openai_error("Argument not supported: reasoningEffort")),
    "pydantic": ("reasoning_effort", 400, lambda name: {"object": "error", "message":
        "[{'type': 'extra_forbidden', 'loc': ('body', 'reasoning_effort'), 'input': {'temperature': 1, 'seed': 0}}]"}),
    "not implemented": ("seed", 501, lambda name: {"error": "seed is not implemented"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refused_parameter_is_left_out_from_then_on(kind: str) -> None:
    name, status, error = REFUSALS[kind]
    with ChatServer(lambda body: (status, error(name)) if name in body else '{"score": 7}') as server:
        client = Client(LlmConfig(base_url=server.url, in_flight=1))
        first, second = client.ask_all([FULL, chat("And so.", max_tokens=50, schema=JUDGED)])
        assert first.value == second.value == {"score": 7}, (first, second)
        assert len(server.asked) == 3, "refused once, then known"
        allowed = {name, "top_logprobs"} if name == "logprobs" else {name}
        assert server.asked[0].keys() - server.asked[1].keys() == allowed, "and nothing else is given up"
        if kind == "renamed":
            assert server.asked[2]["max_completion_tokens"] == 50


def test_several_refusals_one_after_the_other() -> None:
    def reply(body: Body) -> Reply:
        for name in (
            "chat_template_kwargs",
            "reasoning_effort",
            "max_tokens",
            "temperature",
            "seed",
            "response_format",
        ):
            if name in body:
                hint = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
                return 400, openai_error(f"Unsupported parameter: '{name}'.{hint}", name)
        return '{"score": 7}'

    with ChatServer(reply) as server:
        answers = list(Client(LlmConfig(base_url=server.url, attempts=1)).ask_all([FULL] * 3 + [chat("Else.")] * 3))
    assert all(answer.ok for answer in answers)
    assert server.asked[-1].keys() <= {"model", "messages", "top_p", "stop", "logprobs", "top_logprobs",
                                       "max_completion_tokens"}  # fmt: skip


def test_the_least_effort_that_a_model_has() -> None:
    with ChatServer(lambda body: (400, openai_error(
        "Unsupported value: 'reasoning_effort' does not support 'none'. Supported values are: 'low', 'high'.",
        "reasoning_effort")) if body["reasoning_effort"] == "none" else "yes") as server:  # fmt: skip
        (answer,) = Client(LlmConfig(base_url=server.url)).ask_all([chat("Well?")])
    assert answer.text == "yes" and server.asked[-1]["reasoning_effort"] == "low"


def test_a_refusal_without_a_word_is_tried_without_what_we_added() -> None:
    with ChatServer(lambda body: (400, b"bad request") if "reasoning_effort" in body else "yes") as server:
        client = Client(LlmConfig(base_url=server.url))
        assert [a.text for a in client.ask_all([chat("One?")])] == ["yes"]
        assert [a.text for a in client.ask_all([chat("Two?")])] == ["yes"]
        assert len(server.asked) == 3
    # A line that is refused for itself does not switch thinking on for the others.
    with ChatServer(lambda body: (400, b"no") if "bad" in str(body) else "yes") as server:
        client = Client(LlmConfig(base_url=server.url, in_flight=1))
        assert [a.ok for a in client.ask_all([chat("bad"), chat("good"), chat("bad again")])] == [False, True, False]
        assert "reasoning_effort" in server.asked[-1] and len(server.asked) == 4


def test_an_answer_that_would_be_too_long_is_no_unknown_parameter() -> None:
    message = "max_tokens is too large: 50. This model's maximum context length is 40 tokens"
    with ChatServer(lambda body: (400, openai_error(message, "max_tokens")) if "max_tokens" in body else "x") as server:
        client = Client(LlmConfig(base_url=server.url))
        (answer,) = client.ask_all([chat("a", max_tokens=50)])
        assert not answer.ok and "too large" in str(answer.error)


@pytest.mark.parametrize(
    ("key", "sent"),
    [("", "Bearer none"), ("  \n", "Bearer none"), ("sk-abc\n", "Bearer sk-abc"), ("\ufeffsk-abc\r\n", "Bearer sk-abc"),
     ("sk-ab\ncd", None), ("sk abc", None), ("ｓｋ-abc", None), ("sk-ключ", None), ("sk-\udce9", None)],
)  # fmt: skip
def test_a_key_is_stripped_or_is_one_sentence(
    translate: Any, monkeypatch: pytest.MonkeyPatch, key: str, sent: str | None
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with ChatServer(translation) as server:
        code, lines, err = translate(server)
    if sent is None:
        assert code == 1 and "the key in OPENAI_API_KEY holds" in err and err.count("\n") == 1 and not server.keys
        assert key.strip() not in err
    else:
        assert (code, lines) == (0, RIGHT) and set(server.keys) == {sent}


# --- what is counted --------------------------------------------------------------------------------------------------


def test_an_answer_spent_on_reasoning_is_one_unfinished_answer() -> None:
    spent = {"message": {"content": None, "reasoning_content": "..."}, "finish_reason": "length"}
    with ChatServer(lambda body: spent, usage={"prompt_tokens": 9, "completion_tokens": 500}) as server:
        client = Client(LlmConfig(base_url=server.url))
        (answer,) = client.ask_all([chat("Think.", max_tokens=500)])
    assert answer.ok and not answer.finished and answer.text == "" and len(server.asked) == 1
    assert client.usage.answer_tokens == 500 and client.usage.prompt_tokens == 9


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": 0}])
def test_a_server_that_counts_nothing_is_counted_for(usage: Body | None) -> None:
    with ChatServer(lambda body: "word " * 60, usage=usage) as server:  # 300 bytes: 100 tokens
        client = Client(LlmConfig(base_url=server.url, budget_tokens=1000, in_flight=1))
        answers = list(client.ask_all(chat(f"Question {n}") for n in range(40)))
    assert sum(answer.ok for answer in answers) == len(server.asked) == 9, "the tenth would have passed it"
    assert "the budget of 1,000 tokens is spent" in str(answers[-1].error)


def test_reasoning_is_counted_too() -> None:
    thought = {"message": {"content": "x", "reasoning_content": "word " * 60}}
    with ChatServer(lambda body: thought) as server:
        client = Client(LlmConfig(base_url=server.url))
        list(client.ask_all([chat("Well?")]))
    assert client.usage.answer_tokens >= 100


def test_an_answer_that_a_server_cut_is_not_kept(tmp_path: Path) -> None:
    cut = {"message": {"content": "half"}, "finish_reason": "length"}
    with ChatServer(lambda body: cut) as server, Cache(tmp_path / "c") as cache:
        list(
            Client(LlmConfig(base_url=server.url), cache).ask_all([chat("a", max_tokens=None), chat("b", max_tokens=9)])
        )
        assert cache.count() == 1, "cut where the question says is an answer; cut by the server's own limit is none"


def test_embeddings_are_asked_for_as_everything_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abc\n")
    rows = [[1.0, 0.0], [0.0, 1.0]]
    faults = [(500, {}), (429, {})]

    def reply(body: Body) -> Reply:
        if faults:
            return faults.pop()
        return 200, {"data": [{"index": n, "embedding": rows[len(t) % 2]} for n, t in enumerate(body["input"])][::-1]}

    with ChatServer(reply) as server:
        server_side = Embeddings(LlmConfig(base_url=server.url, model="e", backoff=0.01))
        assert server_side.embed(["aa", "b", "", "\ud800x"], 2) == [rows[0], rows[1], rows[1], rows[0]]
        assert set(server.keys) == {"Bearer sk-abc"}
        assert sorted(t for body in server.asked[2:] for t in body["input"]) == sorted(["aa", "b", " ", "\ufffdx"])
        server.reply = lambda body: (200, {"data": []})
        with pytest.raises(Exception, match="gave 0 vectors for 1 texts"):
            server_side.embed(["a"], 2)
        server.reply = lambda body: (400, {"error": "no such thing"})
        with pytest.raises(Exception, match=r"the embedding server .* failed .*no such thing"):
            server_side.embed(["a"], 2)


# --- verdicts ---------------------------------------------------------------------------------------------------------

VERDICT = {"type": "object", "required": ["faults"], "properties": {"faults": {"type": "array"}, "why": {}}}


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ('<think>\nPerhaps {"faults": ["dull"]}? No.\n</think>\n{"faults": []}', []),
        ('<think>\nAs [2] has it.\n</think>\n{"faults": ["dull"]}', ["dull"]),
        ('Draft:\n```json\n{"faults": ["dull"]}\n```\nFinal:\n```json\n{"faults": []}\n```', []),
        ('First {"faults": ["a"]}, no: {"faults": ["b"]}', ["b"]),
        ('[THINK]{"faults": ["dull"]}[/THINK]{"faults": []}', []),
        ('{"faults": ["a"]} <think>or {"faults": []}?</think>', ["a"]),
        ('{"faults": ["a"]} <think>or {"faults": []}', ["a"]),
        ('Maybe {"faults": ["dull"]}.\n</think>\n{"faults": []}', []),
        ('analysisMaybe {"faults": ["dull"]}.assistantfinal{"faults": []}', []),
        ('```json\n{"faults": ["has <think> in it"]}\n```', ["has <think> in it"]),
        ('{"faults": ["<think>a</think>b"]}', ["<think>a</think>b"]),
        ('<think>{"faults": []}</think>', None),
        ('<think>{"faults": []}', None),
        ("<think>hm</think>\nAll is well.", None),
    ],
)
def test_the_last_verdict_outside_reasoning_counts(said: str, faults: list[str] | None) -> None:
    value, why = read_json(said, VERDICT)
    assert (value or {}).get("faults") == faults and (why is None) == (faults is not None)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "true", '"7"', "null", "9" * 5000])
def test_what_is_no_number_is_a_fault(number: str) -> None:
    assert read_json(f'{{"score": {number}}}', JUDGED)[1]


def test_whole_numbers_of_any_size_are_read() -> None:
    whole = {"type": "integer"}
    assert violation(10**400, whole) is None and violation(3.0, whole) is None
    assert violation(float("inf"), whole) and violation(2.5, whole)


def test_a_thinking_judge_over_http(in2x: Any, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("One.\n")
    (tmp_path / "h").write_text("一つ。\n")

    def reply(body: Body) -> Reply:
        if "max_tokens" in body:
            return 400, openai_error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return '<think>{"errors": [], "score": 0} is the layout.</think>\n{"errors": [], "score": 92}'

    with ChatServer(reply) as server:
        code, out, err = in2x("evaluate", "judge", "--hyp", tmp_path / "h", "--src", tmp_path / "s", "--from", "en",
                              "--to", "ja", "--judge", "m", "--judge-url", server.url, "--json")  # fmt: skip
    assert code == 0 and json.loads(out)[0]["score"] == 92, err


# --- MT-bench ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    rows = [{"question_id": n, "category": "writing", "turns": [f"問い{n}", "続けて"]} for n in (1, 2)]
    file = tmp_path / "q.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def grade(body: Body) -> Reply:
    if "採点" not in str(body["messages"]):
        return "<think>案は [[9]]。</think>答え"
    return "<think>[[3]] くらい？</think>\nよい。[[6]]"


def test_mtbench_with_a_thinking_model(in2x: Any, questions: Path, tmp_path: Path) -> None:
    folder = tmp_path
    with ChatServer(grade) as server:
        code, out, err = in2x("evaluate", "mtbench", "--questions", questions, "--judgements", folder / "j.jsonl",
                              "--answers", folder / "a.jsonl", "--model", "m", "--model-url", server.url,
                              "--judge", "m",
                              "--judge-url", server.url, "--radar", folder / "r.svg", "--json")  # fmt: skip
    assert code == 0 and json.loads(out)[0]["score"] == 6, err
    assert "think" not in (folder / "a.jsonl").read_text(encoding="utf-8") and (folder / "r.svg").exists()


@pytest.mark.parametrize("option", ["--judgements", "--answers", "--radar"])
def test_mtbench_where_nothing_can_be_written_does_no_work(in2x: Any, questions: Path, option: str) -> None:
    files = {name: questions.parent / name for name in ("--judgements", "--answers", "--radar")}
    files[option] = questions.parent / "missing" / "file"
    with ChatServer(grade) as server:
        asked = ("--model", "m", "--model-url", server.url, "--judge", "m", "--judge-url", server.url)
        written = [part for pair in files.items() for part in pair]
        code, _, err = in2x("evaluate", "mtbench", "--questions", questions, *written, *asked)
    assert code == 2 and "there is no folder" in err and err.count("\n") == 1 and not server.asked


def test_mtbench_tells_a_servers_fault_from_a_bad_verdict(in2x: Any, questions: Path, tmp_path: Path) -> None:
    answers = tmp_path / "a.jsonl"

    def half(body: Body) -> Reply:
        return (400, {"error": {"message": "no room"}}) if "問い2" in str(body["messages"]) else "答え"

    with ChatServer(half) as server:
        options = ("evaluate", "mtbench", "--questions", questions, "--judgements", tmp_path / "j.jsonl",
                   "--answers", answers)  # fmt: skip
        code, _, err = in2x(*options, "--model", "m", "--model-url", server.url)
        assert code == 1 and "question 2, turn 1: the server refuses the request (400: no room)" in err
        assert "1 questions have no answer" in err and len(answers.read_text(encoding="utf-8").splitlines()) == 1
    rows = [{"question_id": n, "choices": [{"turns": ["甲", "乙"]}]} for n in (1, 2)]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def judge(body: Body) -> Reply:
        if "問い2" in str(body["messages"]):
            return 400, {"error": {"message": "no room"}}
        return "よい。" if "二回目の回答" in str(body["messages"]) else "[[6]]"

    with ChatServer(judge) as server:
        code, out, err = in2x(*options, "--judge", "m", "--judge-url", server.url, "--json")
    assert code == 0 and json.loads(out)[0]["n"] == 1 and json.loads(out)[0]["failed"] == 3
    notes = [line for line in err.splitlines() if line.startswith("note")]
    assert len(notes) == 3 and sum("no answer came: the server refuses" in line for line in notes) == 2
    assert sum("question 1, turn 2: no number in 'よい。'" in line for line in notes) == 1


# --- lines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("|||", "|||"), ("---", "---"), ("…", "…"), ("* * *", "* * *"), ("  ***", "  ***"), ("!?", "!?"), ("🙂", "🙂"),
        ("👩‍👩‍👧", "👩‍👩‍👧"), ("\ufffc", "\ufffc"), ("━━━━", "━━━━"), ("ーーー", "ーーー"), ("※", "※"),
        ("「」", "「」"), ("♪～", "♪～"),
        ("$", "$"), ("---\u2028---", "--- ---"),
        ("", ""), ("   ", ""), ("\t", ""), ("\u3000", ""), ("\u200b", ""), ("\ufeff\u2060", ""), ("\u00ad", ""),
        ("\ufe0f", ""),
        ("\u3164", ""), ("\u2800", ""), ("\x85", ""), ("\x00", ""),
        ("a", None), ("7", None), ("２", None), ("①", None), ("½", None), ("犬", None), ("々", "々"), ("क", None),
        ("한", None),
        ("Я", None), ("- x", None), ("(3)", None), ("〇", None), ("ｱ", None), ("ø", None), ("1️⃣", None),
    ],
)  # fmt: skip
def test_a_text_without_words_is_its_own_translation(source: str, kept: str | None) -> None:
    assert wordless(source) == kept


def test_a_server_is_not_asked_for_them(translate: Any) -> None:
    with ChatServer(translation) as server:
        code, lines, _ = translate(server, ["---", "\u200b", "Yes.", "🙂", ""])
    assert (code, lines) == (0, ["---", "\u200b", "訳:Yes.", "🙂", ""])
    assert [source_of(body) for body in server.asked] == ["Yes."]


ANY = st.characters(exclude_categories=["Cs"])


class Echo(Backend):
    """Says what it is given, with line breaks of its own around and inside."""

    def _draw(self, sources: Any, request: Any, samples: int, done: Any) -> list[list[Translation]]:
        from in2x.translate.backend import one_line

        return [[Translation(one_line(f"\n{source.text}\u2028 x\v"))] * samples for source in sources]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(ANY | st.sampled_from("\r\n\x0b\x0c\x1c\x85\u2028\ufeffa。"), max_size=60))
def test_as_many_lines_come_out_as_went_in(tmp_path: Path, text: str) -> None:
    file = tmp_path / "any.txt"
    file.write_bytes(text.encode())
    out: list[tuple[int, str]] = []
    with file.open("rb") as stream:
        translate_lines(Translator(Echo(), "echo", probed=True), read_lines(stream, "any"),
                        TranslationRequest("en", "ja"), {"checks": "off"},
                        lambda number, line, _: out.append((number, line)), lambda: None, 3)  # fmt: skip
    raw = text.encode()
    count = raw.count(b"\n") + (bool(raw) and not raw.endswith(b"\n"))
    assert [number for number, _ in out] == list(range(1, count + 1))
    assert not any("\n" in line or "\r" in line for _, line in out)
    lines = raw.removeprefix(b"\xef\xbb\xbf").decode().split("\n")
    both = zip(lines, (line for _, line in out), strict=False)
    assert all(line.strip() or not said.strip() for line, said in both), "blank lines stay blank"


def test_a_raw_continuation_keeps_all_it_says() -> None:
    def reply(body: Body) -> Reply:
        return {"text": "<think>as written"}

    with ChatServer(reply) as server:
        (answer,) = Client(LlmConfig(base_url=server.url)).ask_all([Request(prompt="Once")])
    assert answer.text == "<think>as written" and "reasoning_effort" not in server.asked[0]
