"""The weights that a judgement went by, in two parts: as they stood when their order was last laid, and what changed.

Beliefs lay their order and their densities anew now and then, and go on teaching single products between (`own` and
`teach` of `core.beliefs`). The first part is large, and shared by all judgements up to the next time; the second is
small. Together with the catalogue's rows they make beliefs that answer alike to the last bit.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec
import numpy as np

from station.core.beliefs import TAUGHT, Beliefs
from station.core.density import Floats
from station.core.product import Product

ENDS = ("low_g", "high_g", "least_g2", "most_g2", "least_fourth", "most_fourth")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What was taught since: places with their values, blocks of the reach with theirs; rows of 64-bit numbers."""

    places: tuple[int, ...] = ()
    values: bytes = b""
    blocks: tuple[int, ...] = ()
    ends: bytes = b""


class WeightsError(ValueError):
    """The weights do not belong to the catalogue."""


def laid(beliefs: Beliefs) -> bytes:
    """Return the weights as they stood when the order was laid."""
    rows = _rows(beliefs)
    for at, before in reversed(beliefs.taught):
        rows[:, at] = before
    return rows.tobytes()


def name_of(order: bytes) -> str:
    """Return by what name weights are kept."""
    return "sha256:" + hashlib.sha256(order).hexdigest()


def change(beliefs: Beliefs) -> Change:
    """Return what was taught since."""
    if not beliefs.taught:
        return Change()
    places = np.unique(np.concatenate([at for at, _ in beliefs.taught]))
    blocks = np.unique(beliefs.reach.block[places])
    ends = np.stack([getattr(beliefs.reach, name)[blocks] for name in ENDS])
    return Change(
        places=tuple(places.tolist()), values=_rows(beliefs)[:, places].tobytes(),
        blocks=tuple(blocks.tolist()), ends=ends.tobytes(),
    )  # fmt: skip


def rebuilt(
    products: Iterable[Product], departments: Mapping[str, float], order: bytes | None, since: Change
) -> Beliefs:
    """Return the beliefs of that moment; `order` is None for a catalogue that nothing was learned of."""
    catalogue = Beliefs.of(products, departments)
    if order is None or not len(catalogue):
        return catalogue
    rows = np.frombuffer(order, dtype=np.float64)
    if rows.size != len(TAUGHT) * len(catalogue):
        raise WeightsError("the weights are of another catalogue than the products")
    beliefs = _with(catalogue, rows.reshape(len(TAUGHT), -1)).own()
    if since.places:
        _put(beliefs, since)
    return beliefs


def _rows(beliefs: Beliefs) -> Floats:
    return np.stack([getattr(beliefs, name) for name in TAUGHT])


def _with(beliefs: Beliefs, rows: Floats) -> Beliefs:
    mean_g, mean_sd_g, unit_sd_g, freedom, variance_g2, fourth = rows
    return replace(
        beliefs, mean_g=mean_g, mean_sd_g=mean_sd_g, unit_sd_g=unit_sd_g, freedom=freedom, variance_g2=variance_g2,
        fourth=fourth,
    )  # fmt: skip


def _put(beliefs: Beliefs, since: Change) -> None:
    places, blocks = np.array(since.places, dtype=np.int64), np.array(since.blocks, dtype=np.int64)
    if places[-1] >= len(beliefs) or blocks[-1] >= beliefs.reach.low_g.size:
        raise WeightsError("the weights are of another catalogue than the products")
    _fill([getattr(beliefs, name) for name in TAUGHT], places, since.values)
    _fill([getattr(beliefs.reach, name) for name in ENDS], blocks, since.ends)


def _fill(arrays: list[Floats], at: np.typing.NDArray[np.int64], data: bytes) -> None:
    values = np.frombuffer(data, dtype=np.float64)
    if values.size != len(arrays) * at.size:
        raise WeightsError("a change of the weights is not whole")
    for array, row in zip(arrays, values.reshape(len(arrays), -1), strict=True):
        array[at] = row
