"""The definitions of the predictors, on cases worked by hand."""

import numpy as np

from refkernels.definition import predictor


def test_conv_predictor_pads_by_one_unless_told_otherwise():
    x = np.ones((1, 1, 2, 3))
    out = predictor.ConvPredictor(x, np.ones((1, 1, 3, 3)), [0.5], num_channel=1)
    assert out.astype(float).tolist() == [[[[4.5, 6.5, 4.5], [4.5, 6.5, 4.5]]]]


def test_conv_predictor_takes_one_image():
    x = np.ones((1, 2, 2))
    out = predictor.ConvPredictor(
        x, np.full((1, 1, 2, 2), -1), num_channel=1, kernel=(2, 2), pad=(0, 0), use_bias=False
    )
    assert out.astype(float).tolist() == [[[-4]]]


def test_conv_predictor_ends_with_its_activation():
    options = {"num_channel": 1, "kernel": (1, 1), "pad": (0, 0), "stride": (1, 2)}
    x = np.array([[[-1.0, 5, 2]]])
    out = predictor.ConvPredictor(x, [[[[1]]]], [0], activation="relu", **options)
    assert out.astype(float).tolist() == [[[0, 2]]]


def test_fc_predictor_flattens_all_but_the_first_axis():
    x = np.arange(8.0).reshape(2, 2, 2)
    out = predictor.FCPredictor(x, np.ones((1, 4)), [-10], num_output=1, activation="relu")
    assert out.astype(float).tolist() == [[0], [12]]
