"""What networks and the feature extractors made of them mean (SPEC section 5).

A network is the JSON of an MXNet symbol. `values` are its variables by name: inputs and parameters.
"""

import json
from ast import literal_eval
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.definition import layers
from refkernels.definition.layers import Numbers

# MXNet declares this default, and slopes and limits, as float: they are float32 numbers.
EPS = np.float32(1e-3).item()

Values = Mapping[str, npt.ArrayLike]


def evaluate(network: str, values: Values) -> dict[str, Numbers]:
    """Return every internal of a network by name: variables, and nodes with ``_output`` behind."""
    results: dict[str, Numbers] = {}
    nodes = json.loads(network)["nodes"]
    names = [n["name"] if n["op"] == "null" else f"{n['name']}_output" for n in nodes]
    for node, name in zip(nodes, names, strict=True):
        if node["op"] == "null":
            if node["name"] in values:
                results[name] = layers.exactly(values[node["name"]])
            continue
        inputs = [results.get(names[source]) for source, *_ in node["inputs"]]
        if all(array is not None for array in inputs):
            results[name] = operate(node["op"], node.get("attrs", {}), inputs, dtype_of(values))
    return results


def operate(op: str, attrs: Mapping[str, str], inputs: Sequence[Any], dtype: Any) -> Numbers:
    """Return what an MXNet operator makes of its inputs."""
    a = {name: read(text) for name, text in attrs.items()}
    if op == "Convolution":
        return layers.convolution(
            *inputs,
            stride=a.get("stride") or (1, 1),
            pad=a.get("pad") or (0, 0),
            dilate=a.get("dilate") or (1, 1),
            groups=a.get("num_group", 1),
        )
    if op == "FullyConnected":
        rows = layers.flatten(inputs[0]) if a.get("flatten", True) else inputs[0]
        return layers.fully_connected(rows, *inputs[1:])
    if op in ("BatchNorm", "_contrib_SyncBatchNorm"):
        return layers.batch_norm(
            *inputs,
            eps=layers.parameter(a.get("eps", EPS), dtype),
            axis=a.get("axis", 1),
            fix_gamma=a.get("fix_gamma", True),
        )
    if op == "Pooling" and a.get("global_pool", False):
        return layers.global_pooling(inputs[0], kind=a["pool_type"])
    if op == "Pooling":
        return layers.pooling(
            inputs[0],
            kind=a.get("pool_type", "max"),
            kernel=a["kernel"],
            stride=a.get("stride") or (1, 1),
            pad=a.get("pad") or (0, 0),
            convention=a.get("pooling_convention", "valid"),
            count_include_pad=a.get("count_include_pad", True),
        )
    if op == "clip":
        low, high = (layers.parameter(a[name], np.float32) for name in ("a_min", "a_max"))
        return layers.clip(inputs[0], low=low, high=high)
    plain: dict[str, Any] = {
        "Activation": lambda x: layers.activation(x, kind=a["act_type"]),
        **{name: partial(layers.unary, kind=name) for name in layers.UNARY},
        "LeakyReLU": lambda *x: layers.leaky_relu(
            *x,
            kind=a.get("act_type", "leaky"),
            slope=layers.parameter(a.get("slope", 0.25), np.float32),
        ),
        "UpSampling": lambda x: layers.upsampling(x, scale=a["scale"]),
        "slice_like": lambda x, like: layers.slice_like(x, like, axes=a.get("axes", ())),
        "add_n": layers.elementwise_sum,
        "elemwise_add": layers.elementwise_sum,
        "elemwise_mul": layers.elementwise_product,
        "Concat": lambda *x: layers.concat(*x, axis=a.get("dim", 1)),
        "Dropout": layers.dropout,
        "Flatten": layers.flatten,
        "softmax": lambda x: layers.softmax(x, axis=a.get("axis", -1)),
    }
    return plain[op](*inputs)  # type: ignore[no-any-return]


def read(text: str) -> Any:
    """Return the value that an attribute's text stands for; MXNet writes words without quotes."""
    try:
        return literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def dtype_of(values: Values) -> Any:
    """Return the dtype that a network's variables are computed in."""
    return np.result_type(*(np.asarray(value).dtype for value in values.values()), np.float32)


def FeatureExtractor(
    values: Values, *, network: str, outputs: Sequence[str], inputs: Sequence[str] = ("data",)
) -> tuple[Numbers, ...]:
    """Return some internals of a network."""
    internals = evaluate(network, values)
    return tuple(internals[name if name in internals else f"{name}_output"] for name in outputs)


def FeatureExpander(
    values: Values,
    *,
    network: str,
    outputs: Sequence[str],
    num_filters: Sequence[int],
    use_1x1_transition: bool = True,
    use_bn: bool = True,
    reduce_ratio: float = 1.0,
    min_depth: int = 128,
    global_pool: bool = False,
    inputs: Sequence[str] = ("data",),
) -> tuple[Numbers, ...]:
    """Return some internals, and after the last of them convolutions of stride 2."""
    features = list(FeatureExtractor(values, network=network, outputs=outputs))

    def layer(y: Numbers, part: str, i: int, stride: int) -> Numbers:
        """Return `y` after a convolution, with a norm or a bias, and ReLU."""
        weight = np.asarray(values[f"expand_{part}conv{i}_weight"])
        pad = (weight.shape[-1] // 2,) * 2
        if use_bn:
            y = layers.convolution(y, weight, stride=(stride, stride), pad=pad)
            y = norm(values, y, f"expand_{part}bn{i}", fix_gamma=True, eps=EPS)
        else:
            bias = values[f"expand_{part}conv{i}_bias"]
            y = layers.convolution(y, weight, bias, stride=(stride, stride), pad=pad)
        return layers.activation(y, kind="relu")

    y = features[-1]
    for i, filters in enumerate(num_filters):
        if use_1x1_transition:
            y = layer(y, "trans_", i, 1)
            assert y.shape[1] == max(min_depth, round(filters * reduce_ratio))
        y = layer(y, "", i, 2)
        assert y.shape[1] == filters
        features.append(y)
    if global_pool:
        features.append(layers.global_pooling(y, kind="avg"))
    return tuple(features)


def FPNFeatureExpander(
    values: Values,
    *,
    network: str,
    outputs: Sequence[str],
    num_filters: Sequence[int],
    use_1x1: bool = True,
    use_upsample: bool = True,
    use_elewadd: bool = True,
    use_p6: bool = False,
    p6_conv: bool = True,
    no_bias: bool = True,
    norm_layer: str | None = None,
    norm_kwargs: Mapping[str, Any] | None = None,
    inputs: Sequence[str] = ("data",),
) -> tuple[Numbers, ...]:
    """Build a feature pyramid from the deepest output up; its outputs come fine to coarse.

    Norm layers without a name of their own are numbered in the order lateral, P6, level.
    """
    features = FeatureExtractor(values, network=network, outputs=outputs)
    deepest = len(features) + 1
    numbered = 0

    def convolution(y: Numbers, name: str, stride: int = 1) -> Numbers:
        """Return `y` after the convolution of this name."""
        weight = np.asarray(values[f"{name}_weight"])
        bias = None if no_bias else values[f"{name}_bias"]
        pad = (weight.shape[-1] // 2,) * 2
        return layers.convolution(y, weight, bias, stride=(stride, stride), pad=pad)

    def after(y: Numbers, name: str) -> Numbers:
        """Return `y` after its norm layer, where there are such."""
        nonlocal numbered
        if norm_layer is None:
            return y
        if norm_layer == "BatchNorm":
            name = f"batchnorm{numbered}"
        numbered += 1
        options = {"fix_gamma": True, "eps": EPS, **(norm_kwargs or {})}
        return norm(values, y, name, fix_gamma=options["fix_gamma"], eps=options["eps"])

    pyramid: list[Numbers] = []
    y = p6 = features[-1]
    for i, feature in enumerate(features[::-1]):
        level = f"P{deepest - i}"
        lateral = feature
        used = i == 0 or use_elewadd  # without sums, laterals but the deepest lead nowhere
        if use_1x1 and used:
            lateral = convolution(feature, f"{level}_conv_lat")
            lateral = after(lateral, f"{level}_conv1_bn" if i else f"{level}_lat_bn")
        elif use_1x1:
            numbered += 1
        if i == 0:
            y = lateral
            if use_p6 and p6_conv:
                p6 = convolution(y, f"P{deepest + 1}_conv1", stride=2)
                p6 = after(p6, f"P{deepest + 1}_pre_bn")
        else:
            if use_upsample:
                y = layers.upsampling(y, scale=2)
            if use_elewadd:
                y = layers.elementwise_sum(lateral, layers.slice_like(y, lateral, axes=(2, 3)))
        out = convolution(y, f"{level}_conv1")
        if i == 0 and use_p6 and not p6_conv:
            p6 = layers.pooling(out, kind="max", kernel=(1, 1), stride=(2, 2))
        pyramid.append(after(out, f"{level}_bn"))
    return (*pyramid[::-1], *([p6] if use_p6 else []))


def norm(values: Values, y: Numbers, name: str, *, fix_gamma: bool, eps: float) -> Numbers:
    """Normalise by the statistics of this name."""
    parameters = [values[f"{name}_{p}"] for p in ("gamma", "beta", "moving_mean", "moving_var")]
    rounded: Fraction = layers.parameter(eps, dtype_of(values))
    return layers.batch_norm(y, *parameters, eps=rounded, fix_gamma=fix_gamma)
