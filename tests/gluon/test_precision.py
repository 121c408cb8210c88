"""Casts inside a graph that follow the dtype of what arrives."""

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels.gluon.precision import as_real, common_like, constant_like, narrow, widen

REAL = ("float16", "float32", "float64")
WIDE = {"float16": "float32", "float32": "float32", "float64": "float64"}


class Graph(mx.gluon.HybridBlock):
    """A block made of a function of F and arrays."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def hybrid_forward(self, F: Any, *arrays: Any) -> Any:
        return self.function(F, *arrays)


def test_widening_is_exact_and_never_below_float32(run: Any) -> None:
    block = Graph(widen)
    for dtype in REAL:
        info = np.finfo(dtype)
        x = np.array([[info.max, info.min, info.tiny, info.eps, -0.0, 1 / 3]], dtype)
        wide = run(block, x)
        assert wide.dtype == WIDE[dtype]
        np.testing.assert_array_equal(wide, x.astype(wide.dtype))


def test_several_arrays_are_widened_to_the_widest_of_them(run: Any) -> None:
    block = Graph(widen)
    for a in REAL:
        for b in REAL:
            wide = run(block, np.ones((2, 3), a), np.zeros((4,), b))
            expected = np.result_type(a, b, np.float32)
            assert [each.dtype for each in wide] == [expected] * 2
            assert [each.shape for each in wide] == [(2, 3), (4,)]


def test_the_common_dtype_is_that_of_numpy(run: Any) -> None:
    block = Graph(common_like)
    for a in REAL:
        for b in REAL:
            like = run(block, np.ones((2, 3), a), np.ones((4,), b))
            assert like.dtype == np.result_type(a, b)
            assert like.shape == (1,)


@pytest.mark.parametrize("integer", ["int8", "int32", "int64", "uint8"])
def test_integers_become_float32(run: Any, integer: str) -> None:
    x = np.array([[1, 2, 3]], integer)
    for function in (widen, as_real, common_like):
        assert run(Graph(function), x).dtype == np.float32
    np.testing.assert_array_equal(run(Graph(as_real), x), x)


def test_reals_stay_as_they_are(run: Any) -> None:
    block = Graph(as_real)
    for dtype in REAL:
        x = np.array([[np.finfo(dtype).max, np.finfo(dtype).tiny, 1 / 3]], dtype)
        same = run(block, x)
        assert same.dtype == x.dtype
        np.testing.assert_array_equal(same, x)


def test_narrowing_rounds_once_to_any_dtype(run: Any) -> None:
    block = Graph(narrow)
    rng = np.random.default_rng(0)
    for source in REAL:
        x = (rng.normal(size=(3, 5)) * 100).astype(source)
        x[0, :2] = np.inf, np.nan
        for target in REAL:
            narrowed = run(block, x, np.ones((2, 2), target))
            assert narrowed.dtype == target
            np.testing.assert_array_equal(narrowed, x.astype(target))


@pytest.mark.parametrize("hybridise", [False, True])
@pytest.mark.parametrize("cast", [widen, as_real, lambda F, x: narrow(F, x, x)])
def test_no_gradient_flows_through_a_cast(cast: Any, hybridise: bool) -> None:
    block = Graph(cast)
    block.hybridize(hybridise)
    x = mx.nd.ones((2, 3))
    x.attach_grad()
    with mx.autograd.record():
        loss = block(x).sum() + x.sum()
    loss.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), 1)


@pytest.mark.parametrize("value", [0.0, 0.7, 1e-12, -2.5, 0.1 + 0.2, 1e6, 1e300, 5e-324, 2**-24])
def test_a_constant_is_rounded_once(run: Any, value: float) -> None:
    block = Graph(lambda F, x: constant_like(F, value, x))
    for dtype in REAL:
        constant = run(block, np.zeros((2, 3), dtype))
        assert constant.dtype == dtype
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(constant, np.array([value]).astype(dtype))


@given(
    value=st.floats(allow_nan=False, allow_infinity=False)
    # next to the midpoint of two float16 or float32 numbers, where two roundings go astray
    | st.builds(
        lambda n, digits, e: (n + 0.5 + 2.0**-digits) * 2.0**e,
        st.integers(1024, 2047) | st.integers(2**23, 2**24 - 1),
        st.integers(20, 28),
        st.integers(-30, 5),
    )
)
def test_any_constant_is_rounded_once(value: float) -> None:
    for dtype in REAL:
        constant = constant_like(mx.nd, value, mx.nd.ones((2,), dtype=dtype))
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(constant.asnumpy(), np.array([value]).astype(dtype))
