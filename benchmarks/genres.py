"""How much of each genre the corpus keeps: made items of our own, and real books and sentences where they are given.

    python benchmarks/genres.py [--data ../shared/data]

An item is a document. It goes through cleaning, identification, the lines of other languages and the heuristics of the
corpus stage with its default knobs (`in2x/corpus/engine.py`), as if it stood alone. `whole`: kept without a letter lost.
"""

# ruff: noqa: E501  # tables of texts

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa

from in2x.corpus.clean import clean, rules
from in2x.corpus.config import CorpusConfig
from in2x.corpus.quality import heuristics
from in2x.corpus.tongues import document_languages, own_lines
from in2x.language import unspaced

LANGUAGES = ("en", "ja", "zh")
SELECT = 0.1
"""The default `corpus.select` asks for this quality."""
MADE: dict[str, tuple[str, ...]] = {
    "lyrics": (
        "夜明けの海を見ていた\nI can hear the water calling\n波がさらった名前を\nCall me back, call me back home\n\nラララ 灯りが消える\nラララ 朝が来る",
        "Row me over, row me over\nOver the water, over the stones\nRow me over, row me over\nOver the water, over the bones",
        "风吹过码头 吹过你的窗\n啦啦啦 啦啦啦\n灯塔还亮着 等谁来唱\n啦啦啦 啦啦啦",
        "さよなら　さよなら\n手をふる　手をふる\nさよなら　さよなら\n船が行く　船が行く",
        "Oh oh oh, whoa\nYeah, yeah, yeah\nLight me up like a harbour fire\nOh oh oh, whoa",
    ),
    "bilingual pages": (
        "Slow and steady wins the race.\n急がば回れ。\nToo many cooks spoil the broth.\n船頭多くして船山に上る。",
        "灯台（lighthouse）\nThe lighthouse stands on the cape.\n灯台は岬に立っている。\n\n网（net）\nHe mends the net.\n他在补网。",
        "Lesson 3\nKen: Is this your boat?\nケン：これは君の船ですか。\nMari: No, it is my father's.\nマリ：いいえ、父のです。",
        "早上好！\nおはようございます！\n今天的海很安静。\n今日の海は静かですね。",
    ),
    "dialogue": (
        "「…………」\n「……起きてる？」\n「………………」\n――寝息だけが聞こえた。\n「……まあ、いいけど」",
        "「えっ」\n「えっ？」\n「いや、えっ、じゃなくて」\n「ええーっ！？」",
        "——你来了。\n——嗯。\n——……\n——不说点什么吗？\n——没什么好说的。",
        "\"...\"\n\"Well?\"\n\"...I don't know.\"\n\"You don't know.\"\n\"No! I mean... no.\"",
        "母「早くしなさい！」\n子「やだ」\n母「早く！」\n子「やーだー！！」\n（ドアの閉まる音）",
    ),
    "posts": (
        "おはよ〜☀️ 今日も港は寒い🥶🥶 みんなコート着てね🧥💨",
        "やっっっと終わった！！！٩( 'ω' )و ✨✨ もう寝る…(　˘ω˘ )ｽﾔｧ",
        "omg the SUNSET tonight 😭😭😭 i can't even!!! 🌅🌅 #harbour #nofilter",
        "草wwwwwwwww\nそれはさすがに草wwwwww\nもう一回やってwwwww",
        "今天钓到三条鱼！！！🐟🐟🐟 晚上加餐哈哈哈哈哈哈～(๑•̀ㅂ•́)و✧",
        "@umi_no_neko それな〜！！ #港町あるある",
        "(´;ω;｀)ｳｯ…\nまた船に乗り遅れた…\n_(┐「ε:)_",
    ),
    "verse": (
        "灯台や\n霧の向こうに\n船の声", "海よ\nおまえは\n何も言わない\n\n海よ\n私も\n何も言わない",
        "The tide comes in,\nthe tide goes out,\nand no one asks\nwhat it's about.",
        "潮水来了又去\n没有人问\n灯在等谁\n灯在等谁",
    ),
    "sound and onomatopoeia": (
        "ガタンゴトン、ガタンゴトン。\nガタンゴトン、ガタンゴトン。\n夜汽車は海沿いを走る。\nガタンゴトン、ガタンゴトン。",
        "ザザーン……ザザーン……\n波の音。\nギィ、ギィ、と櫂が鳴く。\nザザーン……",
        "Drip. Drip. Drip.\nThe roof again.\nDrip. Drip.\n\"I'll fix it tomorrow,\" he said.\nDrip.",
    ),
    "letters and mail": (
        "拝啓　霧の季節となりました。\n皆様にはお変わりなくお過ごしのことと存じます。\n　　　　　　　　敬具",
        "Dear Tom,\n\nThe boat is mended. Come when you can.\n\nYours,\nAda",
        "件名：明日の出航について\n\nお疲れさまです。\n明日は欠航です。\nよろしくお願いします。",
    ),
    "script and play": (
        "○港・夜\n　霧。汽笛。\n男「来ないな」\n女「来ますよ」\n　間。\n男「……来ない」",
        "SCENE 2. A quay. Fog.\nADA. (low) Who's there?\nTOM. Me.\nADA. Me who?\n(A bell.)",
    ),
    "tables and recipes": (
        "材料（二人分）\n・鯵　二尾\n・塩　少々\n・生姜　ひとかけ\n\n作り方\n鯵に塩をふって十分おく。水気をふき、皮から焼く。",
        "Ingredients\n- two mackerel\n- salt\n- ginger\n\nSalt the fish and wait ten minutes. Dry it and grill it skin first.",
    ),
}  # fmt: skip


def judged(texts: list[str]) -> list[tuple[str | None, str]]:
    """Why each document is left out (None: kept), and what is left of it."""
    order = rules("drop", CorpusConfig().personal)
    cleaned = [clean(text, order)[0] for text in texts]
    langs = document_languages(cleaned)
    lines = [own_lines(text, lang, LANGUAGES) for text, lang in zip(cleaned, langs, strict=True)]
    flags = np.array([unspaced(lang) for lang in langs], bool)
    left = [text for text, _, _ in lines]
    quality, reasons = heuristics(pa.array(left, pa.large_string()), flags, CorpusConfig().min_chars)
    found: list[tuple[str | None, str]] = []
    for k, text in enumerate(left):
        why = reasons[k] if langs[k] in LANGUAGES else f"language {langs[k]}"
        why = why or ("mixed" if lines[k][2] > CorpusConfig().max_foreign_share else None)
        found.append((why or (f"quality {quality[k]:.2f}" if quality[k] < SELECT else None), text))
    return found


def letters(text: str) -> int:
    return sum(char.isalnum() for char in text)


def row(name: str, texts: list[str]) -> None:
    found = judged(texts)
    kept = [k for k, (why, _) in enumerate(found) if why is None]
    whole = sum(letters(found[k][1]) >= letters(clean(texts[k], rules())[0]) for k in kept)
    told = ", ".join(f"{why} {n}" for why, n in Counter(why for why, _ in found if why).most_common(4))
    print(f"| {name} | {len(texts)} | {len(kept) / len(texts):.0%} | {whole / len(texts):.0%} | {told} |", flush=True)


def real(data: Path) -> dict[str, list[str]]:
    def rows(name: str) -> list[dict[str, str]]:
        raw = (data / name).read_bytes()
        return [
            json.loads(line)
            for line in (gzip.decompress(raw) if name.endswith("gz") else raw).decode().split("\n")
            if line
        ]

    found = {f"books and essays, {lang}": [r["text"] for r in rows(f"raw/{lang}.jsonl.gz")] for lang in LANGUAGES}
    talk = rows("eval/dialogue.ja-en.jsonl")
    for field in ("ja_sentence", "en_sentence"):
        by_doc: dict[str, list[str]] = {}
        for line in talk:
            by_doc.setdefault(line["doc"], []).append(line[field])
        found[f"business talk, {field[:2]}"] = ["\n".join(lines) for lines in by_doc.values()]
    for file, field in (
        ("eval/wmt24.en-ja.jsonl.gz", "src"),
        ("eval/wmt24.en-ja.jsonl.gz", "ref"),
        ("eval/wmt24.ja-zh.jsonl.gz", "src"),
    ):
        by_doc = {}
        for line in rows(file):
            by_doc.setdefault(f"{line['domain']}\t{line['doc_id']}", []).append(line[field])
        for domain in sorted({name.split("\t")[0] for name in by_doc}):
            lang = "en" if field == "src" and "en-ja" in file else "ja"
            found[f"WMT24 {domain}, {lang}, {field}"] = [
                "\n".join(v) for k, v in by_doc.items() if k.startswith(domain)
            ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    print("| genre | documents | kept | whole | left out for |\n|---|---:|---:|---:|---|")
    for name, texts in MADE.items():
        row(f"{name} (made)", list(texts))
    if given.data:
        for name, some in real(given.data).items():
            row(name, some)


if __name__ == "__main__":
    main()
