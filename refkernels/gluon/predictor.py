"""Predictors as Gluon blocks (SPEC section 5); see `refkernels.predictor` for what they mean."""

from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import nn

from refkernels.arrays import check_choice, check_flag, check_integer, check_pair
from refkernels.gluon.block import RealBlock
from refkernels.network.layers import ACTIVATIONS

__all__ = ["ConvPredictor", "FCPredictor"]

# MXNet counts in 32 bits.
MOST = 2**31 - 1


class ConvPredictor(RealBlock):
    """Predict by a 2-D convolution: `refkernels.ConvPredictor` as a block that owns its parameters.

    Gradients flow through. Parameters of float16 are computed with in float32, and the result is
    rounded once, so that a block cast to float16 runs on every context.

    Parameters
    ----------
    num_channel : int
        How many channels the output has.
    kernel, pad, stride : int or pair of int, default (3, 3), (1, 1), (1, 1)
        Height and width, in pixels.
    activation : {None, 'relu', 'sigmoid', 'tanh', 'softrelu', 'softsign'}, default None
    use_bias : bool, default True
        The bias starts at 0, the weight as Xavier with magnitude 2.
    in_channels : int, default 0
        How many channels the input has; 0 takes what comes first.

    References
    ----------
    SPEC section 5.
    """

    def __init__(
        self,
        num_channel: int,
        kernel: int | tuple[int, int] = (3, 3),
        pad: int | tuple[int, int] = (1, 1),
        stride: int | tuple[int, int] = (1, 1),
        activation: str | None = None,
        use_bias: bool = True,
        in_channels: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.predictor = _Conv2D(
                check_integer("num_channel", num_channel, low=1, high=MOST),
                check_pair("kernel", kernel, low=1),
                strides=check_pair("stride", stride, low=1),
                padding=check_pair("pad", pad, low=0),
                activation=_checked(activation),
                use_bias=check_flag("use_bias", use_bias),
                in_channels=check_integer("in_channels", in_channels, low=0, high=MOST),
                weight_initializer=mx.init.Xavier(magnitude=2),
                bias_initializer="zeros",
            )

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Predict from `x`, (B, C, H, W) or (C, H, W)."""
        # A missing batch axis becomes one of length 1; another axis in front of that keeps the
        # ranges of reshape_like from being empty when the batch axis is dropped again.
        images = F.reshape(x, shape=(-1, 0, 0, 0), reverse=True)
        out = F.expand_dims(self.predictor(images), axis=0)
        batch = F.expand_dims(x, axis=0)
        out = F.reshape_like(out, batch, lhs_begin=0, lhs_end=2, rhs_begin=0, rhs_end=-3)
        return F.squeeze(out, axis=0)


class FCPredictor(RealBlock):
    """Predict by a fully connected layer: `refkernels.FCPredictor` as a block.

    Gradients flow through. Parameters of float16 are computed with in float32, and the result is
    rounded once, so that a block cast to float16 runs on every context.

    Parameters
    ----------
    num_output : int
        How many numbers are predicted for each entry of the first axis.
    activation : {None, 'relu', 'sigmoid', 'tanh', 'softrelu', 'softsign'}, default None
    use_bias : bool, default True

    References
    ----------
    SPEC section 5.
    """

    def __init__(
        self,
        num_output: int,
        activation: str | None = None,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.predictor = _Dense(
                check_integer("num_output", num_output, low=1, high=MOST),
                activation=_checked(activation),
                use_bias=check_flag("use_bias", use_bias),
            )

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Predict from `x`, (B, ...)."""
        return self.predictor(x)


class _Accurate:
    """A layer whose float16 form computes in float32, and whose softrelu is right everywhere.

    MXNet multiplies no float16 matrices on a CPU, and rounds after every step on a GPU. Its own
    softrelu is x from 20 on, which float64 tells apart, and below 0 for some negative x on a CPU.
    """

    _soft = False

    def __init__(self, *arguments: Any, activation: str | None, **keywords: Any) -> None:
        self._soft = activation == "softrelu"
        kept = None if self._soft else activation
        super().__init__(*arguments, activation=kept, **keywords)  # type: ignore[call-arg]

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        """Compute half precision in single precision."""
        half = np.dtype(self.weight.dtype) == np.float16  # type: ignore[attr-defined]
        if half:
            x, weight = F.cast(x, "float32"), F.cast(weight, "float32")
            bias = None if bias is None else F.cast(bias, "float32")
        out = super().hybrid_forward(F, x, weight, bias)  # type: ignore[misc]
        if self._soft:
            size = F.abs(out)
            # The mean of x and |x| is relu(x), and its slope at 0 is 1/2, as it should be.
            out = (out + size) * 0.5 + F.log1p(F.exp(-size))
        return F.cast(out, "float16") if half else out


class _Conv2D(_Accurate, nn.Conv2D):
    # Gluon names a layer's parameters after its class.
    def _alias(self) -> str:
        return "conv"


class _Dense(_Accurate, nn.Dense):
    def _alias(self) -> str:
        return "dense"


def _checked(activation: str | None) -> str | None:
    return None if activation is None else check_choice("activation", activation, ACTIVATIONS)
