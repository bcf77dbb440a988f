"""The selection's part of the run page, from figures as the select stage writes them."""

from __future__ import annotations

import re
from typing import Any

from in2x.selection.page import page, scatter, selection, shares, tuning

POINTS: list[dict[str, Any]] = [
    {"x": -1.0, "y": 1.0, "cluster": 0, "lang": "ja", "label": "A", "in": "round1"},
    {"x": 0.0, "y": 0.0, "cluster": 1, "lang": "ja", "label": "A", "in": "left"},
    {"x": 1.0, "y": -1.0, "cluster": 1, "lang": "en", "label": "B", "in": "rl"},
]
CURVE = [
    {"threshold": t, "clusters": 9, "recapture": r, "smoothness": s, "score": 2 * r * s / (r + s)}
    for t, r, s in ((0.4, 0.2, 0.9), (0.5, 0.6, 0.8), (0.6, 0.9, 0.3))
]
FIGURES: dict[str, Any] = {
    "pool": {"sft": 60, "rl": 40}, "copies": 7, "clusters": 12, "cluster_sizes": {"1": 5, "2-3": 7},
    "difficulty_names": ["easy", "hard"], "difficulty_of_pool": [75, 25], "languages_of_pool": {"ja": 50, "en": 50},
    "label_tree": {"<b>Maths</b>": {"sums": 30, "roots": 10}, "Translation": {"en to ja": 60}}, "tuning": CURVE,
    "samples": {"round1": {"size": 20, "got_by_difficulty": [5, 15], "languages": {"ja": 15, "en": 5}}},
    "sample_clusters": [{"cluster": 3, "size": 2, "labels": ["Maths", "sums"], "texts": ["<script>1</script>", "2"]}],
    "map": POINTS,
}  # fmt: skip


def test_dots_lie_where_their_points_do() -> None:
    japanese, english = scatter(POINTS)
    assert (japanese.name, japanese.chosen, japanese.left) == ("Japanese", "M0 0h0", "M500 500h0")
    assert (english.name, english.chosen, english.left) == ("English", "M1000 1000h0", "")


def test_rare_languages_share_a_colour() -> None:
    points = [{**POINTS[0], "lang": lang} for lang in ["aa", "bb", "cc", "dd", "ee", "ff", "gg"] * 2 + ["hh", "ii"]]
    found = scatter(points)
    assert [group.colour for group in found] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found[-1].name == "other" and found[-1].chosen.count("M") == 2


def test_before_and_after_are_shares() -> None:
    assert shares({"pool": {"a": 3, "b": 1}, "none": {}}) == {"pool": {"a": 75, "b": 25}}
    found = selection(FIGURES)
    assert found is not None
    assert [(bar.label, [part[2] for part in bar.parts]) for bar in found.difficulty] == [
        ("pool", [75, 25]),
        ("SFT round 1", [25, 75]),
    ]


def test_the_chosen_threshold_is_marked() -> None:
    chart = tuning(CURVE)
    assert chart is not None and [line.name for line in chart.lines][-1] == "harmonic mean"
    assert chart.bands == [(50.0, "chosen")]
    assert tuning([]) is None


def test_nothing_to_show_without_figures() -> None:
    assert selection({}) is None


def test_the_page_escapes_what_it_shows() -> None:
    html = page(FIGURES, "a & b")
    assert "a &amp; b" in html and "http" not in html.replace("http-equiv", "")
    assert "<script>1" not in html and "&lt;script&gt;1" in html and "&lt;b&gt;Maths" in html
    assert re.search(r"in the pool</span><b>100</b>", html)
    assert html.count('class="dots') == 3
