"""The part of OpenCV's capture that the driver uses, with cameras made of numbers.

It answers as the library does: `set` tells whether a control exists, `get` what is in force; the kernel's queue holds
pictures from before the question; a picture is raw JPEG where no conversion is wanted, else blue first.
"""

import time
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
from PIL import Image

CAP_V4L2 = 200
(
    CAP_PROP_POS_MSEC, CAP_PROP_FOURCC, CAP_PROP_FRAME_WIDTH, CAP_PROP_FRAME_HEIGHT, CAP_PROP_CONVERT_RGB,
    CAP_PROP_AUTO_EXPOSURE, CAP_PROP_EXPOSURE, CAP_PROP_AUTO_WB, CAP_PROP_WB_TEMPERATURE, CAP_PROP_GAIN,
    CAP_PROP_AUTOFOCUS, CAP_PROP_FOCUS,
) = range(12)  # fmt: skip


def VideoWriter_fourcc(*letters: str) -> int:  # noqa: N802 - the library's name
    return sum(ord(letter) << 8 * place for place, letter in enumerate(letters))


class VideoCapture:
    opens: ClassVar[bool] = True
    formats: ClassVar[tuple[str, ...]] = ("MJPG", "YUYV")
    missing: ClassVar[frozenset[int]] = frozenset()
    most: ClassVar[dict[int, float]] = {}  # the largest value of a control
    queued: ClassVar[int] = 4  # pictures from before the question
    stamps: ClassVar[bool] = True
    gone: ClassVar[bool] = False
    damaged: ClassVar[bool] = False
    last: ClassVar["VideoCapture | None"] = None

    def __init__(self, device: str, api: int) -> None:
        assert api == CAP_V4L2
        self.device = device
        self.values: dict[int, float] = {CAP_PROP_CONVERT_RGB: 1}
        self.reads = 0
        self.released = False
        self._stamp_s = 0.0
        VideoCapture.last = self

    def isOpened(self) -> bool:  # noqa: N802 - the library's name
        return VideoCapture.opens

    def set(self, name: int, value: float) -> bool:
        if name in VideoCapture.missing:
            return False
        if name == CAP_PROP_FOURCC and value not in {VideoWriter_fourcc(*each) for each in VideoCapture.formats}:
            return False
        self.values[name] = min(value, VideoCapture.most.get(name, value))
        return True

    def get(self, name: int) -> float:
        if name == CAP_PROP_POS_MSEC:
            return 1000 * self._stamp_s
        return self.values.get(name, 0)

    def read(self) -> tuple[bool, Any]:
        if VideoCapture.gone:
            return False, None
        self.reads += 1
        old = self.reads % (VideoCapture.queued + 1) != 0
        self._stamp_s = (time.monotonic() - (10.0 if old else -0.001)) if VideoCapture.stamps else 0.0
        width, height = (int(self.values[side]) for side in (CAP_PROP_FRAME_WIDTH, CAP_PROP_FRAME_HEIGHT))
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[..., 0] = 20 if old else 220  # red
        if self.values[CAP_PROP_CONVERT_RGB]:
            return True, pixels[..., ::-1]
        content = BytesIO()
        Image.fromarray(pixels).save(content, "JPEG")
        whole = content.getvalue()
        return True, np.frombuffer(whole[: len(whole) // 2] if VideoCapture.damaged else whole, np.uint8)[np.newaxis]

    def release(self) -> None:
        self.released = True
