"""How operators of each framework are called, and what is said of those that break the rules."""

import random

import numpy as np
import pytest

from refkernels.conformance.targets.calls import InputsChanged
from refkernels.conformance.targets.mxnet import GluonAdapter
from refkernels.conformance.targets.numpy import NumPyAdapter, strided


def test_strided_arrays_are_equal_in_another_layout():
    for shape in ((), (3,), (2, 0, 4), (2, 3, 4)):
        x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        np.testing.assert_array_equal(strided(x), x)
    assert not strided(np.zeros((2, 3))).flags.c_contiguous


def test_an_input_of_another_shape_after_the_call_has_changed():
    def flatten(x):
        x.shape = (-1,)
        return x

    call = NumPyAdapter().prepare(flatten, "call", "cpu")
    with pytest.raises(InputsChanged, match=r"is float64 of shape \(6,\) after the call"):
        call(np.zeros((2, 3)))


@pytest.fixture
def dense(mx):
    block = mx.gluon.nn.Dense(1, in_units=2, prefix="fc_")
    return GluonAdapter().prepare_with_parameters(block, "imperative", "cpu(0)")


def test_a_block_takes_the_parameters_that_are_expected_and_no_others(dense):
    x, weight, bias = np.ones((1, 2)), np.full((1, 2), 3.0), np.ones(1)
    (found,) = dense([x], {"fc_weight": weight, "fc_bias": bias})
    assert found == 7
    with pytest.raises(ValueError, match="has a parameter 'fc_bias', which is not expected"):
        dense([x], {"fc_weight": weight})
    with pytest.raises(ValueError, match="has no parameter fc_gamma"):
        dense([x], {"fc_weight": weight, "fc_bias": bias, "fc_gamma": bias})


def test_an_exported_block_is_loaded_once_and_called_as_often_as_asked(mx):
    from refkernels.gluon import NaiveSampler

    adapter = GluonAdapter()
    call = adapter.prepare(NaiveSampler(), "exported", "cpu(0)")
    for matches in ([[0.0, -1.0]], [[-1.0, 3.0]]):
        (samples,) = call(np.float32(matches))
        np.testing.assert_array_equal(samples, np.where(np.array(matches) >= 0, 1, -1))


def test_a_function_of_mxnet_arrays_is_called_as_it_is(mx):
    call = GluonAdapter().prepare(lambda x: x + 1, "imperative", "cpu(0)")
    (found,) = call(np.float32([[1, 2]]))
    np.testing.assert_array_equal(found, [[2, 3]])


def drawn_with_rng(x, rng=None):
    return x + np.random.default_rng(rng).random()


def drawn_from_numpy(x):
    return x + np.random.random()  # noqa: NPY002


def drawn_from_python(x):
    return x + random.random()


@pytest.mark.parametrize("operator", [drawn_with_rng, drawn_from_numpy, drawn_from_python])
def test_a_seed_reaches_whatever_an_operator_draws_from(operator):
    call = NumPyAdapter().prepare(operator, "call", "cpu")
    x = np.zeros(1)
    assert call(x, seed=3) == call(x, seed=3) != call(x, seed=4)
    assert call(x) != call(x)


def test_a_seed_is_kept_from_what_does_not_say_what_it_takes():
    call = NumPyAdapter().prepare(np.negative, "call", "cpu")
    (found,) = call(np.ones(1), seed=3)
    assert found == -1


def test_a_seed_reaches_blocks(mx):
    from refkernels.gluon import QuotaSampler

    call = GluonAdapter().prepare(QuotaSampler(8, 0.5, 0.5), "imperative", "cpu(0)")
    inputs = np.full((1, 40), -1, np.float32), np.zeros((1, 40), np.float32)
    (first,), (again,), (other,) = (call(*inputs, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
