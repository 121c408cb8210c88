"""Which layer an MXNet operator is, and with which options: the vocabulary of `GraphEvaluator`.

An attribute that is not known here is an error, since it might change what the operator means.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refkernels.arrays import Array, require
from refkernels.arrays.printing import times
from refkernels.network import layers, reshaping
from refkernels.network.attributes import Attributes
from refkernels.network.convolution import convolve, fully_connect

__all__ = ["OPERATORS", "Layer"]


@dataclass(frozen=True)
class Layer:
    """What a node computes.

    Attributes
    ----------
    kind : str
        The layer's name, the same for all MXNet operators that mean the same.
    run : callable
        Takes the arrays, in the dtype they are computed in, and the options.
    slots : tuple of str
        What each input is, for messages.
    data : int
        How many of the inputs, from the front, are data; the rest are parameters.
    options : dict
    dtype : numpy.dtype, optional
        What the output is cast to; without it, the common dtype of the inputs.
    """

    kind: str
    run: Callable[..., Array]
    slots: tuple[str, ...] = ("data",)
    data: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    dtype: np.dtype[Any] | None = None

    def __call__(self, *arrays: Array) -> Array:
        """Compute the node's output."""
        return self.run(*arrays, **self.options)


def _convolution(a: Attributes, count: int) -> Layer:
    a.ignore("workspace", "cudnn_tune", "cudnn_off")
    a.choice("layout", "NCHW", ("NCHW", "None"))
    kernel = a.pair("kernel", (0, 0), 1)
    filters = a.integer("num_filter", low=1)
    slots = ("data", "weight") if a.flag("no_bias", False) else ("data", "weight", "bias")
    options = {
        "stride": a.pair("stride", (1, 1), 1),
        "pad": a.pair("pad", (0, 0), 0),
        "dilate": a.pair("dilate", (1, 1), 1),
        "groups": a.integer("num_group", 1, low=1),
    }

    def run(x: Array, weight: Array, bias: Array | None = None, **options: Any) -> Array:
        """Return the convolution, with a weight of the filters and the kernel that are declared."""
        found = (weight.shape[:1], weight.shape[2:])
        require(
            found == ((filters,), kernel),
            f"expected a weight of {filters} filters with kernel {kernel}, got {weight.shape}",
        )
        return convolve(x, weight, bias, **options)

    return Layer("convolution", run, slots, options=options)


def _fully_connected(a: Attributes, count: int) -> Layer:
    filters = a.integer("num_hidden", low=1)
    slots = ("data", "weight") if a.flag("no_bias", False) else ("data", "weight", "bias")

    def run(x: Array, weight: Array, bias: Array | None = None, *, flatten: bool) -> Array:
        """Return the product with a weight of as many outputs as are declared."""
        require(
            weight.shape[:1] == (filters,),
            f"expected a weight of {times(filters, 'output')}, got {weight.shape}",
        )
        return fully_connect(_flat(x) if flatten else x, weight, bias)

    return Layer("fully_connected", run, slots, options={"flatten": a.flag("flatten", True)})


def _batch_norm(a: Attributes, count: int) -> Layer:
    # In inference the moving statistics are used whatever use_global_stats says.
    a.ignore("momentum", "use_global_stats", "cudnn_off", "ndev", "key")
    require(not a.flag("output_mean_var", False), "attribute output_mean_var is not supported")
    for name in ("min_calib_range", "max_calib_range"):
        require(a.value(name) is None, f"attribute {name} is not supported")
    options = {
        "eps": a.number("eps", float(np.float32(1e-3))),  # the default is declared as 1e-3f
        "axis": a.integer("axis", 1),
        "fix_gamma": a.flag("fix_gamma", True),
    }
    slots = ("data", "gamma", "beta", "moving_mean", "moving_var")
    return Layer("batch_norm", _run_batch_norm, slots, options=options)


def _run_batch_norm(
    x: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, fix_gamma: bool, **rest: Any
) -> Array:
    gamma = np.ones_like(gamma) if fix_gamma else gamma
    return layers.batch_norm(x, gamma, beta, mean, var, **rest)


def _pooling(a: Attributes, count: int) -> Layer:
    a.ignore("cudnn_off", "p_value")
    a.choice("layout", "NCHW", ("NCHW", "None"))
    whole = a.flag("global_pool", False)
    kernel = a.pair("kernel", (1, 1), 1)
    options: dict[str, Any] = {
        "kind": a.choice("pool_type", "max", layers.POOLS),
        "stride": a.pair("stride", (1, 1), 1),
        "pad": a.pair("pad", (0, 0), 0),
        "convention": a.choice("pooling_convention", "valid", layers.CONVENTIONS),
        "count_include_pad": a.flag("count_include_pad", True),
    }
    if whole:
        options = {"kind": options["kind"]}
    return Layer("pooling", layers.pool, options={"kernel": None if whole else kernel, **options})


def _activation(a: Attributes, count: int) -> Layer:
    return _activate(a.choice("act_type", "", layers.ACTIVATIONS))


def _activate(kind: str) -> Layer:
    return Layer("activation", layers.activate, options={"kind": kind})


def _unary(kind: str, function: Any) -> Callable[[Attributes, int], Layer]:
    def run(x: Array, *, kind: str) -> Array:
        """Return the function of each number."""
        result: Array = function(x)
        return result

    return lambda a, count: Layer("unary", run, options={"kind": kind})


def _leaky_relu(a: Attributes, count: int) -> Layer:
    kind = a.choice("act_type", "leaky", layers.LEAKY)
    slope = a.single("slope", 0.25)
    bounds = a.single("lower_bound", 0.125), a.single("upper_bound", 0.334)
    if kind == "rrelu":
        slope = sum(bounds) / 2
    slots = ("data", "gamma") if kind == "prelu" else ("data",)
    return Layer("leaky", layers.leaky, slots, options={"kind": kind, "slope": slope})


def _up_sampling(a: Attributes, count: int) -> Layer:
    a.ignore("workspace", "num_filter", "multi_input_mode")
    a.choice("sample_type", "", ("nearest",))
    require(a.integer("num_args", 1) == 1, "supported is one input (num_args=1)")
    return Layer("upsampling", layers.upsample, options={"scale": a.integer("scale", low=1)})


def _slice_like(a: Attributes, count: int) -> Layer:
    options = {"axes": a.integers("axes")}
    return Layer("slice_like", _run_slice_like, ("data", "shape_like"), 2, options)


def _run_slice_like(x: Array, like: Array, *, axes: tuple[int, ...]) -> Array:
    if not axes:
        require(x.ndim == like.ndim, f"expected as many axes as in {like.shape}, got {x.shape}")
        axes = tuple(range(x.ndim))
    where = [slice(None)] * x.ndim
    for axis in axes:
        require(
            -min(x.ndim, like.ndim) <= axis < min(x.ndim, like.ndim)
            and like.shape[axis] <= x.shape[axis],
            f"cannot cut axis {axis} of an array of shape {x.shape} to that of shape {like.shape}",
        )
        where[axis] = slice(like.shape[axis])
    return x[tuple(where)]


def _add_n(a: Attributes, count: int) -> Layer:
    a.ignore("num_args")
    slots = tuple(f"args[{i}]" for i in range(count))
    return Layer("sum", _run_add_n, slots, count, {"broadcast": False})


def _run_add_n(*arrays: Array, broadcast: bool) -> Array:
    total = arrays[0]
    for array in arrays[1:]:
        total = _combine(np.add, total, array, broadcast)
    return total


def _binary(kind: str, function: Any, broadcast: bool) -> Callable[[Attributes, int], Layer]:
    def run(x: Array, y: Array, *, broadcast: bool) -> Array:
        """Return the function of each pair of numbers."""
        return _combine(function, x, y, broadcast)

    return lambda a, count: Layer(kind, run, ("lhs", "rhs"), 2, {"broadcast": broadcast})


def _combine(function: Any, x: Array, y: Array, broadcast: bool) -> Array:
    good = x.shape == y.shape
    if broadcast:
        good = x.ndim == y.ndim and all(
            1 in (m, n) or m == n for m, n in zip(x.shape, y.shape, strict=True)
        )
    require(good, f"shapes {x.shape} and {y.shape} do not go together")
    result: Array = function(x, y)
    return result


def _scalar(kind: str, function: Any) -> Callable[[Attributes, int], Layer]:
    def run(x: Array, *, scalar: float) -> Array:
        """Return the function of each number and the scalar, in the dtype of the numbers."""
        result: Array = function(x, x.dtype.type(scalar))
        return result

    def layer(a: Attributes, count: int) -> Layer:
        """Return the layer of a node with these attributes."""
        a.ignore("is_int")
        return Layer(kind, run, options={"scalar": a.number("scalar")})

    return layer


def _clip(a: Attributes, count: int) -> Layer:
    options = {"low": a.single("a_min"), "high": a.single("a_max")}
    return Layer("clip", _run_clip, options=options)


def _run_clip(x: Array, *, low: float, high: float) -> Array:
    return np.minimum(np.maximum(x, x.dtype.type(low)), x.dtype.type(high))


def _concat(a: Attributes, count: int) -> Layer:
    a.ignore("num_args")
    slots = tuple(f"arg{i}" for i in range(count))
    return Layer("concat", _run_concat, slots, count, {"axis": a.integer("dim", 1)})


def _run_concat(*arrays: Array, axis: int) -> Array:
    first = arrays[0]
    require(-first.ndim <= axis < first.ndim, f"dim {axis} is out of range for {first.shape}")
    for array in arrays[1:]:
        rest = [
            np.delete(shape, axis).tolist() for shape in (first.shape, array.shape[: first.ndim])
        ]
        require(
            array.ndim == first.ndim and rest[0] == rest[1],
            f"cannot join shapes {first.shape} and {array.shape} along axis {axis}",
        )
    return np.concatenate(arrays, axis)


def _dropout(a: Attributes, count: int) -> Layer:
    a.ignore("p", "axes", "cudnn_off")
    a.choice("mode", "training", ("training",))
    return Layer("identity", _identity)


def _identity(x: Array) -> Array:
    return x


def _flatten(a: Attributes, count: int) -> Layer:
    return Layer("flatten", _flat)


def _flat(x: Array) -> Array:
    require(x.ndim > 0, f"expected at least one axis, got shape {x.shape}")
    return x.reshape(x.shape[0], int(np.prod(x.shape[1:])))


def _reshape(a: Attributes, count: int) -> Layer:
    a.ignore("keep_highest")
    require(not a.integers("target_shape"), "attribute target_shape is not supported")
    options = {"codes": a.integers("shape"), "reverse": a.flag("reverse", False)}
    return Layer("reshape", reshaping.reshape, options=options)


def _reshape_like(a: Attributes, count: int) -> Layer:
    names = ("lhs_begin", "lhs_end", "rhs_begin", "rhs_end")
    options = {name: a.optional_integer(name) for name in names}
    return Layer("reshape_like", reshaping.reshape_like, ("lhs", "rhs"), 2, options)


def _expand_dims(a: Attributes, count: int) -> Layer:
    return Layer("reshape", reshaping.expand_dims, options={"axis": a.integer("axis")})


def _squeeze(a: Attributes, count: int) -> Layer:
    return Layer("reshape", reshaping.squeeze, options={"axes": a.integers("axis")})


def _cast(a: Attributes, count: int) -> Layer:
    name = a.choice("dtype", "", ("float16", "float32", "float64"))
    return Layer("identity", _identity, dtype=np.dtype(name))


def _softmax(log: bool) -> Callable[[Attributes, int], Layer]:
    def layer(a: Attributes, count: int) -> Layer:
        """Return the layer of a node with these attributes."""
        require(not a.flag("use_length", False), "attribute use_length is not supported")
        require(a.value("dtype") in (None, "None"), "attribute dtype is not supported")
        temperature = a.number("temperature", 1.0)
        require(temperature != 0, "attribute temperature: expected a number that can divide, got 0")
        options = {"axis": a.integer("axis", -1), "temperature": temperature, "log": log}
        return Layer("softmax", layers.softmax, options=options)

    return layer


OPERATORS: dict[str, Callable[[Attributes, int], Layer]] = {
    "Convolution": _convolution,
    "FullyConnected": _fully_connected,
    "BatchNorm": _batch_norm,
    "_contrib_SyncBatchNorm": _batch_norm,
    "Pooling": _pooling,
    "Activation": _activation,
    "relu": lambda a, count: _activate("relu"),
    "sigmoid": lambda a, count: _activate("sigmoid"),
    "tanh": lambda a, count: _activate("tanh"),
    "softsign": lambda a, count: _activate("softsign"),
    "LeakyReLU": _leaky_relu,
    "abs": _unary("abs", np.abs),
    "negative": _unary("negative", np.negative),
    "exp": _unary("exp", np.exp),
    "log1p": _unary("log1p", np.log1p),
    "UpSampling": _up_sampling,
    "slice_like": _slice_like,
    "add_n": _add_n,
    "elemwise_add": _binary("sum", np.add, False),
    "broadcast_add": _binary("sum", np.add, True),
    "elemwise_mul": _binary("product", np.multiply, False),
    "broadcast_mul": _binary("product", np.multiply, True),
    "_plus_scalar": _scalar("sum_scalar", np.add),
    "_mul_scalar": _scalar("product_scalar", np.multiply),
    "_div_scalar": _scalar("quotient_scalar", np.divide),
    "clip": _clip,
    "Concat": _concat,
    "Dropout": _dropout,
    "_copy": lambda a, count: Layer("identity", _identity),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "reshape_like": _reshape_like,
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "Cast": _cast,
    "softmax": _softmax(False),
    "log_softmax": _softmax(True),
}
