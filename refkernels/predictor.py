"""Predictors: the last convolution or fully connected layer of a detector (SPEC section 5)."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_real,
    check_choice,
    check_flag,
    check_integer,
    check_pair,
    common_real,
    keep,
    require,
    to_computing,
)
from refkernels.network import convolution
from refkernels.network.layers import ACTIVATIONS, activate

__all__ = ["ConvPredictor", "FCPredictor"]


@dataclass(frozen=True)
class ConvPredictor:
    """Predict by a 2-D convolution: cross-correlation with zero padding, then an activation.

    Parameters
    ----------
    num_channel : int
        How many channels the output has.
    kernel, pad, stride : int or pair of int, default (3, 3), (1, 1), (1, 1)
        Height and width, in pixels.
    activation : {None, 'relu', 'sigmoid', 'tanh', 'softrelu', 'softsign'}, default None
        softrelu is log(1 + exp x), softsign x / (1 + abs x).
    use_bias : bool, default True
    in_channels : int, default 0
        How many channels the input has; 0 takes what comes.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If a parameter is out of range, shapes do not go together, the kernel does not fit into the
        padded image, or an input holds nan or infinity.

    References
    ----------
    SPEC section 5.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(9.0).reshape(1, 3, 3)
    >>> ConvPredictor(1, kernel=(2, 2), pad=(0, 0))(x, np.ones((1, 1, 2, 2)), np.array([0.5]))
    array([[[ 8.5, 12.5],
            [20.5, 24.5]]])
    """

    num_channel: int
    kernel: int | tuple[int, int] = (3, 3)
    pad: int | tuple[int, int] = (1, 1)
    stride: int | tuple[int, int] = (1, 1)
    activation: str | None = None
    use_bias: bool = True
    in_channels: int = 0

    def __post_init__(self) -> None:
        keep(
            self,
            num_channel=check_integer("num_channel", self.num_channel, low=1),
            kernel=check_pair("kernel", self.kernel, low=1),
            pad=check_pair("pad", self.pad, low=0),
            stride=check_pair("stride", self.stride, low=1),
            activation=_checked_activation(self.activation),
            use_bias=check_flag("use_bias", self.use_bias),
            in_channels=check_integer("in_channels", self.in_channels, low=0),
        )

    def __call__(
        self, x: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike | None = None
    ) -> Array:
        """Predict from `x`.

        Parameters
        ----------
        x : array_like, real, (B, C, H, W) or (C, H, W)
            Features.
        weight : array_like, real, (num_channel, C, kh, kw)
        bias : array_like, real, (num_channel,)
            With `use_bias`; else None.

        Returns
        -------
        numpy.ndarray, (B, num_channel, OH, OW) or (num_channel, OH, OW)
            Of the inputs' common dtype. OH is (H + 2 pad - kh) / stride + 1, rounded down.
        """
        images, taps = as_real("x", x), as_real("weight", weight)
        require(
            images.ndim in (3, 4),
            f"x: expected (B, C, H, W) or (C, H, W), got shape {images.shape}",
        )
        channels = images.shape[-3]
        require(
            self.in_channels in (0, channels),
            f"x: expected {self.in_channels} channels, got shape {images.shape}",
        )
        pairs: Any = self  # which holds them as pairs since it was made
        _check_shape("weight", taps, (self.num_channel, channels, *pairs.kernel))
        arrays = [images, taps, *_checked_bias(bias, self.use_bias, self.num_channel)]
        dtype = common_real(*arrays)
        batch, *parameters = (to_computing(array, dtype) for array in arrays)
        with np.errstate(all="ignore"):
            out = convolution.convolve(
                batch[np.newaxis] if images.ndim == 3 else batch,
                *parameters,
                stride=pairs.stride,
                pad=pairs.pad,
            )
            return _activated(out[0] if images.ndim == 3 else out, self.activation, dtype)


@dataclass(frozen=True)
class FCPredictor:
    """Predict by a fully connected layer: flatten, multiply, add, then an activation.

    Parameters
    ----------
    num_output : int
        How many numbers are predicted for each entry of the first axis.
    activation : {None, 'relu', 'sigmoid', 'tanh', 'softrelu', 'softsign'}, default None
        softrelu is log(1 + exp x), softsign x / (1 + abs x).
    use_bias : bool, default True

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If a parameter is out of range, shapes do not go together, or an input holds nan or
        infinity.

    References
    ----------
    SPEC section 5.

    Examples
    --------
    >>> import numpy as np
    >>> weight = np.array([[1.0, 2.0], [0.0, -1.0]])
    >>> FCPredictor(2, activation="relu", use_bias=False)(np.array([[3.0, 4.0]]), weight)
    array([[11.,  0.]])
    """

    num_output: int
    activation: str | None = None
    use_bias: bool = True

    def __post_init__(self) -> None:
        keep(
            self,
            num_output=check_integer("num_output", self.num_output, low=1),
            activation=_checked_activation(self.activation),
            use_bias=check_flag("use_bias", self.use_bias),
        )

    def __call__(
        self, x: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike | None = None
    ) -> Array:
        """Predict from `x`.

        Parameters
        ----------
        x : array_like, real, (B, ...)
            Features, of K numbers for each entry of the first axis.
        weight : array_like, real, (num_output, K)
        bias : array_like, real, (num_output,)
            With `use_bias`; else None.

        Returns
        -------
        numpy.ndarray, (B, num_output)
            Of the inputs' common dtype.
        """
        features, matrix = as_real("x", x, min_ndim=1), as_real("weight", weight)
        width = math.prod(features.shape[1:])
        _check_shape("weight", matrix, (self.num_output, width))
        arrays = [features, matrix, *_checked_bias(bias, self.use_bias, self.num_output)]
        dtype = common_real(*arrays)
        rows, *parameters = (to_computing(array, dtype) for array in arrays)
        with np.errstate(all="ignore"):
            out = convolution.fully_connect(rows.reshape(len(rows), width), *parameters)
            return _activated(out, self.activation, dtype)


def warmup() -> None:
    """Compile the kernels for float32 and float64."""
    convolution.warmup()


def _checked_activation(activation: str | None) -> str | None:
    """Check that `activation` is the name of one, or None."""
    return None if activation is None else check_choice("activation", activation, ACTIVATIONS)


def _check_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    require(array.shape == shape, f"{name}: expected shape {shape}, got {array.shape}")


def _checked_bias(bias: npt.ArrayLike | None, use_bias: bool, length: int) -> list[Array]:
    if not use_bias:
        require(bias is None, "bias: expected None, since use_bias is False")
        return []
    require(bias is not None, f"bias: expected shape {(length,)}, since use_bias is True; got None")
    checked = as_real("bias", bias)
    _check_shape("bias", checked, (length,))
    return [checked]


def _activated(out: Array, activation: str | None, dtype: np.dtype[Any]) -> Array:
    if activation is not None:
        out = activate(out, kind=activation)
    return out.astype(dtype, copy=False)
