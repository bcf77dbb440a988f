"""Reading raw text: formats, encodings, splits, and records that cannot be read."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from in2x.corpus.encoding import decode_text, detect
from in2x.corpus.read import Limits, find_files, plan, read_split
from in2x.errors import In2xError

LIMITS = Limits(record_bytes=1 << 20, document_chars=1_000_000)
JAPANESE = "港の朝はいつも早い。漁師たちは暗いうちから網を船に積み、灯台の光が消えるころには沖に出ている。" * 5
CHINESE = "港口的早晨总是来得很早。天还没亮，渔民们就把网搬上船，灯塔的光熄灭的时候，他们已经在海上了。" * 5


def _rows(folder: Path, split_bytes: int = 1 << 20, limits: Limits = LIMITS) -> list[dict]:
    splits = plan(find_files(["."], folder), split_bytes)
    return [row for split in splits for row in read_split(split, limits)]


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        (JAPANESE, "utf-8", "utf-8"),
        (JAPANESE, "utf-8-sig", "utf-8-sig"),
        (JAPANESE, "cp932", "cp932"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (JAPANESE, "iso2022_jp", "iso2022_jp"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-16", "utf-16"),
        ("Plain English text, nothing else. ", "ascii", "utf-8"),
    ],
)
def test_encodings_are_told_apart(text: str, encoding: str, found: str) -> None:
    assert detect(text.encode(encoding)[:1001]) == found


def test_french_of_one_byte_a_letter_keeps_its_accents() -> None:
    """Latin-1 and its kin differ in signs that are not here: whichever is found, the text is right."""
    text = "À côté de la forêt, le garçon naïf goûtait une crème brûlée. Où êtes-vous allés cet été ? " * 9
    raw = text.encode("latin-1")
    assert decode_text(raw, detect(raw, whole=True) or "") == text


def test_binary_data_is_no_text() -> None:
    assert detect(bytes(range(256)) * 4) is None


def test_every_format_gives_the_same_texts(tmp_path: Path) -> None:
    texts = [f"第{k}の文書。\n二行目。" for k in range(7)]
    lines = "".join(json.dumps({"id": f"d{k}", "text": t}, ensure_ascii=False) + "\n" for k, t in enumerate(texts))
    writers = {
        "a.jsonl": lambda p: p.write_text(lines, encoding="utf-8"),
        "a.jsonl.gz": lambda p: p.write_bytes(gzip.compress(lines.encode())),
        "a.jsonl.zst": lambda p: p.write_bytes(pa.compress(lines.encode(), codec="zstd", asbytes=True)),
        "a.json": lambda p: p.write_text(json.dumps([{"id": f"d{k}", "text": t} for k, t in enumerate(texts)])),
        "a.parquet": lambda p: pq.write_table(pa.table({"id": [f"d{k}" for k in range(7)], "text": texts}), p),
        "sjis.jsonl": lambda p: p.write_bytes(lines.encode("cp932")),
    }
    for name, write in writers.items():
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        write(folder / name)
        rows = _rows(folder)
        assert [r["text"] for r in rows] == texts, name
        assert [r["id"] for r in rows] == [f"d{k}" for k in range(7)]
        assert [r["line"] for r in rows] == list(range(1, 8))


@pytest.mark.parametrize("split_bytes", [1, 7, 40, 41, 1000])
def test_splits_lose_and_double_nothing_and_know_their_lines(tmp_path: Path, split_bytes: int) -> None:
    texts = ["x" * (k * 7 % 50) for k in range(1, 60)]
    lines = [json.dumps({"text": t}) for t in texts]
    lines[10] = ""  # an empty line is no record, but counts as a line
    lines[20] = "{broken"
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    rows = _rows(tmp_path, split_bytes)
    assert [r["line"] for r in rows] == [k + 1 for k in range(59) if k != 10]
    assert [r["text"] for r in rows] == [t if k != 20 else None for k, t in enumerate(texts) if k != 10]
    assert [r["fault"] is not None for r in rows].count(True) == 1
    index = [r["index"] for r in rows]
    assert index == sorted(set(index))


def test_truncated_gz_gives_what_it_holds_and_one_fault(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"text number {k} {k * k}"}) + "\n" for k in range(5000))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-4000])
    rows = _rows(tmp_path)
    assert len(rows) > 100
    assert [r["fault"] for r in rows[:-2]] == [None] * (len(rows) - 2)
    assert "breaks off" in rows[-1]["fault"]


def test_binary_file_named_jsonl_is_one_fault(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(bytes(range(256)) * 100)
    assert [r["fault"] for r in _rows(tmp_path)] == ["binary data, no text"]


def test_a_line_over_the_limit_is_passed_over(tmp_path: Path) -> None:
    long = json.dumps({"text": "y" * 3_000_000})
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "a"}) + "\n" + long + "\n" + json.dumps({"text": "b"}) + "\n")
    rows = _rows(tmp_path)
    assert [r["text"] for r in rows] == ["a", None, "b"]
    assert [r["line"] for r in rows] == [1, 2, 3]
    assert "longer than" in rows[1]["fault"]


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800b \\ud83d\\ude00"}\n')
    assert [r["text"] for r in _rows(tmp_path)] == ["a�b 😀"]


def test_a_document_of_ten_million_characters_is_cut_and_kept_whole(tmp_path: Path) -> None:
    text = ("あ" * 99 + "\n") * 100_000
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "big", "text": text}, ensure_ascii=False))
    rows = _rows(tmp_path, limits=Limits(64 << 20, 1_000_000))
    assert "".join(r["text"] for r in rows) == text
    assert max(len(r["text"]) for r in rows) <= 1_000_000
    assert [r["id"] for r in rows] == [f"big/{k}" for k in range(1, len(rows) + 1)]


@pytest.mark.parametrize(
    "line", ["[1, 2]", "3", '{"id": "a"}', '{"text": 5}', "[" * 100_000, "not json", '{"text": null}']
)
def test_bad_records_are_faults(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "good"}\n' + line + "\n")
    rows = _rows(tmp_path)
    assert [r["text"] for r in rows] == ["good", None]
    assert rows[1]["fault"] and rows[1]["line"] == 2


def test_missing_and_empty_paths_are_errors(tmp_path: Path) -> None:
    with pytest.raises(In2xError, match="no such raw text"):
        find_files(["nowhere"], tmp_path)
    with pytest.raises(In2xError, match="holds no raw text"):
        find_files(["."], tmp_path)
    (tmp_path / "a.pdf").write_bytes(b"x")
    with pytest.raises(In2xError, match="not read"):
        find_files(["a.pdf"], tmp_path)


def test_a_data_set_of_the_hub_is_fetched_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def download(name: str, **options: object) -> str:
        asked[name] = options
        cache = tmp_path / "datasets--owner--name" / "snapshots" / "0f"
        cache.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"text": ["港の朝"]}), cache / "train-0.parquet")
        (cache / "README.txt").write_text("a card")
        return str(cache)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    splits = plan(find_files(["hub:owner/name/data/*.parquet"], tmp_path), 1 << 20)
    rows = [r for s in splits for r in read_split(s, LIMITS)]
    assert "港の朝" in [r["text"] for r in rows]
    assert {r["source"] for r in rows} == {"owner/name"}, "so that a recipe can speak of it"
    assert asked["owner/name"] == {"repo_type": "dataset", "allow_patterns": ["data/*.parquet"]}
    find_files(["hub:owner/name"], tmp_path)
    assert "*.jsonl.zst" in asked["owner/name"]["allow_patterns"]

    def unreachable(name: str, **options: object) -> str:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(In2xError, match=r"hub:owner/name: the data set of the hub cannot be fetched \(no route\)"):
        find_files(["hub:owner/name"], tmp_path)
