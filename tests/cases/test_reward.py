"""Rewards that cannot be gamed: bad answers beside a good paraphrase, and programs that would get out of their walls."""

# ruff: noqa: E501  # a table of rows

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import ValidationError

from in2x.errors import UsageError
from in2x.principles.case import Case, verifier_of
from in2x.records import Instruction
from in2x.rl.config import RlConfig
from in2x.rl.questions import payable
from in2x.rl.rewards import code
from in2x.rl.rewards.base import RewardItem
from in2x.rl.rewards.code import Code
from in2x.rl.rewards.route import Scorer

DEFAULT = RlConfig().rewards
SOURCE = "My aunt said the ferry would leave at nine, so we packed our bags after dinner."
REFERENCE = "叔母はフェリーが九時に出ると言っていましたので、私たちは夕食の後で荷物をまとめました。"
PARAPHRASE = "フェリーは九時出航だとおばが言ったので、夕飯を済ませてからみんなで荷造りをしました。"


def totals(answers: list[str], rewards: dict[str, float] = DEFAULT, reference: str | None = REFERENCE) -> list:
    case = Case(SOURCE, "en", "ja", register="polite", reference=reference)
    instruction = Instruction("i", "ja", "translate", [], reference, verifier_of(case))
    return asyncio.run(Scorer(rewards).score([RewardItem(instruction, answer) for answer in answers])).total


BAD = {
    "characters shuffled": "。た後荷は出に夕めまと食フ叔ま母リのェーが九した時ので、私いたちで物をましとるっ言て",
    "words shuffled": "夕食出るまとめました叔母九時に後で私たちはと言っていました荷物をフェリーがのでは、の。",
    "another polite sentence": "日頃より格別のお引き立てを賜り、心より御礼申し上げます。",
    "another polite sentence of that length": "本日は皆様にお集まりいただき、まことにありがとうございました。どうぞごゆっくりお過ごしください。",
    "the words with a right ending": "叔母叔母フェリーが九時九時荷物の夕食夕食私たち言うましたますまとめました。",
    "a loop": "叔母一は九時に。叔母二は九時に。叔母三は九時に。叔母四は九時に。叔母五は九時に。まとめました。",
    "a second sentence of chat": REFERENCE + "ご不明な点がありましたらお知らせください。",
    "chat before": "かしこまりました。以下のとおりです。" + REFERENCE,
    "zero-width characters": "\u200b".join(REFERENCE),
    "marks and stars": REFERENCE + "！！！！！！！！★☆★☆★☆…★",
    "Latin words behind it": REFERENCE + " OK FIFA CNN CFO",
    "the first half": "叔母はフェリーが九時に出ると言っていました。",
    "the second half": "私たちは夕食の後で荷物をまとめました。",
    "half, with the ending": "叔母はフェリーが九時に出ると荷物をまとめました。",
    "twice": REFERENCE * 2,
    "thoughts before it": "<think>\n考え中\n</think>\n" + REFERENCE,
    "kana alone": "おばはふぇりーがくじにでるといっていましたので、わたしたちはゆうしょくのあとでにもつをまとめました。",
    "a heading": "**訳文**\n" + REFERENCE,
    "radicals in place of characters": REFERENCE.replace("言", "⾔").replace("食", "⻝"),
    "another number": REFERENCE.replace("九時", "七時"),
    "denied": REFERENCE.replace("まとめました", "まとめませんでした"),
    "copied": SOURCE,
    "empty": "",
    "one mark": "。",
    "casual": "叔母がフェリーは九時に出るって言ってたから、夕食の後に荷物まとめたよ。",
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_answer_earns_less_than_a_paraphrase(kind: str) -> None:
    reference, paraphrase, bad = totals([REFERENCE, PARAPHRASE, BAD[kind]])
    assert reference == 1.0
    assert bad < paraphrase < reference


def test_without_a_reference_only_what_sees_meaning_pays() -> None:
    answers = [PARAPHRASE, BAD["another polite sentence"], BAD["characters shuffled"]]
    assert totals(answers, reference=None) == [None] * 3
    assert totals(answers, {"principles": 1, "consensus": 1}, reference=None) == [None] * 3


@pytest.mark.parametrize("rewards", [{"principles": 1}, {"register": 2, "language": 1}, {"consensus": 1, "length": 1}])
def test_rewards_that_see_no_meaning_are_refused_when_the_recipe_is_read(rewards: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="none of these sees what an answer means"):
        RlConfig(rewards=rewards)


def test_translations_that_nothing_can_pay_are_left_out_or_refused() -> None:
    def translation(name: str, reference: str | None) -> Instruction:
        return Instruction(name, "ja", "translate", [], reference, verifier_of(Case(SOURCE, "en", "ja")))

    sure, blind = translation("a", REFERENCE), translation("b", None)
    assert payable([sure, blind], {"principles": 1, "adequacy": 1}) == [sure]
    assert payable([sure, blind], {"principles": 1, "judged": 1}) == [sure, blind]
    assert payable([blind], {"comet-src:some/model": 1}) == [blind]
    with pytest.raises(UsageError, match=r"no translation of the RL set has a reference.*add judged"):
        payable([blind], {"principles": 1, "chrf": 1})


def test_a_gate_orders_what_breaks_it_below_what_keeps_it() -> None:
    class Given:
        def __init__(self, name: str, values: list[float], sees: str) -> None:
            self.name, self.values, self.sees = name, values, sees

        async def __call__(self, items: list) -> list[float]:
            return self.values

    gate = [1.0, 1.0, 0.9, 0.9, 0.5, 0.0]
    pay = [0.0, 0.8, 1.0, 0.2, 1.0, 1.0]
    rewards = [Given("gate", gate, "code"), Given("pay", pay, "reference")]
    items = [RewardItem(Instruction("i", "ja", "qa", [], None, None), str(n)) for n in range(6)]
    found = asyncio.run(Scorer({"gate": 1, "pay": 1}, rewards).score(items)).total
    assert found[:2] == [0.0, 0.8], "what keeps all earns what adequacy gives"
    assert max(found[2:]) < 0.0
    assert found[2] > found[3] and found[2] > found[4] > found[5] >= -1.0


def _benchmark() -> ModuleType:
    file = Path(__file__).parents[2] / "benchmarks" / "reward_order.py"
    spec = importlib.util.spec_from_file_location("reward_order", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reward_order"] = module
    spec.loader.exec_module(module)
    return module


ORDER = _benchmark()


def _shares(found: dict[str, dict[str, list[bool]]], faults: list[str], sets: list[str]) -> dict[str, float]:
    shares = {}
    for fault in faults:
        right = [one for name in sets for one in found[name][fault]]
        shares[fault] = sum(right) / len(right) if right else 1.0
    return shares


STRINGS = [fault for fault in ORDER.FAULTS if fault not in ORDER.MEANING]


def test_own_pairs_are_in_the_right_order() -> None:
    found = ORDER.order(ORDER.own(), Scorer(ORDER.DEFAULT), 100)
    assert set(found) == {"en-ja", "ja-en", "zh-ja", "en-de"}
    assert min(_shares(found, STRINGS, list(found)).values()) >= 0.95


@pytest.mark.shared
def test_real_pairs_are_in_the_right_order(shared_data: Path) -> None:
    found = ORDER.order(ORDER.shared(shared_data), Scorer(ORDER.DEFAULT), 60)
    clean = [name for name in found if name != "zh-ja"]
    for name in clean:
        low = {k: v for k, v in _shares(found, STRINGS, [name]).items() if v < 0.9}
        assert not low, name
    assert min(_shares(found, STRINGS, clean).values()) >= 0.95
    # subtitles: two people often translate a line with no word in common, and then no string can tell
    assert min(_shares(found, STRINGS, ["zh-ja"]).values()) >= 0.75


def test_a_judge_that_knows_meaning_orders_what_strings_cannot() -> None:
    found = ORDER.world(120)
    assert set(found) == {"negate", "drop the time", "drop the place", "swap the person"}
    for change, right in found.items():
        assert len(right) > 100 and sum(right) / len(right) >= 0.97, change


# programs


@pytest.fixture(scope="module", params=["bubblewrap", "namespaces"])
def verdict(request: pytest.FixtureRequest):
    """A function (program, tests) -> value, behind one kind of walls."""
    kind = request.param
    if kind == "bubblewrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    trial = asyncio.run(code._verdict(kind, "x = 1", "assert x == 1", 2, 512, 20.0))
    if trial != code.tests.PASSED:
        pytest.skip(f"this machine allows no {kind}")
    reward = Code(seconds=2.0)
    reward.walls = kind

    def judge(program: str, tests: str = "assert add(1, 2) == 3"):
        item = Instruction("i", "en", "qa", [], None, {"name": "code", "tests": tests})
        return asyncio.run(reward([RewardItem(item, program)]))[0]

    return judge


HONEST = "def add(a, b): return a + b\n"
SOUND = {
    "plain": (HONEST, "assert add(1, 2) == 3"),
    "fenced": ("Here:\n```python\n" + HONEST + "```", "assert add(1, 2) == 3"),
    "in place": ("def sort(a): a.sort()", "a = [3, 1]\nsort(a)\nassert a == [1, 3]"),
    "class": (
        "class Sum:\n    def __init__(self): self.total = 0\n    def put(self, n): self.total += n",
        "s = Sum()\ns.put(4)\ns.put(5)\nassert s.total == 9",
    ),
    "equal objects": (
        "class P:\n    def __init__(self, x): self.x = x\n    def __eq__(self, o): return self.x == o.x\n"
        "    def __add__(self, o): return P(self.x + o.x)",
        "assert P(1) + P(2) == P(3)\nassert P(1) != P(2)",
    ),
    "generator": ("def up(n):\n    yield from range(n)", "assert list(up(3)) == [0, 1, 2]"),
    "function as argument": ("def twice(f, x): return f(f(x))", "assert twice(lambda v: v * 3, 1) == 9"),
    "raises": ("def f(): raise ValueError('no')", "try:\n    f()\nexcept ValueError:\n    pass\nelse:\n    assert False"),
    "own exception": ("class Oh(Exception): pass\ndef f(): raise Oh()", "try:\n    f()\nexcept Oh:\n    pass"),
    "set, tuple, dict": ("def f(): return {1: (2, {3})}", "assert f() == {1: (2, {3})}"),
    "fraction": ("from fractions import Fraction\ndef f(): return Fraction(1, 3)",
                 "from fractions import Fraction\nassert f() == Fraction(1, 3)"),
    "prints much": ("print('x' * 100000)\n" + HONEST, "assert add(1, 2) == 3"),
    "files of its own": ("def f():\n    open('a', 'w').write('b')\n    return open('a').read()", "assert f() == 'b'"),
    "function of the tests": (HONEST, "def check(f):\n    assert f(2, 2) == 4\ncheck(add)"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_program_passes(verdict, name: str) -> None:
    assert verdict(*SOUND[name]) == 1.0


HOSTILE = {
    "wrong": "def add(a, b): return a - b",
    "always equal": "class E:\n    def __eq__(self, o): return True\ndef add(a, b): return E()",
    "equal subclass of int": "class E(int):\n    def __eq__(self, o): return True\n    __hash__ = int.__hash__\n"
    "def add(a, b): return E(7)",
    "patches assertions": "import builtins\nbuiltins.AssertionError = type('X', (Exception,), {})\ndef add(a, b): return 0",
    "exits well": "import os\nos._exit(0)",
    "exits with the tests' code": "import os\ndef add(a, b): os._exit(40)",
    "ends at once": "raise SystemExit(0)",
    "ends when called": "def add(a, b): raise SystemExit(0)",
    "raises the test's error": "def add(a, b): raise AssertionError",
    "never ends": "while True: pass",
    "eats memory": "x = bytearray(1 << 31)\n" + HONEST,
    "recurses": "def add(a, b): return add(a, b)",
    "floods its pipe": "import os\nfor fd in range(32):\n    try:\n        os.write(fd, b'{\"value\": 3}\\n')\n"
    "    except OSError: pass\ndef add(a, b): return 0",
    "endless nesting": "x = []\nx.append(x)\ndef add(a, b): return x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_program_that_does_not_do_its_task_fails(verdict, name: str) -> None:
    assert verdict(HOSTILE[name]) == 0.0


REACH = {
    "file of the user": "open('/etc/hostname').read()",
    "home": "os.listdir(os.path.expanduser('~root') + '/..')[0] and open('/root/.bashrc').read()",
    "the tests": "open('/proc/%d/cmdline' % os.getppid()).read()",
    "environment of its parent": "open('/proc/%d/environ' % os.getppid()).read()",
    "its own project": f"open({__file__!r}).read()",
    "network": "__import__('socket').create_connection(('127.0.0.1', 9), 1)",
    "a socket at all": "__import__('socket').socket()",
    "fork": "os.fork() or os._exit(0)",
    "spawn": "__import__('subprocess').run(['/bin/sh', '-c', 'true'], check=True)",
    "signal to its parent": "os.kill(1, 15) or os.kill(os.getppid(), 15)",
    "Python's files": "open(os.__file__, 'a').write('#')",
    "new root": "os.chroot('/')",
    "64 MB of files": "[open('f%d' % n, 'wb').write(bytes(1 << 20)) for n in range(64)]",
    "one file of 8 MB": "open('f', 'wb').write(bytes(1 << 23))",
    "64 MB beside its folder": "[open('/dev/f%d' % n, 'wb').write(bytes(1 << 20)) for n in range(64)]",
    "many open files": "[open('f%d' % n, 'w') for n in range(100)].append(1)",
}


@pytest.mark.parametrize("name", REACH)
def test_what_a_program_cannot_reach(verdict, name: str) -> None:
    """The program says itself how far it got: it must have tried, and been refused by the system."""
    program = (
        f"import os, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\ntry:\n    {REACH[name]}\n"
        "    got = 'reached'\nexcept (OSError, RuntimeError) as error:\n    got = 'refused'\ndef reached(): return got"
    )
    assert verdict(program, "assert reached() == 'refused'") == 1.0


def test_there_is_no_environment(verdict) -> None:
    keys = "import os\ndef keys(): return sorted(os.environ)"
    assert verdict(keys, "assert not set(keys()) - {'LC_CTYPE', 'PWD'}") == 1.0


def test_tests_that_cannot_be_put_to_a_program_are_a_failure_with_its_reason(verdict) -> None:
    assert "do not compile" in verdict(HONEST, "assert add(").why
    assert "cannot be sent" in verdict(HONEST, "class T: pass\nadd(T(), 1)").why


def test_without_walls_the_reward_is_refused_unless_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "walls", lambda: "")
    with pytest.raises(UsageError, match=r"no way to confine them.*rl\.run_code_unconfined"):
        Code()
    item = Instruction("i", "en", "qa", [], None, {"name": "code", "tests": "assert add(1, 2) == 3"})
    assert asyncio.run(Code(unconfined=True)([RewardItem(item, HONEST)])) == [1.0]
