"""The composition root: the only place that knows concrete drivers. From a configuration to a daemon that can run."""

import errno
import fcntl
import os
import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from calibration.control_client import socket_path
from drivers import (
    ascii_line,
    cas,
    dfrobot_i2c,
    dialog_02,
    dialog_06,
    files_camera,
    hx711_bridge,
    hx711_gpio,
    hx711_iio,
    hx711_spi,
    hx711_text,
    magellan,
    mt_sics,
    nau7802,
    nci,
    picamera2,
    toledo_8217,
    v4l2,
)
from drivers.base import CameraDriver, ScaleDriver
from drivers.camera_child import caged
from drivers.sim import camera as sim_camera
from drivers.sim import scale as sim_scale
from station import __version__, catalogue, config_good, config_remote, lessons, wire
from station.assessor import Assessor
from station.calibrations import Bound, Calibrations
from station.clock import Clock, installed_ns
from station.command_catalogue import Gathering
from station.command_clerk import Clerk
from station.command_trust import trust_in
from station.commanding import NAMES
from station.config import Camera, Config, DriverOptions
from station.config_good import Choice
from station.control import ControlOptions, ControlServer
from station.core import store_policy
from station.core.engine import Engine
from station.core.setup import Deadlines, Setup
from station.core.tracks import ScaleSpec
from station.core.verdict import Versions
from station.daemon import Daemon
from station.delivery import Delivery, DeliveryOptions
from station.lessons import LessonsError, LessonStore
from station.link_values import LinkOptions, Tls
from station.looking import EyeWorker
from station.outbox import Outbox, OutboxError
from station.parts import Parts
from station.records.keeper import RecordKeeper
from station.records.recorder import Finished, Place, Recorder
from station.records.shelf import FOLDER, MEGABYTE, Shelf
from station.school import School
from station.sensing import CameraWorker, Emit, ScaleWorker, Worker
from station.signing_keys import KeyRing, Verifier, ready
from station.timings import Timings
from station.upkeep import Upkeep
from station.vision.interpreter import Running

log = structlog.get_logger()


class Entry(NamedTuple):
    """One driver: its keys, how to make it, and whether it gives counts."""

    options: type[msgspec.Struct]
    make: Callable[[Any], Any]
    counts: bool = False


SCALES: dict[str, Entry] = {
    "hx711-bridge": Entry(hx711_bridge.Options, hx711_bridge.Driver, counts=True),
    "hx711-spi": Entry(hx711_spi.Options, hx711_spi.Driver, counts=True),
    "hx711-gpio": Entry(hx711_gpio.Options, hx711_gpio.Driver, counts=True),
    "nau7802": Entry(nau7802.Options, nau7802.Driver, counts=True),
    "dfrobot-i2c": Entry(dfrobot_i2c.Options, dfrobot_i2c.Driver, counts=True),
    "hx711-iio": Entry(hx711_iio.Options, hx711_iio.Driver, counts=True),
    "hx711-text": Entry(hx711_text.Options, hx711_text.Driver, counts=True),
    "toledo-8217": Entry(toledo_8217.Options, toledo_8217.Driver),
    "nci": Entry(nci.Options, nci.Driver),
    "cas": Entry(cas.Options, cas.Driver),
    "magellan": Entry(magellan.Options, magellan.Driver),
    "dialog-06": Entry(dialog_06.Options, dialog_06.Driver),
    "dialog-02": Entry(dialog_02.Options, dialog_02.Driver),
    "mt-sics": Entry(mt_sics.Options, mt_sics.Driver),
    "ascii-line": Entry(ascii_line.Options, ascii_line.Driver),
    "sim": Entry(sim_scale.Options, sim_scale.Driver, counts=True),
}
CAMERAS: dict[str, Entry] = {
    "files": Entry(files_camera.Options, files_camera.Driver),
    "picamera2": Entry(picamera2.Options, caged("drivers.picamera2")),
    "v4l2": Entry(v4l2.Options, caged("drivers.v4l2")),
    "sim": Entry(sim_camera.Options, sim_camera.Driver),
}


class StateError(OSError):
    """The state directory cannot be used; the message says why and what to do."""


def driver_options() -> DriverOptions:
    """Return the drivers there are, each with the struct of its keys."""
    return DriverOptions(
        scales={name: entry.options for name, entry in SCALES.items()},
        cameras={name: entry.options for name, entry in CAMERAS.items()},
    )


def claim_state_dir(state_dir: Path) -> int:
    """Make the directory if need be, and lock it for this process; return the lock, which lives until the end."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = _open_lock(state_dir / "lock")
    except OSError as error:
        raise StateError(f"{state_dir}: {error.strerror}; make it writable for this user") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StateError(f"{state_dir}: another station runs with it; stop that one, or use another") from error
    return lock


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno != errno.EROFS or not path.exists():
            raise
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # what must be written waits until the disk is well again


def build(choice: Choice, path: Path) -> tuple[Daemon, "queue.SimpleQueue[object]"]:
    """Return the daemon, not started, and its inbox, on which a `Stop` ends it; raise `SigningError` without a key.

    `path` is the configuration file at the station.
    """
    config = choice.config
    inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
    state_dir = Path(config.station.state_dir)
    versions = Versions(software=__version__, policy=store_policy.version_of(config.policy))
    keys = ready(config.station.signing_key, state_dir)
    outbox = Outbox(state_dir / "outbox.db", signer=keys.pair)
    clock = Clock(floor_ns=_floor_ns(outbox))
    setup = _setup(config, clock.new_id())
    station = wire.Station(config.station.store, config.station.id)
    workers, cameras = _workers(config, state_dir, inbox.put, _verifier(keys))
    clerk = Clerk(inbox.put)
    timings = Timings()
    delivery = DeliveryOptions(
        link=link_options(config, clock.floor_ns), commands=NAMES, trust=trust_in(config.trust.key)
    )
    control = ControlServer(_control_options(config), inbox.put)
    engine = Engine(setup, versions)
    calibrations = Calibrations(state_dir, _bound(config), _verifier(keys), config.calibration)
    records = _records(config, state_dir, inbox.put)
    keep = records.keep if config.records.enabled else _forget
    parts = Parts(
        choice=choice,
        prove=lambda: prove(choice),
        clock=clock,
        engine=engine,
        assessor=Assessor(catalogue.path_in(state_dir), config.policy, _school(config, state_dir)),
        upkeep=Upkeep(calibrations, config.calibration, engine.weighing),
        control=control,
        outbox=outbox,
        delivery=Delivery(outbox, station, delivery, clock, inbox.put, timings.settled, timings.committed),
        workers=[*workers, clerk, control, records],
        cameras=cameras,
        inbox=inbox,
        versions=versions,
        timings=timings,
        keys=keys,
        clerk=clerk,
        adopt=lambda given: config_remote.adopt(state_dir, path, config, given, driver_options()),
        gather=Gathering(state_dir, config.station.store).take,
        recorder=Recorder(_place(config), lambda: wire.rfc3339(clock.wall_ns()), keep),
    )
    return Daemon(parts), inbox


def _floor_ns(outbox: Outbox) -> int:
    """Return the newest time that has passed for certain."""
    try:
        return max(installed_ns(), outbox.newest_synced_ns())
    except OutboxError:  # told when the daemon runs; the clock does without
        return installed_ns()


def _records(config: Config, state_dir: Path, emit: Emit) -> RecordKeeper:
    shelf = Shelf(state_dir / FOLDER, round(config.records.keep_mb * MEGABYTE), config.records.keep_days)
    return RecordKeeper(shelf, catalogue.path_in(state_dir), emit)


def _place(config: Config) -> Place:
    return Place(store=config.station.store, station=config.station.id, software=__version__, policy=config.policy)


def _forget(_record: Finished) -> None:
    """Where visits are not recorded."""


def _bound(config: Config) -> dict[int, Bound]:
    """Return what the calibrations of the scales that give counts are bound to."""
    return {
        number: Bound(scale.name, scale.driver, msgspec.to_builtins(scale.options))
        for number, scale in enumerate(config.scales)
        if SCALES[scale.driver].counts
    }


def _verifier(keys: KeyRing) -> Verifier:
    return Verifier((keys.pair.public, *keys.former))


def _control_options(config: Config) -> ControlOptions:
    path = socket_path(Path(config.station.state_dir), config.control.socket)
    return ControlOptions(path=path, group=config.control.group)


def prove(choice: Choice) -> None:
    """Keep a configuration that the station runs with as the last good one, as far as the disk allows."""
    if choice.problem is not None:
        return
    try:
        config_good.remember_good(choice.config)
    except OSError as error:
        log.warning("the configuration could not be kept as the last good one", problem=error.strerror)
    if choice.on_trial and choice.asked is not None:
        config_remote.prove(Path(choice.config.station.state_dir), choice.asked)


def _school(config: Config, state_dir: Path) -> School:
    try:
        store = LessonStore(lessons.path_in(state_dir))
    except LessonsError as error:  # the station judges all the same, and learns in memory
        return School(config.policy, config.learning, failure=error)
    return School(config.policy, config.learning, store, commit_every=1)


def _setup(config: Config, session: str) -> Setup:
    scales = tuple(
        ScaleSpec(
            name=scale.name,
            counts=SCALES[scale.driver].counts,
            capacity_g=scale.capacity_g,
            division_g=scale.division_g,
        )
        for scale in config.scales
    )
    return Setup(
        session=session,
        scales=scales,
        cameras=tuple(camera.name for camera in config.cameras),
        weighing=config.weighing,
        deadlines=msgspec.convert(msgspec.structs.asdict(config.transaction), Deadlines),
        currency=config.policy.currency,
        positions_mm=tuple(scale.positions_mm for scale in config.scales),
    )


def _workers(
    config: Config, state_dir: Path, emit: Callable[[object], None], verifier: Verifier
) -> tuple[list[Worker], list[CameraWorker]]:
    scales: list[Worker] = [
        ScaleWorker(index, _scale(scale.driver, scale.options), emit) for index, scale in enumerate(config.scales)
    ]
    if not config.cameras:
        return scales, []
    names = tuple(camera.name for camera in config.cameras)
    eye = EyeWorker(names, state_dir, config.policy.sights.visibility, emit, running(config), verifier)
    cameras = [CameraWorker(described.name, camera(described), emit, eye.pictures) for described in config.cameras]
    return [*scales, eye, *cameras], cameras


def _scale(driver: str, options: msgspec.Struct) -> ScaleDriver:
    made: ScaleDriver = SCALES[driver].make(options)
    return made


def running(config: Config) -> Running:
    """Return how the cameras' model is to be run."""
    wanted = config.vision
    return Running(wanted.runtime, wanted.threads, xnnpack=wanted.xnnpack, delegate=wanted.delegate)


def camera(described: Camera) -> CameraDriver:
    """Return the driver of a configured camera, not opened."""
    made: CameraDriver = CAMERAS[described.driver].make(described.options)
    return made


def link_options(config: Config, floor_ns: int = 0) -> LinkOptions:
    """Return how a configuration wants the broker reached."""
    mqtt = config.mqtt
    tls = None
    if mqtt.tls is not None:
        cert, key = mqtt.tls.cert, mqtt.tls.key
        tls = Tls(ca=Path(mqtt.tls.ca), cert=Path(cert) if cert else None, key=Path(key) if key else None)
    return LinkOptions(
        host=mqtt.host,
        port=mqtt.port,
        client_id=config.station.id,
        tls=tls,
        username=mqtt.username,
        password=mqtt.secret,
        keepalive_s=mqtt.keepalive_s,
        connect_s=mqtt.connect_timeout_s,
        backoff_min_s=mqtt.backoff_min_s,
        backoff_max_s=mqtt.backoff_max_s,
        floor_ns=floor_ns,
    )
