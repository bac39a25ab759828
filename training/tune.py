"""Tune the upper blocks so that pictures of one product come to lie together, apart from those of others.

A cosine head over the classes (one scale, no bias), label smoothing, mixed feature maps, AdamW with one cycle, a
running average of the weights. The average is then mixed with the ImageNet weights (`backbone.mixed`), so that what
is known of goods outside the data set is not forgotten.
"""

import copy
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from training import backbone, progress
from training.backbone import Backbone
from training.views import Maps

BATCH = 32
SMOOTHING = 0.1
MIXED, MIX_BETA = 0.5, 0.4  # share of batches that are mixed, and how
AVERAGE = 0.99  # what a step leaves of the running average
START_PICTURES = 6  # a class's direction in the head starts as the mean of so many
CLIP = 5.0
WEIGHT_DECAY = 0.02
SHARE = 0.8  # of the tuned weights in what is kept; the rest is ImageNet's


class Recipe(NamedTuple):
    """What can be chosen for a run."""

    epochs: int = 4
    rate: float = 8e-4
    head_rate: float = 6e-3
    scale: float = 20.0
    seed: int = 20


class Head(nn.Module):
    """Cosines of features and classes, scaled."""

    def __init__(self, start: Tensor, scale: float) -> None:
        super().__init__()
        self.weight, self.scale = nn.Parameter(start), scale

    def forward(self, features: Tensor) -> Tensor:
        """Return n x classes."""
        return functional.linear(functional.normalize(features), functional.normalize(self.weight)) * self.scale


def tuned(
    network: Backbone, maps: Maps, rows: NDArray[np.int64], classes: NDArray[np.int64], recipe: Recipe, name: str
) -> Backbone:
    """Return the network with its upper blocks tuned on the lower ones' maps (views x all pictures x c x h x w).

    `rows` are the pictures to learn from, `classes` theirs, from 0 with none left out.
    """
    torch.manual_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    network = copy.deepcopy(network).to(backbone.device())
    head = Head(_centres(network, maps[0], rows, classes), recipe.scale).to(backbone.device())
    orders = [random.permutation(len(rows)) for _ in range(recipe.epochs)]
    steps = [order[at : at + BATCH] for order in orders for at in range(0, len(order) - BATCH // 2, BATCH)]
    body = [value for value in network.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW([{"params": body}, {"params": head.parameters()}], weight_decay=WEIGHT_DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [recipe.rate, recipe.head_rate], total_steps=len(steps), pct_start=0.2
    )
    average = copy.deepcopy(network)
    for number, batch in enumerate(progress.bar(name, steps, len(steps))):
        loss = _loss(network, head, _taken(maps, rows[batch], random), torch.from_numpy(classes[batch]), random)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(body, CLIP)
        optimiser.step()
        cycle.step()
        _follow(average, network, min(AVERAGE, number / (number + 10)))
    return average


def _taken(maps: Maps, batch: NDArray[np.int64], random: np.random.Generator) -> Tensor:
    """Return a batch of feature maps, each from a view drawn at random, half of them mirrored."""
    views = random.integers(len(maps), size=len(batch))
    seen = np.stack([maps[view, index] for view, index in zip(views, batch, strict=True)]).astype(np.float32)
    mirrored = random.random(len(batch)) < 0.5
    seen[mirrored] = seen[mirrored, :, :, ::-1]
    return torch.from_numpy(seen).to(backbone.device()).contiguous(memory_format=torch.channels_last)


def _loss(network: Backbone, head: Head, seen: Tensor, classes: Tensor, random: np.random.Generator) -> Tensor:
    target = functional.one_hot(classes, len(head.weight)).float().to(seen.device)
    if random.random() < MIXED:
        other = torch.from_numpy(random.permutation(len(seen))).to(seen.device)
        share = float(random.beta(MIX_BETA, MIX_BETA))
        seen, target = share * seen + (1 - share) * seen[other], share * target + (1 - share) * target[other]
    logits = head(network.upper(seen).mean(dim=(2, 3)))
    return functional.cross_entropy(logits, target, label_smoothing=SMOOTHING)


def _follow(average: Backbone, network: Backbone, kept: float) -> None:
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
            if fast.requires_grad:
                slow.lerp_(fast, 1 - kept)


def _centres(
    network: Backbone, maps: NDArray[np.float16], rows: NDArray[np.int64], classes: NDArray[np.int64]
) -> Tensor:
    """Return the mean direction of each class under the untuned network: where the head starts."""
    count = int(classes.max()) + 1
    few = [rows[classes == number][:START_PICTURES] for number in range(count)]
    with torch.no_grad():
        means = [
            functional.normalize(
                network.upper(torch.from_numpy(maps[some].astype(np.float32)).to(backbone.device())).mean(dim=(2, 3))
            ).mean(dim=0)
            for some in few
        ]
    centres = torch.stack(means)
    return (centres - centres.mean(dim=0)).cpu()
