"""Sessions that certificates are made of: a technician at simulated platforms, with temperatures and a record."""

import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.calibration_world import Technician, technician
from calibration.captures import Capture, CellCounts, Hardware, Session, TestWeight
from calibration.certificate_facts import Facts
from calibration.evaluation import evaluate
from calibration.model import Calibration
from calibration.record import Summary, new_record
from station.signing_keys import KeyPair

BEGIN = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
KINDS = ("full", "routine", "single", "failed", "grams")


@cache
def facts(kind: str) -> Facts:
    """Return a session of this kind, evaluated, and accepted where that may be."""
    made = grams_only() if kind == "grams" else platform(kind)
    session, captures, prior = made
    result = evaluate(session, captures, prior)
    record = None
    if result.may_accept and result.calibration is not None:
        record = new_record(
            result.calibration, "procedure", BEGIN + timedelta(hours=2), hardware=session.hardware,
            session_id=session.session_id, captures_sha256="sha256:" + "5e" * 32, operator=session.operator,
            summary=Summary(decision=result.decision), due=date(2027, 5, 4), signer=KeyPair(_key()),
        )  # fmt: skip
    return Facts(
        session=session, captures=captures, evaluation=result, record=record, raw_sha256="sha256:" + "5e" * 32,
        issued="2026-05-04T10:00:00Z", software="0.1.0", laboratory="Muster Waagenservice GmbH & Co. KG",
        customer="Markt 0815",
    )  # fmt: skip


def _key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def platform(kind: str) -> tuple[Session, tuple[Capture, ...], Calibration | None]:
    """Return what a technician does at four load cells; as found, the gains are a little off."""
    faults: dict[str, Any] = {"dead": 2} if kind == "failed" else {}
    worker = technician(3, "routine" if kind == "routine" else "full", **faults)
    steps(worker, kind)
    named = {"A20": "DE-2025-1187", "B20": "DE-2025-1187", "C10": "DE-2025-1188", "D5": "DE-2025-1189"}
    weights = tuple(msgspec.structs.replace(w, certificate=named[w.weight_id]) for w in worker.session.weights)
    session = msgspec.structs.replace(
        worker.session, session_id=f"2026-05-04-{kind}", station="vs-03", place="Markt 0815, Kasse 3 <Süd>",
        operator="T. Weller", weights=weights, kind="single" if kind == "single" else worker.session.kind,
        overrides=("weight A20 overdue: accepted by M. Muster",) if kind == "routine" else (), gravity_m_s2=9.8123,
    )  # fmt: skip
    captures = tuple(_timed(capture, number) for number, capture in enumerate(worker.captures))
    return session, captures, _found(session, captures)


def steps(worker: Technician, kind: str) -> None:
    """Do what belongs to this kind of session."""
    if kind == "single":
        worker.zero("zero")
    elif kind == "routine":
        worker.routine()
    else:
        worker.full()


def _timed(capture: Capture, number: int) -> Capture:
    """Return a capture with the time and the temperature of a morning."""
    time = (BEGIN + timedelta(seconds=45 * number)).isoformat().replace("+00:00", "Z")
    return msgspec.structs.replace(capture, time=time, temperature_c=20.4 + 0.012 * number)


def _found(session: Session, captures: tuple[Capture, ...]) -> Calibration | None:
    """Return a calibration of some time ago: the same platform, its span and its cells a little away."""
    now = evaluate(session, captures).calibration
    if now is None:
        return None
    off = (1.0004, 0.9998, 1.0003, 1.0001)
    cells = tuple(
        msgspec.structs.replace(cell, counts_per_g=cell.counts_per_g * factor)
        for cell, factor in zip(now.cells, off, strict=True)
    )
    return msgspec.structs.replace(now, cells=cells, linearity=())


def grams_only() -> tuple[Session, tuple[Capture, ...], None]:
    """Return a checkout scale of another maker, read by its display."""
    chance = random.Random(5)
    session = Session(
        session_id="2026-05-04-grams", station="vs-04", scale=1, kind="routine", created="2026-05-04T08:00:00Z",
        operator="T. Weller", hardware=Hardware(driver="toledo-8217", part="scale-1", channels=1), capacity_g=15_000.0,
        division_g=5.0, verification_interval_g=5.0,
        weights=(
            TestWeight(weight_id="M5", nominal_g=5000.0, weight_class="M1", due="2027-01-01"),
            TestWeight(weight_id="M10", nominal_g=10_000.0, weight_class="M1", due="2027-01-01"),
        ),
    )  # fmt: skip
    plan: list[tuple[str, float, tuple[str, ...], dict[str, Any]]] = [("as-found", 10_000.0, ("M10",), {})]
    plan += [("linearity", load, names, {"direction": "up"}) for load, names in (
        (5000.0, ("M5",)), (10_000.0, ("M10",)), (15_000.0, ("M5", "M10")))]  # fmt: skip
    plan += [("eccentricity", 5000.0, ("M5",), {"position": place}) for place in ("C", "FL", "FR", "BR", "BL")]
    plan += [("repeatability", 10_000.0, ("M10",), {})] * 5
    captures: list[Capture] = []
    for number, (step, load_g, names, more) in enumerate(plan):
        for on in (False, True, False) if number == 0 else (True, False):
            captures.append(_shown(chance, len(captures) + 1, step, load_g if on else 0.0, names if on else (), more))
    return session, tuple(captures), None


def _shown(
    chance: random.Random, number: int, step: Any, load_g: float, names: tuple[str, ...], more: dict[str, Any]
) -> Capture:  # fmt: skip
    shown = 5.0 * round((load_g * 1.00012 + chance.gauss(0, 0.4)) / 5.0)
    reading = CellCounts(mean=shown, sd=0.0, n=10, low=round(shown), high=round(shown), distinct=1)
    return Capture(
        number=number, step=step, series=1, time=f"2026-05-04T08:{number:02d}:00Z", start_ns=number * 30 * 10**9,
        end_ns=number * 30 * 10**9 + 10**9, load_g=load_g, cells=(), indicated_g=reading, weights=names,
        **(more if load_g else {}),
    )  # fmt: skip
