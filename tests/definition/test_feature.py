"""The definitions of feature extractors, on cases worked by hand."""

import json

import numpy as np
import pytest

from refkernels.definition import feature

NETWORK = json.dumps(
    {
        "nodes": [
            {"op": "null", "name": "data", "inputs": []},
            {
                "op": "Pooling",
                "name": "half",
                "inputs": [[0, 0, 0]],
                "attrs": {"kernel": "(2, 2)", "stride": "(2, 2)", "pool_type": "avg"},
            },
            {
                "op": "LeakyReLU",
                "name": "leaky",
                "inputs": [[1, 0, 0]],
                "attrs": {"slope": "0.5"},
            },
        ],
        "heads": [[2, 0, 0]],
    }
)
X = np.array([[[[-4.0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]]])
NORM = ("gamma", "beta", "moving_mean", "moving_var")


def floats(outputs):
    return [np.asarray(output).astype(float).tolist() for output in outputs]


def test_an_extractor_returns_internals():
    outputs = feature.FeatureExtractor({"data": X}, network=NETWORK, outputs=["half", "leaky"])
    assert floats(outputs) == [[[[[-1, 1], [2, 3]]]], [[[[-0.5, 1], [2, 3]]]]]


def test_an_expander_appends_convolutions_of_stride_2():
    values = {
        "data": X,
        "expand_trans_conv0_weight": np.full((1, 1, 1, 1), -1),
        "expand_trans_conv0_bias": np.array([2.5]),
        "expand_conv0_weight": np.ones((1, 1, 3, 3)),
        "expand_conv0_bias": np.array([10]),
    }
    options = {"num_filters": [1], "use_bn": False, "min_depth": 1, "global_pool": True}
    outputs = feature.FeatureExpander(values, network=NETWORK, outputs=["leaky"], **options)
    # relu(2.5 - (-0.5, 1, 2, 3)) = 3, 1.5, 0.5, 0, whose sum is 5.
    assert floats(outputs[1:]) == [[[[[15]]]], [[[[15]]]]]


def test_an_expander_normalises():
    norm = {f"expand_bn0_{p}": np.array([v]) for p, v in zip(NORM, (7, 1, 3, 0), strict=True)}
    values = {"data": X, "expand_conv0_weight": np.ones((1, 1, 3, 3)), **norm}
    options = {"num_filters": [1], "use_1x1_transition": False}
    outputs = feature.FeatureExpander(values, network=NETWORK, outputs=["leaky"], **options)
    # The sum is 5.5; gamma is taken for 1, and eps is float32's 1e-3.
    expected = (5.5 - 3) / np.sqrt(np.float64(np.float32(1e-3))) + 1
    assert floats(outputs)[1] == [[[[pytest.approx(expected, rel=1e-12)]]]]


def test_a_pyramid_adds_what_is_repeated_and_cropped():
    values = {
        "data": X,
        **{f"P{i}_conv_lat_weight": np.full((1, 1, 1, 1), 10.0 ** (3 - i)) for i in (2, 3)},
        **{f"P{i}_conv1_weight": np.ones((1, 1, 3, 3)) for i in (2, 3)},
    }
    network = json.loads(NETWORK)
    network["nodes"].append(
        {
            "op": "Pooling",
            "name": "top",
            "inputs": [[2, 0, 0]],
            "attrs": {"kernel": "(2, 2)", "stride": "(2, 2)"},
        }
    )
    outputs = feature.FPNFeatureExpander(
        values,
        network=json.dumps(network),
        outputs=["leaky", "top"],
        num_filters=[1, 1],
        use_p6=True,
        p6_conv=False,
    )
    # The top is 3. Below it are 10 times -0.5, 1, 2, 3 plus 3 each, 67 together.
    assert floats(outputs) == [[[[[67, 67], [67, 67]]]], [[[[3]]]], [[[[3]]]]]


def test_global_pooling_and_clip_are_what_their_attributes_say():
    pooled = feature.operate("Pooling", {"global_pool": "True", "pool_type": "max"}, [X], float)
    assert floats([pooled]) == [[[[[3]]]]]
    clipped = feature.operate("clip", {"a_min": "-1.0", "a_max": "2.0"}, [X[:, :, :1]], float)
    assert floats([clipped]) == [[[[[-1, 0, 1, 1]]]]]


def test_a_pyramid_may_add_maps_of_one_size_without_repeating_them():
    values = {
        "data": X,
        **{f"P{i}_conv_lat_weight": np.full((1, 1, 1, 1), 10.0 ** (3 - i)) for i in (2, 3)},
        **{f"P{i}_conv1_weight": np.full((1, 1, 1, 1), 2) for i in (2, 3)},
    }
    outputs = feature.FPNFeatureExpander(
        values, network=NETWORK, outputs=["half", "leaky"], num_filters=[1, 1], use_upsample=False
    )
    # Twice 10 times -1, 1, 2, 3 plus -0.5, 1, 2, 3.
    assert floats(outputs) == [[[[[-21, 22], [44, 66]]]], [[[[-1, 2], [4, 6]]]]]
