"""Cases of the predictors (SPEC section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array, check_pair, computing_dtype
from refkernels.bounds.arithmetic import final_rounding, roundoff
from refkernels.bounds.network import layer_error
from refkernels.conformance.model.operator import Case, Operator, Output
from refkernels.conformance.model.parameters import Parameters
from refkernels.network.attributes import Attributes
from refkernels.network.layers import ACTIVATIONS
from refkernels.network.mxnet_operators import OPERATORS as LAYERS

if TYPE_CHECKING:
    pass

__all__ = ["OPERATORS"]

ACTIVATION = st.sampled_from([None, *ACTIVATIONS, "softrelu"])
SPREAD = st.sampled_from([1.0, 1.0, 100.0, 1e-3])


def _error(case: Case, exact: Array) -> Array:
    """Bound a sum of products and its activation, rounded once to the inputs' dtype."""
    inputs = list(case.inputs.values())
    dtype = np.result_type(*inputs)
    unit = roundoff(computing_dtype(dtype))
    values = [array.astype(np.float64) for array in inputs]
    weight = values[1]
    attributes = {"no_bias": str(len(values) == 2)}
    if weight.ndim == 4:
        pairs = {"pad": (1, 1), "stride": (1, 1), **case.config}
        attributes |= {
            name: str(check_pair(name, pairs[name], low=0)) for name in ("pad", "stride")
        }
        attributes |= {"num_filter": str(len(weight)), "kernel": str(weight.shape[2:])}
        if values[0].ndim == 3:  # one image
            values[0] = values[0][None]
        layer = LAYERS["Convolution"](Attributes(attributes), len(values))
    else:
        attributes["num_hidden"] = str(len(weight))
        layer = LAYERS["FullyConnected"](Attributes(attributes), len(values))
    result = layer(*values)
    error = layer_error(layer, values, result, unit)
    if case.config.get("activation") is not None:
        activation = LAYERS["Activation"](Attributes({"act_type": case.config["activation"]}), 1)
        before, result = result, activation(result)
        error = layer_error(activation, [before], result, unit, [error])
    return final_rounding(result, error, dtype).reshape(exact.shape)


def _outputs(case: Case) -> tuple[Output, ...]:
    return (Output("predictions", _error),)


CONVOLUTION = st.fixed_dictionaries(
    {"num_channel": st.integers(1, 3)},
    optional={
        "kernel": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "pad": st.tuples(st.integers(0, 2), st.integers(0, 2)),
        "stride": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "activation": ACTIVATION,
        "use_bias": st.booleans(),
        "in_channels": st.integers(1, 3),
    },
)


@st.composite
def _convolution(draw: DrawFn, parameters: Parameters) -> Case:
    config: dict[str, Any] = draw(parameters.options(CONVOLUTION))
    channels = config.get("in_channels", 0) or draw(st.integers(1, 3))
    filters = config["num_channel"]
    kernel = check_pair("kernel", config.get("kernel", (3, 3)), low=1)
    pad = check_pair("pad", config.get("pad", (1, 1)), low=0)
    least = [max(1, k - 2 * p) for k, p in zip(kernel, pad, strict=True)]
    sizes = [draw(st.integers(low, max(6, low + 3))) for low in least]
    batch = draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.normal(0, draw(SPREAD), (batch, channels, *sizes))
    return Case(config, _inputs(rng, config, x, (filters, channels, *kernel)))


@st.composite
def _fully_connected(draw: DrawFn, parameters: Parameters) -> Case:
    options = st.fixed_dictionaries(
        {"num_output": st.integers(1, 4)},
        optional={"activation": ACTIVATION, "use_bias": st.booleans()},
    )
    config: dict[str, Any] = draw(parameters.options(options))
    shape = draw(st.sampled_from([(1, 1), (2, 3), (3, 2, 2), (2, 2, 3, 3), (1, 40)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.normal(0, draw(SPREAD), shape)
    return Case(config, _inputs(rng, config, x, (config["num_output"], int(np.prod(shape[1:])))))


def _fit_layer(case: Case, config: Mapping[str, Any]) -> Case | None:
    """Repeat or cut weight and bias to the numbers and the kernel that a configuration asks for."""
    x, weight = case.inputs["x"], case.inputs["weight"]
    shape: tuple[int, ...] = (
        config.get("num_channel", config.get("num_output")),
        *weight.shape[1:],
    )
    if weight.ndim == 4:
        channels = config.get("in_channels", 0) or weight.shape[1]
        kernel = check_pair("kernel", config.get("kernel", (3, 3)), low=1)
        shape = (shape[0], channels, *kernel)
        x = np.resize(x.swapaxes(0, -3), (channels, *x.swapaxes(0, -3).shape[1:])).swapaxes(0, -3)
    inputs = {"x": x, "weight": np.resize(weight, shape)}
    if config.get("use_bias", True):
        inputs["bias"] = np.resize(case.inputs.get("bias", weight), shape[0])
    return Case(config, inputs)


def _inputs(rng: Any, config: dict[str, Any], x: Array, shape: tuple[int, ...]) -> dict[str, Array]:
    inputs = {"x": x, "weight": rng.normal(size=shape)}
    if config.get("use_bias", True):
        inputs["bias"] = rng.normal(size=shape[0])
    return inputs


def _convolution_axes(case: Case) -> dict[str, str]:
    channels = "." if "in_channels" in case.config else "C"
    return {"x": f"B{channels}HW"[-case.inputs["x"].ndim :], "weight": f".{channels}.."}


def _fully_connected_axes(case: Case) -> dict[str, str]:
    features = "K" if case.inputs["x"].ndim == 2 else "..."
    return {"x": f"B{features}", "weight": f".{features[:1]}"}


OPERATORS = tuple(
    Operator(
        name,
        "predictor",
        draw,
        _outputs,
        axes,
        calling="parameters",
        takes_integers=False,
        fit=_fit_layer,
    )
    for name, draw, axes in (
        ("ConvPredictor", _convolution, _convolution_axes),
        ("FCPredictor", _fully_connected, _fully_connected_axes),
    )
)
