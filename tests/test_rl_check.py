"""What `in2x plan` says of rewards, judge and backend before anything has run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chat_server import ChatServer
from in2x.errors import UsageError
from in2x.rl.check import check_rl
from in2x.rl.config import RlConfig
from judge_reply import judge_reply

DEMO = Path(__file__).parents[1] / "recipes" / "demo.yaml"


def judged(**llm: object) -> RlConfig:
    return RlConfig(rewards={"judged": 1.0}, judge={"llm": {"model": "qwen3-thinker", **llm}})


@pytest.mark.parametrize(
    ("section", "what"),
    [
        ({"rewards": {"chrff": 1.0}}, "there is no reward 'chrff'; did you mean 'chrf'"),
        ({"rewards": {"comet:": 1.0}}, "names no learned metric"),
        ({"backend": "trl", "sft_weight": 0.1}, r"rl\.sft_weight belongs to the native backend"),
    ],
)
def test_what_cannot_work_is_refused(section, what):
    with pytest.raises(UsageError, match=what):
        check_rl(RlConfig(**section))


def test_a_judge_that_is_not_there_is_a_warning():
    with ChatServer(judge_reply("a")) as server:
        assert check_rl(judged(base_url=server.url)) == []
        assert "lists no model 'other', only qwen3-thinker" in check_rl(judged(base_url=server.url, model="other"))[0]
        url = server.url
    assert check_rl(judged(base_url=url))[0].startswith(f"the judge at {url} does not answer (")
    assert "the model that SFT made judges itself" in check_rl(judged())[0]
    assert check_rl(RlConfig(rewards={"adequacy": 1.0})) == []


def test_plan_says_it(in2x):
    code, _, err = in2x("plan", DEMO, "--set", "rl.rewards={adequasy: 1}")
    assert code == 2 and "did you mean 'adequacy'" in err
    code, out, _ = in2x("plan", DEMO, "--json", "--set", "rl.rewards={adequacy: 1, judged: 1}",
                        "--set", "rl.judge.llm.base_url=http://127.0.0.1:9/v1")  # fmt: skip
    assert code == 0
    assert json.loads(out)["warnings"][0].startswith("the judge at http://127.0.0.1:9/v1 does not answer")
