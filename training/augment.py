"""How training pictures are varied: where the product is, how it is lit, how sharp it is, what of it is seen.

All on batches of n x 3 x side x side in 0 to 255, on whatever device they are.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

GREY = 127.0


def varied(pictures: Tensor, side_px: int, random: torch.Generator) -> Tensor:
    """Return the batch cropped, turned, lit and blurred at random, at `side_px`."""
    seen = _placed(pictures, side_px, random)
    seen = _coarse(seen, random)
    seen = _lit(seen, random)
    return _cut_out(seen, random)


def _uniform(count: int, low: float, high: float, random: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=random)


def _placed(pictures: Tensor, side_px: int, random: torch.Generator) -> Tensor:
    """Crop 35 to 100 % of the area, mirror, turn a little (one in eight by any angle)."""
    count = len(pictures)
    reach = _uniform(count, 0.35, 1.0, random).sqrt()
    stretch = _uniform(count, math.log(3 / 4), math.log(4 / 3), random).exp().sqrt()
    across, down = (reach * stretch).clamp(max=1), (reach / stretch).clamp(max=1)
    angle = torch.randn(count, generator=random) * math.radians(10)
    angle = torch.where(torch.rand(count, generator=random) < 1 / 8, _uniform(count, -math.pi, math.pi, random), angle)
    mirror = torch.where(torch.rand(count, generator=random) < 0.5, -1.0, 1.0)
    cos, sin = angle.cos(), angle.sin()
    to_x = (1 - across) * _uniform(count, -1, 1, random)
    to_y = (1 - down) * _uniform(count, -1, 1, random)
    along = torch.stack([across * cos * mirror, -down * sin, to_x], 1)
    aside = torch.stack([across * sin * mirror, down * cos, to_y], 1)
    theta = torch.stack([along, aside], 1).to(pictures.device)
    grid = functional.affine_grid(theta, [count, 3, side_px, side_px], align_corners=False)
    return functional.grid_sample(pictures - GREY, grid, align_corners=False) + GREY


def _coarse(seen: Tensor, random: torch.Generator) -> Tensor:
    """Make a quarter of the batch as coarse as small things in a camera's picture are."""
    count, side_px = len(seen) // 4, seen.shape[-1]
    if not count:
        return seen
    small_px = int(_uniform(1, 72, 180, random).item())
    small = functional.interpolate(seen[:count], size=(small_px, small_px), mode="area")
    blurred = functional.interpolate(small, size=(side_px, side_px), mode="bilinear", align_corners=False)
    return torch.cat([blurred, seen[count:]])


def _lit(seen: Tensor, random: torch.Generator) -> Tensor:
    """Change brightness, contrast, saturation and white balance, and add noise."""
    count = len(seen)

    def one(low: float, high: float, channels: int = 1) -> Tensor:
        drawn = _uniform(count * channels, low, high, random)
        return drawn.reshape(count, channels, 1, 1).to(seen.device)

    grey = seen.mean(dim=1, keepdim=True)
    seen = grey + (seen - grey) * one(0.6, 1.4)
    middle = grey.mean(dim=(2, 3), keepdim=True)
    seen = middle + (seen - middle) * one(0.7, 1.3)
    seen = seen * one(0.7, 1.3) * one(0.92, 1.08, 3)
    noise = torch.randn(seen.shape[-2:], generator=random).to(seen.device)
    return (seen + noise * one(0, 8)).clamp(0, 255)


def _cut_out(seen: Tensor, random: torch.Generator) -> Tensor:
    """Show a sixth of the batch through an ellipse, as crops of a platform are cut out, and cover a part of a sixth."""
    count, side_px = len(seen), seen.shape[-1]
    line = torch.linspace(-1, 1, side_px)
    high, wide = _uniform(count, 0.75, 1.2, random), _uniform(count, 0.5, 1.2, random)
    far = (line / wide[:, None])[:, None, :].square() + (line / high[:, None])[:, :, None].square() > 1
    far &= (torch.rand(count, generator=random) < 1 / 6)[:, None, None]
    left, top = _uniform(count, -1, 1, random), _uniform(count, -1, 1, random)
    size = _uniform(count, 0.1, 0.35, random)
    covered = (line - left[:, None]).abs()[:, None, :] < size[:, None, None]
    covered = covered & ((line - top[:, None]).abs()[:, :, None] < size[:, None, None])
    covered &= (torch.rand(count, generator=random) < 1 / 6)[:, None, None]
    return seen.masked_fill((far | covered)[:, None].to(seen.device), GREY)
