"""BIRCH: the estimator interface, the features against numpy, shift stability, merging, memory bound, bad input."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import Birch as Classical
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from in2x.selection.birch import Birch
from in2x.selection.cftree import CFTree


def balls(
    count: int, seed: int = 0, centres: int = 40, dimension: int = 32
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Balls of radius about .2 around random unit vectors, with heavy-tailed sizes."""
    lots = np.random.default_rng(seed)
    middle = lots.standard_normal((centres, dimension))
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    share = 1 / np.arange(1, centres + 1)
    truth = lots.choice(centres, count, p=share / share.sum())
    points = middle[truth] + 0.2 / np.sqrt(dimension) * lots.standard_normal((count, dimension))
    return points.astype(np.float32), truth


@parametrize_with_checks([Birch(n_jobs=1)])
def test_sklearn_estimator(estimator: Birch, check: object) -> None:
    check(estimator)  # type: ignore[operator]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 400), st.floats(0.05, 3.0), st.integers(2, 9))
def test_features_are_those_of_the_points(seed: int, count: int, threshold: float, branching: int) -> None:
    """Weight, mean and spread of every leaf, recomputed from the points that it took; nothing lost, radius kept."""
    points = np.random.default_rng(seed).standard_normal((count, 3)).astype(np.float32)
    tree = CFTree(3, threshold, branching, capacity=4)
    labels = tree.insert(points)
    leaves, features = tree.leaf_numbers(), tree.features()
    assert features.weights.sum() == count and len(leaves) == tree.leaves
    assert (features.radii <= threshold * (1 + 1e-5)).all()
    for number, weight, mean, spread in zip(leaves, features.weights, features.means, features.spreads, strict=True):
        mine = points[labels == number].astype(np.float64)
        assert len(mine) == weight
        np.testing.assert_allclose(mean, mine.mean(axis=0), atol=1e-4)
        np.testing.assert_allclose(spread, ((mine - mine.mean(axis=0)) ** 2).sum(), rtol=1e-3, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 300), st.integers(2, 6))
def test_tree_is_well_formed(seed: int, count: int, branching: int) -> None:
    """Every node within its capacity, all leaves at one depth, every feature in exactly one place."""
    points = np.random.default_rng(seed).standard_normal((count, 2)).astype(np.float32)
    tree = CFTree(2, 0.05, branching, capacity=2)
    tree.insert(points)
    seen: list[int] = []
    depths: set[int] = set()

    def walk(node: int, depth: int) -> float:
        assert 1 <= tree.sizes[node] <= branching
        total = 0.0
        for feature in tree.entries[node, : tree.sizes[node]]:
            seen.append(int(feature))
            weight = float(tree.weights[feature])
            if tree.is_leaf[node]:
                assert tree.child[feature] == -1
                depths.add(depth)
            else:
                assert walk(int(tree.child[feature]), depth + 1) == pytest.approx(weight)
            total += weight
        return total

    assert walk(int(tree.state[0]), 0) == count
    assert len(depths) == 1 and sorted(seen) == list(range(tree.state[1]))


def test_like_scikit_learn_on_one_tree() -> None:
    """Without cells and reach the tree is the textbook's: as many clusters as scikit-learn finds, and as good."""
    points, truth = balls(1500)
    ours = Birch(0.22, cells=1, n_jobs=1, reach=math.inf).fit(points)
    theirs = Classical(threshold=0.22, n_clusters=None).fit(points)
    assert len(ours.subcluster_centers_) == len(theirs.subcluster_centers_)
    assert adjusted_rand_score(ours.labels_, theirs.labels_) > 0.99
    assert adjusted_rand_score(truth, ours.labels_) > 0.95


def test_a_shift_changes_nothing_where_the_classical_form_breaks() -> None:
    points, truth = balls(1500)
    near = Birch(0.25, cells=1, n_jobs=1).fit(points.astype(np.float64))
    far = Birch(0.25, cells=1, n_jobs=1).fit(points.astype(np.float64) + 1e4)
    assert (near.labels_ != far.labels_).mean() < 0.001
    shifted = points + np.float32(1e4)
    ours = Birch(0.25, cells=1, n_jobs=1).fit(shifted)
    classical = Classical(threshold=0.25, n_clusters=None).fit(shifted)
    assert adjusted_rand_score(truth, ours.labels_) > 0.95
    assert adjusted_rand_score(truth, classical.labels_) < 0.5


def test_cells_and_shards_find_the_same_clusters() -> None:
    points, truth = balls(3000)
    whole = Birch(0.25, cells=1, n_jobs=1).fit(points)
    cells = Birch(0.25, cells=8, n_jobs=2).fit(points)
    parts = [Birch(0.25, n_jobs=1).fit(part) for part in np.array_split(points, 8)]
    merged = Birch(0.25, n_jobs=1).merge([part.features() for part in parts])
    scores = [adjusted_rand_score(truth, labels) for labels in (whole.labels_, cells.labels_, merged.predict(points))]
    assert min(scores) > scores[0] - 0.02
    assert merged.counts_.sum() == len(points)
    through = np.concatenate([new[part.labels_] for part, new in zip(parts, merged.part_labels_, strict=True)])
    assert adjusted_rand_score(truth, through) > scores[0] - 0.02


def test_threads_change_nothing() -> None:
    points, _ = balls(2000)
    one, two = (Birch(0.25, cells=6, n_jobs=jobs).fit(points) for jobs in (1, 2))
    assert np.array_equal(one.labels_, two.labels_)
    assert np.array_equal(one.subcluster_centers_, two.subcluster_centers_)


def test_batches_are_one_clustering() -> None:
    points, truth = balls(2000)
    birch = Birch(0.25, n_jobs=1)
    for part in np.array_split(points, 5):
        birch.partial_fit(part)
        assert len(birch.labels_) == len(part)
    assert birch.counts_.sum() == len(points)
    assert adjusted_rand_score(truth, birch.predict(points)) > 0.95
    streamed = Birch(0.25, n_jobs=1)
    for part in np.array_split(points, 5):
        streamed.add(part)
    assert np.array_equal(streamed.join().predict(points), birch.predict(points))


def test_memory_bound() -> None:
    points, _ = balls(2000, centres=300)
    birch = Birch(0.05, max_subclusters=200, n_jobs=1).fit(points)
    assert len(birch.subcluster_centers_) <= 200
    assert birch.threshold_ > 0.05
    assert birch.counts_.sum() == len(points)


def test_memory_mapped_input(tmp_path: Path) -> None:
    points, _ = balls(1000)
    np.save(tmp_path / "x.npy", points)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert np.array_equal(Birch(0.25, n_jobs=1).fit(mapped).labels_, Birch(0.25, n_jobs=1).fit(points).labels_)


def test_degenerate_data() -> None:
    same = Birch(0.5).fit(np.ones((50, 4), np.float32))
    assert same.labels_.tolist() == [0] * 50 and same.radii_.tolist() == [0.0]
    assert Birch(0.5).fit(np.zeros((1, 4))).labels_.tolist() == [0]
    assert len(Birch(0.5, cells=16).fit(np.ones((50, 4))).subcluster_centers_) == 1


@pytest.mark.parametrize(
    ("knobs", "word"),
    [({"threshold": 0}, "threshold"), ({"branching_factor": 1}, "branching"), ({"growth": 1}, "growth")],
)
def test_bad_parameters(knobs: dict[str, float], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Birch(**knobs).fit(np.ones((3, 2)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="NaN"):
        Birch().fit(np.array([[np.nan, 1.0]]))


def test_a_heavy_cluster_does_not_swallow_its_light_neighbour() -> None:
    """The rule of the radius alone does: twenty points far off hardly change the radius of two thousand."""
    lots = np.random.default_rng(3)
    heavy, light = 0.16 * lots.standard_normal((2000, 32)), 0.16 * lots.standard_normal((20, 32))
    light[:, 0] += 2.0
    points = np.concatenate([heavy, light]).astype(np.float32)
    truth = np.repeat([0, 1], [2000, 20])
    by_radius = Birch(1.1, cells=1, n_jobs=1, reach=math.inf).fit_predict(points)
    assert len(set(by_radius[truth == 1]) & set(by_radius[truth == 0])) == 1
    ours = Birch(1.1, cells=1, n_jobs=1).fit_predict(points)
    assert adjusted_rand_score(truth, ours) > 0.99


def test_a_cluster_is_found_among_thousands_of_single_points() -> None:
    """Small clusters made early, then a huge one and points that join nothing: the nodes above lie elsewhere by now."""
    lots = np.random.default_rng(0)
    middle, far = lots.standard_normal((8, 16)), lots.standard_normal((4000, 16))
    middle *= 0.8 / np.linalg.norm(middle, axis=1, keepdims=True)
    far *= 1.1 / np.linalg.norm(far, axis=1, keepdims=True)
    small, huge, later = (0.05 * lots.standard_normal((count, 16)) for count in (320, 20_000, 800))
    tree = CFTree(16, 0.3, 10, reach=1.3)
    tree.insert((np.repeat(middle, 40, axis=0) + small).astype(np.float32))
    tree.insert(lots.permutation(np.concatenate([huge, far])).astype(np.float32))
    found = tree.insert((np.repeat(middle, 100, axis=0) + later).astype(np.float32))
    assert [len(set(part.tolist())) for part in np.split(found, 8)] == [1] * 8


def test_single_points_are_joined_across_borders() -> None:
    """What no cell could join to anything is cut by other borders: pairs that lie near each other come together."""
    lots = np.random.default_rng(5)
    middle = lots.standard_normal((12_000, 24))
    pairs = (np.repeat(middle, 2, axis=0) + 0.02 * lots.standard_normal((24_000, 24))).astype(np.float32)
    labels = Birch(0.5, cells=64, n_jobs=2).fit_predict(pairs).reshape(-1, 2)
    assert (labels[:, 0] == labels[:, 1]).mean() > 0.99
