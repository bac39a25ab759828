"""All that a learner has learned, as bytes, and back: exact to the last bit for the same catalogue.

Products are kept by their GTIN. In another catalogue, those that are gone are forgotten, with what lessons say of them
taken off; and a product that the catalogue now describes by another weight begins anew from what it says.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from station.core.learning import Learner
from station.core.shifts import Witness

Places = NDArray[np.int64]

FORMAT = 3
RESTATED = 0.05  # relative; a catalogue's guess moves a little with every product that is added


class _Array(msgspec.Struct, frozen=True):
    kind: str
    shape: tuple[int, ...]
    data: bytes


class _Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    number: int
    day: float
    solved_day: float
    gtins: tuple[str, ...]
    learned: dict[str, _Array]
    kept: dict[str, _Array]
    witnesses: list[tuple[int, float, float, tuple[int, ...]]]


class SnapshotError(ValueError):
    """The bytes are no snapshot that this version understands."""


def dump(learner: Learner) -> bytes:
    """Return the learner's state."""
    state, beliefs = learner.state, learner.beliefs
    touched = np.flatnonzero(state.touched())
    local = np.full(len(beliefs) + 1, -1, dtype=np.int64)
    local[touched] = np.arange(touched.size)
    kept = learner.kept.dump()
    kept["place"] = local[kept["place"]].astype(np.int32)
    snapshot = _Snapshot(
        format=FORMAT, number=learner.number, day=learner.day, solved_day=learner.solved_day,
        gtins=tuple(beliefs.gtins[at] for at in touched.tolist()),
        learned={name: _packed(array[..., touched]) for name, array in state.arrays().items()},
        kept={name: _packed(array) for name, array in kept.items()},
        witnesses=[
            (int(local[place]), witness.precision, witness.total, witness.shoppers)
            for place, witness in state.shifts.witnesses.items()
        ],
    )  # fmt: skip
    return msgspec.msgpack.encode(snapshot)


def load(learner: Learner, data: bytes) -> None:
    """Put a state into a fresh learner; raise `SnapshotError` when it cannot be read."""
    try:
        snapshot = msgspec.msgpack.decode(data, type=_Snapshot)
        learned = {name: _unpacked(array) for name, array in snapshot.learned.items()}
        kept = {name: _unpacked(array) for name, array in snapshot.kept.items()}
        _put(learner, snapshot, learned, kept)
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise SnapshotError(f"what was learned cannot be read: {error}") from error


def _put(
    learner: Learner, snapshot: _Snapshot, learned: dict[str, NDArray[Any]], kept: dict[str, NDArray[Any]]
) -> None:
    if snapshot.format != FORMAT:
        raise ValueError(f"format {snapshot.format} is not {FORMAT}")
    state = learner.state
    index = learner.beliefs.index
    place = np.array([index.get(gtin, -1) for gtin in snapshot.gtins], dtype=np.int64)
    known = place >= 0
    said_g = np.where(known, state.stated_g[np.where(known, place, 0)], 0.0) if len(index) else np.zeros(place.size)
    restated = known & (np.abs(said_g - learned["stated_g"]) > RESTATED * said_g)
    learner.kept.load(kept)
    for at in np.flatnonzero(~known | restated).tolist():
        spread_g2 = learned["tau_g2"][at] + learned["wide_g2"][at]
        learner.kept.pin(at, float(learned["mean_g"][at]), float(spread_g2))
    stays = np.flatnonzero(known & ~restated)
    for name, array in state.arrays().items():
        array[..., place[stays]] = learned[name][..., stays]
    terms = learner.kept.term("place")
    terms[:] = np.where(known[terms], place[terms], 0) if terms.size else terms
    for at, precision, total, shoppers in snapshot.witnesses:
        if at in stays:
            state.shifts.witnesses[int(place[at])] = Witness(precision, total, shoppers)
    learner.number, learner.day = snapshot.number, snapshot.day
    learner.solved_day = snapshot.solved_day
    learner.catch_up()


def _packed(array: NDArray[Any]) -> _Array:
    return _Array(array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes())


def _unpacked(array: _Array) -> NDArray[Any]:
    return np.frombuffer(array.data, dtype=array.kind).reshape(array.shape).copy()
