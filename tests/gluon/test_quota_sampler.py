"""The custom operator in every place where MXNet takes one, and what it makes of bad parameters."""

import subprocess
import sys
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from refkernels import gluon
from refkernels.definition import sampler as definition

NAMES = ["quota_sampler", "refkernels_quota_sampler"]
PARAMETERS = {"num_sample": 8, "pos_thresh": 0.7, "neg_thresh_high": 0.3, "pos_ratio": 0.25}


class Custom(HybridBlock):
    def __init__(self, name: str, **parameters: Any) -> None:
        super().__init__()
        self.name_, self.parameters = name, parameters

    def hybrid_forward(self, F: Any, matches: Any, ious: Any) -> Any:
        return F.Custom(matches, ious, op_type=self.name_, **self.parameters)


def images(dtype: Any = np.float32) -> tuple[np.ndarray[Any, Any], ...]:
    rng = np.random.default_rng(0)
    matches = np.where(rng.random((4, 60)) < 0.2, 0, -1)
    return matches.astype(dtype), (rng.integers(0, 11, (4, 60, 3)) / 20).astype(dtype)


def assert_samples(samples: Any, matches: Any, ious: Any, **parameters: Any) -> None:
    candidates, max_pos, max_neg = definition.QuotaSampler(matches, ious, **parameters)
    np.testing.assert_array_equal(samples, np.where(samples == 0, 0, candidates))
    for kind, most in ((1, max_pos), (-1, max_neg)):
        kept, there = ((x == kind).sum(-1) for x in (samples, candidates))
        np.testing.assert_array_equal(kept, np.minimum(there, most))


def on(context: Any, *arrays: Any) -> list[Any]:
    return [mx.nd.array(array, ctx=context, dtype=array.dtype) for array in arrays]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "quota_sampler" and "gluoncv.nn.sampler" in sys.modules:
        pytest.skip("gluoncv, which another test has imported, took the name")
    return str(request.param)


def test_a_block_may_use_it_in_every_mode(run: Any, dtype: Any, name: str) -> None:
    matches, ious = images(dtype)
    samples = run(Custom(name, **PARAMETERS), matches, ious)
    assert samples.dtype == np.float32
    assert_samples(samples, matches, ious, neg_thresh_low=0.0, **PARAMETERS)


def test_one_block_takes_images_with_and_without_a_batch(run: Any) -> None:
    matches, ious = images()
    block = Custom(NAMES[1], **PARAMETERS)
    for inputs in ((matches, ious), (matches, ious.max(-1))):
        assert_samples(run(block, *inputs), *inputs, neg_thresh_low=0.0, **PARAMETERS)
    for inputs in ((matches[0], ious[0]), (matches[0], ious[0].max(-1))):
        samples = run(Custom(NAMES[1], **PARAMETERS), *inputs)
        assert_samples(samples, *inputs, neg_thresh_low=0.0, **PARAMETERS)


def test_inputs_of_other_dtypes(run: Any) -> None:
    matches, ious = images()
    samples = run(Custom(NAMES[1], **PARAMETERS), matches.astype(np.int32), ious.astype(np.float64))
    assert samples.dtype == np.float32
    assert_samples(samples, matches, ious.astype(float), neg_thresh_low=0.0, **PARAMETERS)


def test_a_symbol_may_use_it() -> None:
    matches, ious = on(mx.cpu(), *images())
    symbol = mx.sym.Custom(
        mx.sym.var("matches"), mx.sym.var("ious"), op_type="refkernels_quota_sampler", **PARAMETERS
    )
    symbol = mx.sym.load_json(symbol.tojson())
    assert symbol.infer_shape(matches=(4, 60), ious=(4, 60, 3))[1] == [(4, 60)]
    executor = symbol.bind(mx.cpu(), {"matches": matches, "ious": ious})
    first, second = (executor.forward()[0].asnumpy() for _ in range(2))
    for samples in (first, second):
        assert_samples(samples, matches.asnumpy(), ious.asnumpy(), neg_thresh_low=0.0, **PARAMETERS)
    assert (first != second).any()


@pytest.mark.parametrize("hybridise", [False, True])
def test_the_gradient_is_zero(hybridise: bool) -> None:
    matches, ious = on(mx.cpu(), *images())
    block = Custom(NAMES[1], **PARAMETERS)
    if hybridise:
        block.hybridize()
    for array in (matches, ious):
        array.attach_grad()
    with mx.autograd.record():
        loss = (block(matches, ious) * 2).sum() + (ious * 3).sum()
    loss.backward()
    np.testing.assert_array_equal(ious.grad.asnumpy(), 3)
    np.testing.assert_array_equal(matches.grad.asnumpy(), 0)


@pytest.mark.parametrize("hybridise", [False, True])
def test_draws_follow_mxnets_seed(hybridise: bool) -> None:
    inputs = on(mx.cpu(), *images())
    block = Custom(NAMES[1], **PARAMETERS)
    if hybridise:
        block.hybridize()

    def draw() -> list[Any]:
        mx.random.seed(5)
        return [block(*inputs).asnumpy() for _ in range(2)]

    first, second = draw()
    assert (first != second).any()
    np.testing.assert_array_equal(draw(), [first, second])


def test_parameters_are_read_as_what_they_say() -> None:
    matches, ious = images()
    for given, meant in (
        ({"fill_negative": "False"}, {"fill_negative": False}),
        ({"fill_negative": "0"}, {"fill_negative": False}),
        ({"fill_negative": "true"}, {"fill_negative": True}),
        ({"neg_ratio": "None"}, {"neg_ratio": None}),
        ({"neg_ratio": "0.5"}, {"neg_ratio": 0.5}),
        ({"neg_thresh_low": "-inf"}, {"neg_thresh_low": -np.inf}),
        ({"neg_thresh_low": -np.inf}, {"neg_thresh_low": -np.inf}),
        ({"neg_thresh_low": 1e-1}, {"neg_thresh_low": 0.1}),
        ({"num_sample": "30"}, {"num_sample": 30}),
    ):
        parameters = {**PARAMETERS, "neg_thresh_low": 0.0, **given}
        samples = mx.nd.Custom(*on(mx.cpu(), matches, ious), op_type=NAMES[1], **parameters)
        meaning = {**PARAMETERS, "neg_thresh_low": 0.0, **meant}
        assert_samples(samples.asnumpy(), matches, ious, **meaning)


def test_the_defaults_of_the_two_classes() -> None:
    matches, ious = np.array([-1.0, -1, 0]), np.array([-0.5, 0.4, 0.9])
    inputs = on(mx.cpu(), matches, ious)
    samples = mx.nd.Custom(*inputs, op_type=NAMES[1], num_sample=9, pos_thresh=0.5)
    np.testing.assert_array_equal(samples.asnumpy(), [0, -1, 1])  # neg_thresh_low is 0
    out = mx.nd.zeros(3)
    operator = gluon.QuotaSamplerOp(num_sample=9, pos_thresh=0.5)
    operator.forward(False, ["write"], inputs, [out], [])
    np.testing.assert_array_equal(out.asnumpy(), [-1, -1, 1])  # and -inf here


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"num_sample": "0"}, ValueError, "num_sample: expected an integer from 1"),
        ({"num_sample": "many"}, TypeError, "num_sample: expected an integer, got 'many'"),
        ({"pos_thresh": "nan"}, ValueError, "pos_thresh is nan"),
        ({"pos_thresh": "None"}, TypeError, "pos_thresh"),
        ({"pos_ratio": "0.6", "neg_ratio": "0.6"}, ValueError, "sum of at most 1"),
        ({"fill_negative": "maybe"}, TypeError, "fill_negative: expected True or False"),
        ({"fill_negative": "2"}, TypeError, "fill_negative: expected True or False"),
    ],
)
def test_bad_parameters_are_errors_and_do_not_end_the_process(
    capfd: pytest.CaptureFixture[str], parameters: Any, error: Any, message: str
) -> None:
    parameters = {**PARAMETERS, **parameters}
    for cls in (gluon.QuotaSamplerProp, gluon.QuotaSamplerOp):
        with pytest.raises(error, match=message):
            cls(**parameters)
    with pytest.raises(mx.MXNetError):
        mx.nd.Custom(*on(mx.cpu(), *images()), op_type=NAMES[1], **parameters)
    assert message.split(":")[0] in capfd.readouterr().out


def test_an_unknown_parameter_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(mx.MXNetError):
        mx.sym.Custom(mx.sym.var("a"), mx.sym.var("b"), op_type=NAMES[1], num_samples=3)
    assert "num_samples" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("matches", "ious"),
    [((4, 60), (4, 59)), ((4, 60), (3, 60, 2)), ((4, 60), (60,)), ((4, 6, 2), (4, 6, 2))],
)
def test_shapes_that_do_not_go_together_are_an_error(
    capfd: pytest.CaptureFixture[str], matches: Any, ious: Any
) -> None:
    with pytest.raises(mx.MXNetError):
        mx.nd.Custom(mx.nd.zeros(matches), mx.nd.zeros(ious), op_type=NAMES[1], **PARAMETERS)
    assert "expected matches (B, N) or (N,)" in capfd.readouterr().out


def test_values_that_are_no_ious_end_nothing() -> None:
    matches, ious = mx.nd.array([np.nan, 0.5, -1]), mx.nd.array([np.nan, np.inf, -np.inf])
    samples = mx.nd.Custom(matches, ious, op_type=NAMES[1], **PARAMETERS)
    np.testing.assert_array_equal(samples.asnumpy(), [0, 1, 0])


OTHER = """
from refkernels.gluon.compat import import_mxnet
{first}
import mxnet as mx, numpy as np

@mx.operator.register("quota_sampler")
class Theirs(mx.operator.CustomOpProp):
    def __init__(self, num_sample, pos_thresh):
        super().__init__()

    def list_arguments(self):
        return ["matches", "ious"]

    def infer_shape(self, shapes):
        return shapes, [shapes[0]], []

    def create_operator(self, *_):
        class Op(mx.operator.CustomOp):
            def forward(self, is_train, req, in_data, out_data, aux):
                self.assign(out_data[0], req[0], 7)

        return Op()

import refkernels.gluon

inputs = mx.nd.array([0, -1]), mx.nd.array([0, 0])
for name in ("quota_sampler", "refkernels_quota_sampler"):
    print(mx.nd.Custom(*inputs, op_type=name, num_sample=2, pos_thresh=1).asnumpy().tolist())
"""


@pytest.mark.parametrize(
    "first", ["import_mxnet()", "import refkernels.gluon"], ids=["they come first", "we come first"]
)
def test_another_package_keeps_the_name_and_we_keep_ours(first: str) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", OTHER.format(first=first)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.splitlines() == ["[7.0, 7.0]", "[1.0, -1.0]"], run.stderr
