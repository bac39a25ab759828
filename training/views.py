"""What the frozen blocks make of varied pictures, made once and kept: every epoch and every experiment takes it there.

The frozen blocks never change, so their feature maps of a picture's variations are computed once. A mirrored feature
map is close to that of the mirrored picture, which doubles the variations for nothing.
"""

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training import augment, backbone, progress
from training.backbone import Backbone
from training.pixels import normal

SIDE_PX = 224
VIEWS = 6
BATCH = 16
SEED = 20

Maps = NDArray[np.float16]


def maps(network: Backbone, pictures: NDArray[np.uint8], memory: Path, name: str) -> Maps:
    """Return views x n x channels x 14 x 14 feature maps of varied pictures; kept in the folder `memory`."""
    path = memory / f"{name}-{VIEWS}x{SIDE_PX}-{network.frozen}.npy"
    if not path.exists():
        part = path.with_suffix(".part")
        first = network.lower(torch.zeros(1, 3, SIDE_PX, SIDE_PX, device=backbone.device()))
        shape = (VIEWS, len(pictures), *first.shape[1:])
        kept = np.lib.format.open_memmap(part, "w+", np.float16, shape)
        jobs = [(view, start) for view in range(VIEWS) for start in range(0, len(pictures), BATCH)]
        _fill(network, pictures, kept, jobs, name)
        kept.flush()
        part.rename(path)
    return np.asarray(np.load(path, mmap_mode="r"))


def _fill(network: Backbone, pictures: NDArray[np.uint8], kept: Maps, jobs: list[tuple[int, int]], name: str) -> None:
    def fill(job: tuple[int, int]) -> None:
        view, start = job
        random = torch.Generator().manual_seed(SEED + view * len(pictures) + start)
        seen = torch.from_numpy(np.array(pictures[start : start + BATCH])).to(backbone.device()).float()
        lower = network.lower(normal(augment.varied(seen, SIDE_PX, random)))
        kept[view, start : start + BATCH] = lower.cpu().numpy().astype(np.float16)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a batch a core: no waiting for one another
    with ThreadPoolExecutor(1 if torch.cuda.is_available() else cpu_count()) as pool:
        for _ in progress.bar(f"views of {name}", pool.map(fill, jobs), len(jobs)):
            pass
    torch.set_num_threads(threads)
