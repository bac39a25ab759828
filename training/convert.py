"""A network as static int8 `.tflite`, its hash beside it.

The graph ends in the global average of the last feature map (1280 values). Normalisation stays outside: an L2 norm
inside the int8 graph costs accuracy and is not supported by tflite-runtime.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import torch
from ai_edge_quantizer import quantizer, recipe
from numpy.typing import NDArray

from station.vision.interpreter import PIXEL_MEAN, PIXEL_SCALE

CALIBRATION_PICTURES = 200
SEED = 20


def calibration(pixels: NDArray[np.uint8]) -> Iterator[dict[str, Any]]:
    """Yield some of the pictures (n x 3 x side x side) as the float graph takes them."""
    count = min(CALIBRATION_PICTURES, len(pixels))
    for index in np.random.default_rng(SEED).choice(len(pixels), count, replace=False):
        seen = pixels[index].transpose(1, 2, 0).astype(np.float32)
        yield {"args_0": ((seen - PIXEL_MEAN) / PIXEL_SCALE)[np.newaxis]}


def write(network: torch.nn.Module, pixels: NDArray[np.uint8], path: Path) -> str:
    """Convert, quantise on `pixels` (n x 3 x side x side), write the model with its hash, and return the hash."""
    side_px = pixels.shape[-1]
    channel_last = litert_torch.to_channel_last_io(network.eval(), args=[0])
    converted = litert_torch.convert(channel_last, (torch.zeros(1, side_px, side_px, 3),))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        floating = Path(folder) / "float.tflite"
        converted.export(str(floating))
        small = quantizer.Quantizer(str(floating))
        small.load_quantization_recipe(recipe.static_wi8_ai8())
        ranges = small.calibrate({"serving_default": list(calibration(pixels))})
        small.quantize(ranges).export_model(str(path), overwrite=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n", encoding="ascii")
    return digest
