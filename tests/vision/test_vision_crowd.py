"""The crowd: it speaks against what is more like it than like the gallery, and never against its own doubles."""

from dataclasses import replace

import numpy as np
import pytest

from station.vision import crowd, gallery
from station.vision.embedding import Embedding, Rows, unit
from station.vision.gallery import Gallery

OWNER = np.array([0, 0, 1])


def directions(count: int, seed: int = 3) -> Rows:
    return unit(np.random.default_rng(seed).normal(size=(count, 64)).astype(np.float32))


def test_the_double_of_an_enrolled_product_leaves_the_crowd() -> None:
    around = directions(5)
    prototypes = np.stack([around[2], around[2], directions(1, seed=9)[0]])
    assert crowd.without(around, prototypes, OWNER) == pytest.approx(np.delete(around, 2, axis=0))


def test_who_is_like_nothing_enrolled_stays_in_the_crowd() -> None:
    around = directions(5)
    assert crowd.without(around, directions(3, seed=8), OWNER) == pytest.approx(around)


def test_nobody_is_near_without_a_crowd() -> None:
    assert crowd.nearest(directions(2), np.zeros((0, 64), np.float32)).tolist() == [0, 0]


def enrolled(around: Rows, share: float) -> Gallery:
    """Two products that are the first two axes, under the identity in place of whitening."""
    axes = np.eye(64, dtype=np.float32)
    one = np.ones(1, np.float32)
    learnt = Embedding(
        "none", np.zeros(64, np.float32), axes, one, one, 10 * one, -5 * one, around, np.float32(share) * one
    )
    return Gallery(("a", "b"), axes[:2], np.array([0, 1]), learnt, around, 2)


def test_what_is_like_the_crowd_is_rather_a_stranger() -> None:
    axes = np.eye(64, dtype=np.float32)
    between = unit(axes[:1] + axes[5:6])
    alone, among = enrolled(axes[8:9], 0.5), enrolled(axes[5:6], 0.5)
    (calm,), (doubted,) = alone.recognise(between), among.recognise(between)
    assert doubted.unknown > calm.unknown + 0.1
    assert among.recognise(axes[:1])[0].unknown == pytest.approx(alone.recognise(axes[:1])[0].unknown)


def test_a_share_of_nothing_leaves_the_crowd_unheard() -> None:
    axes = np.eye(64, dtype=np.float32)
    between = unit(axes[:1] + axes[5:6])
    silent = enrolled(axes[5:6], 0.0)
    nobody = replace(silent, crowd=np.zeros((0, 64), np.float32))
    assert silent.recognise(between) == nobody.recognise(between)


def test_the_shipped_crowd_is_of_unit_length(learnt: Embedding) -> None:
    assert np.linalg.norm(learnt.crowd, axis=1) == pytest.approx(np.ones(len(learnt.crowd)), abs=2e-3)
    assert gallery.empty(learnt).crowd is learnt.crowd
