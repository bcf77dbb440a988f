"""Language, perplexity, quality, token estimates, mixing."""

import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.corpus.config import MixConfig
from in2x.corpus.mix import mix
from in2x.corpus.ngram import NgramModel
from in2x.corpus.quality import heuristics
from in2x.corpus.tongues import document_languages, own_lines
from in2x.errors import In2xError
from in2x.language.identify import identify, split_languages


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("The harbour wakes early in the morning.", "en"),
        ("Le port se réveille tôt le matin, comme toujours.", "fr"),
        ("Der Hafen erwacht früh am Morgen, wie immer.", "de"),
        ("港の朝はいつも早い。", "ja"),
        ("港口的早晨总是来得很早。", "zh"),
        ("港口的早晨總是來得很早，我們都知道。", "zh"),
        ("東京都渋谷区広尾一丁目", "ja"),
        ("항구의 아침은 언제나 이르다.", "ko"),
        ("彼はJavaScriptとTypeScriptを使う。", "ja"),
        ("我在公司用JavaScript和TypeScript写代码。", "zh"),
        ("他说“ありがとう”是谢谢的意思，我们在日本的时候每天都会听到这句话，非常有用。", "zh"),
        ("12345 ... !?", "und"),
        ("", "und"),
    ],
)
def test_identify(text: str, lang: str) -> None:
    assert identify([text]) == [lang]


def test_a_title_page_does_not_decide_over_a_book() -> None:
    front = "BIBLIOTHEK DER ENGLISCHEN DICHTUNG. Für Schüler herausgegeben und erläutert. Alle Rechte vorbehalten. " * 5
    body = "She rowed out before the fog had lifted, and nobody on the pier could say what she was looking for. " * 2000
    assert document_languages([front + "\n\n" + body, front * 20]) == ["en", "de"]


@pytest.mark.parametrize(
    "text",
    [
        "Still waters run deep.\n能ある鷹は爪を隠す。\nTime and tide wait for no man.\n光陰矢のごとし。",
        "夜明けのホームに立って\nTell me where the rivers go\n名前を呼べば消えそうで\nOh, stay until the morning",
        "「……っ」\n「…………なに？」\n「…………」\n――返事はない。\n「……ば、ばかっ。待ってたわけじゃ、ない……！」",
        "きょうはカレーだよ～♪♪\nおつ♡♡\nやったー＼(^o^)／ ☆★☆",
    ],
)
def test_expressive_text_is_no_rubbish(text: str) -> None:
    """Bilingual pages, songs in two languages, silence in dialogue, posts: kept whole, in the language of the page."""
    (lang,) = document_languages([text])
    assert lang == "ja"
    assert own_lines(text, lang, ["ja", "en"])[:2] == (text, 0)
    by_char = np.array([True])
    assert heuristics([text], by_char, min_chars=4)[1] == [None]


def test_foreign_lines_are_dropped_and_short_ones_kept() -> None:
    text = "港の朝は早い。\nThe harbour wakes early in the morning.\nOK\n我们都知道港口的早晨很早。\n東京都\n船が出る。"
    kept, dropped, share = split_languages(text, "ja")
    assert kept == "港の朝は早い。\nOK\n東京都\n船が出る。"
    assert dropped == 2 and 0.3 < share < 0.8
    assert split_languages("一行。", "ja") == ("一行。", 0, 0.0)


def test_foreign_lines_in_english_and_chinese() -> None:
    assert split_languages("He came in.\n港の朝はいつも早い。\nHe left.", "en")[0] == "He came in.\nHe left."
    assert split_languages("我们来了。\n港の朝はいつも早い。\n我们走了。", "zh")[0] == "我们来了。\n我们走了。"


def _babble(words: str, count: int, rng: random.Random) -> list[str]:
    return [" ".join(rng.choices(words.split(), k=20)) + "." for _ in range(count)]


def test_probabilities_sum_to_one() -> None:
    """After any context, the chances of all characters (seen ones, and the unseen mass) add up to 1."""
    rng = random.Random(0)
    alphabet = "abc"
    texts = ["".join(rng.choices(alphabet, weights=(5, 3, 1), k=200)) for _ in range(5)]
    model = NgramModel.train([texts], order=3)
    for context in ("", "a", "ab", "cc", "zz"):
        total = 0.0
        for last in [*alphabet, "z"]:
            both = model.perplexity([context + last])[0] ** (len(context) + 1)
            head = model.perplexity([context])[0] ** len(context) if context else 1.0
            total += (head / both) * (1 if last != "z" else model.UNSEEN - len(alphabet))
        assert math.isclose(total, 1.0, rel_tol=1e-4), context


def test_kneser_ney_against_a_plain_reference() -> None:
    """Bigram probabilities equal a direct computation with the same discounts."""
    text = "abracadabra arbacadarba abba"
    model = NgramModel.train([[text]], order=2)
    codes = [1, *(32 if c == " " else ord(c) for c in text)]
    bigrams = Counter(itertools.pairwise(codes))
    left = Counter(b for _, b in bigrams)

    def discounts(counts: Counter) -> list[float]:
        n = [sum(1 for v in counts.values() if v == k) for k in range(5)]
        y = n[1] / (n[1] + 2 * n[2]) if n[1] and n[2] else 0.5
        found = [0.0, 1 - 2 * y * n[2] / n[1] if n[1] and n[2] else 0.5,
                 2 - 3 * y * n[3] / n[2] if n[2] and n[3] else 1.0,
                 3 - 4 * y * n[4] / n[3] if n[3] and n[4] else 1.5]  # fmt: skip
        return [min(max(d, 0.05), c - 0.05) if c else 0.0 for c, d in enumerate(found)]

    two, one = discounts(bigrams), discounts(left)

    def p(a: int, b: int) -> float:
        whole = sum(left.values())
        base = sum(one[min(v, 3)] for v in left.values()) / whole / model.UNSEEN
        base += (left[b] - one[min(left[b], 3)]) / whole if left[b] else 0.0
        here = {k: v for k, v in bigrams.items() if k[0] == a}
        total = sum(here.values())
        if not total:
            return base
        back = sum(two[min(v, 3)] for v in here.values()) / total
        return (max(0.0, bigrams[a, b] - two[min(bigrams[a, b], 3)]) if bigrams[a, b] else 0.0) / total + back * base

    for probe in (text, "abc", "zzz", "barabba"):
        run = [1, *(32 if c == " " else ord(c) for c in probe)]
        expected = math.exp(-sum(math.log(p(a, b)) for a, b in itertools.pairwise(run)) / len(probe))
        assert math.isclose(model.perplexity([probe])[0], expected, rel_tol=1e-4), probe


def test_usual_text_has_lower_perplexity_and_models_are_saved_whole(tmp_path) -> None:
    rng = random.Random(3)
    model = NgramModel.train([_babble("the cat sat on a mat while dogs ran far away", 300, rng)], order=5)
    usual, odd = _babble("the cat ran far", 1, rng)[0], "qzx vvkj wqpz jjxk zzqv"
    perplexity = model.perplexity([usual, odd, ""])
    assert perplexity[0] < 5 < 100 < perplexity[1] and perplexity[2] == 1.0
    model.save(tmp_path / "m.npz")
    assert np.allclose(NgramModel.load(tmp_path / "m.npz").perplexity([usual, odd]), perplexity[:2], rtol=1e-6)


def test_counting_in_batches_is_counting_at_once() -> None:
    texts = _babble("港の 朝は いつも 早い 船が 出る", 60, random.Random(5))
    whole = NgramModel.train([texts], order=4).perplexity(texts)
    parts = NgramModel.train([[t] for t in texts], order=4).perplexity(texts)
    assert np.array_equal(whole, parts)


def test_quality_tells_prose_from_rubbish() -> None:
    texts = [
        "The harbour wakes early in the morning, and the boats go out before the light of the tower is gone.",
        "港の朝はいつも早い。漁師たちは暗いうちから網を船に積み、灯台の光が消えるころには沖に出ている。",
        "港口的早晨总是来得很早。天还没亮，渔民们就把网搬上船，灯塔的光熄灭的时候，他们已经在海上了。",
        "$$$ ### @@@ ~~~ ^^^ %%% === +++ |||",
        "買う買う買う買う" * 40,
        "hi",
        "",
    ]
    by_char = np.array([False, True, True, False, True, False, False])
    quality, reasons = heuristics(texts, by_char, min_chars=4)
    assert reasons[:3] == [None, None, None] and (quality[:3] > 0.8).all()
    assert reasons[3:] == ["few_letters", "repeated_runs", "too_short", "empty"]
    assert (quality[3:] < 0.3).all()


def _mix(cells: dict[tuple[str, str], int], config: MixConfig, languages: list[str]):
    lang = np.array([k[0] for k, n in cells.items() for _ in range(n)], object)
    domain = np.array([k[1] for k, n in cells.items() for _ in range(n)], object)
    tokens = np.random.default_rng(0).integers(10, 100, len(lang))
    order = np.random.default_rng(1).permutation(len(lang)).astype(np.uint64)
    copies, found = mix(lang, domain, tokens, np.full(len(lang), config.epochs), order, languages, config)
    return lang, tokens, copies, found


def test_languages_are_mixed_alike() -> None:
    cells = {("en", "knowledge"): 900, ("ja", "knowledge"): 300, ("zh", "knowledge"): 200}
    lang, tokens, copies, found = _mix(cells, MixConfig(), ["en", "ja", "zh"])
    sums = [int((tokens * copies)[lang == name].sum()) for name in ("en", "ja", "zh")]
    assert max(sums) - min(sums) < 0.01 * max(sums)
    assert copies.max() <= 4 and [c.wanted for c in found] == [found[0].wanted] * 3


def test_domains_meet_their_share_and_what_is_short_goes_to_the_other() -> None:
    cells = {("ja", "knowledge"): 500, ("ja", "creative"): 100}
    config = MixConfig(domains={"knowledge": 1, "creative": 1}, epochs=2)
    found = _mix(cells, config, ["ja"])[3]
    by = {c.domain: c for c in found}
    assert abs(by["creative"].got - 2 * by["creative"].available) <= 200
    assert abs(sum(c.got for c in found) - sum(c.available for c in found)) < 200
    assert abs(by["knowledge"].wanted - by["creative"].wanted) <= 1


@pytest.mark.parametrize("short", ["report", "shrink", "fail"])
def test_a_language_that_cannot_meet_its_target(short: str) -> None:
    cells = {("en", "knowledge"): 900, ("ja", "knowledge"): 20}
    config = MixConfig(short=short, epochs=2)
    if short == "fail":
        with pytest.raises(In2xError, match=r"ja has .* its target is"):
            _mix(cells, config, ["en", "ja"])
        return
    lang, tokens, copies, _ = _mix(cells, config, ["en", "ja"])
    sums = {name: int((tokens * copies)[lang == name].sum()) for name in ("en", "ja")}
    assert (copies[lang == "ja"] == 2).all()
    assert (sums["en"] > 5 * sums["ja"]) if short == "report" else abs(sums["en"] - sums["ja"]) < 200


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.floats(1, 5), st.integers(0, 5000), st.integers(0, 9))
def test_no_document_passes_its_cap_and_the_target_is_met(count: int, epochs: float, target: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 50, count)
    config = MixConfig(tokens=max(1, target), epochs=epochs)
    names = np.array(["ja"] * count, object)
    copies, cells = mix(
        names, names, tokens, np.full(count, epochs), rng.permutation(count).astype(np.uint64), ["ja"], config
    )
    assert copies.max() <= math.ceil(epochs)
    reachable = min(config.tokens or 0, epochs * tokens.sum())
    assert abs(cells[0].got - reachable) <= tokens.max()
