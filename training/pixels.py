"""All pictures of a split as one array, decoded once; and pixels as the network takes them."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from station.vision.interpreter import PIXEL_MEAN, PIXEL_SCALE
from training import grocery, progress

SIDE_PX = 320


def pictures(split: str, memory: Path) -> NDArray[np.uint8]:
    """Return all pictures of a split as n x 3 x 320 x 320; kept in the folder `memory`."""
    kept = memory / f"{split}-{SIDE_PX}.npy"
    if not kept.exists():
        memory.mkdir(parents=True, exist_ok=True)
        shots = grocery.shots(split)
        taken = progress.bar(f"pictures of {split}", shots, len(shots))
        np.save(kept, np.stack([grocery.pixels(shot, SIDE_PX).transpose(2, 0, 1) for shot in taken]))
    return np.asarray(np.load(kept, mmap_mode="r"))


def normal(seen: Tensor) -> Tensor:
    """Return pixels of 0 to 255 as the network takes them."""
    return ((seen - PIXEL_MEAN) / PIXEL_SCALE).contiguous(memory_format=torch.channels_last)
