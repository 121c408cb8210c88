"""Layers: equal to their definitions, within bounds that are derived and tight."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels.bounds.arithmetic import roundoff
from refkernels.bounds.network import layer_error
from refkernels.conformance.model.compare import error_ratio
from refkernels.definition import layers as definition
from refkernels.network import layers
from refkernels.network.attributes import Attributes
from refkernels.network.convolution import convolve, fully_connect
from refkernels.network.mxnet_operators import OPERATORS

DTYPES = st.sampled_from([np.float32, np.float64])
SEEDS = st.integers(0, 2**32 - 1)


def check(operator, attributes, arrays, exact):
    """Hold the layer of an MXNet operator to exact values; return the worst error in its bound."""
    layer = OPERATORS[operator](Attributes(attributes), len(arrays))
    before = [array.copy() for array in arrays]
    found = layer(*arrays)
    assert all((array == copy).all() for array, copy in zip(arrays, before, strict=True))
    assert found.shape == exact.shape
    assert found.dtype == arrays[0].dtype
    wide = [array.astype(np.float64) for array in arrays]
    bound = layer_error(layer, wide, layer(*wide), roundoff(found.dtype))
    assert (bound >= 0).all()
    worst = max(
        (
            error_ratio(float(found[i]), exact[i], float(bound[i]), found.dtype)
            for i in np.ndindex(found.shape)
        ),
        default=0,
    )
    assert worst <= 1
    return worst


@st.composite
def convolutions(draw):
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    depth, filters = draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (3, 2)]))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilate = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    pad = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilate, strict=True)]
    sizes = [draw(st.integers(max(1, r - 2 * p), 7)) for r, p in zip(reach, pad, strict=True)]
    rng = np.random.default_rng(draw(SEEDS))
    dtype = draw(DTYPES)
    x = rng.normal(size=(draw(st.integers(0, 2)), depth * groups, *sizes)).astype(dtype)
    weight = rng.normal(size=(filters * groups, depth, *kernel)).astype(dtype)
    bias = rng.normal(size=len(weight)).astype(dtype) if draw(st.booleans()) else None
    options = {"stride": stride, "pad": pad, "dilate": dilate, "groups": groups}
    return x, weight, bias, options


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_convolution_is_its_definition(case):
    x, weight, bias, options = case
    exact = definition.convolution(x, weight, bias, **options)
    attributes = {
        "kernel": str(weight.shape[2:]),
        "num_filter": str(len(weight)),
        "num_group": str(options.pop("groups")),
        "no_bias": str(bias is None),
        **{name: str(value) for name, value in options.items()},
    }
    check("Convolution", attributes, [a for a in (x, weight, bias) if a is not None], exact)


def test_convolution_in_strips_is_convolution_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(2, 3, 11, 9)), rng.normal(size=(4, 3, 3, 3))
    at_once = convolve(x, weight, pad=(1, 1), stride=(2, 1))
    monkeypatch.setattr("refkernels.network.convolution.STRIP_BYTES", 27 * 9 * 8 * 4)
    np.testing.assert_allclose(convolve(x, weight, pad=(1, 1), stride=(2, 1)), at_once, rtol=1e-12)


@pytest.mark.parametrize("kernel", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("batch", "channels"), [(0, 4), (2, 0), (0, 0)])
def test_nothing_convolves_to_nothing(batch, channels, groups, kernel):
    x, weight = np.ones((batch, channels, 3, 3)), np.ones((2, channels // groups, kernel, kernel))
    out = convolve(x, weight, np.ones(2), groups=groups)
    assert out.shape == (batch, 2, 4 - kernel, 4 - kernel)
    assert (out == 1).all()


def test_any_layout_convolves_to_the_same():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(2, 4, 6, 5)), rng.normal(size=(4, 4, 3, 3))
    expected = convolve(x, weight)
    for strange in (np.asfortranarray, lambda a: a[..., ::-1].copy()[..., ::-1]):
        np.testing.assert_allclose(convolve(strange(x), strange(weight)), expected, rtol=1e-12)
    depth = convolve(x, weight[:, :1], groups=4)
    np.testing.assert_array_equal(
        convolve(np.asfortranarray(x), np.asfortranarray(weight[:, :1]), groups=4), depth
    )


@given(SEEDS, DTYPES, st.booleans(), st.booleans())
@settings(max_examples=30, deadline=None)
def test_fully_connected_is_its_definition(seed, dtype, flatten, biased):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, 3, 2)).astype(dtype)
    weight = rng.normal(size=(3, 6 if flatten else 2)).astype(dtype)
    bias = [rng.normal(size=3).astype(dtype)] if biased else []
    rows = x.reshape(2, 6) if flatten else x
    exact = definition.fully_connected(rows, weight, *bias)
    attributes = {"num_hidden": "3", "flatten": str(flatten), "no_bias": str(not biased)}
    check("FullyConnected", attributes, [x, weight, *bias], exact)


@given(SEEDS, DTYPES, st.sampled_from([1, -1, 0]), st.booleans())
@settings(max_examples=30, deadline=None)
def test_batch_norm_is_its_definition(seed, dtype, axis, fixed):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(3, 3, 2, 3)) * 10).astype(dtype)
    gamma, beta, mean = (rng.normal(size=3).astype(dtype) for _ in range(3))
    var = rng.uniform(0, 2, 3).astype(dtype)
    exact = definition.batch_norm(
        x, gamma, beta, mean, var, eps=definition.parameter(1e-3, dtype), axis=axis, fix_gamma=fixed
    )
    attributes = {"axis": str(axis), "fix_gamma": str(fixed), "eps": "0.001"}
    check("BatchNorm", attributes, [x, gamma, beta, mean, var], exact)


@st.composite
def poolings(draw):
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 4)))
    pad = tuple(draw(st.integers(0, k - 1)) for k in kernel)
    # A longer stride can put a window of 'full' pooling off the image.
    stride = tuple(draw(st.integers(1, k - p)) for k, p in zip(kernel, pad, strict=True))
    sizes = [draw(st.integers(max(1, k - p), 7)) for k, p in zip(kernel, pad, strict=True)]
    x = np.random.default_rng(draw(SEEDS)).normal(size=(2, 1, *sizes)).astype(draw(DTYPES))
    options = {
        "kernel": kernel,
        "pad": pad,
        "stride": stride,
        "convention": draw(st.sampled_from(["valid", "full"])),
        "count_include_pad": draw(st.booleans()),
        "kind": draw(st.sampled_from(["max", "avg", "sum"])),
    }
    return x, options


@settings(max_examples=80, deadline=None)
@given(poolings())
def test_pooling_is_its_definition(case):
    x, options = case
    exact = definition.pooling(x, **options)
    attributes = {k: str(v) for k, v in options.items()}
    attributes["pooling_convention"] = attributes.pop("convention")
    attributes["pool_type"] = attributes.pop("kind")
    check("Pooling", attributes, [x], exact)


@pytest.mark.parametrize("kind", layers.POOLS)
def test_global_pooling_is_its_definition(kind):
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype(np.float32)
    attributes = {"pool_type": kind, "global_pool": "True", "kernel": "(1, 1)"}
    check("Pooling", attributes, [x], definition.global_pooling(x, kind=kind))


WIDE = [0.0, -0.0, 1e-30, -1e-30, 0.5, -0.5, 3, -3, 17.5, -17.5, 21, -21, 90, -90, 750, -750]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", layers.ACTIVATIONS)
def test_activations_are_their_definitions(kind, dtype):
    x = np.concatenate([WIDE, np.random.default_rng(0).normal(size=40)]).astype(dtype)
    check("Activation", {"act_type": kind}, [x], definition.activation(x, kind=kind))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", definition.UNARY)
def test_functions_of_one_number_are_their_definitions(kind, dtype):
    x = np.concatenate([WIDE, np.random.default_rng(0).normal(size=40)]).astype(dtype)
    x = x[np.abs(x) < (88 if kind == "exp" else np.inf)]
    x = np.abs(x) - 0.5 if kind == "log1p" else x
    check(kind, {}, [x], definition.unary(x, kind=kind))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", layers.LEAKY)
def test_relatives_of_relu_are_their_definitions(kind, dtype):
    x = np.concatenate([WIDE, np.random.default_rng(0).normal(size=44)]).astype(dtype)
    x = x.reshape(3, 4, 5)
    slopes = [np.array([0.5, -1, 2, 0.1], dtype)] if kind == "prelu" else []
    exact = definition.leaky_relu(x, *slopes, kind=kind)
    attributes = {"act_type": kind, "lower_bound": "0.125", "upper_bound": "0.375"}
    check("LeakyReLU", attributes, [x, *slopes], exact)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("axis", [-1, 1])
def test_softmax_is_its_definition(log, axis, dtype):
    x = (np.random.default_rng(0).normal(size=(2, 5, 3)) * 20).astype(dtype)
    x[0, 0, 0] = 700
    exact = definition.softmax(x, axis=axis, log=log)
    check("log_softmax" if log else "softmax", {"axis": str(axis)}, [x], exact)


def test_one_slope_may_be_for_all_channels():
    x, slope = np.random.default_rng(0).normal(size=(3, 4, 5)), np.array([0.25])
    exact = definition.leaky_relu(x, np.full(4, 0.25), kind="prelu")
    check("LeakyReLU", {"act_type": "prelu"}, [x, slope], exact)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_divides_by_its_temperature(log, dtype):
    x = (np.random.default_rng(0).normal(size=(2, 5)) * 20).astype(dtype)
    exact = definition.softmax(x / np.float64(2), log=log)
    check("log_softmax" if log else "softmax", {"temperature": "2.0"}, [x], exact)
    exact = definition.softmax(definition.exactly(x) / 3, log=log)
    check("log_softmax" if log else "softmax", {"temperature": "3.0"}, [x], exact)


def test_softmax_of_nothing_is_nothing():
    assert layers.softmax(np.zeros((0, 3), np.float32)).shape == (0, 3)


@given(SEEDS, DTYPES)
@settings(max_examples=10, deadline=None)
def test_arithmetic_with_a_number_is_exact_within_its_bound(seed, dtype):
    a = np.random.default_rng(seed).normal(size=(3, 4)).astype(dtype)
    number = definition.parameter(0.3, dtype)
    exact = definition.exactly(a)
    check("_plus_scalar", {"scalar": "0.3"}, [a], exact + number)
    check("_mul_scalar", {"scalar": "0.3"}, [a], exact * number)
    check("_div_scalar", {"scalar": "0.3", "is_int": "False"}, [a], exact / number)


@given(SEEDS, DTYPES)
@settings(max_examples=10, deadline=None)
def test_moves_and_sums_are_their_definitions(seed, dtype):
    rng = np.random.default_rng(seed)
    a, b, c = (rng.normal(size=(2, 3, 4, 5)).astype(dtype) for _ in range(3))
    small = a[:1, :2, :2, :3]
    up = definition.upsampling(small, scale=2)
    check("UpSampling", {"scale": "2", "sample_type": "nearest"}, [small], up)
    like = definition.slice_like(a, small, axes=(2, 3))
    check("slice_like", {"axes": "(2, 3)"}, [a, small], like)
    check("slice_like", {}, [a, small], definition.slice_like(a, small))
    check("elemwise_add", {}, [a, b], definition.elementwise_sum(a, b))
    check("add_n", {"num_args": "3"}, [a, b, c], definition.elementwise_sum(a, b, c))
    check("add_n", {"num_args": "1"}, [a], definition.elementwise_sum(a))
    check("broadcast_mul", {}, [a, b[..., :1]], definition.elementwise_product(a, b[..., :1]))
    check("Concat", {"dim": "1", "num_args": "2"}, [a, b], definition.concat(a, b, axis=1))
    check("Flatten", {}, [a], definition.flatten(a))
    check("Dropout", {"p": "0.5"}, [a], definition.dropout(a))
    low, high = (definition.parameter(v, np.float32) for v in (-0.3, 0.7))
    check("clip", {"a_min": "-0.3", "a_max": "0.7"}, [a], definition.clip(a, low=low, high=high))


@pytest.mark.parametrize("kind", layers.ACTIVATIONS)
@given(st.floats(-40, 40), st.floats(1e-3, 3))
@settings(max_examples=200, deadline=None)
def test_what_comes_in_is_carried_through_an_activation(kind, x, error):
    layer = OPERATORS["Activation"](Attributes({"act_type": kind}), 1)
    value, ends = np.array([x]), np.array([x - error, x + error])
    bound = layer_error(layer, [value], layer(value), roundoff(np.float64), [np.array([error])])
    assert (np.abs(layer(ends) - layer(value)) <= bound).all()


def test_bounds_are_tight():
    """Worst errors come within a factor of 50 of each bound; for short sums within 10."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 2, 5, 5)).astype(np.float32)
    weight = rng.normal(size=(40, 2, 1, 1)).astype(np.float32)
    exact = definition.convolution(x, weight)
    attributes = {"kernel": "(1, 1)", "num_filter": "40", "no_bias": "True"}
    assert check("Convolution", attributes, [x, weight], exact) > 1 / 10
    parameters = [rng.uniform(0.5, 2, 2).astype(np.float32) for _ in range(4)]
    eps = definition.parameter(1e-3, np.float32)
    exact = definition.batch_norm(x, *parameters, eps=eps)
    assert (
        check("BatchNorm", {"fix_gamma": "False", "eps": "0.001"}, [x, *parameters], exact) > 1 / 10
    )
    exact = definition.pooling(x, kind="avg", kernel=(3, 3))
    assert check("Pooling", {"kernel": "(3, 3)", "pool_type": "avg"}, [x], exact) > 1 / 50
    for kind in ("sigmoid", "tanh", "softrelu", "softsign"):
        exact = definition.activation(x, kind=kind)
        assert check("Activation", {"act_type": kind}, [x], exact) > 1 / 50
    for kind in ("leaky", "elu", "selu", "gelu"):
        slope = definition.parameter(0.1, np.float32)
        exact = definition.leaky_relu(x, kind=kind, slope=slope)
        attributes = {"act_type": kind, "slope": "0.1"}
        assert check("LeakyReLU", attributes, [x], exact) > 1 / 50
    for log in (False, True):
        exact = definition.softmax(x, log=log)
        assert check("log_softmax" if log else "softmax", {}, [x], exact) > 1 / 50
    assert check("elemwise_add", {}, [x, x * 3], definition.elementwise_sum(x, x * 3)) > 1 / 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: convolve(x[0], x), r"expected images \(B, C, H, W\), got shape \(2, 3, 4\)"),
        (lambda x: convolve(x, x[0]), r"expected a weight \(F, C, kh, kw\)"),
        (lambda x: convolve(x, x[:, :1]), r"expects 1 channels, got input of shape \(1, 2, 3, 4\)"),
        (lambda x: convolve(x, x, np.ones(2)), r"expected a bias of shape \(1,\), got \(2,\)"),
        (lambda x: convolve(x, np.ones((1, 2, 4, 1))), "kernel .* over 4 pixels .* 3 padded by 0"),
        (lambda x: fully_connect(x, np.ones((2, 3))), r"expected a weight \(F, 4\)"),
        (lambda x: fully_connect(x, np.ones((2, 4)), np.ones(3)), r"expected a bias of shape \(2,"),
        (lambda x: layers.pool(x, kind="max", kernel=(5, 1)), "does not fit into 3"),
        (
            lambda x: layers.pool(x, kind="max", kernel=(1, 1), stride=(3, 3), convention="full"),
            "window 1 along an axis of 3 pixels, .* covers no pixel",
        ),
        (
            lambda x: layers.pool(x, kind="avg", kernel=(1, 1), pad=(1, 0)),
            "window 0 .* covers no pixel",
        ),
        (lambda x: layers.pool(x[:, :, :0], kind="max"), "at least one pixel"),
        (lambda x: layers.batch_norm(x, *np.ones((4, 3)), eps=0), r"a gamma of shape \(2,\)"),
        (lambda x: layers.batch_norm(x, *-np.ones((4, 2)), eps=0), "a variance of at least 0"),
        (lambda x: layers.softmax(x, axis=4), "axis 4 is out of range"),
        (lambda x: layers.leaky(x, np.ones(3), kind="prelu"), "a slope for each channel"),
        (lambda x: layers.upsample(x[0], scale=2), "expected images"),
    ],
)
def test_what_does_not_go_together_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones((1, 2, 3, 4)))


def test_warmup_compiles_every_kernel():
    layers.warmup()
