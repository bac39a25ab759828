"""A camera's picture in an answer: JPEG, small enough for one message."""

import base64
from io import BytesIO

from PIL import Image

from station.messages import Snapshot
from station.vision.picture import Pixels

SIDE_MAX_PX = 1280
BYTES_MAX = 96 * 1024  # 128 KiB in Base64
QUALITIES = (85, 70, 50, 30)
SMALLER = 0.7


def pack(camera: str, pixels: Pixels) -> Snapshot:
    """Return the picture, as good and as large as `BYTES_MAX` allows."""
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE_MAX_PX, SIDE_MAX_PX))
    while True:
        for quality in QUALITIES:
            content = BytesIO()
            image.save(content, "JPEG", quality=quality)
            if content.tell() <= BYTES_MAX:
                return Snapshot(
                    camera=camera, media_type="image/jpeg", width_px=image.width, height_px=image.height,
                    base64=base64.b64encode(content.getvalue()).decode("ascii"),
                )  # fmt: skip
        image = image.resize((max(1, int(image.width * SMALLER)), max(1, int(image.height * SMALLER))))
