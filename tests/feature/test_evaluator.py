"""The evaluator of graphs: what it computes, what it shows, and what it refuses."""

import ast
import json

import numpy as np
import pytest

from refkernels.feature import GraphEvaluator
from refkernels.network.mxnet_operators import OPERATORS


class Net:
    """Writes a symbol's JSON, node by node."""

    def __init__(self):
        self.nodes = []

    def variable(self, name):
        return self.add("null", name)

    def add(self, op, name, *inputs, **attrs):
        self.nodes.append(
            {
                "op": op,
                "name": name,
                "attrs": {key: str(value) for key, value in attrs.items()},
                "inputs": [[source, 0, 0] for source in inputs],
            }
        )
        return len(self.nodes) - 1

    def json(self, *heads):
        heads = heads or [len(self.nodes) - 1]
        return json.dumps({"nodes": self.nodes, "heads": [[head, 0, 0] for head in heads]})


def small_net():
    """Two layers: relu(x w' + b), then its double by a sum with itself; both are outputs."""
    net = Net()
    x, weight, bias = (net.variable(name) for name in ("data", "fc_weight", "fc_bias"))
    fc = net.add("FullyConnected", "fc", x, weight, bias, num_hidden=2)
    relu = net.add("Activation", "relu", fc, act_type="relu")
    double = net.add("elemwise_add", "double", relu, relu)
    return net.json(relu, double)


PARAMS = {"fc_weight": np.array([[1.0, 2], [0, -1]]), "fc_bias": np.array([0.5, 0])}
X = np.array([[1.0, 1]])


def test_outputs_come_in_the_order_of_the_heads():
    evaluator = GraphEvaluator(small_net(), PARAMS)
    assert evaluator.outputs == ("relu_output", "double_output")
    once, twice = evaluator(X)
    np.testing.assert_array_equal(once, [[3.5, 0]])
    np.testing.assert_array_equal(twice, [[7, 0]])


def test_inputs_go_by_position_or_name():
    evaluator = GraphEvaluator(small_net(), PARAMS)
    assert evaluator.inputs == ("data",)
    np.testing.assert_array_equal(evaluator(data=X)[1], evaluator(X)[1])


def test_any_internal_can_be_looked_at():
    evaluator = GraphEvaluator(small_net(), PARAMS)
    assert evaluator.internals == (
        "data", "fc_weight", "fc_bias", "fc_output", "relu_output", "double_output",
    )  # fmt: skip
    assert evaluator.operators["fc_output"] == "FullyConnected"
    assert evaluator.sources("fc") == ("data", "fc_weight", "fc_bias")
    for name in ("fc", "fc_output"):
        np.testing.assert_array_equal(evaluator.internal(name, X), [[3.5, -1]])
    np.testing.assert_array_equal(evaluator.internal("data", X), X)
    np.testing.assert_array_equal(evaluator.internal("fc_weight"), PARAMS["fc_weight"])


def test_several_internals_come_at_once():
    evaluator = GraphEvaluator(small_net(), PARAMS)
    assert list(evaluator.evaluate({"data": X})) == ["fc_output", "relu_output", "double_output"]
    assert list(evaluator.evaluate({"data": X}, ["relu", "data"])) == ["data", "relu_output"]


def test_a_node_can_be_fed_by_hand():
    evaluator = GraphEvaluator(small_net(), PARAMS)
    np.testing.assert_array_equal(evaluator.evaluate_node("relu", [X - 2]), [[0, 0]])


def test_results_are_the_callers_own():
    net = Net()
    x = net.variable("data")
    kept = net.add("Dropout", "kept", x, p=0.5)
    flat = net.add("Flatten", "flat", kept)
    evaluator = GraphEvaluator(net.json(kept, flat, x), {})
    given = np.ones((1, 2))
    results = evaluator(given)
    for result in results:
        result += 1
    assert (given == 1).all()
    assert all((result == 2).all() for result in results)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes_are_kept(dtype):
    params = {name: array.astype(dtype) for name, array in PARAMS.items()}
    evaluator = GraphEvaluator(small_net(), params)
    assert evaluator(X.astype(dtype))[0].dtype == dtype


def test_float16_is_computed_in_float32_and_rounded_at_each_node():
    net = Net()
    x, weight = net.variable("data"), net.variable("w")
    net.add("FullyConnected", "fc", x, weight, num_hidden=1, no_bias="True")
    weight = np.full((1, 4096), 0.5, np.float16)
    weight[0, 0] = 1
    result = GraphEvaluator(net.json(), {"w": weight})(np.ones((1, 4096), np.float16))
    assert result == np.float16(2048.5)


def test_batch_norm_keeps_float32_parameters_beside_float16_data():
    net = Net()
    inputs = [net.variable(name) for name in ("data", "g", "b", "m", "v")]
    net.add("BatchNorm", "bn", *inputs, fix_gamma="False")
    params = {name: np.ones(2, np.float32) for name in "gbmv"}
    assert GraphEvaluator(net.json(), params)(np.ones((1, 2), np.float16)).dtype == np.float16


def test_parameters_that_the_graph_does_not_use_are_left_alone():
    GraphEvaluator(small_net(), {**PARAMS, "arg:other": np.array([np.nan])})


def test_a_missing_parameter_is_named_with_its_node():
    message = r"params: 'fc_weight' is missing, the weight of node 'fc' \(FullyConnected\)"
    with pytest.raises(ValueError, match=message):
        GraphEvaluator(small_net(), {"fc_bias": PARAMS["fc_bias"]})


def test_a_parameter_of_the_wrong_shape_is_found_at_its_node():
    evaluator = GraphEvaluator(small_net(), {**PARAMS, "fc_weight": np.ones((2, 3))})
    message = r"node 'fc' \(FullyConnected\): expected a weight \(F, 2\) .* got \(2, 3\)"
    with pytest.raises(ValueError, match=message):
        evaluator(X)
    evaluator = GraphEvaluator(small_net(), {**PARAMS, "fc_weight": np.ones((3, 2))})
    with pytest.raises(ValueError, match="expected a weight of 2 outputs, got"):
        evaluator(X)


def test_nan_is_named():
    with pytest.raises(ValueError, match=r"params\['fc_bias'\]\[1\] is nan"):
        GraphEvaluator(small_net(), {**PARAMS, "fc_bias": np.array([0, np.nan])})
    evaluator = GraphEvaluator(small_net(), PARAMS)
    with pytest.raises(ValueError, match=r"data\[0, 0\] is inf"):
        evaluator(X * np.inf)


def test_an_operator_that_is_not_supported_is_named_with_its_node():
    net = Net()
    net.add("Deconvolution", "up", net.variable("data"))
    with pytest.raises(
        ValueError, match=r"node 'up' .*: operator 'Deconvolution' is not supported"
    ):
        GraphEvaluator(net.json(), {})


@pytest.mark.parametrize(
    ("op", "count", "attrs", "message"),
    [
        ("Convolution", 2, {"kernel": "(3,)", "num_filter": 1, "no_bias": "True"}, "two integers"),
        ("Convolution", 3, {"kernel": "(3, 3)", "num_filter": 1, "layout": "NHWC"}, "supported is"),
        ("Convolution", 2, {"kernel": "(3, 3)", "num_filter": 1}, "inputs data, weight, bias; got"),
        ("Convolution", 3, {"kernel": "(3, 3)", "num_filter": "many"}, "num_filter: expected an"),
        ("Pooling", 1, {"kernel": "(2, 2)", "pool_type": "lp"}, "supported is max, avg, sum; got"),
        ("Pooling", 1, {"pooling_convention": "same"}, "supported is valid, full; got 'same'"),
        ("Activation", 1, {"act_type": "swish"}, "act_type: supported is relu, .* got 'swish'"),
        ("Activation", 1, {"act_type": "relu", "slope": 3}, "attribute slope='3' is not supported"),
        ("UpSampling", 1, {"scale": 2, "sample_type": "bilinear"}, "supported is nearest"),
        ("UpSampling", 2, {"scale": 2, "sample_type": "nearest", "num_args": 2}, "one input"),
        ("BatchNorm", 5, {"output_mean_var": "True"}, "output_mean_var is not supported"),
        ("BatchNorm", 5, {"eps": "inf"}, "eps: expected a number, got 'inf'"),
        ("Dropout", 1, {"mode": "always"}, "supported is training; got 'always'"),
        ("softmax", 1, {"use_length": "True"}, "use_length is not supported"),
        ("elemwise_add", 1, {}, "expected inputs lhs, rhs; got 1"),
        ("clip", 1, {"a_min": 0}, "attribute a_max: expected a number, got None"),
        ("slice_like", 2, {"axes": "(x)"}, "axes: expected integers"),
        ("Flatten", 1, {"x": 1}, "attribute x='1' is not supported"),
        ("FullyConnected", 3, {"num_hidden": 1, "flatten": "maybe"}, "flatten: expected True or"),
        ("FullyConnected", 3, {"num_hidden": 1, "flatten": "[1]"}, "flatten: expected True or"),
        ("FullyConnected", 3, {"num_hidden": 2**31}, "num_hidden: expected an integer of 32 bits"),
        ("Pooling", 1, {"stride": f"({2**70}, 1)"}, "stride: expected two integers of 32 bits"),
        ("Pooling", 1, {"stride": "(True, 1)"}, "stride: expected two integers of 32 bits"),
        ("squeeze", 1, {"axis": -(2**70)}, "axis: expected integers of 32 bits"),
        ("slice_like", 2, {"axes": "{1, 0}"}, "axes: expected integers of 32 bits"),
        ("reshape_like", 2, {"lhs_begin": 2**40}, "lhs_begin: expected an integer of 32 bits"),
        ("_mul_scalar", 1, {"scalar": 10**400}, "scalar: expected a number, got 1000"),
        ("_mul_scalar", 1, {"scalar": "((" * 999}, r"scalar: expected a number, got '\(\("),
        ("clip", 1, {"a_min": 1e300, "a_max": 1}, r"attribute a_min: 1e\+300 does not fit float32"),
        ("softmax", 1, {"temperature": 0}, "temperature: expected a number that can divide, got 0"),
        ("softmax", 1, {"temperature": "warm"}, "temperature: expected a number, got 'warm'"),
    ],
)
def test_an_attribute_that_is_not_supported_is_named_with_its_node(op, count, attrs, message):
    net = Net()
    net.add(op, "bad", *(net.variable(f"v{i}") for i in range(count)), **attrs)
    params = {f"v{i}": np.ones(1) for i in range(1, count)}
    with pytest.raises(ValueError, match=rf"node 'bad' \({op}\): .*{message}"):
        GraphEvaluator(net.json(), params)


@pytest.mark.parametrize(
    ("op", "attrs", "shapes", "message"),
    [
        ("elemwise_add", {}, [(1, 2), (2, 1)], r"shapes \(1, 2\) and \(2, 1\) do not go together"),
        ("broadcast_mul", {}, [(1, 2), (2, 3)], "do not go together"),
        ("Concat", {"dim": 1}, [(1, 2), (2, 1)], "cannot join shapes"),
        ("Concat", {"dim": 2}, [(1, 2), (1, 2)], "dim 2 is out of range"),
        ("slice_like", {"axes": "(1,)"}, [(1, 2), (1, 3)], "cannot cut axis 1 of an array of"),
        ("slice_like", {}, [(1, 2), (1,)], "expected as many axes"),
        ("Flatten", {}, [()], "expected at least one axis"),
        ("Reshape", {"shape": "(4, -1)"}, [(2, 3)], r"cannot reshape \(2, 3\) by \(4, -1\)"),
        ("Reshape", {"shape": "(-4, 1, 2, -2)"}, [(2, 3)], "supported are lengths, 0, -1, -2"),
        ("Reshape", {"shape": "(0, 0, 0)"}, [(2, 3)], "cannot reshape"),
        ("Reshape", {"shape": "(-1, -1)"}, [(2, 3)], "cannot reshape"),
        ("reshape_like", {}, [(2, 3), (5,)], r"cannot reshape \(2, 3\) to \(5,\)"),
        ("squeeze", {"axis": 1}, [(1, 3)], r"axis 1 of shape \(1, 3\) is not of length 1"),
        ("expand_dims", {"axis": 4}, [(1, 3)], "axis 4 is out of range"),
        ("UpSampling", {"scale": 2**30, "sample_type": "nearest"}, [(1, 1, 2, 2)], "no memory"),
        ("Pooling", {"pad": f"({2**30}, {2**30})"}, [(1, 1, 2, 2)], "which no memory holds"),
    ],
)
def test_shapes_that_do_not_go_together_are_named_with_their_node(op, attrs, shapes, message):
    net = Net()
    net.add(op, "bad", *(net.variable(f"v{i}") for i in range(len(shapes))), **attrs)
    evaluator = GraphEvaluator(net.json(), {})
    with pytest.raises(ValueError, match=rf"node 'bad' \({op}\): .*{message}"):
        evaluator(*(np.ones(shape) for shape in shapes))


@pytest.mark.parametrize(
    ("op", "attrs", "shape", "expected"),
    [
        ("Reshape", {"shape": "(6, -1)"}, (2, 3, 4), (6, 4)),
        ("Reshape", {"shape": "(0, -1)"}, (2, 3, 4), (2, 12)),
        ("Reshape", {"shape": "(-3, -2)"}, (2, 3, 4, 5), (6, 4, 5)),
        ("Reshape", {"shape": "(1, -2)"}, (1, 3, 4), (1, 3, 4)),
        ("Reshape", {"shape": "(-1, 0, 0, 0)", "reverse": "True"}, (3, 4, 5), (1, 3, 4, 5)),
        ("Reshape", {"shape": "(-1, 0, 0, 0)", "reverse": "True"}, (2, 3, 4, 5), (2, 3, 4, 5)),
        ("Reshape", {"shape": "(-1, 0)", "reverse": "True"}, (2, 3, 4), (6, 4)),
        ("expand_dims", {"axis": -1}, (2, 3), (2, 3, 1)),
        ("expand_dims", {"axis": 0}, (2, 3), (1, 2, 3)),
        ("squeeze", {"axis": "(0, -1)"}, (1, 3, 1, 1), (3, 1)),
        ("squeeze", {"axis": 0}, (1, 3, 1), (3, 1)),
        ("squeeze", {}, (1, 3, 1), (3,)),
    ],
)
def test_arrays_are_reshaped_as_mxnet_does(mx, op, attrs, shape, expected):
    symbol = getattr(mx.sym, op)(
        mx.sym.var("x"), **{k: ast.literal_eval(str(v)) for k, v in attrs.items()}
    )
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    theirs = symbol.bind(mx.cpu(), {"x": mx.nd.array(x)}).forward()[0].asnumpy()
    found = GraphEvaluator(symbol, {})(x)
    assert found.shape == theirs.shape == expected
    np.testing.assert_array_equal(found, theirs)


def test_reshape_like_takes_a_range_of_axes(mx):
    ranges = {"lhs_begin": 0, "lhs_end": 2, "rhs_begin": 0, "rhs_end": -3}
    symbol = mx.sym.reshape_like(mx.sym.var("x"), mx.sym.var("like"), **ranges)
    evaluator = GraphEvaluator(symbol, {})
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    assert evaluator(x, np.zeros((2, 1, 1, 1))).shape == (2, 3, 4)
    assert evaluator(x, np.zeros((1, 2, 1, 1, 1))).shape == (1, 2, 3, 4)


def test_cast_rounds_to_its_dtype():
    net = Net()
    net.add("Cast", "half", net.variable("data"), dtype="float16")
    result = GraphEvaluator(net.json(), {})(np.array([1 / 3]))
    assert result.dtype == np.float16
    assert result == np.float16(1 / 3)


def test_a_convolution_is_held_to_what_its_node_says():
    net = Net()
    inputs = [net.variable("data"), net.variable("w")]
    net.add("Convolution", "c", *inputs, kernel="(3, 3)", num_filter=2, no_bias="True")
    evaluator = GraphEvaluator(net.json(), {"w": np.ones((2, 1, 2, 3))})
    with pytest.raises(ValueError, match=r"2 filters with kernel \(3, 3\), got \(2, 1, 2, 3\)"):
        evaluator(np.ones((1, 1, 4, 4)))


def test_an_unknown_name_brings_the_nearest():
    evaluator = GraphEvaluator(small_net(), PARAMS)
    with pytest.raises(ValueError, match="no node 'rellu'; the nearest names are relu_output"):
        evaluator.internal("rellu", X)
    with pytest.raises(ValueError, match="'fc_weight' is a variable, not a node"):
        evaluator.layer("fc_weight")


def test_wrong_inputs_are_named():
    evaluator = GraphEvaluator(small_net(), PARAMS)
    with pytest.raises(ValueError, match="input 'data' is missing; expected data, got none"):
        evaluator()
    with pytest.raises(ValueError, match=r"expected 1 input \(data\), got 2"):
        evaluator(X, X)
    with pytest.raises(ValueError, match="there is no input 'x'; expected data"):
        evaluator(X, x=X)
    with pytest.raises(ValueError, match="input 'data' is given twice"):
        evaluator(X, data=X)
    with pytest.raises(ValueError, match=r"'relu' .*: expected 1 input \(data\), got 2"):
        evaluator.evaluate_node("relu", [X, X])


def test_a_second_output_of_a_node_is_refused():
    nodes = json.loads(small_net())
    nodes["nodes"][4]["inputs"] = [[3, 1, 0]]
    with pytest.raises(ValueError, match=r"node 'relu' .*: uses output 1 of node 'fc'"):
        GraphEvaluator(json.dumps(nodes), PARAMS)
    nodes = json.loads(small_net())
    nodes["heads"] = [[3, 1, 0]]
    with pytest.raises(ValueError, match="expected heads that are first outputs"):
        GraphEvaluator(json.dumps(nodes), PARAMS)


def test_every_operator_of_the_model_zoo_is_there(mx):
    """All layers of all networks; that they compute the same is for the conformance tests."""
    from mxnet.gluon.model_zoo import vision

    names = [
        "alexnet", "densenet121", "inceptionv3", "mobilenet0.25", "mobilenetv2_0.25",
        "resnet18_v1", "resnet50_v2", "squeezenet1.0", "squeezenet1.1", "vgg11", "vgg11_bn",
    ]  # fmt: skip
    found = set()
    for name in names:
        graph = json.loads(vision.get_model(name)(mx.sym.var("data")).tojson())
        found |= {node["op"] for node in graph["nodes"]}
    assert found - {"null"} <= set(OPERATORS)


def test_repr_says_what_goes_in_and_out():
    assert repr(GraphEvaluator(small_net(), PARAMS)) == (
        "<GraphEvaluator of 3 nodes and 2 parameters, (data) -> (relu_output, double_output)>"
    )
