"""All that the daemon works with, as one value; `wiring` makes it."""

import queue
from collections.abc import Callable, Sequence

import msgspec

from station.assessor import Assessor
from station.clock import Clock
from station.command_clerk import Clerk
from station.command_office import Adopt, Gather
from station.config_good import Choice
from station.control import ControlServer
from station.core.engine import Engine
from station.core.verdict import Versions
from station.delivery import Delivery
from station.outbox import Outbox
from station.records.recorder import Recorder
from station.sensing import CameraWorker, Worker
from station.signing_keys import KeyRing
from station.timings import Timings
from station.upkeep import Upkeep


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """All that the daemon works with; made by `wiring`."""

    choice: Choice
    prove: Callable[[], None]  # the configuration in force is good
    clock: Clock
    engine: Engine
    assessor: Assessor
    upkeep: Upkeep
    control: ControlServer
    outbox: Outbox
    delivery: Delivery
    workers: Sequence[Worker]  # in the order of their start
    cameras: Sequence[CameraWorker]
    inbox: "queue.SimpleQueue[object]"
    versions: Versions
    timings: Timings
    keys: KeyRing
    clerk: Clerk
    adopt: Adopt
    gather: Gather
    recorder: Recorder
