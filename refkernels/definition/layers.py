"""What the layers of convolutional networks mean (SPEC section 5), in inference form.

Inputs are taken exactly as given, and results are fractions: exact ones wherever the layer is
rational. Roots, exp and log are right to 300 bits, and fractions too, so that layers can follow.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import lcm
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
Pair = tuple[int, int]

BITS = 300
mp = mpmath.mp.clone()
mp.prec = BITS


def exactly(array: npt.ArrayLike) -> Numbers:
    """Return the numbers of an array as fractions, none of them rounded."""
    given = np.asarray(array)
    if given.dtype == object:
        return given
    numbers = np.empty(given.shape, object)
    for index in np.ndindex(given.shape):
        numbers[index] = Fraction(given[index].item())
    return numbers


def parameter(value: float, computing: npt.DTypeLike | None) -> Fraction:
    """Round a parameter that enters arithmetic to the computing dtype (SPEC section 0)."""
    return Fraction(value if computing is None else np.asarray(value, computing).item())


def _over_one(numbers: Numbers) -> tuple[Numbers, int]:
    """Return fractions as numerators over one denominator, and that: sums of such are integers."""
    denominator = lcm(*(number.denominator for number in numbers.flat))
    numerators = np.empty(numbers.shape, object)
    for index in np.ndindex(numbers.shape):
        number = numbers[index]
        numerators[index] = number.numerator * (denominator // number.denominator)
    return numerators, denominator


def convolution(
    x: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    stride: Pair = (1, 1),
    pad: Pair = (0, 0),
    dilate: Pair = (1, 1),
    groups: int = 1,
) -> Numbers:
    """Cross-correlation of images (B, C, H, W) with (F, C / groups, kh, kw); 0 beyond the edges.

    out[b, f, i, j] = sum over c, p, q of x[b, c, i s - pad + p d, j s - pad + q d] w[f, c, p, q],
    where c runs over the channels of the group of f; plus bias[f].
    """
    (images, of_image), (taps, of_tap) = _over_one(exactly(x)), _over_one(exactly(weight))
    batch, _, height, width = images.shape
    filters, depth, kernel_h, kernel_w = taps.shape
    rows = (height + 2 * pad[0] - dilate[0] * (kernel_h - 1) - 1) // stride[0] + 1
    columns = (width + 2 * pad[1] - dilate[1] * (kernel_w - 1) - 1) // stride[1] + 1
    out = np.empty((batch, filters, rows, columns), object)
    for b, f, i, j in np.ndindex(out.shape):
        first = f // (filters // groups) * depth
        total = 0
        for c, p, q in product(range(depth), range(kernel_h), range(kernel_w)):
            y = i * stride[0] - pad[0] + p * dilate[0]
            z = j * stride[1] - pad[1] + q * dilate[1]
            if 0 <= y < height and 0 <= z < width:
                total += images[b, first + c, y, z] * taps[f, c, p, q]
        out[b, f, i, j] = Fraction(total, of_image * of_tap)
    if bias is not None:
        out = out + exactly(bias).reshape(1, -1, 1, 1)
    return out


def fully_connected(
    x: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike | None = None
) -> Numbers:
    """Return x W^T + b for rows (..., K) and a weight (F, K)."""
    (rows, of_row), (matrix, of_weight) = _over_one(exactly(x)), _over_one(exactly(weight))
    out = np.empty((*rows.shape[:-1], len(matrix)), object)
    for index in np.ndindex(out.shape):
        row = rows[index[:-1]]
        total = sum(a * w for a, w in zip(row, matrix[index[-1]], strict=True))
        out[index] = Fraction(total, of_row * of_weight)
    if bias is not None:
        out = out + exactly(bias)
    return out


def batch_norm(
    x: npt.ArrayLike,
    gamma: npt.ArrayLike,
    beta: npt.ArrayLike,
    mean: npt.ArrayLike,
    var: npt.ArrayLike,
    *,
    eps: Fraction,
    axis: int = 1,
    fix_gamma: bool = False,
) -> Numbers:
    """(x - mean) gamma / sqrt(var + eps) + beta, along `axis`; gamma is 1 with `fix_gamma`."""
    values = np.moveaxis(exactly(x), axis, -1)
    out = np.empty(values.shape, object)
    gammas, betas, means, variances = (exactly(a) for a in (gamma, beta, mean, var))
    scales = each(lambda v: inverse_root(v + eps), variances)
    if not fix_gamma:
        scales = scales * gammas
    for index in np.ndindex(values.shape):
        c = index[-1]
        out[index] = (values[index] - means[c]) * scales[c] + betas[c]
    return np.moveaxis(out, -1, axis)


def inverse_root(value: Fraction) -> Fraction:
    """Return 1 / sqrt(value), right to 300 bits."""
    return as_fraction(1 / mp.sqrt(as_real(value)))


def pooling(
    x: npt.ArrayLike,
    *,
    kind: str,
    kernel: Pair,
    stride: Pair = (1, 1),
    pad: Pair = (0, 0),
    convention: str = "valid",
    count_include_pad: bool = True,
) -> Numbers:
    """Reduce windows of images (B, C, H, W) to their maximum, mean or sum.

    There are (n + 2 pad - kernel) / stride + 1 windows along an axis, rounded down ('valid') or up
    ('full'). Padding is never a maximum, adds nothing to a sum, and counts in a mean if
    `count_include_pad`; what a window reaches beyond the padding does not.
    """
    images = exactly(x)
    batch, channels, *sizes = images.shape
    counts = []
    for n, k, s, p in zip(sizes, kernel, stride, pad, strict=True):
        steps = Fraction(n + 2 * p - k, s)
        counts.append((steps.__ceil__() if convention == "full" else steps.__floor__()) + 1)
    out = np.empty((batch, channels, *counts), object)
    for b, c, i, j in np.ndindex(out.shape):
        window, size = [], 0
        for p, q in product(range(kernel[0]), range(kernel[1])):
            y, z = i * stride[0] - pad[0] + p, j * stride[1] - pad[1] + q
            inside = 0 <= y < sizes[0] and 0 <= z < sizes[1]
            if inside:
                window.append(images[b, c, y, z])
            in_padding = y < sizes[0] + pad[0] and z < sizes[1] + pad[1]
            size += inside or (count_include_pad and in_padding)
        if kind == "max":
            out[b, c, i, j] = max(window)
        else:
            total = sum(window, Fraction(0))
            out[b, c, i, j] = total / size if kind == "avg" else total
    return out


def global_pooling(x: npt.ArrayLike, *, kind: str) -> Numbers:
    """One window over the whole of each image."""
    images = exactly(x)
    return pooling(images, kind=kind, kernel=(images.shape[2], images.shape[3]))


def upsampling(x: npt.ArrayLike, *, scale: int) -> Numbers:
    """out[b, c, i, j] = x[b, c, i // scale, j // scale]."""
    images = exactly(x)
    batch, channels, height, width = images.shape
    out = np.empty((batch, channels, height * scale, width * scale), object)
    for b, c, i, j in np.ndindex(out.shape):
        out[b, c, i, j] = images[b, c, i // scale, j // scale]
    return out


def slice_like(x: npt.ArrayLike, like: npt.ArrayLike, *, axes: Sequence[int] = ()) -> Numbers:
    """Cut `x` to the length of `like` along `axes`, or along all of them if none is given."""
    values, shape = exactly(x), np.shape(np.asarray(like))
    for axis in axes or range(values.ndim):
        values = np.take(values, range(shape[axis]), axis)
    return values


def elementwise_sum(*arrays: npt.ArrayLike) -> Numbers:
    """Add arrays of one shape."""
    total = exactly(arrays[0])
    for array in arrays[1:]:
        total = total + exactly(array)
    return total


def elementwise_product(x: npt.ArrayLike, y: npt.ArrayLike) -> Numbers:
    """Multiply arrays, whose axes of length 1 are repeated."""
    return exactly(x) * exactly(y)


def concat(*arrays: npt.ArrayLike, axis: int = 1) -> Numbers:
    """Arrays end to end along `axis`."""
    return np.concatenate([exactly(array) for array in arrays], axis)


def dropout(x: npt.ArrayLike) -> Numbers:
    """Nothing is dropped in inference."""
    return exactly(x)


def flatten(x: npt.ArrayLike) -> Numbers:
    """All axes but the first as one."""
    values = exactly(x)
    return values.reshape(len(values), int(np.prod(values.shape[1:])))


def clip(x: npt.ArrayLike, *, low: Fraction, high: Fraction) -> Numbers:
    """Every number brought into [low, high]."""
    return each(lambda v: min(max(v, low), high), exactly(x))


def activation(x: npt.ArrayLike, *, kind: str | None) -> Numbers:
    """relu, sigmoid, tanh, softrelu or softsign of every number; None leaves it as it is."""
    values = exactly(x)
    if kind is None:
        return values
    return each(ACTIVATIONS[kind], values)


def sigmoid(v: Fraction) -> Any:
    """1 / (1 + exp(-v))."""
    return 1 / (1 + mp.exp(-as_real(v)))


def softrelu(v: Fraction) -> Any:
    """log(1 + exp(v))."""
    return mp.log1p(mp.exp(as_real(v)))


ACTIVATIONS = {
    "relu": lambda v: max(v, Fraction(0)),
    "sigmoid": sigmoid,
    "tanh": lambda v: mp.tanh(as_real(v)),
    "softrelu": softrelu,
    "softsign": lambda v: v / (1 + abs(v)),
}


def unary(x: npt.ArrayLike, *, kind: str) -> Numbers:
    """Apply abs, negative, exp or log1p to every number."""
    return each(UNARY[kind], exactly(x))


UNARY = {
    "abs": abs,
    "negative": lambda v: -v,
    "exp": lambda v: mp.exp(as_real(v)),
    "log1p": lambda v: mp.log1p(as_real(v)),
}


def leaky_relu(
    x: npt.ArrayLike,
    gamma: npt.ArrayLike | None = None,
    *,
    kind: str,
    slope: Fraction = Fraction(1, 4),
) -> Numbers:
    """Apply a relative of relu: x where positive, and where not, what `kind` says.

    leaky and rrelu: slope x (in inference rrelu's slope is the mean of its bounds); prelu: gamma x,
    with a gamma for each channel, or one; elu: slope (exp x - 1). Beside these, selu is
    scale (x or alpha (exp x - 1)), and gelu x (1 + erf(x / sqrt 2)) / 2 for every x, where
    1 + erf(t) = erfc(-t).
    """
    values = exactly(x)
    if kind == "gelu":
        return each(lambda v: as_real(v) * mp.erfc(-as_real(v) / mp.sqrt(2)) / 2, values)
    if kind == "selu":
        alpha = mp.mpf("1.6732632423543772848170429916717")
        scale = mp.mpf("1.0507009873554804934193349852946")
        return each(
            lambda v: scale * (as_real(v) if v > 0 else alpha * mp.expm1(as_real(v))), values
        )
    if kind == "elu":
        return each(lambda v: v if v > 0 else as_real(slope) * mp.expm1(as_real(v)), values)
    if kind != "prelu":
        return each(lambda v: v if v > 0 else slope * v, values)
    assert gamma is not None
    gammas = exactly(gamma).reshape(-1)
    out = np.empty(values.shape, object)
    for index in np.ndindex(values.shape):
        v = values[index]
        out[index] = v if v > 0 else gammas[index[1] if len(gammas) > 1 else 0] * v
    return out


def softmax(x: npt.ArrayLike, *, axis: int = -1, log: bool = False) -> Numbers:
    """Return exp x over its sum along `axis`, or the logarithm of that."""
    powers = each(lambda v: mp.exp(as_real(v)), exactly(x))
    share = powers / powers.sum(axis, keepdims=True)
    return each(lambda v: mp.log(as_real(v)), share) if log else share


def each(function: Any, values: Numbers) -> Numbers:
    """Apply a function to every number; its results become fractions."""
    out = np.empty(values.shape, object)
    for index in np.ndindex(values.shape):
        result = function(values[index])
        out[index] = result if isinstance(result, Fraction) else as_fraction(result)
    return out


def as_real(value: Fraction) -> Any:
    """Return a fraction to 300 bits."""
    return mp.mpf(value.numerator) / value.denominator


def as_fraction(value: Any) -> Fraction:
    """Return a number of 300 bits as the fraction that it is."""
    sign, mantissa, exponent, _ = value._mpf_
    whole = -int(mantissa) if sign else int(mantissa)
    return Fraction(whole << exponent) if exponent >= 0 else Fraction(whole, 1 << -exponent)
