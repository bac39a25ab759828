"""From training pictures to an int8 network: tune, mix with the ImageNet weights, convert."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training import backbone, convert, grocery, pixels, tune, views
from training.backbone import Backbone


def start() -> Backbone:
    """Return the network that every run starts from."""
    network = backbone.pretrained()
    network.freeze(backbone.FROZEN_BLOCKS)
    return network


def tuned(rows: NDArray[np.int64], name: str, memory: Path, recipe: tune.Recipe) -> Backbone:
    """Return the network tuned on some of the training pictures; its weights are kept in the folder `memory`."""
    network = start()
    kept = memory / f"{name}.pt"
    if kept.exists():
        network.load_state_dict(torch.load(kept, weights_only=True))
        return network
    maps = views.maps(network, pixels.pictures("train", memory), memory, "train")
    fine = np.array([shot.fine for shot in grocery.shots("train")])[rows]
    _, number = np.unique(fine, return_inverse=True)
    network = tune.tuned(network, maps, rows, number, recipe, name).cpu()
    torch.save(network.state_dict(), kept)
    return network


def write(rows: NDArray[np.int64], path: Path, memory: Path, recipe: tune.Recipe) -> str:
    """Write the int8 network for some of the training pictures, and return its hash."""
    network = backbone.mixed(start(), tuned(rows, path.stem, memory, recipe), tune.SHARE)
    return convert.write(backbone.plain(network), pixels.pictures("train", memory)[rows], path)
