"""Make `embedder.tflite`: EfficientNet-Lite0, its upper blocks tuned on all training pictures, as static int8."""

import sys
from pathlib import Path

import numpy as np

from station.vision.interpreter import MODEL_PATH
from training import grocery, produce, tune

MEMORY = Path("build/training")


def main() -> None:
    """Make the model and say its hash."""
    digest = produce.write(np.arange(len(grocery.shots("train"))), MODEL_PATH, MEMORY, tune.Recipe())
    sys.stdout.write(f"{MODEL_PATH.name}: {MODEL_PATH.stat().st_size} bytes, sha256:{digest}\n")


if __name__ == "__main__":
    main()
