"""Asking a teacher: what it thinks, costs and refuses, what it is asked again, and what its words are worth.

Real HTTP throughout: `ChatServer` says what a test tells it to and counts what was asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import reasoning_server
from chat_server import Body, ChatServer, Reply, source_of
from in2x.errors import In2xError, UsageError
from in2x.instructions.balance import split
from in2x.instructions.candidate import Candidate
from in2x.instructions.config import InstructConfig, JudgesConfig
from in2x.instructions.gate_check import Case, by_code
from in2x.instructions.judges import response_and_critic, rule_prompts
from in2x.instructions.self_instruct import answered
from in2x.llm.cache import Cache
from in2x.llm.client import FAILURES, Client
from in2x.llm.config import LlmConfig, TeacherConfig
from in2x.llm.connection import FORBIDDEN
from in2x.llm.purpose import settled
from in2x.llm.request import Request, chat
from in2x.records import Instruction
from in2x.selection.config import SelectConfig
from test_instructions_server import RECIPE, prepare
from test_llm_client import Server
from test_selection_stage import instructions, pool, select


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("in2x.llm.connection.LONGEST_PAUSE", 0.01)


def item(prompt: str, answer: str | None = None, task: str = "chat", **more: Any) -> Instruction:
    return Instruction(f"{task} {prompt}", "ja", task, [{"role": "user", "content": prompt}], answer, **more)


def ask(server: ChatServer, count: int, cache: Cache | None = None, **knobs: Any) -> tuple[list[Any], Client]:
    client = Client(TeacherConfig(base_url=server.url, backoff=0.01, **knobs), cache)
    return list(client.ask_all(chat(f"Question {n}", max_tokens=600) for n in range(count))), client


# --- what it thinks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "<think>Shall I rhyme? No.</think>\n波は帰る。",
        {"message": {"content": "波は帰る。", "reasoning_content": "Shall I rhyme? No."}},
        {"message": {"content": "波は帰る。", "reasoning": "Shall I rhyme? No."}},
    ],
)
def test_thoughts_are_the_authors_trace_and_no_part_of_the_answer(said: Reply, tmp_path: Path) -> None:
    with ChatServer(lambda body: said) as server, Cache(tmp_path / "c") as cache:
        for _ in range(2):  # asked, then out of the cache
            client = Client(LlmConfig(base_url=server.url), cache)
            (made,) = answered(client, [Candidate(item("海の一行詩を。"))], seed=1)
            assert made.item.answer == "波は帰る。" and made.trace == {"reasoning": "Shall I rhyme? No."}
        assert len(server.asked) == 1


@pytest.mark.parametrize("content", [None, "", "<think>Once more, from the start"])
def test_a_limit_spent_on_thoughts_is_a_reason_of_its_own(content: str | None) -> None:
    spent = {"message": {"content": content, "reasoning_content": "Hm. " * 40}, "finish_reason": "length"}
    with ChatServer(lambda body: spent, usage={"prompt_tokens": 11, "completion_tokens": 700}) as server:
        client = Client(LlmConfig(base_url=server.url))
        (made,) = answered(client, [Candidate(item("海の一行詩を。"))], seed=1)
    assert made.fault == "nothing but reasoning" == made.why_failed and made.failed
    assert [body["max_tokens"] for body in server.asked] == [2048, 8192], "once more, with more room"
    assert (client.usage.prompt_tokens, client.usage.answer_tokens) == (22, 1400)


class Reasoning(Server):
    """The imitated reasoning model (`tests/reasoning_server.py`)."""

    def __init__(self, folder: Path, faults: float) -> None:
        port = folder / "port"
        self.process = subprocess.Popen(
            [sys.executable, str(Path(reasoning_server.__file__)), str(port), "--faults", str(faults)]
        )
        until = time.monotonic() + 60
        while not port.exists():
            assert time.monotonic() < until and self.process.poll() is None
            time.sleep(0.02)
        self.root = f"http://127.0.0.1:{port.read_text()}"
        self.url = self.root + "/v1"


def test_nothing_of_a_thought_becomes_data(tmp_path: Path) -> None:
    """Three of ten answers cut, null, refused, prose, 429 or reset; drafts of every verdict say the opposite."""
    server = Reasoning(tmp_path, 0.3)
    try:
        client = Client(TeacherConfig(base_url=server.url, backoff=0.01, attempts=40, thinking=True, in_flight=16))
        asked = [Candidate(item(f"海について、{n}行で書いてください。")) for n in range(60)]
        made = list(answered(client, asked, seed=1))
        judged = list(rule_prompts(client, asked))
        billed = server.get("/stats")["billed"]
    finally:
        server.stop()
    whole = [candidate for candidate in made if not candidate.failed]
    assert len(whole) >= 45 and all(candidate.why_failed != "no answer" for candidate in made if candidate.failed)
    for candidate in whole:
        answer = candidate.item.answer or ""
        assert reasoning_server.THOUGHT not in answer and reasoning_server.PROSE not in answer
        assert answer.endswith(tuple(reasoning_server.ENDS.values())) or answer in reasoning_server.REFUSALS
    verdicts = [verdict for verdict in judged if not verdict.failed]
    assert len(verdicts) >= 50
    assert all(reasoning_server.THOUGHT not in json.dumps(verdict.evidence) for verdict in verdicts)
    counted = client.usage.prompt_tokens + client.usage.answer_tokens
    assert 0.9 <= counted / billed <= 1.1, "also where the server does not say what it counted"


def test_content_null_is_a_reason_of_its_own_and_counts() -> None:
    null = {"message": {"content": None}, "finish_reason": "stop"}
    with ChatServer(lambda body: null, usage={"prompt_tokens": 11, "completion_tokens": 70}) as server:
        client = Client(LlmConfig(base_url=server.url))
        (made,) = answered(client, [Candidate(item("海の一行詩を。"))], seed=1)
    assert made.failed and made.why_failed == "no content" and client.usage.answer_tokens == 70 * len(server.asked)


def test_a_teacher_is_asked_as_its_recipe_says() -> None:
    config = TeacherConfig.model_validate({
        "thinking": True, "thought_tokens": 500, "extra_body": {"min_p": 0.1, "chat_template_kwargs": {"style": "x"}},
        "sampling": {"judge": {"max_tokens": 70, "temperature": 0.3, "top_p": 0.9, "thinking": False}},
    })  # fmt: skip
    with ChatServer(lambda body: "yes" if "messages" in body else {"text": "yes"}) as server:
        client = Client(config.model_copy(update={"base_url": server.url}))
        asked = [chat("a", max_tokens=50), chat("b", max_tokens=50, purpose="judge"), Request(prompt="c", whole=True)]
        keys = {request.key("m") for request in asked} | {settled(request, config).key("m") for request in asked}
        list(client.ask_all(asked))
        plain, judge, raw = sorted(server.asked, key=lambda body: body["messages"][0]["content"] if "messages" in body
                                   else "c")  # fmt: skip
    on, off = ({"enable_thinking": way, "thinking": way, "style": "x"} for way in (True, False))
    assert plain["max_tokens"] == 550 and plain["chat_template_kwargs"] == on and "reasoning_effort" not in plain
    assert (judge["max_tokens"], judge["temperature"], judge["top_p"]) == (70, 0.3, 0.9)
    assert judge["chat_template_kwargs"] == off and judge["reasoning_effort"] == "none"
    assert raw["add_special_tokens"] is False and all(body["min_p"] == 0.1 for body in (plain, judge, raw))
    assert len(keys) == 5, "only what the recipe changes is another question"


def test_a_server_that_refuses_extra_fields_is_told_of_once() -> None:
    refusal = (400, {"error": {"message": "Unrecognized request argument supplied: min_p"}})
    with ChatServer(lambda body: refusal if "min_p" in body else "yes") as server:
        client = Client(TeacherConfig(base_url=server.url, extra_body={"min_p": 0.1, "reasoning_effort": "high"}))
        (answer,) = client.ask_all([chat("a")])
    assert answer.trouble == "request" and "min_p" in str(answer.error) and len(server.asked) == 2


def test_the_critic_sees_whole_answers_only() -> None:
    fine = {"hallucination": [], "contradiction": False, "valid": True, "score": 5, "why": "fine"}
    half = {"message": {"content": "It began when"}, "finish_reason": "length"}
    with ChatServer(lambda body: half) as author, ChatServer(lambda body: json.dumps(fine)) as critic:
        sound = Candidate(item("Tell a story.", "Once there was a mill."))
        (judged,) = response_and_critic(
            Client(LlmConfig(base_url=author.url)), Client(LlmConfig(base_url=critic.url)), [sound], 2, seed=1
        )
        shown = json.dumps(critic.asked)
    assert judged.passed and len(critic.asked) == 1 and "It began when" not in shown


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_flight", [1, 16, 64])
@pytest.mark.parametrize("says", [True, False])
def test_a_budget_is_kept_within_one_percent(in_flight: int, says: bool) -> None:
    """Bills are counted on the server's side; where it says nothing, by the measure that the client says it takes."""
    billed: list[int] = []
    words = "word " * 120  # 600 bytes: 200 tokens at three bytes each

    def reply(body: Body) -> Reply:
        billed.append(-(-len(body["messages"][-1]["content"]) // 3) + 200)
        return words

    usage = {"prompt_tokens": 4, "completion_tokens": 200} if says else None
    with ChatServer(reply, usage=usage) as server:
        answers, client = ask(server, 400, budget_tokens=20_000, in_flight=in_flight)
    assert sum(billed) <= 1.01 * 20_000 and client.usage.prompt_tokens + client.usage.answer_tokens <= 1.01 * 20_000
    assert sum(billed) >= 20_000 - 2 * 204, "and it is used"
    assert client.usage.unasked == sum(answer.trouble == "budget" for answer in answers) == 400 - len(billed)


def test_requests_are_counted_to_the_last_one() -> None:
    with ChatServer(lambda body: "yes") as server:
        answers, _ = ask(server, 200, budget_requests=33, in_flight=4)
    assert len(server.asked) == sum(answer.ok for answer in answers) == 33


def test_what_is_billed_for_nothing_counts() -> None:
    """An answer in which there is none costs what the server says it does."""
    empty = {"message": {"content": None}, "finish_reason": None}
    first = iter(["fine"])
    with ChatServer(lambda body: next(first, empty), usage={"prompt_tokens": 50, "completion_tokens": 950}) as server:
        answers, client = ask(server, 9, budget_tokens=4_000, in_flight=1, attempts=3)
    assert [answer.ok for answer in answers] == [True] + [False] * 8 and len(server.asked) == 4
    assert client.usage.answer_tokens == 950 * len(server.asked)


def test_after_a_budget_the_same_command_goes_on(tmp_path: Path, in2x: Any) -> None:
    """Twenty-three prompts in all, six without an answer; a few requests a run."""
    folder = prepare(tmp_path)
    server = Server(tmp_path, "--mode", "script")
    sets = (
        f"instruct.sets=[{{path: {folder}}}]", f"instruct.llm.base_url={server.url}", "instruct.magpie.turns=0",
        "instruct.self_instruct.tasks=0", "instruct.rewrite={creative: 4, localized: 6, style: 0}",
        "instruct.judges.critic=false", "instruct.judges.rereading=false", "instruct.judges.assess=false",
        "instruct.llm.budget_requests=12",
        "instruct.llm.in_flight=4",
    )  # fmt: skip
    options = [word for one in sets for word in ("--set", one)]
    made = tmp_path / "run" / "instruct" / "manifest.json"
    try:
        asked, unasked = [0], []
        while not unasked or unasked[-1]:
            code, _, err = in2x("instruct", RECIPE, "--out", tmp_path / "run", *options)
            assert code == 0, err
            manifest = json.loads(made.read_text(encoding="utf-8"))
            funnel, used = manifest["figures"]["funnel"], manifest["figures"]["llm"]["author"]
            assert funnel["in"] == funnel["kept"] + funnel["rejected"] + funnel["failed"]
            asked.append(server.get("/stats")["asked"])
            unasked.append(used.get("unasked", 0))
            assert 0 < asked[-1] - asked[-2] <= 12, "it goes on, and keeps to its budget"
            assert ("the same command goes on" in err) == ("unfinished" in manifest) == bool(unasked[-1])
        assert len(unasked) > 2
        assert "unchanged" in in2x("instruct", RECIPE, "--out", tmp_path / "run", *options)[2]
        assert server.get("/stats")["asked"] == asked[-1]
    finally:
        server.stop()


# --- what it refuses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["content policy: blocked", "Forbidden", "request denied by upstream", ""])
@pytest.mark.parametrize("place", [0, 7])
def test_one_forbidden_question_fails_alone(words: str, place: int) -> None:
    def reply(body: Body) -> Reply:
        return (403, {"error": {"message": words}}) if source_of(body) == f"Question {place}" else "fine"

    with ChatServer(reply) as server:
        answers, _ = ask(server, 40, in_flight=8)
    assert [n for n, answer in enumerate(answers) if not answer.ok] == [place]
    assert answers[place].trouble == "request" and "403" in str(answers[place].error)


def test_a_key_that_ends_on_the_way_stops_everything() -> None:
    def reply(body: Body) -> Reply:
        return "fine" if len(server.asked) <= 20 else (403, {"error": {"message": "Forbidden"}})

    with ChatServer(reply) as server, pytest.raises(In2xError, match="does not accept the key"):
        ask(server, 400, in_flight=4)
    assert 20 + FORBIDDEN <= len(server.asked) < 100


@pytest.mark.parametrize(
    "bad", [(400, {"error": {"message": "no"}}), {"message": {"content": ""}, "finish_reason": "content_filter"}]
)
def test_a_share_of_failures_stops_with_a_sentence(bad: Reply) -> None:
    def reply(body: Body) -> Reply:
        return bad if int(source_of(body).split()[-1]) % 5 < 2 else "fine"  # two in five

    with ChatServer(reply) as server:
        with pytest.raises(In2xError, match=r"got no answer that can be used") as caught:
            ask(server, 2_000, in_flight=4)
        assert not isinstance(caught.value, UsageError) and "\n" not in str(caught.value)
        assert FAILURES <= len(server.asked) < 200
        answers, _ = ask(server, 200, in_flight=4, max_failed_share=0.5)
        assert sum(not answer.ok for answer in answers) == 80
        client = Client(LlmConfig(base_url=server.url, in_flight=4))  # translating and judging count for themselves
        assert sum(not a.ok for a in client.ask_all(chat(f"Question {n}") for n in range(200))) == 80


def test_stages_that_make_data_have_the_bound() -> None:
    assert isinstance(InstructConfig().llm, TeacherConfig)
    judges = JudgesConfig.model_validate({"llm": {"base_url": "http://127.0.0.1:9/v1", "max_failed_share": 0.1}})
    chosen = SelectConfig.model_validate({"llm": {"base_url": "http://127.0.0.1:9/v1"}})
    assert judges.llm is not None and judges.llm.max_failed_share == 0.1 and isinstance(chosen.llm, TeacherConfig)


# --- what it is asked again -------------------------------------------------------------------------------------------


def test_two_servers_of_one_name_answer_for_themselves(tmp_path: Path) -> None:
    with (
        ChatServer(lambda body: "one") as one,
        ChatServer(lambda body: "two") as two,
        Cache(tmp_path / "c") as cache,
    ):
        for server in (one, two, one):
            ask(server, 3, cache)
        said = [ask(server, 3, cache)[0][0].text for server in (one, two)]
        assert said == ["one", "two"] and len(one.asked) == len(two.asked) == 3
        sampled = [chat("Question 0", temperature=1.0, sample=n) for n in range(4)]
        list(Client(LlmConfig(base_url=one.url), cache).ask_all(sampled))
        assert len(one.asked) == 3 + 4, "each sample is a question of its own"


def labelling(body: Body) -> Reply:
    """A model that labels and grades, everything alike."""
    asked = body["response_format"]["json_schema"]["schema"]
    [name] = asked["required"]
    keep = asked["properties"][name]["items"]["required"]
    row = {"about": "boats", "field": "Tales", "topic": "Boats", "why": "short", "grade": 3}
    return json.dumps({name: [{key: {"number": n + 1, **row}[key] for key in keep} for n in range(20)]})


def test_labels_are_paid_for_once_whatever_the_quotas(tmp_path: Path) -> None:
    source = pool(tmp_path / "p", instructions(60))
    with ChatServer(labelling) as server:
        counts = []
        for number, quotas in enumerate(([3, 3, 3, 1, 0], [1, 1, 1, 1, 1], [0, 1, 3, 1, 0])):
            out = tmp_path / "run" / ".partial" / f"select{number}"
            select(source, out, llm={"base_url": server.url}, quotas=quotas, round1={"share": 0.5})
            counts.append(len(server.asked))
    assert counts[0] > 0 and counts == [counts[0]] * 3
    assert (tmp_path / "run" / "llm-cache.sqlite").exists()


def test_after_a_budget_selection_goes_on_too(tmp_path: Path, in2x: Any) -> None:
    """Labels and grades that a budget left unasked are asked by the same command; it was "unchanged" before."""
    rows = [
        {"instruction": f"{n}番目の港の話をしてください。{n * 7919}", "output": f"港{n}の話です。"} for n in range(50)
    ]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    recipe = tmp_path / "r.yaml"
    with ChatServer(labelling) as server:
        given = {
            "name": "r", "languages": {"target": "ja", "hub": "en", "others": []},
            "data": {"pairs": 1, "documents": 1, "heldout": 1, "collected": 0},
            "instruct": {"sets": [{"path": str(tmp_path / "set.jsonl")}], "synthesize": False, "balance": "off",
                         "pairs_per_direction": {"*": 0}},
            "select": {"llm": {"base_url": server.url, "budget_requests": 2, "in_flight": 1}, "round1": {"share": 0.5}},
        }  # fmt: skip
        recipe.write_text(json.dumps(given), encoding="utf-8")
        asked, manifests = [0], []
        while not manifests or ("unfinished" in manifests[-1] and len(manifests) < 40):
            code, _, err = in2x("select", recipe, "--out", tmp_path / "run")
            assert code == 0, err
            manifests.append(json.loads((tmp_path / "run/select/manifest.json").read_text("utf-8")))
            asked.append(len(server.asked))
            assert 0 < asked[-1] - asked[-2] <= 2
            assert ("the same command goes on" in err) == ("unfinished" in manifests[-1])
        assert len(manifests) > 1
        assert manifests[-1]["figures"]["model"]["labels"]["unsaid"] == 0
        assert "unchanged" in in2x("select", recipe, "--out", tmp_path / "run")[2]
        assert len(server.asked) == asked[-1]


# --- what goes to reinforcement learning ------------------------------------------------------------------------------


def test_creative_prompts_reach_the_judged_reward() -> None:
    names = list("舟橋鐘傘狐窓塩糸笛灯雪竹霧蔵鍬櫛鏡縄鞠壺")
    stories = [
        item(f"{a}と{b}の出てくる話を{n}行で書いてください。", "むかし。", "story")
        for n, (a, b) in enumerate((a, b) for a in names for b in names if a < b)
    ]
    sums = [
        item(f"{n * 37 % 1009}に{n * 91 % 997}を足すと？", "1", "math", verifier={"name": "number", "value": "1"})
        for n in range(100)
    ]
    talk = [item(f"{a}とは何ですか。{n}", "道具です。", "chat") for n, a in enumerate(names)]
    everything = [*stories, *sums, *talk]

    def drawn(**shares: float) -> dict[str, int]:
        parts = split(everything, 0.2, 0.9, 1, shares)
        found = [everything[place].task for place in parts.rl]
        return {task: found.count(task) for task in ("story", "math", "chat")}

    assert drawn()["story"] == 0, "nobody pays them, unless it is said"
    found = drawn(story=0.4)
    assert found["chat"] == 0 and abs(found["story"] - 0.4 * len(stories)) <= 0.1 * len(stories)
    assert found["math"] > 0
    assert drawn(story=0.0)["story"] == 0 and drawn(math=0.5)["math"] == pytest.approx(50, abs=5)


# --- what its words are worth -----------------------------------------------------------------------------------------


def gate_of(lang: str, prompt: str, answer: str) -> str | None:
    item = Instruction("item", lang, "chat", [{"role": "user", "content": prompt}], answer, origin="magpie")
    return by_code([Case(item)])[0].gate


@pytest.mark.parametrize(
    ("lang", "prompt", "answer", "gate"),
    [
        ("ja", "四季の菓子を漢字で。", "椿餅、葛切、月見団子、雪餅", None),
        ("ja", "漢詩を一つ、白文で。", "空山新雨後　天気晩来秋", None),
        (
            "ja",
            "汽車の場面を。",
            "シュッシュッポッポ、シュッシュッポッポ、シュッシュッポッポ、汽車は峠を越えた。",
            None,
        ),
        ("ja", "受付の場面を。", "「恐れ入りますが、ご要望にはお応えできません」と、受付の狐は尾を隠した。", None),
        ("ja", "辞退の手紙を。", "誠に恐縮ですが、このたびのご依頼は対応いたしかねます。", None),
        ("ja", "潮騒を描写して。", "<think>短く。</think>\n潮騒は途切れない。", "tidy: reasoning"),
        (
            "ja",
            "潮騒を描写して。",
            "承知しました！以下に潮騒の描写をお届けします。\n\n潮騒は途切れない。",
            "tidy: opening",
        ),
        ("ja", "潮騒を描写して。", "承知しました。二千字で書きますので、しばらくお待ちください。", "rules: promise"),
        ("ja", "潮騒を描写して。", "恐れ入りますが、そのような描写には対応いたしかねます。", "rules: refusal"),
    ],
)
def test_kinds_of_items_in_other_words(lang: str, prompt: str, answer: str, gate: str | None) -> None:
    assert gate_of(lang, prompt, answer) == gate


def test_an_opening_is_known_by_what_was_asked_for() -> None:
    said = "Here's a riddle about a bridge:\n\nI carry all and go nowhere."
    assert gate_of("en", "Write a riddle about a bridge.", said) == "tidy: opening"
    assert gate_of("en", "Begin a will.", "Here is my hat, and here is my spade:\n\nthe hat is for Ann.") is None
