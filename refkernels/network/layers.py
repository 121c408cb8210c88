"""Layers of convolutional networks beside convolution: normalisation, pooling, activations.

Arrays are in float32 or float64, and computed in their own dtype: callers widen float16 to float32
and round once at the end. Every layer is in inference form.
"""

import math
from typing import Any

import numpy as np

from refkernels.arrays import Array, require
from refkernels.jit import jit
from refkernels.network.convolution import Pair, check_fits, count_windows, inside

__all__ = [
    "ACTIVATIONS",
    "CONVENTIONS",
    "LEAKY",
    "POOLS",
    "activate",
    "batch_norm",
    "leaky",
    "pool",
    "softmax",
    "upsample",
    "warmup",
]

ACTIVATIONS = ("relu", "sigmoid", "tanh", "softrelu", "softsign")
LEAKY = ("leaky", "prelu", "rrelu", "elu", "selu", "gelu")
POOLS = ("max", "avg", "sum")
CONVENTIONS = ("valid", "full")

# Klambauer et al., "Self-normalizing neural networks", 2017.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def batch_norm(
    x: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float, axis: int = 1
) -> Array:
    """Normalise along `axis`: (x - mean) gamma / sqrt(var + eps) + beta, each of shape (C,)."""
    require(-x.ndim <= axis < x.ndim, f"axis {axis} is out of range for shape {x.shape}")
    axis %= x.ndim
    for name, value in (("gamma", gamma), ("beta", beta), ("mean", mean), ("var", var)):
        require(
            value.shape == (x.shape[axis],),
            f"expected a {name} of shape {(x.shape[axis],)} for axis {axis} of input {x.shape}, "
            f"got {value.shape}",
        )
    require(bool((var >= 0).all()), "expected a variance of at least 0 everywhere")
    scale = gamma / np.sqrt(var + x.dtype.type(eps))
    inner = math.prod(x.shape[axis + 1 :])
    planes = np.ascontiguousarray(x).reshape(-1, x.shape[axis], inner)
    out = np.empty_like(planes)
    _normalise(planes, mean, scale, beta, out)
    return out.reshape(x.shape)


def pool(
    x: Array,
    *,
    kind: str,
    kernel: Pair | None = None,
    stride: Pair = (1, 1),
    pad: Pair = (0, 0),
    convention: str = "valid",
    count_include_pad: bool = True,
) -> Array:
    """Reduce windows of `x` (B, C, H, W) to their maximum, mean or sum.

    Parameters
    ----------
    x : numpy.ndarray
    kind : {'max', 'avg', 'sum'}
    kernel : pair of int, optional
        A window's height and width; None is the whole image.
    stride, pad : pair of int
    convention : {'valid', 'full'}
        Whether (n + 2 pad - kernel) / stride is rounded down or up; one more is how many windows
        there are along an axis of length n.
    count_include_pad : bool
        Whether a mean counts what of the window lies in the padding (what lies beyond the padding,
        which 'full' can reach, never counts). A maximum is over the image alone.
    """
    require(x.ndim == 4, f"expected images (B, C, H, W), got shape {x.shape}")
    batch, channels, height, width = x.shape
    if kernel is None:
        require(height > 0 and width > 0, f"expected images of at least one pixel, got {x.shape}")
        flat = x.reshape(batch, channels, height * width)
        reduced: Array = flat.max(-1) if kind == "max" else flat.sum(-1)
        if kind == "avg":
            reduced /= x.dtype.type(height * width)
        return reduced[:, :, None, None]
    rows, columns = (
        count_windows(size, k, s, p, convention)
        for size, k, s, p in zip((height, width), kernel, stride, pad, strict=True)
    )
    check_fits((batch, channels, rows, columns), x, f"pad {pad}")
    covered_h = _cover(height, kernel[0], stride[0], pad[0], rows, count_include_pad)
    covered_w = _cover(width, kernel[1], stride[1], pad[1], columns, count_include_pad)
    planes = np.ascontiguousarray(x).reshape(-1, height, width)
    out = np.empty((planes.shape[0], rows, columns), x.dtype)
    _pool(planes, *kernel, *stride, *pad, kind == "max", out)
    if kind == "avg":
        out /= (covered_h[:, None] * covered_w).astype(x.dtype)
    return out.reshape(batch, channels, rows, columns)


def upsample(x: Array, *, scale: int) -> Array:
    """Repeat each pixel of `x` (B, C, H, W) `scale` times along both axes."""
    require(x.ndim == 4, f"expected images (B, C, H, W), got shape {x.shape}")
    check_fits((*x.shape[:2], x.shape[2] * scale, x.shape[3] * scale), x, f"scale {scale}")
    repeated: Array = x.repeat(scale, axis=2).repeat(scale, axis=3)
    return repeated


def activate(x: Array, *, kind: str) -> Array:
    """Apply relu, sigmoid, tanh, softrelu (log(1 + exp x)) or softsign (x / (1 + abs x))."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    result: Array
    if kind == "relu":
        result = np.maximum(x, zero)
    elif kind == "tanh":
        result = np.tanh(x)
    elif kind == "softsign":
        result = x / (one + np.abs(x))
    else:
        decay = np.exp(-np.abs(x))  # never overflows, whatever the sign
        if kind == "softrelu":
            result = np.maximum(x, zero) + np.log1p(decay)
        else:
            result = np.where(x < 0, decay, one) / (one + decay)
    return result


def leaky(x: Array, gamma: Array | None = None, *, kind: str, slope: float = 0.25) -> Array:
    """Apply a relative of relu: leaky, prelu (slopes `gamma`), rrelu, elu, selu or gelu.

    In inference rrelu is leaky with the mean of its bounds, which is then the `slope`.
    """
    type_ = x.dtype.type
    if kind == "gelu":
        values = np.ascontiguousarray(x)
        out = np.empty_like(values)
        _gelu(values.reshape(-1), out.reshape(-1))
        return out
    if kind == "selu":
        scaled: Array = type_(SELU_SCALE) * np.where(x > 0, x, type_(SELU_ALPHA) * _expm1(x))
        return scaled
    if kind == "elu":
        return np.where(x > 0, x, type_(slope) * _expm1(x))
    if kind != "prelu":
        return np.where(x > 0, x, type_(slope) * x)
    assert gamma is not None
    require(
        gamma.size == 1 or (x.ndim > 1 and gamma.shape == (x.shape[1],)),
        f"expected a slope for each channel of input {x.shape}, or one, got shape {gamma.shape}",
    )
    if gamma.size == 1:
        return np.where(x > 0, x, gamma.reshape(()) * x)
    return np.where(x > 0, x, gamma.reshape(-1, *(1,) * (x.ndim - 2)) * x)


def softmax(x: Array, *, axis: int = -1, log: bool = False, temperature: float = 1.0) -> Array:
    """Apply softmax, or its logarithm, along `axis`, to `x` / `temperature`."""
    require(-x.ndim <= axis < x.ndim, f"axis {axis} is out of range for shape {x.shape}")
    if temperature != 1:
        x = x / x.dtype.type(temperature)
    if not x.size:
        return x.copy()
    shifted = x - x.max(axis, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(axis, keepdims=True)
    result: Array = shifted - np.log(total) if log else powers / total
    return result


def warmup() -> None:
    """Compile the kernels for float32 and float64."""
    for dtype in (np.float32, np.float64):
        x = np.ones((1, 2, 3, 3), dtype)
        batch_norm(x, *np.ones((4, 2), dtype), eps=1.0)
        pool(x, kind="max", kernel=(2, 2))
        leaky(x, kind="gelu")


def _cover(size: int, kernel: int, stride: int, pad: int, count: int, padding: bool) -> Array:
    """Return how many entries each window along an axis averages over; each must have a pixel."""
    start: Array = np.arange(count) * stride - pad
    stop: Array = np.minimum(start + kernel, size + pad)
    pixels: Array = np.minimum(stop, size) - np.maximum(start, 0)
    require(
        bool((pixels > 0).all()),
        f"window {int(np.argmin(pixels > 0))} along an axis of {size} pixels, with kernel "
        f"{kernel}, stride {stride} and pad {pad}, covers no pixel",
    )
    return stop - start if padding else pixels


def _expm1(x: Array) -> Any:
    """Return exp(x) - 1 where x < 0, without overflow elsewhere."""
    return np.expm1(np.minimum(x, x.dtype.type(0)))


@jit
def _normalise(x, mean, scale, beta, out):  # type: ignore[no-untyped-def]
    for i in range(x.shape[0]):
        for channel in range(x.shape[1]):
            source, target = x[i, channel], out[i, channel]
            centre, factor, shift = mean[channel], scale[channel], beta[channel]
            for k in range(source.shape[0]):
                target[k] = (source[k] - centre) * factor + shift


@jit
def _pool(  # type: ignore[no-untyped-def]
    x, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, maximum, out
):
    """Fill `out` (P, OH, OW) with the maxima or sums of windows of `x` (P, H, W)."""
    planes, height, width = x.shape
    rows, columns = out.shape[1:]
    start = x.dtype.type(-np.inf) if maximum else x.dtype.type(0)
    for plane in range(planes):
        for row in range(rows):
            target = out[plane, row]
            target[:] = start
            top = row * stride_h - pad_h
            for y in range(max(top, 0), min(top + kernel_h, height)):
                for j in range(kernel_w):
                    offset = j - pad_w
                    low, high = inside(width, columns, stride_w, offset)
                    if low >= high:
                        continue
                    source = x[plane, y, low * stride_w + offset :]
                    inner = target[low:high]
                    if maximum:
                        for k in range(inner.shape[0]):
                            inner[k] = max(inner[k], source[stride_w * k])
                    else:
                        for k in range(inner.shape[0]):
                            inner[k] += source[stride_w * k]


@jit
def _gelu(x, out):  # type: ignore[no-untyped-def]
    half, one = x.dtype.type(0.5), x.dtype.type(1)
    root = x.dtype.type(math.sqrt(0.5))
    for i in range(x.shape[0]):
        # 1 + erf(-t) cancels for large t; erfc(t) is the same without that.
        out[i] = (
            half * x[i] * x.dtype.type(math.erfc(-x[i] * root))
            if x[i] < 0
            else (half * x[i] * (one + x.dtype.type(math.erf(x[i] * root))))
        )
