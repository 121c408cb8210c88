"""The definitions of layers, on cases worked by hand."""

from fractions import Fraction

import numpy as np
import pytest

from refkernels.definition import layers

THREE = np.arange(9.0).reshape(1, 1, 3, 3)


def floats(numbers):
    return np.asarray(numbers).astype(float).tolist()


def test_convolution_is_cross_correlation():
    weight = np.array([1.0, 2, 3, 4]).reshape(1, 1, 2, 2)
    expected = [[0 + 2 + 9 + 16, 1 + 4 + 12 + 20], [3 + 8 + 18 + 28, 4 + 10 + 21 + 32]]
    assert floats(layers.convolution(THREE, weight)) == [[expected]]


def test_convolution_sees_zeros_beyond_the_edges():
    out = layers.convolution(THREE, np.ones((1, 1, 3, 3)), pad=(1, 1), stride=(2, 2))
    assert floats(out) == [[[[8, 12], [20, 24]]]]


def test_dilation_spreads_the_taps():
    out = layers.convolution(THREE, np.ones((1, 1, 2, 2)), dilate=(2, 2))
    assert floats(out) == [[[[0 + 2 + 6 + 8]]]]


def test_a_group_of_filters_sees_its_own_channels():
    x = np.array([1.0, 10, 100, 1000]).reshape(1, 4, 1, 1)
    weight = np.ones((2, 2, 1, 1))
    assert floats(layers.convolution(x, weight, [1, 2], groups=2)) == [[[[12]], [[1102]]]]


def test_convolution_is_exact():
    x = np.full((1, 3, 1, 1), 0.1)
    assert layers.convolution(x, np.full((1, 3, 1, 1), 0.1))[0, 0, 0, 0] == 3 * Fraction(0.1) ** 2


def test_fully_connected_multiplies_by_the_transpose():
    assert floats(layers.fully_connected([[1, 2]], [[3, 4], [5, 6], [0, 1]], [0.5, 0, 0])) == [
        [11.5, 17, 2]
    ]


def test_batch_norm_uses_the_given_statistics():
    x = np.array([1.0, 5]).reshape(1, 2, 1, 1)
    out = layers.batch_norm(x, [2, 3], [10, 20], [0, 1], [3, 15], eps=Fraction(1))
    assert floats(out) == [[[[11]], [[23]]]]


def test_batch_norm_may_fix_gamma_to_one():
    out = layers.batch_norm([[6.0]], [7], [0], [2], [4], eps=Fraction(0), fix_gamma=True)
    assert floats(out) == [[2]]


def test_the_inverse_root_is_right_to_300_bits():
    root = layers.inverse_root(Fraction(2))
    assert abs(root**2 - Fraction(1, 2)) < Fraction(1, 2**299)


def test_full_pooling_has_a_window_for_the_rest():
    x = np.arange(4.0).reshape(1, 1, 1, 4)
    options = {"kernel": (1, 3), "stride": (1, 2)}
    assert floats(layers.pooling(x, kind="max", **options)) == [[[[2]]]]
    assert floats(layers.pooling(x, kind="max", convention="full", **options)) == [[[[2, 3]]]]
    assert floats(layers.pooling(x, kind="avg", convention="full", **options)) == [[[[1, 2.5]]]]


@pytest.mark.parametrize(("count", "mean"), [(True, 2 / 3), (False, 1)])
def test_a_mean_counts_padding_if_asked(count, mean):
    x = np.ones((1, 1, 1, 3))
    out = layers.pooling(
        x, kind="avg", kernel=(1, 3), stride=(1, 3), pad=(0, 1), count_include_pad=count
    )
    assert floats(out) == [[[[pytest.approx(mean)]]]]


def test_padding_is_never_a_maximum():
    out = layers.pooling(-np.ones((1, 1, 2, 2)), kind="max", kernel=(3, 3), pad=(1, 1))
    assert floats(out) == [[[[-1, -1], [-1, -1]]]]


def test_global_pooling_reduces_the_whole_image():
    assert floats(layers.global_pooling(THREE, kind="avg")) == [[[[4]]]]
    assert floats(layers.global_pooling(THREE, kind="max")) == [[[[8]]]]


def test_upsampling_repeats_pixels():
    out = layers.upsampling(np.array([1.0, 2]).reshape(1, 1, 1, 2), scale=2)
    assert floats(out) == [[[[1, 1, 2, 2], [1, 1, 2, 2]]]]


def test_slice_like_keeps_the_front():
    out = layers.slice_like(THREE, np.zeros((5, 5, 2, 1)), axes=(2, 3))
    assert floats(out) == [[[[0], [3]]]]


def test_sums_products_and_concatenation():
    a, b = np.array([[1.0, 2]]), np.array([[10.0, 20]])
    assert floats(layers.elementwise_sum(a, b, b)) == [[21, 42]]
    assert floats(layers.elementwise_product(a, b)) == [[10, 40]]
    assert floats(layers.concat(a, b)) == [[1, 2, 10, 20]]
    assert floats(layers.concat(a, b, axis=0)) == [[1, 2], [10, 20]]


def test_flatten_keeps_the_first_axis():
    assert layers.flatten(np.zeros((2, 3, 4))).shape == (2, 12)
    assert layers.flatten(np.zeros((0, 3, 4))).shape == (0, 12)


def test_dropout_is_the_identity():
    assert floats(layers.dropout([1.5])) == [1.5]


@pytest.mark.parametrize(
    ("kind", "at_minus_one", "at_two"),
    [
        ("relu", 0, 2),
        ("sigmoid", 1 / (1 + np.e), 1 / (1 + np.exp(-2))),
        ("tanh", np.tanh(-1), np.tanh(2)),
        ("softrelu", np.log(1 + np.exp(-1)), np.log(1 + np.exp(2))),
        ("softsign", -1 / 2, 2 / 3),
        (None, -1, 2),
    ],
)
def test_activations(kind, at_minus_one, at_two):
    assert floats(layers.activation([-1.0, 2], kind=kind)) == pytest.approx([at_minus_one, at_two])


@pytest.mark.parametrize(
    ("kind", "at_minus_one", "at_two"),
    [
        ("leaky", -0.25, 2),
        ("rrelu", -0.25, 2),
        ("elu", 0.25 * np.expm1(-1), 2),
        ("selu", 1.7580993408473766 * np.expm1(-1), 2 * 1.0507009873554805),
        ("gelu", -0.15865525393145707, 1.9544997361036416),
    ],
)
def test_relatives_of_relu(kind, at_minus_one, at_two):
    assert floats(layers.leaky_relu([-1.0, 2], kind=kind)) == pytest.approx([at_minus_one, at_two])


def test_prelu_has_a_slope_for_each_channel():
    assert floats(layers.leaky_relu([[-1.0, -1]], [0.5, 2], kind="prelu")) == [[-0.5, -2]]


def test_functions_of_one_number():
    found = {kind: floats(layers.unary([-0.5], kind=kind))[0] for kind in layers.UNARY}
    assert found == {
        "abs": 0.5,
        "negative": 0.5,
        "exp": pytest.approx(np.exp(-0.5)),
        "log1p": pytest.approx(np.log(0.5)),
    }


def test_clip():
    assert floats(layers.clip([-1.0, 0.5, 9], low=Fraction(0), high=Fraction(6))) == [0, 0.5, 6]


def test_softmax_shares_one():
    assert floats(layers.softmax([[0.0, 0.0]])) == [[0.5, 0.5]]
    assert floats(layers.softmax([[0.0, 1000.0]], log=True)) == [[-1000, 0]]
    assert floats(layers.softmax([[0.0], [np.log(3)]], axis=0)) == [
        [pytest.approx(0.25)],
        [pytest.approx(0.75)],
    ]


def test_a_parameter_is_rounded_to_the_computing_dtype():
    assert layers.parameter(0.1, np.float32) == Fraction(float(np.float32(0.1)))
    assert layers.parameter(0.1, np.float64) == Fraction(0.1)
