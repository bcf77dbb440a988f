"""A reader's desk: a folder with the files that the pages name, small, so that their commands can be typed there.

`lay(folder, model)` fills it; `Answers` is a server in place of those that the pages name.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import llm_server
from chat_server import Body, ChatServer
from judge_reply import judge_reply

ROOT = Path(__file__).resolve().parents[1]
PAIRS = (
    ("The cat sleeps in the garden.", "猫は庭で眠ります。"),
    ("Where is the station?", "駅はどこですか。"),
    ("She did not come.", "彼女は来ませんでした。"),
)
CLAUSES = ("The rain stopped, and we went home.", "雨が止んだので、私たちは家に帰りました。")
SOURCE, TARGET = ("".join(f"{pair[side]}\n" for pair in PAIRS) for side in (0, 1))
OTHER = TARGET.replace("庭", "家")
PO = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n' + "".join(
    f'msgid "{source}"\nmsgstr "{target}"\n\n' for source, target in PAIRS
)
TEXTS = {
    "book.txt": SOURCE, "source.en": SOURCE, "test.en": SOURCE, "book.ja.txt": TARGET, "reference.ja.txt": TARGET,
    "reference.ja": TARGET, "mine.ja": OTHER, "other.ja": TARGET, "lines.txt": TARGET,
    "test.de": "Die Katze schläft.\nWo ist der Bahnhof?\nSie kam nicht.\n",
    "reference.de": "Die Katze schläft im Garten.\nWo ist der Bahnhof?\nSie kam nicht.\n",
    "chapter.json": json.dumps([source for source, _ in PAIRS]),
    "chapter.ja.json": json.dumps([target for _, target in PAIRS], ensure_ascii=False),
    "menu.po": PO, "terms.tsv": "en\tja\ngarden\t庭\n",
    "people.yaml": "- {name: Anna, target: アンナ, register: casual}\n",
    "sets/mine.jsonl": json.dumps({"instruction": "庭の猫を描写して。", "output": "猫が日だまりで丸い。"}) + "\n",
    "texts.jsonl": "".join(json.dumps({"text": source}) + "\n" for source, _ in PAIRS * 4),
}  # fmt: skip


def _lines(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _ranking() -> dict[str, str]:
    """Score files of two systems, the test set, and a submission to it."""
    doc = "en-ja_JP_#_news_#_one"
    files = {
        f"scores/{system}.jsonl": _lines({"language_pair": "en-ja_JP", "domain": "news", "document_id": "one",
                                          "metric_scores": {"GEMBA-ESA": [score] * 3, "MetricX": [-score / 10] * 3}})
        for system, score in (("mine", 80.0), ("other", 60.0))
    }  # fmt: skip
    paragraphs = [source for source, _ in PAIRS], [target for _, target in PAIRS]
    source, target = ("\n\n".join(side) for side in paragraphs)
    row = {"doc_id": doc, "src_text": source, "refs": {"refA": {"ref": target}}}
    files["wmt25.jsonl"] = _lines(row)
    files["wmt25.en-ja.jsonl.gz"] = ""  # made below, packed
    files["submission.jsonl"] = _lines({"doc_id": doc, "hypothesis": target})
    return files


def _people() -> dict[str, str]:
    """Texts of two systems and what two annotators gave them, in the form of WMT24."""
    rows, scores = [], []
    for line, (source, target) in enumerate(PAIRS, 1):
        hyps = {"one": target, "two": target.replace("。", "！"), "three": target[1:]}
        rows.append({"lp": "en-ja", "line": line, "domain": "news", "doc_id": "d", "src": source, "ref": target,
                     "hyps": hyps})  # fmt: skip
        scores += [{"annotator": who, "system": system, "line": line, "score": 60.0 + 9 * line - 5 * len(system),
                    "doc_id": "d", "errors": [], "end_time": 10.0 * line}
                   for who in ("ann", "ben") for system in hyps]  # fmt: skip
    return {"wmt24.en-ja.jsonl.gz": _lines(*rows), "wmt24.en-ja.esa.jsonl": _lines(*scores)}


def lay(folder: Path, model: Path) -> None:
    """Fill `folder`; `model` is copied to every place where the pages have one."""
    import gzip

    from test_people_calibrate import made, store_of
    from test_report import synthetic_run

    questions = [{"question_id": n, "category": "writing", "turns": ["一つ書いて。", "短くして。"]} for n in (1, 2)]
    judged = [{"question_id": n, "model": m, "turn": t, "score": 5 + n, "judge": ["gpt-4", "single-v1"]}
              for n in (1, 2) for m in ("one", "two") for t in (1, 2)]  # fmt: skip
    texts = {
        **TEXTS, **_ranking(), **_people(), "questions.jsonl": _lines(*questions),
        "references.jsonl": _lines(), "judgments.gpt-4.jsonl": _lines(*judged),
        "train.jsonl": _lines(*({"en": source, "ja": target} for source, target in PAIRS)),
        "test.jsonl": _lines(*({"en": source, "ja": target} for source, target in (*PAIRS, CLAUSES))),
    }  # fmt: skip
    texts["wmt25.en-ja.jsonl.gz"] = texts["wmt25.jsonl"]
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".gz":
            with gzip.open(file, "wt", encoding="utf-8") as stream:
                stream.write(text)
        else:
            file.write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "recipes" / "demo.yaml", folder / "recipe.yaml")
    store_of(folder, *made(8))  # people.db: a campaign that is judged
    (folder / "recipes").symlink_to(ROOT / "recipes")
    shutil.copytree(synthetic_run(folder / "runs" / "demo"), folder / "runs" / "try")
    for place in (
        "runs/demo/model",
        "runs/demo/sft/model",
        "runs/demo/rl/model",
        "runs/demo/merge/model",
        "runs/a/model",
        "runs/b/model",
        "runs/ende/merge/model",
    ):
        shutil.copytree(model, folder / place, dirs_exist_ok=True)


class Answers(ChatServer):
    """What the pages' models and judges say: verdicts to judges, one sentence to translators."""

    def __init__(self) -> None:
        super().__init__(self.say)

    @staticmethod
    def say(body: Body) -> str:
        """The answer to one request."""
        asked = body["messages"][-1]["content"]
        if "response_format" in body and "verdicts" in json.dumps(body["response_format"]):
            return judge_reply("。")(body)
        if "translation: " in asked or "[[" in asked:
            return llm_server.verdict(asked)
        return "訳文です。"
