"""The calibration of a scale examined: is it there, whole, signed by this station, of this hardware, and not due."""

from datetime import UTC, date, datetime
from pathlib import Path

from calibration import store
from calibration.record import Record
from station import signing_keys
from station.calibrations import Bound, misfits
from station.core.due import Care, standing
from station.doctor.findings import Finding, Severity
from station.signing_keys import SigningError, Verifier

_AGAIN = "calibrate again, or go back to a former one: calibrate rollback"
_NONE = "calibrate, or import factory values: calibrate import FILE"


def examine(state_dir: Path, number: int, bound: Bound, care: Care, *, synced: bool) -> Finding:
    """Return what is to be said of the calibration of scale `number`; without a set clock nothing is due."""
    part = f"calibration of {bound.name}"
    try:
        keys = signing_keys.known(state_dir / signing_keys.FOLDER)
        record = store.load(state_dir, number, Verifier(keys))
    except (store.CalibrationError, SigningError) as error:
        return Finding(part=part, severity=Severity.ERROR, evidence=str(error), remedy=_AGAIN)
    if record is None:
        return Finding(part=part, severity=Severity.ERROR, evidence="there is none", remedy=_NONE)
    if strange := misfits(record, bound):
        evidence = f"it is of other hardware: {'; '.join(strange)}"
        return Finding(part=part, severity=Severity.ERROR, evidence=evidence, remedy=_AGAIN)
    return _dated(part, record, care, synced=synced)


def _dated(part: str, record: Record, care: Care, *, synced: bool) -> Finding:
    signed = f", signed with key {record.key_id}" if record.key_id else ""
    evidence = f"{record.source}, made {record.created}{signed}"
    due = record.due_date
    if due is None:
        return Finding(part=part, severity=Severity.OK, evidence=evidence)
    today: date | None = datetime.now(UTC).date() if synced else None
    stands = standing(due.toordinal(), None if today is None else today.toordinal(), care)
    severity = {"due": Severity.WARNING, "overdue": Severity.ERROR, "expired": Severity.ERROR}.get(stands.state)
    evidence = f"{evidence}, due {due}"
    if severity is None:
        return Finding(part=part, severity=Severity.OK, evidence=evidence)
    said = f"{evidence} (in {stands.days} days)" if severity is Severity.WARNING else f"{evidence}: overdue"
    return Finding(part=part, severity=severity, evidence=said, remedy="calibrate again: calibrate run")
