"""Features in NumPy: which graph each option makes, and what is refused."""

import json

import numpy as np
import pytest

from refkernels.feature import FeatureExpander, FeatureExtractor, FPNFeatureExpander

NODES = [{"op": "null", "name": "data", "inputs": []}]
for stage, source in (("one", 0), ("two", 3), ("three", 6)):
    NODES += [
        {"op": "null", "name": f"{stage}_weight", "inputs": []},
        {
            "op": "Convolution",
            "name": stage,
            "inputs": [[source, 0, 0], [len(NODES), 0, 0]],
            "attrs": {"kernel": "(1, 1)", "stride": "(2, 2)", "num_filter": "2", "no_bias": "1"},
        },
        {
            "op": "Activation",
            "name": f"{stage}_relu",
            "inputs": [[len(NODES) + 1, 0, 0]],
            "attrs": {"act_type": "relu"},
        },
    ]
NETWORK = json.dumps({"nodes": NODES, "heads": [[9, 0, 0]]})
STAGES = ("one_relu", "two_relu", "three_relu")
WEIGHTS = [f"{stage}_weight" for stage in ("one", "two", "three")]


def ones(operator, **shapes):
    """Parameters of ones, of the shapes that 2 channels everywhere make."""
    params = {}
    for name in operator.parameters:
        if name.endswith("_weight"):
            kernel = 1 if "trans" in name or "lat" in name or name in WEIGHTS else 3
            params[name] = np.ones((2, 2, kernel, kernel))
        else:
            params[name] = np.ones(2)
    return params


X = np.ones((1, 2, 16, 12))


def shapes(outputs):
    return [output.shape for output in outputs]


def test_an_extractor_stops_at_its_outputs():
    extract = FeatureExtractor(NETWORK, ["one_relu", "two_output"])
    assert extract.parameters == ("one_weight", "two_weight")
    one, two = extract(X, params=ones(extract))
    np.testing.assert_array_equal(one, np.full((1, 2, 8, 6), 2))
    np.testing.assert_array_equal(two, np.full((1, 2, 4, 3), 4))


def test_a_single_output_is_no_tuple():
    extract = FeatureExtractor(NETWORK, "one")
    np.testing.assert_array_equal(extract(X, params=ones(extract)), np.full((1, 2, 8, 6), 2))


def test_an_expander_halves_as_often_as_it_is_told():
    expand = FeatureExpander(NETWORK, STAGES[:2], [2, 2], min_depth=2)
    outputs = expand(X, params=ones(expand))
    assert shapes(outputs) == [(1, 2, 8, 6), (1, 2, 4, 3), (1, 2, 2, 2), (1, 2, 1, 1)]
    assert expand.parameters[2:12] == (
        "expand_trans_conv0_weight",
        *(f"expand_trans_bn0_{p}" for p in ("gamma", "beta", "moving_mean", "moving_var")),
        "expand_conv0_weight",
        *(f"expand_bn0_{p}" for p in ("gamma", "beta", "moving_mean", "moving_var")),
    )


def test_an_expander_without_normalisation_has_biases():
    expand = FeatureExpander(NETWORK, "one_relu", [2], use_bn=False, min_depth=2)
    assert expand.parameters[1:] == (
        "expand_trans_conv0_weight", "expand_trans_conv0_bias",
        "expand_conv0_weight", "expand_conv0_bias",
    )  # fmt: skip


def test_an_expander_ends_with_a_mean_over_the_image_if_asked():
    options = {"use_1x1_transition": False, "use_bn": False, "global_pool": True}
    expand = FeatureExpander(NETWORK, "one_relu", [2], **options)
    outputs = expand(X, params=ones(expand))
    assert shapes(outputs)[-1] == (1, 2, 1, 1)
    np.testing.assert_allclose(outputs[-1], outputs[-2].mean((2, 3), keepdims=True))


@pytest.mark.parametrize(
    ("filters", "ratio", "least", "depth"),
    [(64, 1.0, 128, 128), (64, 0.5, 16, 32), (5, 0.5, 1, 2), (7, 0.5, 1, 4)],
)
def test_a_transition_has_a_share_of_the_filters_but_not_less_than_the_minimum(
    filters, ratio, least, depth
):
    expand = FeatureExpander(NETWORK, "one_relu", [filters], reduce_ratio=ratio, min_depth=least)
    node = expand.graph.nodes[expand.graph.find("expand_trans_conv0")]
    assert node.attributes["num_filter"] == str(depth)


def test_a_pyramid_goes_from_fine_to_coarse():
    pyramid = FPNFeatureExpander(NETWORK, STAGES, [2, 2, 2])
    outputs = pyramid(X, params=ones(pyramid))
    assert shapes(outputs) == [(1, 2, 8, 6), (1, 2, 4, 3), (1, 2, 2, 2)]
    assert set(pyramid.parameters) - set(WEIGHTS) == {
        f"P{level}_{layer}_weight" for level in (2, 3, 4) for layer in ("conv_lat", "conv1")
    }


def test_a_pyramid_adds_the_coarser_level_to_each():
    pyramid = FPNFeatureExpander(NETWORK, STAGES[:2], [2, 2], use_1x1=False)
    params = ones(pyramid)
    outputs = pyramid(X, params=params)
    # Features are 2 and 4 everywhere, so sums are 4 and 2 + 4; each 3x3 convolution adds up 18.
    assert outputs[1][0, 0, 1, 1] == 4 * 18
    assert outputs[0][0, 0, 1, 1] == 6 * 18


def test_a_pyramid_without_sums_repeats_the_coarsest_level():
    pyramid = FPNFeatureExpander(NETWORK, STAGES[:2], [2, 2], use_elewadd=False)
    assert not any("P2_conv_lat" in name for name in pyramid.parameters)
    assert shapes(pyramid(X, params=ones(pyramid))) == [(1, 2, 8, 6), (1, 2, 4, 3)]


def test_the_sixth_level_is_a_convolution_or_every_second_pixel():
    convolved = FPNFeatureExpander(NETWORK, STAGES[:2], [2, 2], use_p6=True)
    assert "P4_conv1_weight" in convolved.parameters
    assert shapes(convolved(X, params=ones(convolved)))[-1] == (1, 2, 2, 2)
    pooled = FPNFeatureExpander(NETWORK, STAGES[:2], [2, 2], use_p6=True, p6_conv=False)
    outputs = pooled(X, params=ones(pooled))
    np.testing.assert_array_equal(outputs[2], outputs[1][:, :, ::2, ::2])


def test_a_pooled_sixth_level_is_not_normalised():
    pooled = FPNFeatureExpander(
        NETWORK, STAGES[:2], [2, 2], use_p6=True, p6_conv=False, norm_layer="SyncBatchNorm"
    )
    outputs = pooled(X, params=ones(pooled))
    node = pooled.graph.nodes[pooled.graph.find("P4_pre")]
    assert pooled.graph.nodes[node.inputs[0][0]].name == "P3_conv1"
    assert not np.array_equal(outputs[2], outputs[1][:, :, ::2, ::2])


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        ("SyncBatchNorm", ["P3_lat_bn", "P4_pre_bn", "P3_bn", "P2_conv1_bn", "P2_bn"]),
        ("BatchNorm", [f"batchnorm{i}" for i in range(5)]),
    ],
)
def test_norm_layers_have_the_names_of_gluoncv(layer, names):
    pyramid = FPNFeatureExpander(
        NETWORK, STAGES[:2], [2, 2], use_p6=True, norm_layer=layer, norm_kwargs={"eps": 0.5}
    )
    found = {name[:-6] for name in pyramid.parameters if name.endswith("_gamma")}
    assert found == set(names)
    node = pyramid.graph.nodes[pyramid.graph.find(names[0])]
    assert node.attributes == {"eps": "0.5"}


def test_convolutions_of_a_pyramid_may_have_a_bias():
    pyramid = FPNFeatureExpander(NETWORK, STAGES[:2], [2, 2], no_bias=False)
    assert sum(name.endswith("_bias") for name in pyramid.parameters) == 4


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: FeatureExtractor(NETWORK, "one_rellu"), "no node 'one_rellu'; the nearest .*one_"),
        (lambda: FeatureExtractor(NETWORK, []), "outputs: expected at least one name"),
        (lambda: FeatureExtractor(NETWORK, "one", "image"), "inputs: there is no variable 'image'"),
        (
            lambda: FeatureExpander(NETWORK, "one", [0]),
            r"num_filters\[0\]: .* from 1 to 2147483647, got 0",
        ),
        (
            lambda: FeatureExpander(NETWORK, "one", [2], min_depth=0),
            "min_depth: .* from 1 to 2147483647",
        ),
        (
            lambda: FeatureExpander(NETWORK, "one", [2], reduce_ratio=-1),
            "reduce_ratio: .* least 0",
        ),
        (
            lambda: FPNFeatureExpander(NETWORK, STAGES, [2]),
            r"for each of 3 outputs, got \[2\]",
        ),
        (
            lambda: FPNFeatureExpander(NETWORK, "one", [2], norm_layer="GroupNorm"),
            "norm_layer: expected None, 'BatchNorm' or 'SyncBatchNorm', got 'GroupNorm'",
        ),
        (
            lambda: FeatureExpander(FeatureExpander(NETWORK, "one", [2]).graph, "one", [2]),
            "network: it already has a node 'expand_trans_conv0_weight'",
        ),
        (
            lambda: FeatureExtractor(NETWORK, "one")(X, X, params={}),
            r"expected 1 input \(data\), got 2",
        ),
        (
            lambda: FeatureExtractor(NETWORK, "one")(X, params={}),
            "params: 'one_weight' is missing, the weight of node 'one'",
        ),
    ],
)
def test_what_cannot_be_built_is_said(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_wrong_types_are_said():
    with pytest.raises(TypeError, match="outputs: expected names, got 3"):
        FeatureExtractor(NETWORK, [3])
    with pytest.raises(TypeError, match="use_bn: expected True or False, got 'no'"):
        FeatureExpander(NETWORK, "one", [2], use_bn="no")
