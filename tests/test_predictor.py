"""Predictors: equal to their definitions, and clear about what they cannot take."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels.bounds.arithmetic import final_rounding, roundoff
from refkernels.bounds.network import layer_error
from refkernels.conformance.model.compare import compare_real
from refkernels.definition import predictor as definition
from refkernels.network.attributes import Attributes
from refkernels.network.mxnet_operators import OPERATORS
from refkernels.predictor import ConvPredictor, FCPredictor

ACTIVATIONS = st.sampled_from([None, "relu", "sigmoid", "tanh", "softrelu", "softsign"])


def bound(operator, attributes, arrays, activation):
    """Bound a layer followed by an activation, in the dtype of the arrays."""
    dtype = arrays[0].dtype
    unit = roundoff(np.promote_types(dtype, np.float32))
    arrays = [array.astype(np.float64) for array in arrays]
    layer = OPERATORS[operator](Attributes(attributes), len(arrays))
    value = layer(*arrays)
    error = layer_error(layer, arrays, value, unit)
    if activation is not None:
        layer = OPERATORS["Activation"](Attributes({"act_type": activation}), 1)
        before, value = value, layer(value)
        error = layer_error(layer, [before], value, unit, [error])
    return final_rounding(value, error, dtype)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([np.float16, np.float32, np.float64]),
    st.fixed_dictionaries(
        {"num_channel": st.integers(1, 3), "activation": ACTIVATIONS},
        optional={
            "kernel": st.sampled_from([(1, 1), (2, 3), (3, 3)]),
            "pad": st.sampled_from([(0, 0), (1, 1), (2, 0)]),
            "stride": st.sampled_from([(1, 1), (2, 1), (3, 3)]),
            "use_bias": st.booleans(),
            "in_channels": st.just(2),
        },
    ),
    st.none() | st.integers(0, 2),
)
@settings(max_examples=50, deadline=None)
def test_conv_predictor_is_its_definition(seed, dtype, options, batch):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, 4, 5) if batch is None else (batch, 2, 4, 5)).astype(dtype)
    kernel = options.get("kernel", (3, 3))
    weight = rng.normal(size=(options["num_channel"], 2, *kernel)).astype(dtype)
    bias = [rng.normal(size=options["num_channel"]).astype(dtype)]
    arrays = [x, weight, *(bias if options.get("use_bias", True) else [])]
    found = ConvPredictor(**options)(*arrays)
    attributes = {
        "kernel": str(kernel),
        "pad": str(options.get("pad", (1, 1))),
        "stride": str(options.get("stride", (1, 1))),
        "num_filter": str(options["num_channel"]),
        "no_bias": str(len(arrays) == 2),
    }
    images = x if batch is not None else x[None]
    allowed = bound("Convolution", attributes, [images, *arrays[1:]], options["activation"])
    exact = definition.ConvPredictor(*arrays, **options)
    assert not compare_real(
        "y", found, exact, allowed.reshape(found.shape), np.dtype(dtype), both_rounded=False
    )


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([np.float16, np.float32, np.float64]),
    st.sampled_from([(3,), (2, 4), (2, 2, 3), (0, 3), (2, 0), (1, 2, 2, 2)]),
    ACTIVATIONS,
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_fc_predictor_is_its_definition(seed, dtype, shape, activation, use_bias):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape).astype(dtype)
    weight = rng.normal(size=(3, int(np.prod(shape[1:])))).astype(dtype)
    arrays = [x, weight, *([rng.normal(size=3).astype(dtype)] if use_bias else [])]
    options = {"num_output": 3, "activation": activation, "use_bias": use_bias}
    found = FCPredictor(**options)(*arrays)
    attributes = {"num_hidden": "3", "no_bias": str(not use_bias)}
    rows = x.reshape(len(x), weight.shape[1])
    allowed = bound("FullyConnected", attributes, [rows, *arrays[1:]], activation)
    exact = definition.FCPredictor(*arrays, **options)
    assert not compare_real("y", found, exact, allowed, np.dtype(dtype), both_rounded=False)


def test_float16_is_rounded_once():
    x, weight = np.full((1, 2048), 1, np.float16), np.full((1, 2048), 0.75, np.float16)
    weight[0, :3] = 1
    assert FCPredictor(1, use_bias=False)(x, weight) == np.float16(1536.75)


def test_inputs_stay_as_they_are_and_any_layout_serves():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(4, 3, 3, 3)), np.ones(4)
    copies = [a.copy() for a in (x, weight, bias)]
    predict = ConvPredictor(4, activation="tanh")
    expected = predict(x, weight, bias)
    strided = np.zeros((2, 3, 5, 8))[..., ::2]
    strided[:] = x
    strided.flags.writeable = False
    np.testing.assert_array_equal(predict(strided, np.asfortranarray(weight), bias), expected)
    assert all((a == b).all() for a, b in zip((x, weight, bias), copies, strict=True))


def test_one_number_stands_for_two():
    x, weight = np.ones((1, 4, 4)), np.ones((1, 1, 2, 2))
    pair = ConvPredictor(1, kernel=(2, 2), pad=(0, 0), stride=(2, 2), use_bias=False)
    one = ConvPredictor(1, kernel=2, pad=0, stride=2, use_bias=False)
    np.testing.assert_array_equal(one(x, weight), pair(x, weight))


def test_mixed_dtypes_follow_numpy_and_integers_are_float64():
    x = np.ones((1, 2), np.float16)
    assert FCPredictor(1, use_bias=False)(x, np.ones((1, 2), np.float32)).dtype == np.float32
    assert FCPredictor(1, use_bias=False)([[1, 2]], [[1, 2]]).dtype == np.float64


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_channel": 0}, ValueError, "num_channel: expected an integer of at least 1, got 0"),
        ({"num_channel": 1.5}, TypeError, "num_channel: expected an integer, got 1.5"),
        ({"num_channel": 1, "kernel": (3,)}, ValueError, "kernel: expected an integer or two"),
        ({"num_channel": 1, "kernel": (3, 0)}, ValueError, r"kernel\[1\]: .* from 1 to 2147483647"),
        ({"num_channel": 1, "pad": -1}, ValueError, "pad: expected an integer from 0 to 21474836"),
        ({"num_channel": 1, "stride": "2"}, TypeError, "stride: expected an integer, got '2'"),
        ({"num_channel": 1, "activation": "swish"}, ValueError, "activation: expected 'relu' or"),
        ({"num_channel": 1, "use_bias": 1}, TypeError, "use_bias: expected True or False, got 1"),
        ({"num_channel": 1, "in_channels": -1}, ValueError, "in_channels: .* at least 0, got -1"),
    ],
)
def test_a_bad_parameter_is_named(options, error, message):
    with pytest.raises(error, match=message):
        ConvPredictor(**options)


IMAGE, WEIGHT = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((IMAGE[0, 0], WEIGHT, np.ones(3)), r"x: expected \(B, C, H, W\) or \(C, H, W\), got"),
        ((IMAGE[:, :1], WEIGHT, np.ones(3)), r"weight: expected shape \(3, 1, 3, 3\), got \(3, 2,"),
        ((IMAGE, WEIGHT[:2], np.ones(3)), r"weight: expected shape \(3, 2, 3, 3\), got \(2, 2,"),
        ((IMAGE, WEIGHT, np.ones(2)), r"bias: expected shape \(3,\), got \(2,\)"),
        ((IMAGE, WEIGHT), r"bias: expected shape \(3,\), since use_bias is True; got None"),
        ((IMAGE * np.nan, WEIGHT, np.ones(3)), r"x\[0, 0, 0, 0\] is nan"),
        ((IMAGE, WEIGHT * np.inf, np.ones(3)), r"weight\[0, 0, 0, 0\] is inf"),
        ((IMAGE[:, :, :0], WEIGHT, np.ones(3)), "does not fit into 0 padded by 1"),
    ],
)
def test_a_bad_input_is_named(arrays, message):
    with pytest.raises(ValueError, match=message):
        ConvPredictor(3)(*arrays)


def test_more_is_said_of_what_does_not_go_together():
    with pytest.raises(ValueError, match="x: expected 5 channels, got shape"):
        ConvPredictor(3, in_channels=5)(IMAGE, WEIGHT, np.ones(3))
    with pytest.raises(ValueError, match="bias: expected None, since use_bias is False"):
        ConvPredictor(3, use_bias=False)(IMAGE, WEIGHT, np.ones(3))
    with pytest.raises(TypeError, match=r"x: expected .* got dtype complex128"):
        ConvPredictor(3, use_bias=False)(IMAGE + 1j, WEIGHT)
    with pytest.raises(ValueError, match=r"weight: expected shape \(2, 32\), got \(2, 31\)"):
        FCPredictor(2)(IMAGE, np.ones((2, 31)), np.ones(2))
    with pytest.raises(ValueError, match="x: expected at least 1 axes"):
        FCPredictor(2)(1.0, np.ones((2, 1)), np.ones(2))
    with pytest.raises(ValueError, match="num_output: expected an integer of at least 1"):
        FCPredictor(0)
