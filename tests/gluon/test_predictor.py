"""Predictor blocks, held to the kernels, to gluoncv's parameter names and to training."""

from itertools import product

import numpy as np
import pytest

import refkernels
from refkernels.gluon import ConvPredictor, FCPredictor

CONVOLUTIONS = [
    {"num_channel": 4},
    {"num_channel": 2, "kernel": (1, 3), "pad": (0, 1), "stride": (2, 1), "activation": "relu"},
    {"num_channel": 3, "use_bias": False, "activation": "sigmoid", "in_channels": 3},
    {"num_channel": 1, "kernel": 1, "pad": 0, "stride": 2, "activation": "softsign"},
]
DENSE = [
    {"num_output": 4},
    {"num_output": 2, "activation": "tanh"},
    {"num_output": 3, "use_bias": False, "activation": "softrelu"},
]
ERROR = {"float16": 1e-2, "float32": 1e-5, "float64": 1e-13}


def set_parameters(block, dtype, rng):
    """Give a block of known shapes random parameters; return them in order."""
    block.cast(dtype)
    arrays = []
    for parameter in block.collect_params().values():
        array = rng.normal(size=parameter.shape).astype(dtype)
        parameter.set_data(array)
        arrays.append(array)
    return arrays


@pytest.fixture
def theirs(gluoncv_nn):
    return gluoncv_nn.predictor


# A block's dtype is that of its parameters, so each dtype has blocks of its own.
@pytest.mark.parametrize("options", CONVOLUTIONS)
def test_a_convolution_is_the_kernels(mx, options, dtype, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 7, 6)).astype(dtype)
    block = ConvPredictor(**options)
    block.initialize()
    block(mx.nd.array(x, dtype=np.float32))
    arrays = set_parameters(block, dtype, rng)
    expected = refkernels.ConvPredictor(**options)(x, *arrays)
    check_modes(mx, block, x, expected, tmp_path)
    for mode in (False, True):
        block.hybridize(mode)
        alone = block(mx.nd.array(x[0], dtype=dtype)).asnumpy()
        np.testing.assert_allclose(alone, expected[0], atol=ERROR[dtype.name], rtol=0)


@pytest.mark.parametrize("options", DENSE)
def test_a_fully_connected_layer_is_the_kernels(mx, options, dtype, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 2, 1)).astype(dtype)
    block = FCPredictor(**options)
    block.initialize()
    block(mx.nd.array(x, dtype=np.float32))
    arrays = set_parameters(block, dtype, rng)
    expected = refkernels.FCPredictor(**options)(x, *arrays)
    check_modes(mx, block, x, expected, tmp_path)


def check_modes(mx, block, x, expected, folder):
    def check(run):
        found = run(mx.nd.array(x, dtype=x.dtype)).asnumpy()
        assert found.dtype == x.dtype
        np.testing.assert_allclose(found, expected, atol=ERROR[x.dtype.name], rtol=0)

    check(block)
    block.hybridize()
    check(block)
    block.export(str(folder / "block"))
    files = [str(folder / f"block-{end}") for end in ("symbol.json", "0000.params")]
    check(mx.gluon.SymbolBlock.imports(files[0], ["data"], files[1]))
    evaluator = refkernels.feature.GraphEvaluator(*files)
    found = evaluator(x)
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("name", "options"),
    [*product(["ConvPredictor"], CONVOLUTIONS), *product(["FCPredictor"], DENSE)],
)
def test_parameters_are_gluoncvs(mx, theirs, name, options, tmp_path):
    x = mx.nd.random.normal(shape=(2, 3, 7, 6))
    blocks = [
        module(prefix="net_", **options)
        for module in (getattr(refkernels.gluon, name), getattr(theirs, name))
    ]
    for block in blocks:
        block.initialize()
        block(x)
    shapes = [{name: p.shape for name, p in block.collect_params().items()} for block in blocks]
    assert shapes[0] == shapes[1]
    path = str(tmp_path / "parameters")
    for source, target in (blocks, blocks[::-1]):
        for parameter in source.collect_params().values():
            parameter.set_data(mx.nd.random.normal(shape=parameter.shape))
        source.save_parameters(path)
        target.load_parameters(path)
        np.testing.assert_allclose(source(x).asnumpy(), target(x).asnumpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("block", [ConvPredictor(2, activation="tanh"), FCPredictor(2)])
def test_gradients_flow(mx, block, dtype):
    block.initialize(force_reinit=True)
    x = mx.nd.random.normal(shape=(2, 3, 4, 4))
    block(x)
    block.cast(dtype)
    block.hybridize()
    x = x.astype(dtype)
    x.attach_grad()
    with mx.autograd.record():
        loss = block(x).astype("float32").square().sum()
    loss.backward()
    gradients = [x.grad, *(p.grad() for p in block.collect_params().values())]
    assert all(np.abs(gradient.asnumpy()).sum() > 0 for gradient in gradients)


def test_a_convolution_starts_as_xavier_with_a_bias_of_zero(mx):
    block = ConvPredictor(64, in_channels=32)
    block.initialize()
    weight, bias = (p.data().asnumpy() for p in block.collect_params().values())
    assert not bias.any()
    limit = np.sqrt(2 / ((32 * 9 + 64 * 9) / 2))
    assert 0.99 * limit < np.abs(weight).max() <= limit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softrelu_is_right_where_mxnets_own_is_not(mx, dtype):
    block = FCPredictor(1, activation="softrelu", use_bias=False)
    block.initialize()
    x = mx.nd.array([[-60], [-29.43], [-3], [0], [21], [100]])
    block(x)
    block.cast(dtype)
    next(iter(block.collect_params().values())).set_data(mx.nd.ones((1, 1)))
    x = x.astype(dtype)
    x.attach_grad()
    with mx.autograd.record():
        y = block(x)
    y.backward()
    exact = np.log1p(np.exp(x.asnumpy().astype(np.longdouble)))
    np.testing.assert_allclose(y.asnumpy(), exact, rtol=4 * np.finfo(dtype).eps)
    slope = 1 / (1 + np.exp(-x.asnumpy().astype(np.longdouble)))
    np.testing.assert_allclose(x.grad.asnumpy(), slope, rtol=0, atol=4 * np.finfo(dtype).eps)


def test_a_bad_parameter_is_named():
    with pytest.raises(
        ValueError, match="num_channel: expected an integer from 1 to 2147483647, got 0"
    ):
        ConvPredictor(0)
    with pytest.raises(ValueError, match=r"activation: expected 'relu' or .* got 'swish'"):
        FCPredictor(2, activation="swish")
    with pytest.raises(TypeError, match=r"use_bias: expected True or False, got 1"):
        FCPredictor(2, use_bias=1)
