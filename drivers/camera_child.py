"""A camera in a process of its own, which can be killed: camera stacks hang in the kernel, where no timeout reaches.

The child opens the driver, answers each question with one picture or one error, and ends when it is no longer asked
(end of its input, or of the thread that started it). The parent gives every answer a deadline; a child that misses it
is killed, and the next `open` starts another. Questions and answers go through pipes:

    question   a double: the time limit of the picture, in seconds
    answer     a byte for its kind, its size (u32), and the content: R ready (what the camera holds fixed, as JSON);
               F picture (time in ns, height, width, pixels); E error (message and remedy as JSON)

A child that sits in an uninterruptible wait of the kernel stays until that ends; it no longer holds anybody up.
"""

import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np

from drivers.base import CameraDriver, Frame, Lockable, SensorError

QUESTION, HEAD, PICTURE = struct.Struct("<d"), struct.Struct("<cI"), struct.Struct("<qII")
READY, FRAME, ERROR = b"R", b"F", b"E"
OPEN_S = 20.0  # importing a camera stack, starting it, and the first pictures, on a slow machine
GRACE_S = 0.2  # beyond the driver's own limit, before a child counts as hung
END_S = 1.0  # to let go of the camera in peace
CONTENT_MAX = 200_000_000
PR_SET_PDEATHSIG = 1
_QUIET = {"LIBCAMERA_LOG_LEVELS": "*:ERROR", "OPENCV_LOG_LEVEL": "ERROR"}
_AGAIN = "it is started again; if this comes back, reseat its cable and restart the machine"


class Caged:
    """Implements `drivers.base.CameraDriver` by a child that runs the driver of a module."""

    def __init__(self, module: str, options: msgspec.Struct) -> None:
        self._module = module
        self._options = msgspec.json.encode(options).decode()
        self._child: subprocess.Popen[bytes] | None = None
        self._held: dict[str, float] = {}

    @property
    def pid(self) -> int | None:
        """The child's process, None while there is none."""
        return None if self._child is None else self._child.pid

    def open(self) -> None:
        """Start the child and wait until it has the camera; raise `SensorError` when it has not, or hangs."""
        self.close()
        command = [sys.executable, "-m", "drivers.camera_child", self._module, self._options]
        environment = {**_QUIET, **os.environ}
        try:
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0
            )
        except OSError as error:
            raise SensorError(f"no process for the camera: {error.strerror}", "free memory and processes") from error
        self._held = json.loads(self._answer(READY, OPEN_S))

    def capture(self, timeout_s: float) -> Frame:
        """Return a picture whose exposure began after the call; raise `SensorError` when none comes in time."""
        if self._child is None or self._child.stdin is None:
            raise SensorError("the camera is not open", "open it first")
        with contextlib.suppress(BrokenPipeError):  # its end is told when its answer is read
            self._child.stdin.write(QUESTION.pack(timeout_s))
        content = self._answer(FRAME, timeout_s + GRACE_S)
        t_ns, height, width = PICTURE.unpack_from(content)
        if len(content) != PICTURE.size + height * width * 3:
            self._kill()
            raise SensorError(f"the camera's process sent a picture of {width} x {height} in part", _AGAIN)
        return Frame(t_ns, np.frombuffer(content, np.uint8, offset=PICTURE.size).reshape(height, width, 3))

    def lock(self) -> Mapping[str, float]:
        """Return what the driver fixed when it opened, as read back; empty where it fixes nothing."""
        return dict(self._held)

    def close(self) -> None:
        """End the child, in peace where it answers; never raises."""
        child = self._child
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_S)
        self._kill()

    def _answer(self, kind: bytes, limit_s: float) -> bytes:
        """Return the content of the next answer; an error of the driver is raised as its own."""
        until_s = time.monotonic() + limit_s
        came, size = HEAD.unpack(self._read(HEAD.size, until_s, limit_s))
        if size > CONTENT_MAX:
            self._kill()
            raise SensorError(f"the camera's process speaks of {size} bytes", _AGAIN)
        content = self._read(size, until_s, limit_s)
        if came == ERROR:
            told = json.loads(content)
            raise SensorError(told["message"], told["remedy"])
        if came != kind:
            self._kill()
            raise SensorError("the camera's process answers out of turn", _AGAIN)
        return content

    def _read(self, size: int, until_s: float, limit_s: float) -> bytes:
        """Return exactly so many bytes; kill the child when they are not there in time."""
        child = self._child
        if child is None or child.stdout is None:
            raise SensorError("the camera is not open", "open it first")
        received = bytearray()
        while len(received) < size:
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not select.select([child.stdout], [], [], left_s)[0]:
                self._kill()
                raise SensorError(f"the camera hung for {limit_s:.1f} s, and its process was ended", _AGAIN)
            part = os.read(child.stdout.fileno(), min(size - len(received), 1 << 20))
            if not part:
                self._kill()
                raise SensorError("the camera's process crashed", _AGAIN)
            received += part
        return bytes(received)

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it waits in the kernel: it goes when that ends
            child.wait(END_S)


def caged(module: str) -> Callable[[msgspec.Struct], CameraDriver]:
    """Return what makes a camera of the module's driver in a child; for the table of drivers."""
    return lambda options: Caged(module, options)


# the child


def main(module: str, options: str) -> None:
    """Serve one camera until nobody asks any more; what the libraries print on stdout goes to stderr."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    channel = os.dup(1)
    os.dup2(2, 1)
    kind: Any = importlib.import_module(module)
    driver: CameraDriver = kind.Driver(msgspec.json.decode(options, type=kind.Options))
    try:
        driver.open()
        _tell(channel, READY, json.dumps(dict(driver.lock()) if isinstance(driver, Lockable) else {}).encode())
        _serve(driver, channel)
    except SensorError as error:
        _tell(channel, ERROR, json.dumps({"message": error.message, "remedy": error.remedy}).encode())
    except BrokenPipeError:
        pass  # nobody listens any more
    driver.close()


def _serve(driver: CameraDriver, channel: int) -> None:
    while len(question := sys.stdin.buffer.read(QUESTION.size)) == QUESTION.size:
        frame = driver.capture(QUESTION.unpack(question)[0])
        height, width, _ = frame.pixels.shape
        _tell(channel, FRAME, PICTURE.pack(frame.t_ns, height, width) + np.ascontiguousarray(frame.pixels).tobytes())


def _tell(channel: int, kind: bytes, content: bytes = b"") -> None:
    left = memoryview(HEAD.pack(kind, len(content)) + content)
    while left:
        left = left[os.write(channel, left) :]


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # libraries' own clean-up may hang
