"""Signs of life are given while everything lives, and by nothing that hangs."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from drivers import hx711_iio
from drivers.base import Frame, SensorError
from station.command_clerk import Clerk
from station.core.effects import Alarm
from station.notifying import Notifier
from station.sensing import CameraWorker, ScaleWorker, Worker
from station.watchdog import CODE, RENEW_NS, SECOND_NS, Watchdog
from tests.support.listening import NotifyListener
from tests.support.rig import CHEESE, Rig, toledo_rig, wait_until

MINUTE_NS = 60 * SECOND_NS


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[NotifyListener]:
    with NotifyListener(tmp_path, watchdog_s=2.0) as made:
        yield made


def test_without_systemd_nothing_is_told() -> None:
    notifier = Notifier({})
    assert (notifier.tell("READY=1"), notifier.watchdog_s) == (False, None)


def test_a_socket_that_is_gone_is_no_error(tmp_path: Path) -> None:
    assert not Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")


def test_lines_arrive_together(listener: NotifyListener) -> None:
    assert Notifier(listener.environ).tell("READY=1", "STATUS=idle; online")
    listener.wait(lambda lines: lines == ["READY=1", "STATUS=idle; online"])


def test_an_abstract_socket_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0station-test-{os.getpid()}")
        heard.settimeout(5)
        assert Notifier({"NOTIFY_SOCKET": f"@station-test-{os.getpid()}"}).tell("READY=1")
        assert heard.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_interval_is_that_of_this_process(environ: dict[str, str], watchdog_s: float | None) -> None:
    assert Notifier(environ).watchdog_s == watchdog_s


class Blocker:
    """A file that is never there to be read to its end: who opens it hangs, in the kernel, until it is let go."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._end: int | None = None

    def wait_for_victim(self) -> None:
        """Wait until somebody hangs."""

        def hangs() -> bool:
            with contextlib.suppress(OSError):  # ENXIO: nobody reads yet
                self._end = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            return self._end is not None

        wait_until(hangs)

    def let_go(self) -> None:
        """End it; who comes later finds no file."""
        self.path.unlink(missing_ok=True)
        if self._end is not None:
            os.close(self._end)
            self._end = None


class HangingCamera:
    """A camera whose driver waits in the kernel for ever, whatever time it is given."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> None:
        """It opens."""

    def capture(self, timeout_s: float) -> Frame:
        """Hang."""
        raise SensorError(f"{len(self._path.read_bytes())} bytes are no picture in {timeout_s} s", "end the test")

    def close(self) -> None:
        """Nothing is held."""


@contextlib.contextmanager
def working(worker: Worker, blocker: Blocker | None = None) -> Iterator[Worker]:
    """A worker at work, and a watchdog's enemy perhaps; both end."""
    worker.start()
    try:
        yield worker
    finally:
        if blocker is not None:
            blocker.let_go()
        worker.stop()
        worker.join(10)
    assert not worker.is_alive()


@pytest.fixture
def clerk() -> Iterator[Worker]:
    with working(Clerk(SimpleQueue[object]().put)) as worker:
        yield worker


def watched(listener: NotifyListener, *workers: Worker, mqtt: bool = True) -> Watchdog:
    return Watchdog(workers, lambda: mqtt, Notifier(listener.environ))


def told(alarms: list[Alarm]) -> list[tuple[str, str, bool]]:
    return [(alarm.code, alarm.part, alarm.raised) for alarm in alarms]


def flushed(listener: NotifyListener) -> int:
    """The signs of life of all that was told before now."""
    before = listener.lines.count("X_END=1")
    Notifier(listener.environ).tell("X_END=1")
    listener.wait(lambda lines: lines.count("X_END=1") > before)
    return listener.feeds()


def test_a_worker_that_takes_turns_is_fed_for_four_times_in_the_time_allowed(
    listener: NotifyListener, clerk: Worker
) -> None:
    watchdog = watched(listener, clerk)
    start_ns = clerk.turned_ns + SECOND_NS
    for step in range(21):  # every tenth of a second; 0.5 s is a quarter of what is allowed
        assert watchdog.look(start_ns + step * SECOND_NS // 10, "idle") == []
    assert flushed(listener) == 5
    assert listener.lines.count("STATUS=idle") == 1


def test_a_scale_that_hangs_in_its_driver_stops_the_feeding(tmp_path: Path, listener: NotifyListener) -> None:
    blocker = Blocker(tmp_path / "name")
    options = hx711_iio.Options(cells=(hx711_iio.Cell(device=str(tmp_path)),))
    with working(ScaleWorker(0, hx711_iio.Driver(options), SimpleQueue[object]().put), blocker) as worker:
        blocker.wait_for_victim()
        watchdog = watched(listener, worker)
        assert watchdog.look(worker.turned_ns + 19 * SECOND_NS, "idle") == []
        fed = flushed(listener)
        assert told(watchdog.look(worker.turned_ns + 21 * SECOND_NS, "idle")) == [(CODE, "scale-0", True)]
        assert watchdog.look(worker.turned_ns + MINUTE_NS, "idle") == []
        assert flushed(listener) == fed == 1
        assert "STATUS=hangs: scale-0; waiting to be ended" in listener.lines
        assert not watchdog.wants_renewal(worker.turned_ns + 2 * RENEW_NS)


def test_a_camera_that_hangs_is_told_of_and_the_feeding_goes_on(tmp_path: Path, listener: NotifyListener) -> None:
    blocker = Blocker(tmp_path / "picture.jpg")
    worker = CameraWorker("top", HangingCamera(blocker.path), SimpleQueue[object]().put, SimpleQueue())
    with working(worker, blocker):
        worker.request(1)
        blocker.wait_for_victim()
        watchdog = watched(listener, worker)
        hung_ns = worker.turned_ns
        watchdog.ready(hung_ns)
        assert told(watchdog.look(hung_ns + MINUTE_NS, "idle")) == [(CODE, "camera-top", True)]
        assert flushed(listener) == 2  # one with READY
        assert not watchdog.wants_renewal(hung_ns + RENEW_NS - 1)
        assert watchdog.wants_renewal(hung_ns + RENEW_NS)
        blocker.let_go()
        wait_until(lambda: worker.turned_ns > hung_ns)
        assert told(watchdog.look(worker.turned_ns, "idle")) == [(CODE, "camera-top", False)]
        assert not watchdog.wants_renewal(worker.turned_ns + 2 * RENEW_NS)


def test_a_thread_that_has_ended_stops_the_feeding(listener: NotifyListener) -> None:
    with working(Clerk(SimpleQueue[object]().put)) as worker:
        watchdog = watched(listener, worker)
    assert told(watchdog.look(worker.turned_ns + SECOND_NS, "idle")) == [(CODE, "clerk", True)]
    assert flushed(listener) == 0


def test_a_link_without_its_thread_stops_the_feeding(listener: NotifyListener, clerk: Worker) -> None:
    watchdog = watched(listener, clerk, mqtt=False)
    assert told(watchdog.look(clerk.turned_ns + SECOND_NS, "idle")) == [(CODE, "mqtt", True)]
    assert flushed(listener) == 0


@pytest.fixture
def watched_rig(tmp_path: Path, listener: NotifyListener, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    for name, value in listener.environ.items():
        monkeypatch.setenv(name, value)
    with toledo_rig(tmp_path) as rig:
        yield rig


def test_the_daemon_says_that_it_is_up_how_it_goes_and_that_it_ends(watched_rig: Rig, listener: NotifyListener) -> None:
    listener.wait(lambda lines: lines[:1] == ["READY=1"])
    watched_rig.wait_idle()
    listener.wait(lambda lines: "STATUS=idle; online; no alarm" in lines)
    watched_rig.scale.unplug()
    listener.wait(lambda lines: "STATUS=out of order; online; alarms: SCALE_LOST scale-1" in lines)
    listener.wait_feeds(3)  # a scale that is gone is no reason to end
    assert watched_rig.station.stop() == 0
    listener.wait(lambda lines: lines[-2:] == ["STOPPING=1", "STATUS=ending"])


def test_the_daemon_feeds_when_idle_when_busy_and_without_a_broker(watched_rig: Rig, listener: NotifyListener) -> None:
    watched_rig.wait_idle()
    listener.wait_feeds(4)
    for number in range(10):
        watched_rig.claim(CHEESE, transaction_id=f"T-{number}")
        watched_rig.put(410)
        watched_rig.wait_verdicts(number + 1)
        watched_rig.clear()
        watched_rig.wait(lambda: watched_rig.phases().count("closed") > number)  # noqa: B023 - waited for at once
    watched_rig.broker.kill()
    listener.wait_feeds(4)
    assert not any(line.startswith("STATUS=hangs") for line in listener.lines)


def test_a_daemon_that_stands_still_feeds_nothing(watched_rig: Rig, listener: NotifyListener) -> None:
    listener.wait_feeds(2)
    os.kill(watched_rig.station.pid, signal.SIGSTOP)
    wait_until(lambda: _state(watched_rig.station.pid) == "T")
    fed = flushed(listener)
    threading.Event().wait(2.0)  # the time that systemd would have waited
    assert flushed(listener) == fed
    os.kill(watched_rig.station.pid, signal.SIGCONT)
    listener.wait_feeds(2)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
