"""The command line: results on stdout, faults in one sentence, exit codes, nothing half written."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import PAIRS
from in2x import __version__

ROOT = Path(__file__).resolve().parents[1]


def sentence(stderr: str, *parts: str) -> None:
    """stderr is one sentence that holds `parts`."""
    assert stderr.count("\n") == 1 and stderr.startswith("in2x: ") and stderr.rstrip()[-1] in ".?", stderr
    assert "Traceback" not in stderr
    for part in parts:
        assert part in stderr, stderr


@pytest.fixture
def stdin(monkeypatch):
    """Give text as standard input."""

    def give(text: str | bytes) -> None:
        raw = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))

    return give


# --- usage ------------------------------------------------------------------------------------------------------------


def test_help_and_version_name_every_command(in2x):
    code, out, _ = in2x("--help")
    assert code == 0
    for command in ("run", "plan", "translate", "language", "corpus", "pretrain", "sft", "rl", "merge", "evaluate"):
        assert command in out
    assert in2x("--version") == (0, f"in2x {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("trian",), ["No such command 'trian'"]),
        (("trnslate",), ["Did you mean 'translate'?\n"]),
        (("translate", "--from", "en", "--to", "ja"), ["--model", "for example `in2x translate book.txt --model "]),
        (("run",), ["RECIPE", "for example `in2x run recipes/demo.yaml`."]),
        (("evaluate", "score", "--hyp", "a"), ["for example `in2x evaluate score --hyp mine.ja --ref "]),
        (("translate", "--modle", "x"), ["--model", "see in2x translate --help."]),
        (("translate", "--model", "x", "--from", "en", "--to", "ja", "--batch", "0"), ["--batch"]),
        (("run", "dmeo"), ["dmeo: there is no such recipe; did you mean 'demo'?"]),
        (("plan", "recipes/demo-juge.yaml"), ["did you mean 'demo-judge'?"]),
        (("recipes", "dmeo"), ["there is no recipe 'dmeo'; did you mean 'demo'?"]),
    ],
)
def test_wrong_usage_is_one_sentence(in2x, arguments, parts):
    code, out, err = in2x(*arguments)
    assert (code, out) == (2, "")
    sentence(err, *parts)


@pytest.mark.parametrize("group", [(), ("evaluate",), ("people",), ("language",), ("sample",)])
def test_a_group_alone_says_what_it_has(in2x, group):
    code, out, err = in2x(*group)
    assert (code, out) == (2, "")
    assert err == in2x(*group, "-h")[1], "the help, whole, and nothing else"
    assert "..." not in err.replace("[ARGS]...", "")


def test_the_real_command_in_a_process_of_its_own(tmp_path):
    (tmp_path / "bad.yaml").write_text("name: x\nsftt:\n  passes: 2\n")
    done = subprocess.run(
        [sys.executable, "-m", "in2x", "run", "bad.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, "COLUMNS": "40"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    sentence(done.stderr, "bad.yaml, line 2: unknown key 'sftt'; did you mean 'sft'")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.yaml"]


def test_interrupt_and_closed_pipe(in2x, monkeypatch):
    import in2x.cli as cli

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("in2x.recipe.load_recipe", stop)
    code, _, err = in2x("plan", "r.yaml")
    assert code == 130
    sentence(err, "interrupted", "the same command goes on")
    monkeypatch.setattr("in2x.recipe.load_recipe", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        in2x("plan", "r.yaml")  # a bug of ours keeps its traceback

    def closed(*_, **__):
        raise BrokenPipeError

    duplicated = []
    monkeypatch.setattr(cli, "app", closed)
    monkeypatch.setattr(cli.os, "dup2", lambda *a: duplicated.append(a))
    monkeypatch.setattr("sys.stdout", SimpleNamespace(fileno=lambda: 1))
    assert cli.main([]) == 0
    assert duplicated and duplicated[0][1] == 1


# --- bad input --------------------------------------------------------------------------------------------------------


def recipe(folder: Path, data: str) -> Path:
    file = folder / "r.yaml"
    file.write_text(f"name: r\nlanguages: {{target: ja, hub: en, others: []}}\ndata:\n{data}\n", encoding="utf-8")
    return file


def bad(folder: Path, name: str, text: str) -> Path:
    """A recipe whose training pairs are `text`, the rest being right."""
    good = "".join(json.dumps({"en": f"Sentence {n}.", "ja": f"文{n}。"}, ensure_ascii=False) + "\n" for n in range(8))
    (folder / "good.jsonl").write_text(good, encoding="utf-8")
    (folder / name).write_text(text, encoding="utf-8")
    return recipe(folder, f"  train: {folder / name}\n  dev: {folder / 'good.jsonl'}\n  test: {folder / 'good.jsonl'}")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('\n{"en": "Hello."\n', ["train.jsonl, line 2: not JSON"]),
        ('\n{"en": "Hello.", "fr": "Salut."}\n', ["train.jsonl, line 2", "'ja'"]),
        ('["Hello."]\n', ["train.jsonl, line 1: the line is not a JSON object"]),
        ('{"en": "Hello.", "ja": 3}\n', ["train.jsonl, line 1: the field 'ja' is not text"]),
        (
            '{"en": "Hello.", "ja": "やあ。", "register": "rude"}\n',
            ["line 1: Japanese has no register 'rude'", "polite"],
        ),
        ("", ["train.jsonl: the data set is empty"]),
        ("\n\n", ["train.jsonl: the data set is empty"]),
    ],
    ids=["malformed line", "language without data", "not an object", "not text", "register", "empty", "blank"],
)
def test_bad_pairs(in2x, tmp_path, text, parts):
    out = tmp_path / "out"
    code, stdout, err = in2x("data", bad(tmp_path, "train.jsonl", text), "--out", out)
    assert (code, stdout) == (1, "")
    sentence(err.splitlines()[-1] + "\n", *parts)
    assert not (out / "data").exists(), "nothing half written"


def test_one_odd_pair_is_set_aside_and_said(in2x, tmp_path):
    text = '{"en": "Hello.", "ja": "やあ。"}\n{"en": "Hello."\n{"en": "Bye.", "ja": "じゃあね。"}\n'
    code, _, err = in2x("data", bad(tmp_path, "train.jsonl", text), "--out", tmp_path / "out")
    assert code == 0 and "train.jsonl: left out 1 of 3 rows: 1 not JSON (line 2)" in " ".join(err.split())


def test_missing_files(in2x, tmp_path):
    code, _, err = in2x("data", recipe(tmp_path, f"  train: {tmp_path}/no.jsonl"), "--out", tmp_path / "out")
    assert code in (1, 2)
    sentence(err.splitlines()[-1] + "\n", "no.jsonl")
    code, _, err = in2x("run", tmp_path / "no.yaml")
    assert code == 2
    sentence(err, "no.yaml: there is no such recipe", "`in2x recipes` lists")
    assert not (tmp_path / "out" / "data").exists()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("name: x\nsft:\n  pases: 2\n", ["line 3: unknown key 'sft.pases'", "'passes'"]),
        ("name: x\nsft:\n  passes: many\n", ["line 3: sft.passes", "'many'"]),
        ("name: x\nsft:\n  passes: 0\n", ["line 3: sft.passes", "greater than or equal to 1"]),
        ("name: [x\n", ["not YAML"]),
        ("- a\n- b\n", ["a recipe is a mapping"]),
        ("name: x\nlanguages: {target: en, hub: en}\n", ["line 2: languages: en is named twice"]),
        ("name: x\nlanguages: {target: jp}\n", ["there is no language 'jp'", "did you mean 'ja'"]),
        ("name: x\nlanguages: {target: zh, others: [zh-Hans]}\n", ["zh and zh-Hans are one language"]),
        ("name: x\nlanguages: {target: zh_TW}\n", ["write 'zh-Hant'"]),
    ],
)
def test_bad_recipes(in2x, tmp_path, text, parts):
    file = tmp_path / "r.yaml"
    file.write_text(text)
    code, out, err = in2x("plan", file)
    assert (code, out) == (2, "")
    sentence(err, "r.yaml", *parts)


def test_bad_overrides(in2x, tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text("name: x\nsft: {passes: 2}\n")
    for override, parts in {
        "sft.pases=2": ["--set", "'sft.pases'", "'passes'"],
        "sft.passes=0": ["--set", "sft.passes"],
        "sft.passes": ["--set 'sft.passes' is not of the form a.b=value"],
        "name.x=2": ["--set name.x", "a value, not a section"],
    }.items():
        code, _, err = in2x("plan", file, "--set", override)
        assert code == 2
        sentence(err, *parts)


def test_folders_that_are_no_model(in2x, tmp_path, stdin):
    stdin("Hello.\n")
    target = tmp_path / "out.txt"
    for folder in (tmp_path, tmp_path / "nothing"):
        code, out, err = in2x("translate", "--model", folder, "--from", "en", "--to", "ja", "-o", target)
        assert (code, out) == (1, "")
        sentence(err, str(folder), "model")
    assert not list(tmp_path.iterdir())


# --- plan -------------------------------------------------------------------------------------------------------------


def test_plan_of_the_demo(in2x, tmp_path):
    code, out, _ = in2x("plan", ROOT / "recipes" / "demo.yaml", "--out", tmp_path / "new")
    assert code == 0
    for word in ("corpus", "pretrain", "runs", "6 N", "trajectories"):
        assert word in out
    assert not (tmp_path / "new").exists()


def test_plan_as_json_and_its_arithmetic(in2x, tmp_path):
    code, out, _ = in2x("plan", ROOT / "recipes" / "demo.yaml", "--out", tmp_path / "new", "--json")
    plan = json.loads(out)
    assert code == 0
    assert [s["stage"] for s in plan["stages"]][:3] == ["data", "corpus", "base"]
    costs = {c["stage"]: c for c in plan["costs"]}
    phase = costs["pretrain phase1"]
    assert phase["steps"] == -(-phase["tokens"] // 2048)
    n = plan["parameters"]
    assert n == 4 * (144 * 24 * (2 * 6 + 2 * 3) + 3 * 144 * 384) + 4096 * 144
    assert phase["flops"] == pytest.approx(phase["tokens"] * (6 * n + 7 * 4 * 144 * 128))


def test_plan_of_a_named_big_model(in2x, tmp_path):
    file = tmp_path / "big.yaml"
    file.write_text(
        "name: big\nbase: {model: Qwen/Qwen2.5-72B}\npretrain:\n"
        "  phase1: {tokens: 2500000000000, context: 8192, batch_tokens: 8388608}\n"
    )
    code, out, _ = in2x("plan", file, "--json", "--device", "h100", "--devices", "1024", "--mfu", "0.5")
    plan = json.loads(out)
    assert code == 0
    assert plan["parameters"] == pytest.approx(72.7e9, rel=0.005)
    phase = next(c for c in plan["costs"] if c["stage"] == "pretrain phase1")
    assert phase["steps"] == 298_024
    hours = phase["flops"] / (989e12 * 0.5) / 3600
    assert phase["device_hours"] == pytest.approx(hours)
    assert phase["memory"] > 16 * plan["parameters"] / 1024
    code, _, err = in2x("plan", file, "--device", "abacus")
    assert code == 2
    sentence(err, "'abacus'", "h100")
    file.write_text("name: big\nbase: {model: someone/unknown}\n")
    code, _, err = in2x("plan", file)
    assert code == 1
    sentence(err, "someone/unknown")


def test_every_knob_is_documented(in2x):
    code, out, _ = in2x("plan", ROOT / "recipes" / "demo.yaml", "--knobs", "--json")
    assert code == 0
    listed = json.loads(out)
    assert len({knob["name"] for knob in listed}) == len(listed) > 50
    for knob in listed:
        assert knob["doc"], knob
        assert knob["source"] == "our choice" or knob["source"].startswith("METHOD "), knob
    assert next(k for k in listed if k["name"] == "rl.samples")["default"] == 16


# --- translate --------------------------------------------------------------------------------------------------------


def test_translate_keeps_every_line(in2x, tiny_model, tmp_path):
    sources = list(PAIRS)
    text = f"\ufeff{sources[0]}\n\n{sources[1]}\r\n   \n{sources[2]}\u2028{sources[2]}\n{sources[3]}"
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_bytes(text.encode())
    code, out, _ = in2x(
        "translate", source, "--model", tiny_model, "--from", "en", "--to", "ja", "--register", "polite", "-o", target
    )
    assert (code, out) == (0, "")
    lines = target.read_bytes().decode().split("\n")
    assert len(lines) == 6, "as many lines as the source, and no end of line where it has none"
    assert lines[0] == "\ufeff" + PAIRS[sources[0]]["polite"]
    assert (lines[1], lines[3]) == ("", "   ")
    assert lines[2] == PAIRS[sources[1]]["polite"] + "\r"
    assert lines[5] == PAIRS[sources[3]]["polite"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.txt", "out.txt", "out.txt.journal.jsonl"]


def test_translate_stdin_in_small_batches(in2x, tiny_model, stdin):
    stdin("".join(f"{source}\n" for source in PAIRS))
    code, out, err = in2x("translate", "--model", tiny_model, "--from", "en", "--to", "ja", "--batch", "3")
    assert code == 0 and err == ""
    assert out.splitlines() == [by_register[None] for by_register in PAIRS.values()]


def test_translate_by_minimum_bayes_risk_follows_its_seed(in2x, tiny_model, stdin):
    answers = []
    for _ in range(2):
        stdin("Where is the station?\n\n")
        code, out, _ = in2x(
            "translate", "--model", tiny_model, "--from", "en", "--to", "ja", "--mbr", "4", "--seed", "3"
        )
        assert code == 0
        answers.append(out)
    assert answers[0] == answers[1] and answers[0].count("\n") == 2 and answers[0].endswith("\n\n")
    code, _, err = in2x("translate", "--model", tiny_model, "--from", "en", "--to", "ja", "--mbr", "1")
    assert code == 2
    sentence(err, "--mbr 1")


def test_translate_refuses_what_it_cannot_do(in2x, tiny_model, tmp_path):
    base = ("translate", "--model", tiny_model, "--from", "en")
    code, _, err = in2x(*base, "--to", "en", "-")
    assert code == 2
    sentence(err, "in English already")
    code, _, err = in2x(*base, "--to", "ja", "--cache", tmp_path / "c")
    assert code == 2
    sentence(err, "--cache", "leave it out")
    code, _, err = in2x(*base, "--to", "ja", "--register", "rude")
    assert code == 2
    sentence(err, "'rude'", "plain, polite")
    code, _, err = in2x(*base, "--to", "fr")
    assert code == 2
    sentence(err, "does not know French (fr)", "English (en), Japanese (ja)")
    code, _, err = in2x(*base, "--to", "jp")
    assert code == 2
    assert err == "in2x: there is no language 'jp'; did you mean 'ja'?\n"
    code, _, err = in2x(*base, "--to", "ja", tmp_path / "no.txt")
    assert code == 1
    sentence(err, "no.txt: cannot be read")
    (tmp_path / "latin.txt").write_bytes(b"fine\ncaf\xe9\n")
    code, _, err = in2x(*base, "--to", "ja", tmp_path / "latin.txt", "-o", tmp_path / "out.txt")
    assert code == 1
    sentence(err, "latin.txt, line 2: bytes that are no UTF-8")
    assert not (tmp_path / "out.txt").exists() and not (tmp_path / "out.txt.partial").exists()
    code, _, err = in2x(*base, "--to", "ja", tmp_path / "latin.txt", "-o", tmp_path / "no" / "out.txt")
    assert code == 2
    sentence(err, "there is no folder")


# --- language ---------------------------------------------------------------------------------------------------------


def test_register_of_lines(in2x, stdin):
    stdin("駅はどこですか。\n毎晩本を読む。\n")
    code, out, _ = in2x("language", "register", "--lang", "ja")
    assert code == 0
    assert out.splitlines() == ["polite", "plain"]
    stdin("駅はどこですか。\n")
    code, out, _ = in2x("language", "register", "-", "--json")
    assert json.loads(out) == [{"line": 1, "register": "polite"}]
    stdin("Können Sie mir helfen?\nKannst du mir helfen?\nEs regnet.\n")
    code, out, _ = in2x("language", "register", "--lang", "de")
    assert out.splitlines() == ["polite", "casual", "none"]
    stdin("Können Sie mir helfen?\nKannst du mir helfen?\nEs regnet.\n")
    assert in2x("language", "register")[:2] == (0, out), "the text tells its language"
    code, out, err = in2x("language", "register", "--lang", "sw")
    assert (code, out) == (2, "")
    sentence(err, "registers of Swahili", "ja")
    code, out, err = in2x("language", "register", "--lang", "jp")
    assert (code, out) == (2, "")
    sentence(err, "did you mean 'ja'")


def test_description_of_lines(in2x, stdin):
    stdin("先生がお話しになりました。\n")
    code, out, _ = in2x("language", "describe", "--json")
    [row] = json.loads(out)
    assert code == 0 and row["line"] == 1 and row["register"] == "honorific"
    assert any(finding["kind"] == "keigo" for finding in row["findings"])
    stdin("先生がお話しになりました。\n")
    code, out, _ = in2x("language", "describe")
    assert out.startswith("1\thonorific\t") and "お話しになり" in out
