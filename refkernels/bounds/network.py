"""How far a correct evaluation of a layer may be off: bounds that grow with the length of its sums.

Everything rests on the standard model of `bounds.arithmetic`: one operation errs by at most u
relative to its result. A sum of n products, added up in any order, errs by at most gamma(n) times
the sum of the products' magnitudes, with gamma(n) = n u / (1 - n u) (Higham, "Accuracy and
Stability of Numerical Algorithms", 2002, section 3.1); a fused multiply-add only errs less. k
operations in a row multiply up to (1 + u)^k, which 1 + gamma(k) bounds as well.

Of exp, log, tanh and erf nothing is proved of the machine at hand: they are taken to err by at most
`ELEMENTARY` units in the last place, what vectorised libraries promise.

Bounds are evaluated in float64, whose own rounding the factor `SLACK` covers, and are running ones:
inputs may have errors themselves, for what several layers in a row may be off.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.bounds.arithmetic import Roundoff
from refkernels.network.convolution import convolve, fully_connect
from refkernels.network.layers import SELU_ALPHA, SELU_SCALE, pool
from refkernels.network.mxnet_operators import Layer

__all__ = ["ELEMENTARY", "layer_error"]

SLACK = 1 + 1e-9

# Half a unit in the last place is u, so 4 units are 8 u.
ELEMENTARY = 8.0

# The steepest slope of gelu, at sqrt 2.
GELU_SLOPE = 1.13


def layer_error(
    layer: Layer,
    values: Sequence[Array],
    result: Array,
    unit: Roundoff,
    errors: Sequence[Array] | None = None,
) -> Array:
    """Bound the error of a layer's output.

    Parameters
    ----------
    layer : Layer
    values : sequence of numpy.ndarray
        Its inputs, float64.
    result : numpy.ndarray
        Its output for them, float64.
    unit : Roundoff
        Of the dtype that computes.
    errors : sequence of numpy.ndarray, optional
        Bounds on the errors of the inputs; without them the inputs are exact.

    Returns
    -------
    numpy.ndarray
        The largest absolute error of each element, of the shape of `result`.
    """
    given = errors if errors is not None else [np.zeros(value.shape) for value in values]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        bound = BOUNDS[layer.kind](layer, list(values), list(given), result, unit)
    bound = np.asarray(np.broadcast_to(bound * SLACK, result.shape))
    return bound if _only_moves(layer) else bound + _underflow(unit)


def _only_moves(layer: Layer) -> bool:
    """Whether a layer rounds nothing: it takes numbers from here and puts them there."""
    return (
        BOUNDS[layer.kind] is _moved
        or layer.kind == "clip"
        or (layer.options.get("kind") in ("relu", "max"))
    )


def _underflow(unit: Roundoff) -> float:
    """Return the smallest normal number, which is more than is lost when a result becomes 0."""
    return max(unit.eta / unit.u, float(np.finfo(np.float64).tiny))


def gamma(count: int, unit: Roundoff) -> float:
    """Bound what `count` roundings in a row can do, relative to the result."""
    product = count * unit.u
    return product / (1 - product) if product < 1 else np.inf


def _convolution(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    return _products(layer, values, errors, unit, values[1][0].size, convolve)


def _fully_connected(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    rows = [values[0], errors[0]]
    if layer.options["flatten"]:
        rows = [array.reshape(len(array), values[1].shape[1]) for array in rows]
    flat = Layer(layer.kind, layer.run)
    return _products(
        flat,
        [rows[0], *values[1:]],
        [rows[1], *errors[1:]],
        unit,
        values[1].shape[1],
        fully_connect,
    )


def _products(
    layer: Layer,
    values: list[Array],
    errors: list[Array],
    unit: Roundoff,
    count: int,
    apply: Callable[..., Array],
) -> Any:
    """Bound sums of `count` products and a bias, added in any order."""
    x, weight, *bias = values
    magnitude = apply(np.abs(x) + errors[0], np.abs(weight), *map(np.abs, bias), **layer.options)
    carried = apply(errors[0], np.abs(weight), **layer.options)
    rounding = gamma(count + len(bias), unit) * magnitude
    return carried + rounding + count * _underflow(unit)


def _batch_norm(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    """Bound x s - m s + beta with s = gamma / sqrt(var + eps).

    var + eps has two roundings, eps' own among them, which the root halves; the root, its inverse
    and the product with gamma add three, so s has 4. Multiplied out or not, another 3 follow.
    """
    axis = layer.options["axis"]
    shape = [1] * values[0].ndim
    shape[axis] = -1
    scale, shift, mean, var = (value.reshape(shape) for value in values[1:])
    if layer.options["fix_gamma"]:
        scale = np.ones_like(scale)
    scale = np.abs(scale) / np.sqrt(var + layer.options["eps"])
    magnitude = (np.abs(values[0]) + errors[0] + np.abs(mean)) * scale + np.abs(shift)
    return scale * errors[0] + gamma(7, unit) * magnitude


def _pooling(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    """Bound a window's sum, then its division, which may be a product with a rounded inverse."""
    carried = pool(errors[0], **layer.options)
    if layer.options["kind"] == "max":
        return carried
    kernel = layer.options["kernel"]
    count = int(np.prod(values[0].shape[2:] if kernel is None else kernel))
    rounds = count - 1 + (2 if layer.options["kind"] == "avg" else 0)
    magnitude = pool(np.abs(values[0]) + errors[0], **layer.options)
    return carried * (1 + gamma(rounds, unit)) + gamma(rounds, unit) * magnitude


def _moved(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    """Numbers that are only moved keep their errors."""
    if layer.kind in ("slice_like", "reshape_like"):
        return layer.run(errors[0], values[1], **layer.options)
    return layer.run(*errors, **layer.options)


def _sum(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    carried = layer.run(*errors, **layer.options)
    if len(values) == 2:
        return carried + unit.u * (np.abs(result) + carried)
    magnitude = layer.run(
        *(np.abs(v) + e for v, e in zip(values, errors, strict=True)), **layer.options
    )
    return carried + gamma(len(values) - 1, unit) * magnitude


def _product(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    (a, b), (ea, eb) = (np.abs(values[0]), np.abs(values[1])), errors
    carried = ea * b + eb * a + ea * eb
    return carried + unit.u * (np.abs(result) + carried)


def _scalar(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    """Bound an operation with a number that is rounded first, and may be inverted first."""
    scalar = abs(layer.options["scalar"])
    if layer.kind == "sum_scalar":
        return errors[0] + gamma(2, unit) * (np.abs(values[0]) + errors[0] + scalar)
    carried = errors[0] * (scalar if layer.kind == "product_scalar" else 1 / scalar)
    return carried + gamma(3, unit) * (np.abs(result) + carried)


def _clip(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    """Bound numbers that are kept, or become one of two that are rounded."""
    rounded = np.zeros(result.shape)
    for limit in (layer.options["low"], layer.options["high"]):
        reached = np.abs(values[0] - limit) <= 2 * unit.u * abs(limit)
        beyond = result == limit
        rounded = np.where(reached | beyond, unit.u * abs(limit), rounded)
    return errors[0] + rounded


def _activation(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    """Bound each formula; what comes in is carried by the steepest slope within its error.

    sigmoid: the error of exp counts by the other side's share, 1 - s, and two operations follow.
    softrelu: the error of exp counts by its slope, the sigmoid, and a logarithm and a sum follow.
    """
    kind = layer.options["kind"]
    carried = _steepest(kind, values[0], errors[0]) * errors[0]
    size = np.abs(result) + carried
    elementary = ELEMENTARY * unit.u
    if kind == "relu":
        return carried
    if kind == "softsign":
        return carried + gamma(2, unit) * size
    if kind == "tanh":
        return carried + elementary * size
    if kind == "sigmoid":
        return carried + (elementary * (1 - result) + gamma(3, unit)) * size
    slope = -np.expm1(-result)  # the sigmoid of x, from log(1 + exp x)
    return carried + elementary * (slope + size) + gamma(2, unit) * size


def _steepest(kind: str, x: Array, error: Array) -> Any:
    """Bound the slope of an activation between `x` - `error` and `x` + `error`."""
    if kind == "relu":
        return x + error > 0
    nearest = np.maximum(np.abs(x) - error, 0)  # to 0, where the others are steepest
    if kind == "softsign":
        return 1 / (1 + nearest) ** 2
    if kind == "tanh":  # 1 / cosh^2
        return np.minimum(1, 4 * np.exp(-2 * nearest))
    if kind == "sigmoid":
        return np.minimum(0.25, np.exp(-nearest))
    return np.minimum(1, np.exp(x + error))  # softrelu's is the sigmoid


def _unary(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    """Bound abs, negative, exp and log1p; the steepest slope of an interval is at its end."""
    kind = layer.options["kind"]
    if kind == "exp":
        carried = np.expm1(errors[0]) * result
    elif kind == "log1p":
        low = values[0] - errors[0]
        carried = np.where(low > -1, errors[0] / (1 + low), np.inf)
    else:
        return errors[0]
    return carried + ELEMENTARY * unit.u * (np.abs(result) + carried)


def _leaky(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    x, size = values[0], np.abs(result)
    kind, slope = layer.options["kind"], abs(layer.options["slope"])
    elementary = ELEMENTARY * unit.u
    if kind == "gelu":
        # x / 2 (1 + erf): erf errs by its own size and by its argument's rounding times its slope.
        bell = np.exp(-(x**2) / 2)
        inner = elementary + gamma(2, unit) * (np.abs(x) * bell + 2)
        return GELU_SLOPE * errors[0] + 0.5 * np.abs(x) * inner + gamma(2, unit) * size
    if kind == "selu":
        steepest = SELU_SCALE * max(1.0, SELU_ALPHA)
        below = elementary * SELU_SCALE * SELU_ALPHA + gamma(4, unit) * size
        return steepest * errors[0] + np.where(x > 0, gamma(2, unit) * size, below)
    if kind == "elu":
        below = elementary * slope + gamma(4, unit) * size
        return max(1.0, slope) * errors[0] + np.where(x > 0, 0, below)
    steepest = max(1.0, float(np.abs(values[1]).max(initial=0)) if kind == "prelu" else slope)
    return steepest * errors[0] + np.where(x > 0, 0, gamma(2, unit) * size)


def _softmax(
    layer: Layer, values: list[Array], errors: list[Array], result: Array, unit: Roundoff
) -> Any:
    """Bound exp(x - max) over its sum, or the logarithm.

    An exponent's absolute error is its power's relative one: that of x / t - max, |x - max| u and
    what came in. The sum errs by the mean of its powers' errors and by gamma(n).
    """
    axis, temperature = layer.options["axis"], layer.options["temperature"]
    x = values[0] / temperature
    top = x.max(axis, keepdims=True)
    shift = np.abs(x - top)
    exponent = 2 * (errors[0].max(axis, keepdims=True, initial=0) / abs(temperature))
    exponent = exponent + unit.u * shift
    if temperature != 1:
        exponent = exponent + gamma(2, unit) * (np.abs(x) + np.abs(top))
    power = exponent + ELEMENTARY * unit.u
    share = np.exp(result) if layer.options["log"] else result
    total = (share * power).sum(axis, keepdims=True) + gamma(x.shape[axis], unit)
    if not layer.options["log"]:
        return result * (power + total + gamma(2, unit))
    logarithm = np.abs(result - (x - top))
    return exponent + total + ELEMENTARY * unit.u * logarithm + gamma(2, unit) * np.abs(result)


BOUNDS: dict[str, Callable[[Layer, list[Array], list[Array], Array, Roundoff], Any]] = {
    "convolution": _convolution,
    "fully_connected": _fully_connected,
    "batch_norm": _batch_norm,
    "pooling": _pooling,
    "activation": _activation,
    "unary": _unary,
    "leaky": _leaky,
    "softmax": _softmax,
    "sum": _sum,
    "product": _product,
    "sum_scalar": _scalar,
    "product_scalar": _scalar,
    "quotient_scalar": _scalar,
    "clip": _clip,
    "upsampling": _moved,
    "slice_like": _moved,
    "concat": _moved,
    "identity": _moved,
    "flatten": _moved,
    "reshape": _moved,
    "reshape_like": _moved,
}
