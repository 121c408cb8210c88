"""What the predictors mean (SPEC section 5)."""

import numpy as np
import numpy.typing as npt

from refkernels.definition.layers import (
    Numbers,
    Pair,
    convolution,
    flatten,
    fully_connected,
)
from refkernels.definition.layers import (
    activation as activate,
)


def ConvPredictor(
    x: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    num_channel: int,
    kernel: Pair = (3, 3),
    pad: Pair = (1, 1),
    stride: Pair = (1, 1),
    activation: str | None = None,
    use_bias: bool = True,
    in_channels: int = 0,
) -> Numbers:
    """Cross-correlation of images (B, C, H, W), or of one (C, H, W), then the activation."""
    images = np.asarray(x)
    batch = images if images.ndim == 4 else images[None]
    out = convolution(batch, weight, bias if use_bias else None, stride=stride, pad=pad)
    return activate(out if images.ndim == 4 else out[0], kind=activation)


def FCPredictor(
    x: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    num_output: int,
    activation: str | None = None,
    use_bias: bool = True,
) -> Numbers:
    """Return x W^T + b, with all axes but the first as one, after the activation."""
    out = fully_connected(flatten(x), weight, bias if use_bias else None)
    return activate(out, kind=activation)
