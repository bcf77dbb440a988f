"""Every command that a page shows is typed here as it stands, page by page, on a desk that holds the files it names.

What is not run is in `ELSEWHERE` (a test runs it otherwise) or in `NOT_HERE` (no test can run it), with the reason.
"""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import desk
from test_docs import PAGES, ROOT, fenced, simple_commands

ELSEWHERE = {
    r"in2x serve ": ("waits for requests", "test_serve_cli.py"),
    r"in2x people serve": ("waits for requests", "test_people_server.py"),
    r"in2x sample judge ": ("waits for requests", "test_rl_judge.py"),
    r"in2x (run|sft) \S*recipes?\S* .*launch=": ("several processes", "test_parallel.py"),
    r"in2x run \S+ --shrink": ("minutes", "test_shrink.py"),
    r"in2x plan \S+ .*--trace": ("minutes", "test_trace.py"),
    r"in2x plan recipes/qwen3": ("needs the evaluation sets that are kept out", "test_plan.py"),
    r"in2x instruct-check \S+ --judge": ("asks a judge about a whole set", "test_instruct_check.py"),
    r"in2x (run|sft|rl|corpus|select|instruct) \S*recipes?[/.]": ("minutes to days", "test_docs_rehearsed.py"),
    r"in2x export recipes/demo.yaml --to verl": ("needs a finished SFT", "test_rl_verl.py"),
    r"in2x export \S+ --to gguf": ("needs llama.cpp's converter", "test_translate_backends.py"),
    r"in2x merge-models ": ("needs four models of one base", "test_merge_models.py"),
    r"in2x evaluate score .*--metric metricx:": ("downloads a model", "test_evaluate_learned.py"),
    r"in2x (translate|check) test\.en .*--to de": ("needs the model of an earlier run", "test_translate_cli.py"),
    r"curl ": ("asks a server", "test_docs_python.py"),
    r"python tests/llm_server.py": ("waits for requests", "test_llm_client.py"),
    r"python benchmarks/ruby.py": ("needs the real data", "test_formats_xml_ruby.py"),
    r"python benchmarks/": ("minutes", "test_benchmarks.py"),
}  # fmt: skip
"""Command (a pattern at its start) -> why it is not run here, and the test that runs the same otherwise."""

NOT_HERE = {
    r"make ": "sets up an environment, or runs the tests that this is one of",
    r"bash verl-job/verl.sh": "needs GPUs and verl",
    r"(\w+=\S+ )*vllm serve": "needs GPUs",
    r"xdg-open ": "opens a browser",
    r"(source|export|kill|mkdir|cat|echo|head|'?head=|'?IN2X_SERVE_TOKENS=|'?#)": "the shell's own",
}
"""Command (a pattern at its start) -> why no test can run it."""

MAY_FIND = ("check", "evaluate wmt", "translate")
"""What may end with 1 or 3 because it found something, which the desk's little model gives it."""


def by_hand(command: str) -> None:
    """What a reader does after a command: fills in the targets of a first glossary, translates the suite elsewhere."""
    if found := re.match(r"in2x terms .*-o (\S+)", command):
        file = Path(found[1])
        head, *rows = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
        at = head.index("target")
        filled = [head, *([*row[:at], row[at] or "名", *row[at + 1 :]] for row in rows)]
        file.write_text("".join("\t".join(row) + "\n" for row in filled), encoding="utf-8")
    if found := re.match(r"in2x evaluate express --export (\S+)", command):
        rows = [json.loads(line)["id"] for line in Path(found[1]).read_text(encoding="utf-8").splitlines()]
        Path("answers.jsonl").write_text(
            "".join(json.dumps({"id": n, "hypothesis": "訳文です。"}) + "\n" for n in rows), encoding="utf-8"
        )


CHANGED = {"docs/extending.md": "test_extending.py"}
"""Pages whose commands need what the page itself adds -> the test that adds it and types them."""


def typed(page: Path) -> list[list[str]]:
    """The commands in the page's blocks that are marked as shell, in order."""
    return [words for block in fenced(page, "bash") for words in simple_commands(block)]


def excused(command: str) -> bool:
    return any(re.match(pattern, command) for pattern in (*ELSEWHERE, *NOT_HERE))


def runs(page: Path) -> list[list[str]]:
    if str(page.relative_to(ROOT)) in CHANGED:
        return []
    return [words for words in typed(page) if not excused(shlex.join(words))]


@pytest.mark.parametrize("page", [p for p in PAGES if runs(p)], ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run(
    page: Path, in2x: Callable[..., tuple[int, str, str]], tiny_model: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    desk.lay(tmp_path, tiny_model)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "desk-key")
    with desk.Answers() as server:
        for words in runs(page):
            assert words[0] == "in2x", f"no list names {shlex.join(words)!r}: run it, or say why not"
            there = [re.sub(r"http://localhost:\d+/v1|https://api\.openai\.com/v1", server.url, w) for w in words[1:]]
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Where is the station?\n")))
            code, _, err = in2x(*(w for w in there if w != "&"))
            fine = (0, 1, 3) if " ".join(words[1:]).startswith(MAY_FIND) else (0,)
            assert code in fine and "in2x: " not in err, f"{shlex.join(words)}: exit code {code}\n{err}"
            by_hand(shlex.join(words))


def test_every_excuse_is_used_and_its_test_is_there() -> None:
    shown = {shlex.join(words) for page in PAGES for words in typed(page)}
    for pattern in (*ELSEWHERE, *NOT_HERE):
        assert any(re.match(pattern, command) for command in shown), f"no page shows {pattern!r} any more"
    for test in (*(test for _, test in ELSEWHERE.values()), *CHANGED.values()):
        assert (ROOT / "tests" / test).is_file(), f"no such test: {test}"
