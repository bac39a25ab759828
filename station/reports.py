"""What the station says of itself: the contents of `st/info`, `st/health`, `st/config` and `tel/metrics`."""

import platform
import resource
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from calibration.platform import CentreOfMass
from station import messages
from station.clock import Clock
from station.config import Config
from station.config_good import Choice
from station.core.alarms import Notice
from station.core.cell_watch import CODE
from station.core.cells import Snapshot
from station.core.effects import Alarm
from station.core.engine import Engine
from station.core.verdict import Versions
from station.delivery import Delivery
from station.outbox import Outbox, OutboxError
from station.sensing import ScaleWorker, Worker
from station.signing_keys import KeyRing

HEALTH_S = 60


def info(
    config: Config, versions: Versions, keys: KeyRing, calibrations: tuple[messages.CalibrationInfo, ...]
) -> dict[str, Any]:
    """Return the birth message: what runs here, on what."""
    return _data(
        messages.Info(
            **msgspec.to_builtins(versions),
            python=platform.python_version(),
            machine=platform.machine(),
            scales=tuple(
                messages.ScaleInfo(name=s.name, driver=s.driver, capacity_g=s.capacity_g, division_g=s.division_g)
                for s in config.scales
            ),
            cameras=tuple(messages.CameraInfo(name=camera.name, driver=camera.driver) for camera in config.cameras),
            public_key=keys.pair.public.pem,
            key_id=keys.pair.key_id,
            former_keys=tuple(messages.FormerKey(key_id=key.key_id, public_key=key.pem) for key in keys.former),
            calibrations=calibrations,
        )
    )


def health(  # noqa: PLR0913, PLR0917 - all that a station's health is made of
    config: Config,
    engine: Engine,
    notices: tuple[Notice, ...],
    outbox: Outbox,
    clock: Clock,
    waiting: int,
    workers: Sequence[Worker],
    suspicions: messages.Suspicions,
    calibration: dict[str, messages.CalibrationState],
    service: str,
) -> dict[str, Any]:
    """Return the state of every part."""
    faulty = {notice.part: notice.code for notice in notices}
    faulty |= {part.split(" cell ")[0]: code for part, code in faulty.items() if code == CODE}  # its scale has it, too
    parts = [scale.name for scale in config.scales] + [f"camera-{camera.name}" for camera in config.cameras]
    level = engine.weighing.level()
    return _data(
        messages.Health(
            state=engine.state.value,
            parts={part: faulty.get(part, "ok") for part in [*parts, *sorted(set(faulty) - set(parts))]},
            alarms=tuple(messages.RaisedAlarm(code=n.code, part=n.part, alarm_id=n.alarm_id) for n in notices),
            rejected_samples={
                config.scales[worker.index].name: dict(worker.rejects)
                for worker in workers
                if isinstance(worker, ScaleWorker)
            },
            cells={
                scale.name: _cells(shown)
                for number, scale in enumerate(config.scales)
                if (shown := engine.cells.snapshot(number)) is not None
            },
            gross_g=None if level is None or level.now_g is None else round(level.now_g, 1),
            zero_g=round(engine.weighing.zero_g, 1),
            clock=clock.stamp().clock,
            disk_free_bytes=_free(Path(config.station.state_dir)),
            outbox=messages.OutboxDepth(**_depth(outbox), unwritten=waiting),
            diagnosis=suspicions,
            calibration=calibration,
            service=service,
        )
    )


def _cells(shown: Snapshot) -> messages.Cells:
    """Return the load cells of a scale: what each bears, how the load lies, and whether four cells agree on it."""
    return messages.Cells(
        cells=tuple(
            messages.Cell(
                cell=number,
                place=cell.place,
                grams=_rounded(cell.grams, 1),
                share=_rounded(cell.share, 4),
                noise_g=_rounded(cell.noise_g, 3),
                state=cell.state,
            )
            for number, cell in enumerate(shown.cells, 1)
        ),
        centre_of_mass=None if shown.centre is None else _centre(shown.centre, in_mm=shown.in_mm),
        parity_g=_rounded(shown.parity_g, 1),
        expected_parity_g=_rounded(shown.expected_parity_g, 1),
        kappa=_rounded(shown.kappa, 3),
    )


def _centre(centre: CentreOfMass, *, in_mm: bool) -> messages.CentreOfMass:
    rounded = {key: round(value, 1 if in_mm else 4) + 0.0 for key, value in centre._asdict().items()}
    return messages.CentreOfMass(**rounded, unit="mm" if in_mm else "half_side")


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) + 0.0


def configured(choice: Choice) -> messages.Configured:
    """Return which configuration is in force, and why it is not the one that was asked for."""
    config, problem, asked = choice.config, choice.problem, choice.asked
    if problem is None and choice.overruled and asked is not None:
        problem = f"the file was changed after the configuration with serial {asked.serial} came"
    return messages.Configured(
        hash=config.hash, source=config.source, in_force=problem is None, problem=problem,
        asked=None if asked is None else asked.hash, serial=0 if asked is None else asked.serial,
    )  # fmt: skip


def metrics(counts: Counter[str], delivery: Delivery, timings: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Return counters since the start, and what the process uses."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return _data(
        messages.Metrics(
            counts=dict(counts),
            delivery=delivery.counters,
            timing_ms=timings,
            cpu_s=round(usage.ru_utime + usage.ru_stime, 2),
            rss_peak_kib=usage.ru_maxrss,
        )
    )


def config_alarm(problem: str) -> Alarm:
    """Return the alarm that another configuration than the one asked for is in force."""
    text = f"the configuration cannot be used, the last good one is in force: {problem}"
    remedy = "correct it, try it with `station config check FILE`, and restart"
    return Alarm(code="CONFIG_BAD", part="config", raised=True, message=text, remedy=remedy)


def _data(message: msgspec.Struct) -> dict[str, Any]:
    """Return what a message holds as an event's data."""
    built: dict[str, Any] = msgspec.to_builtins(message)
    return built


def _free(path: Path) -> int | None:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None


def _depth(outbox: Outbox) -> dict[str, int | None]:
    try:
        return outbox.depth()._asdict()
    except OutboxError:
        return {"unconfirmed": None, "events": None, "used_bytes": None}
