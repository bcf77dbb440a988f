"""Objects in stores by URL, against servers that speak like S3 and like Google's."""

from __future__ import annotations

import bz2
import gzip
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from in2x import store
from in2x.contamination.evaluation import evaluation_rows
from in2x.corpus import engine
from in2x.corpus.kinds import RawFile
from in2x.corpus.read import Limits, find_files, plan, read_split
from in2x.data.reader import lines
from in2x.errors import In2xError
from test_corpus_readers import archive, dump, page

pytest.importorskip("moto", reason="a local S3 needs moto[s3], flask and flask-cors (make test installs them)")
pytest.importorskip("flask_cors", reason="a local S3 needs moto[s3], flask and flask-cors (make test installs them)")

LIMITS = Limits(record_bytes=1 << 20, document_chars=1_000_000)
SAID = {
    "en": "The harbour wakes early, and the boats go out before the light of the tower is gone, number {}.",
    "ja": "港の朝はいつも早い。漁師たちは暗いうちから網を船に積み、灯台の光が消えるころには沖に出ている。{}番。",
    "zh": "港口的早晨总是来得很早。天还没亮，渔民们就把网搬上船，灯塔的光熄灭的时候，他们已经在海上了。{}号。",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    yield "http://{}:{}".format(*running.get_host_and_port())
    running.stop()


@dataclass(frozen=True)
class Bucket:
    """An empty bucket called "words" of a store that this process asks."""

    url: str
    put: Callable[[str, bytes], Any]


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "us", "AWS_SECRET_ACCESS_KEY": "not-a-secret-really",
        "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    store._system.cache_clear()
    resource = boto3.resource("s3", endpoint_url=server, region_name="us-east-1")
    made = resource.create_bucket(Bucket="words")
    yield Bucket("s3://words", lambda key, body: made.put_object(Key=key, Body=body))
    made.objects.all().delete()
    made.delete()
    store._system.cache_clear()


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = tmp_path_factory.mktemp("gcs") / "port"
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("gcs_server.py")), str(port)])
    until = time.monotonic() + 60
    while not port.exists():
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port.read_text()}"
    process.kill()
    process.wait()


@pytest.fixture
def gs(google: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", google)
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
    monkeypatch.setattr(store, "PATIENCE", 1.0)
    store._system.cache_clear()
    httpx.delete(f"{google}/words")
    yield Bucket("gs://words", lambda key, body: httpx.put(f"{google}/words/{key}", content=body).raise_for_status())
    store._system.cache_clear()


@pytest.fixture(params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    found: Bucket = request.getfixturevalue(request.param)
    return found


def _json_lines(lang: str, count: int, start: int = 0) -> bytes:
    rows = ({"id": f"{lang}{k}", "text": SAID[lang].format(k)} for k in range(start, start + count))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _rows(url: str, split_bytes: int = 1 << 20) -> list[dict[str, Any]]:
    return [row for split in plan(find_files([url], Path("/")), split_bytes) for row in read_split(split, LIMITS)]


def _put(bucket: Bucket, **objects: bytes) -> None:
    for key, body in objects.items():
        bucket.put(key, body)


def test_a_glob_a_prefix_and_a_name_find_objects(bucket: Bucket) -> None:
    _put(
        bucket, **{"a/b c.jsonl": b"{}", "a/d/e.jsonl": b"{}", "a/d/e.txt": b"x", "a/d/.hidden": b"x", "f.jsonl": b"{}"}
    )
    found = {
        url: [one.url.removeprefix(f"{bucket.url}/") for one in store.find(f"{bucket.url}/{url}")]
        for url in ("a/*.jsonl", "a/**/*.jsonl", "a", "a/", "", "f.jsonl", "a/?/e.[jk]sonl", "*.jsonl", "a/d/*")
    }
    every = ["a/b c.jsonl", "a/d/e.jsonl", "a/d/e.txt", "f.jsonl"]
    deep = every[:3]
    assert found == {
        "a/*.jsonl": every[:1], "a/**/*.jsonl": every[:2], "a": deep, "a/": deep, "": every, "f.jsonl": every[3:],
        "a/?/e.[jk]sonl": every[1:2], "*.jsonl": every[3:], "a/d/*": every[1:3],
    }  # fmt: skip
    assert store.find(f"{bucket.url}/f.jsonl")[0].size == 2


def test_every_compression_and_format_is_read_as_a_file_is(bucket: Bucket, tmp_path: Path) -> None:
    plain = _json_lines("ja", 50)
    pq.write_table(pa.table({"id": [f"ja{k}" for k in range(50)], "text": [SAID["ja"].format(k) for k in range(50)]}),
                   tmp_path / "a.parquet")  # fmt: skip
    bodies = {
        "a.jsonl": plain, "a.jsonl.gz": gzip.compress(plain), "a.json.gz": gzip.compress(plain),
        "a.jsonl.zst": pa.compress(plain, codec="zstd", asbytes=True), "sjis.jsonl": plain.decode().encode("cp932"),
        "a.parquet": (tmp_path / "a.parquet").read_bytes(),
    }  # fmt: skip
    for name, body in bodies.items():
        _put(bucket, **{f"{name}/{name}": body})
        rows = _rows(f"{bucket.url}/{name}/", 1 << 12)
        assert [(row["id"], row["text"]) for row in rows] == [(f"ja{k}", SAID["ja"].format(k)) for k in range(50)], name
        assert {row["file"] for row in rows} == {f"{bucket.url}/{name}/{name}"}
        assert {row["source"] for row in rows} == {name}
    # a plain one was cut, and its lines are still counted from its beginning
    assert [row["line"] for row in _rows(f"{bucket.url}/a.jsonl/", 1 << 10)] == list(range(1, 51))


def test_pairs_and_evaluation_sets_may_lie_in_a_store(bucket: Bucket) -> None:
    one, two = ({"en": f"The cat sleeps {k}.", "ja": f"猫は{k}で眠る。"} for k in (1, 2))
    _put(
        bucket,
        **{"pairs/1.jsonl.gz": gzip.compress(json.dumps(one).encode()), "pairs/2.jsonl": json.dumps(two).encode()},
    )
    assert [line.texts for line in lines(f"{bucket.url}/pairs/*", ["en", "ja"], "ja")] == [one, two]
    assert [set(row) for row in evaluation_rows(f"{bucket.url}/pairs/", Path("/"))] == [
        set(one.values()),
        set(two.values()),
    ]
    _put(bucket, **{"pairs/2.jsonl": b"no json"})
    with pytest.raises(In2xError, match=r"://words/pairs/.*line 2: not JSON"):
        list(lines(f"{bucket.url}/pairs/*", ["en", "ja"], "ja"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("://no-such-bucket-here/a", "no such bucket"),
        ("://words/none/", "no such object"),
        ("://words/*.jsonl", "no such object"),
        (":///a", "names no bucket"),
        ("://w*/a", "names no bucket"),
    ],
)
def test_what_is_not_there_is_one_sentence(bucket: Bucket, url: str, said: str) -> None:
    with pytest.raises(In2xError, match=said) as told:
        store.find(bucket.url[:2] + url)
    assert len(str(told.value)) < 300


def test_a_secret_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(In2xError, match="AWS_ACCESS_KEY_ID") as told:
        store.find("s3://AKIAKEY:topsecret@words/a")
    assert "topsecret" not in str(told.value) and "AKIAKEY" not in str(told.value)


def test_a_store_that_cannot_be_reached_is_one_sentence(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "AWS_ENDPOINT_URL" if bucket.url.startswith("s3") else "STORAGE_EMULATOR_HOST"
    monkeypatch.setenv(address, "http://127.0.0.1:9")
    monkeypatch.setattr(store, "ATTEMPTS", 1)
    store._system.cache_clear()
    with pytest.raises(In2xError, match=f"cannot be reached; check the network and {address}"):
        store.find(f"{bucket.url}/a")


def test_a_store_that_lets_nobody_in_says_which_keys_are_wanted(s3: Bucket, server: str) -> None:
    _put(s3, **{"a.jsonl": b"{}"})
    httpx.post(f"{server}/moto-api/reset-auth", content=b"0")  # moto looks at keys from now on, and knows none
    store._system.cache_clear()
    try:
        with pytest.raises(In2xError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
            store.find("s3://words/")
        with pytest.raises(In2xError, match="AWS_SKIP_SIGNATURE"):
            store.opened("s3://words/a.jsonl")
    finally:
        httpx.post(f"{server}/moto-api/reset-auth", content=b"1000000")


def test_so_does_googles(gs: Bucket) -> None:
    with pytest.raises(In2xError, match="no access; set GOOGLE_APPLICATION_CREDENTIALS"):
        store.find("gs://shut/")
    with pytest.raises(In2xError, match="GOOGLE_SKIP_SIGNATURE"):
        store.opened("gs://shut/a.jsonl")


def test_an_object_is_read_from_any_place(bucket: Bucket) -> None:
    body = bytes(range(256)) * 40
    _put(bucket, **{"a.bin": body})
    with store.opened(f"{bucket.url}/a.bin", 100) as stream:
        for at in (9000, 3, 5000, 10_230):
            stream.seek(at)
            assert stream.read(20) == body[at : at + 20]


def test_files_are_cut_without_a_byte_of_them_read_here() -> None:
    """What a worker says of a file is all that the driver knows: the files of this test are nowhere."""
    files = [RawFile("s3://nowhere/a.jsonl", 2500), RawFile("/nowhere/b.jsonl.gz", 10**12)]
    asked = []

    def each(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        asked.append([function.__name__, *items])
        return [5] * len(items) if len(asked) == 2 else [(".jsonl", "utf-8", k > 0) for k in range(len(items))]

    splits = plan(files, 1000, each=each)
    assert [(s.file, s.start, s.stop, s.line) for s in splits] == [
        (0, 0, 1000, 1), (0, 1000, 2000, 6), (0, 2000, 2500, 11), (1, 0, 0, 1)
    ]  # fmt: skip
    assert [len(one) - 1 for one in asked] == [2, 3]


def test_what_a_worker_has_to_say_is_still_one_sentence() -> None:
    def gone(item: str) -> str:
        raise In2xError("the object is not there any more", file=item, mend="give the same command again")

    with pytest.raises(In2xError) as told, engine.sentences():
        engine.each(gone, ["s3://words/a", "s3://words/b"])
    assert str(told.value) in {
        f"{bucket.url}/{name}: the object is not there any more; give the same command again." for name in "ab"
    }


def test_a_recipe_whose_text_lies_in_a_store_is_planned_run_and_run_again(
    bucket: Bucket, in2x: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    for lang in SAID:
        _put(bucket, **{f"raw/{lang}.jsonl.gz": gzip.compress(_json_lines(lang, 40))})
    pair = {"en": "The cat sleeps in the garden.", "ja": "猫は庭で眠る。", "zh": "猫睡在花园里。"}
    _put(bucket, **{"train.jsonl": json.dumps(pair).encode()})
    recipe = {"name": "s", "data": {"raw": f"{bucket.url}/raw/*.jsonl.gz", "train": f"{bucket.url}/train.jsonl"},
              "corpus": {"heldout": 2, "select": None, "dedup": {"near": False}}}  # fmt: skip
    file, out = tmp_path / "s.yaml", tmp_path / "run"
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    code, said, _ = in2x("plan", str(file), "--check", "--json")
    stores = {row["knob"]: row for row in json.loads(said)["stores"]}
    assert code == 0 and all(row["ok"] for row in stores.values())
    assert "3 objects" in stores["data.raw"]["words"] and "in ja" in stores["data.raw"]["words"]

    assert in2x("corpus", str(file), "--out", str(out))[0] == 0
    manifest = json.loads((out / "corpus" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["figures"]["rows"]["in"] == 120
    written = "".join(f.read_text("utf-8", "replace") for f in out.rglob("*") if f.suffix in (".json", ".jsonl"))
    assert f"{bucket.url}/raw/" in written and "not-a-secret" not in written
    assert "unchanged" in "".join(in2x("corpus", str(file), "--out", str(out))[1:])

    _put(bucket, **{"raw/more.jsonl": _json_lines("ja", 10, start=40)})  # the glob does not name it
    assert "unchanged" in "".join(in2x("corpus", str(file), "--out", str(out))[1:])
    _put(bucket, **{"raw/ja.jsonl.gz": gzip.compress(_json_lines("ja", 50))})
    assert in2x("corpus", str(file), "--out", str(out))[0] == 0
    manifest = json.loads((out / "corpus" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["figures"]["rows"]["in"] == 130

    recipe["data"]["raw"] = f"{bucket.url}/elsewhere/"
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    for command in (["plan", str(file)], ["plan", str(file), "--check"], ["run", str(file), "--out", str(out)]):
        code, _, said = in2x(*command)
        assert code == 1 and f"{bucket.url}/elsewhere/" in said and "no such object" in said


def test_one_recipe_reads_a_folder_a_web_archive_a_dump_and_a_bucket(
    s3: Bucket, in2x: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """As somebody new would write it down: everything that he has under `data.raw`, whatever it is."""
    raw = tmp_path / "raw"
    raw.mkdir()
    for lang in SAID:
        (raw / f"{lang}.jsonl.gz").write_bytes(gzip.compress(_json_lines(lang, 30)))
    (raw / "notes.csv").write_text(f'title,text\nx,"{SAID["ja"].format(901)}"\n', encoding="utf-8")
    (raw / "scan.pdf").write_bytes(b"%PDF-1.7")
    archive(tmp_path / "crawl.warc.gz")
    pages = [page(k, f"'''港'''の話。[[灯台|古い灯台]]の光が{k}度回る。" * 3) for k in range(1, 6)]
    pages.append(page(6, "#転送 [[港]]", more='<redirect title="港"/>'))
    (tmp_path / "jawiki-20260101-pages-articles.xml.bz2").write_bytes(bz2.compress(dump("".join(pages)).encode()))
    _put(
        s3,
        **{
            "more/zh.jsonl.gz": gzip.compress(_json_lines("zh", 20, start=30)),
            "more/ja.txt": SAID["ja"].format(99).encode(),
        },
    )
    pair = {"en": "The cat sleeps in the garden.", "ja": "猫は庭で眠る。", "zh": "猫睡在花园里。"}
    (tmp_path / "train.jsonl").write_text(json.dumps(pair, ensure_ascii=False), encoding="utf-8")
    held = "The piano teacher counted seven wooden stairs behind her garden door and lent each pupil a green umbrella."
    (tmp_path / "eval.jsonl").write_text(json.dumps({"src": held}), encoding="utf-8")
    lines = [SAID["en"].format(900 + k) for k in range(9)]
    (raw / "more.txt").write_text("\n".join([*lines[:4], held, *lines[4:]]), encoding="utf-8")
    recipe = {
        "name": "mine",
        "data": {
            "raw": [str(raw), str(tmp_path / "crawl.warc.gz"), str(tmp_path / "jawiki-*.xml.bz2"), f"{s3.url}/more/"],
            "train": str(tmp_path / "train.jsonl"),
            "decontaminate": {"sets": {"mine": str(tmp_path / "eval.jsonl")}},
        },
        "corpus": {"heldout": 2, "select": None, "dedup": {"near": False}, "min_chars": 1},
    }
    file, out = tmp_path / "mine.yaml", tmp_path / "run"
    file.write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
    code, said, err = in2x("plan", str(file), "--check")
    assert code == 0, err
    assert "2 objects" in said
    code, _, err = in2x("corpus", str(file), "--out", str(out))
    assert code == 0, err
    assert "scan.pdf" in err, "what is not read is said"
    figures = json.loads((out / "corpus" / "manifest.json").read_text(encoding="utf-8"))["figures"]
    assert figures["rows"]["in"] == figures["rows"]["kept"] + figures["rows"]["heldout"] + figures["rows"]["rejected"]
    assert figures["rows"]["in"] == 3 * 30 + 2 + 9 + 5 + 21
    assert figures["decontaminated"]["mine"] == {"documents": 1, "dropped": 0, "lines": 1, "pairs": 0}
    files = [*(out / "corpus/documents").glob("*.parquet"), out / "corpus/heldout.parquet"]
    rows = [row for one in files for row in pq.read_table(one).to_pylist()]
    sources = {row["source"] for row in rows}
    assert {"jawiki", "example.org", "example.com"} <= sources
    texts = "\n".join(row["text"] for row in rows)
    assert "古い灯台の光が3度回る" in texts and "網を積む。" in texts and SAID["ja"].format(901) in texts
