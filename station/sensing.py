"""The senses at work: threads that block on devices, so that the one consumer never does.

Each thread owns its device and only puts values on the consumer's queue. A device that fails is closed, reported once
in clear words, and opened again and again with growing pauses until it answers; nothing restarts the daemon.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping

import msgspec

from drivers.base import (
    Barcode,
    CameraDriver,
    Frame,
    Indication,
    Rejecting,
    Resting,
    Sample,
    ScaleDriver,
    SensorError,
    Zeroable,
    ZeroRefusedError,
)
from station.core import events
from station.core.effects import Alarm, ZeroScale

READ_S = 0.25  # how long a thread may take to notice that it shall end
CAPTURE_S = 1.2
CAMERA = "CAMERA_FAULT"
RETRY_FIRST_S, RETRY_MOST_S = 0.2, 5.0

Emit = Callable[[object], None]


class CameraTrouble(msgspec.Struct, frozen=True):
    """A camera cannot be used; cleared by the next `CameraWell`."""

    camera: str
    message: str
    remedy: str

    def alarm(self) -> Alarm:
        """Return what to tell."""
        text = f"camera {self.camera}: {self.message}"
        return Alarm(code=CAMERA, part=f"camera-{self.camera}", raised=True, message=text, remedy=self.remedy)


class CameraWell(msgspec.Struct, frozen=True):
    """A camera answers."""

    camera: str

    def alarm(self) -> Alarm:
        """Return what has ended."""
        return Alarm(code=CAMERA, part=f"camera-{self.camera}", raised=False)


class Picture(msgspec.Struct, frozen=True):
    """A frame on its way to the eye; `capture_no` None: it shows the empty platform."""

    camera: str
    capture_no: int | None
    frame: Frame
    capture_ms: float
    asked_ns: int  # when the camera was asked for it


class Show(msgspec.Struct, frozen=True):
    """An order for a picture that somebody wants to see; answered by `Shown` with its number."""

    number: int


class Shown(msgspec.Struct, frozen=True):
    """The picture that was ordered, None when the camera cannot give one."""

    camera: str
    number: int
    frame: Frame | None


Request = int | None | Show  # a capture's number, None for one of the empty platform


class Worker(threading.Thread):
    """A thread that can be asked to end, and shows that it lives: asking whether to go on is its sign of life.

    A single turn that takes longer than `patience_s` counts as hanging.
    """

    patience_s = 60.0

    def __init__(self, name: str, emit: Emit) -> None:
        super().__init__(name=name, daemon=True)
        self.emit = emit
        self.stopping = threading.Event()
        self.turned_ns = time.monotonic_ns()  # when it last asked whether to go on; read from any thread

    def start(self) -> None:
        """Begin; the first turn counts from here."""
        self.turned_ns = time.monotonic_ns()
        super().start()

    @property
    def going(self) -> bool:
        """Whether to go on; for the thread itself, once every turn."""
        self.turned_ns = time.monotonic_ns()
        return not self.stopping.is_set()

    def stop(self) -> None:
        """Ask the thread to end soon."""
        self.stopping.set()


class Released(msgspec.Struct, frozen=True):
    """A sensor's device is closed, as order `number` wanted, and stays so until its thread is told to resume."""

    sensor: str
    number: int


class SensorWorker(Worker):
    """A thread that owns a device, and can be told to let go of it for a while."""

    patience_s = 20.0  # devices are read with timeouts; opening takes some seconds at most

    def __init__(self, name: str, emit: Emit) -> None:
        super().__init__(name, emit)
        self._aside = threading.Event()
        self._order_no = 0

    def release(self, number: int) -> None:
        """Let go of the device soon, and say so by `Released` with this number; from any thread."""
        self._order_no = number
        self._aside.set()

    def resume(self) -> None:
        """Take the device again; from any thread."""
        self._aside.clear()

    @property
    def at_work(self) -> bool:
        """Whether the device is to be used."""
        return self.going and not self._aside.is_set()

    def stand_aside(self) -> None:
        """Wait, with the device closed, for as long as it is not ours."""
        if self._aside.is_set():
            self.emit(Released(self.name, self._order_no))
        while self.going and self._aside.is_set():
            self.idle(READ_S)

    def pause(self, seconds: float) -> None:
        """Wait before the device is tried again, no longer than it is ours."""
        until_s = time.monotonic() + seconds
        while self.at_work and (left_s := until_s - time.monotonic()) > 0:
            self.idle(min(left_s, READ_S))

    def idle(self, seconds: float) -> None:
        """Let so much time pass without the device."""
        self.stopping.wait(seconds)


class ScaleWorker(SensorWorker):
    """Reads one scale for ever."""

    def __init__(self, index: int, driver: ScaleDriver, emit: Emit) -> None:
        super().__init__(f"scale-{index}", emit)
        self.index = index
        self._driver = driver
        self._resting = driver if isinstance(driver, Resting) else None
        self._pause_s = RETRY_FIRST_S
        self._orders: queue.SimpleQueue[ZeroScale] = queue.SimpleQueue()

    def zero(self, order: ZeroScale) -> None:
        """Let the instrument zero itself, between two readings; from any thread."""
        self._orders.put(order)

    def relax(self, *, calm: bool) -> None:
        """Let the driver wake up more rarely while nothing happens on the platform; from any thread."""
        if self._resting is not None:
            self._resting.calm = calm

    @property
    def rejects(self) -> Mapping[str, int]:
        """What the driver did not believe, counted by cause; from any thread."""
        return self._driver.rejects if isinstance(self._driver, Rejecting) else {}

    def run(self) -> None:
        """Open, read until lost, close, wait, and again."""
        while self.going:
            try:
                self._read()
            except SensorError as error:
                now_ns = time.monotonic_ns()
                self.emit(events.ScaleLost(t_ns=now_ns, scale=self.index, message=error.message, remedy=error.remedy))
            finally:
                self._driver.close()
            self.pause(self._pause_s)
            self._pause_s = min(2 * self._pause_s, RETRY_MOST_S)
            self.stand_aside()

    def _read(self) -> None:
        self._driver.open()
        found = False
        while self.at_work:
            for item in self._driver.read(READ_S):
                if isinstance(item, Barcode):
                    self.emit(events.Scanned(t_ns=item.t_ns, text=item.text, symbology=item.symbology))
                    continue
                speaks = isinstance(item, Sample) or item.spoken
                if speaks and not found:  # an open port is no scale, nor is a scanner
                    found, self._pause_s = True, RETRY_FIRST_S
                    self.emit(events.ScaleFound(t_ns=item.t_ns, scale=self.index))
                self.emit(self._event(item))
            while not self._orders.empty():
                self._obey(self._orders.get())

    def _obey(self, order: ZeroScale) -> None:
        """Carry an order out, or say why not; one that is overdue may meet a load that came since."""
        try:
            refusal = "the order came too late"
            if not isinstance(self._driver, Zeroable):
                refusal = "its protocol has no zero command: use the scale's zero key"
            elif time.monotonic_ns() < order.due_ns:
                self._driver.zero()
                refusal = ""
        except ZeroRefusedError as error:
            refusal = f"{error.message}; {error.remedy}"
        now_ns = time.monotonic_ns()
        self.emit(events.ScaleZeroed(t_ns=now_ns, scale=self.index, number=order.number, refusal=refusal))

    def _event(self, item: Sample | Indication) -> events.Event:
        if isinstance(item, Sample):
            return events.Sampled(t_ns=item.t_ns, scale=self.index, counts=item.counts, flags=int(item.flags))
        return events.Indicated(
            t_ns=item.t_ns, scale=self.index, state=item.state.value, weight_g=item.weight_g, reason=item.reason
        )


class CameraWorker(SensorWorker):
    """Takes one camera's pictures on request and hands them to the eye."""

    def __init__(self, name: str, driver: CameraDriver, emit: Emit, pictures: "queue.SimpleQueue[Picture]") -> None:
        super().__init__(f"camera-{name}", emit)
        self.camera = name
        self._driver = driver
        self._pictures = pictures
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._pause_s = RETRY_FIRST_S

    def request(self, capture_no: int | None) -> None:
        """Ask for a picture; None asks for one of the empty platform."""
        self._requests.put(capture_no)

    def show(self, number: int) -> None:
        """Ask for a picture to be shown."""
        self._requests.put(Show(number))

    def run(self) -> None:
        """Open, serve requests until lost, close, wait, and again."""
        while self.going:
            try:
                self._serve()
            except SensorError as error:
                self.emit(CameraTrouble(self.camera, error.message, error.remedy))
            finally:
                self._driver.close()
            self.pause(self._pause_s)
            self._pause_s = min(2 * self._pause_s, RETRY_MOST_S)
            self.stand_aside()

    def _serve(self) -> None:
        self._driver.open()
        self.emit(CameraWell(self.camera))
        while self.at_work:
            try:
                request = self._requests.get(timeout=READ_S)
            except queue.Empty:
                continue
            self._capture(request)
            self._pause_s = RETRY_FIRST_S

    def _capture(self, request: Request) -> None:
        began_ns = time.monotonic_ns()
        try:
            frame = self._driver.capture(CAPTURE_S)
        except SensorError:
            self._blind(request)
            raise
        if isinstance(request, Show):
            self.emit(Shown(self.camera, request.number, frame))
            return
        capture_ms = (time.monotonic_ns() - began_ns) / 1e6
        self._pictures.put(Picture(self.camera, request, frame, capture_ms, began_ns))

    def idle(self, seconds: float) -> None:
        """Answer requests at once while the camera is away: a verdict must not wait for it."""
        until_s = time.monotonic() + seconds
        while self.going and (left_s := until_s - time.monotonic()) > 0:
            try:
                self._blind(self._requests.get(timeout=min(left_s, READ_S)))
            except queue.Empty:
                continue

    def _blind(self, request: Request) -> None:
        if isinstance(request, Show):
            self.emit(Shown(self.camera, request.number, None))
        elif request is not None:
            self.emit(events.Blind(t_ns=time.monotonic_ns(), capture_no=request, camera=self.camera))
