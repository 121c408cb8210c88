"""Networks compared node by node: the wrong node is found, and no other is blamed."""

import json
import re
import struct

import numpy as np
import pytest
from click.testing import CliRunner

from refkernels.bounds.arithmetic import roundoff
from refkernels.cli.main import main
from refkernels.conformance.network.compare import compare_graph, first_failing, running_errors
from refkernels.feature import GraphEvaluator

NODES = [
    ("null", "data", [], {}),
    ("null", "conv_weight", [], {}),
    ("Convolution", "conv", [0, 1], {"kernel": "(3, 3)", "num_filter": "4", "no_bias": "True"}),
    ("Activation", "relu", [2], {"act_type": "relu"}),
    ("Pooling", "mean", [3], {"pool_type": "avg", "kernel": "(2, 2)"}),
    ("Flatten", "flat", [4], {}),
]
SYMBOL = json.dumps(
    {
        "nodes": [
            {"op": op, "name": name, "inputs": [[i, 0, 0] for i in inputs], "attrs": attrs}
            for op, name, inputs, attrs in NODES
        ],
        "arg_nodes": [0, 1],
        "heads": [[5, 0, 0]],
    }
)
RNG = np.random.default_rng(0)
PARAMS = {"conv_weight": RNG.normal(size=(4, 2, 3, 3)).astype(np.float32)}
X = RNG.normal(size=(1, 2, 6, 6)).astype(np.float32)
NAMES = ("conv_output", "relu_output", "mean_output", "flat_output")


@pytest.fixture
def evaluator():
    return GraphEvaluator(SYMBOL, PARAMS)


@pytest.fixture
def internals(evaluator):
    return evaluator.evaluate({"data": X})


def test_a_right_network_is_inside_every_bound(evaluator, internals):
    results = compare_graph(evaluator, {"data": X}, internals)
    assert [result.name for result in results] == list(NAMES)
    assert [result.operator for result in results] == [
        "Convolution", "Activation", "Pooling", "Flatten",
    ]  # fmt: skip
    assert all(result.inside and result.compared for result in results)
    assert results[0].ratio > 0
    assert first_failing(results) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_number_is_found_and_what_follows_from_it_is_not_blamed(evaluator, internals, name):
    wrong = internals[name].copy()
    wrong.flat[3] += 0.01
    internals = {**internals, name: wrong}
    for later in NAMES[NAMES.index(name) + 1 :]:
        sources = [internals[source] for source in evaluator.sources(later)]
        internals[later] = evaluator.evaluate_node(later, sources)
    failing = first_failing(compare_graph(evaluator, {"data": X}, internals))
    assert failing.name == name
    assert failing.where == np.unravel_index(3, wrong.shape)
    assert failing.found == wrong.flat[3]
    assert failing.found - failing.expected == pytest.approx(0.01, rel=1e-4)
    assert f"{name} (" in str(failing)
    assert "times its bound of" in str(failing)


def test_a_wrong_parameter_is_found_at_its_node(evaluator):
    weight = PARAMS["conv_weight"].copy()
    weight[2, 1, 0, 0] *= 1.001
    internals = GraphEvaluator(SYMBOL, {"conv_weight": weight}).evaluate({"data": X})
    results = compare_graph(evaluator, {"data": X}, internals)
    assert first_failing(results).name == "conv_output"
    assert sum(not result.inside for result in results) == 1
    assert results[0].where[1] == 2


def test_names_may_be_short_and_some_may_be_missing(evaluator, internals):
    given = {"conv": internals["conv_output"], "mean": internals["mean_output"]}
    results = compare_graph(evaluator, {"data": X}, given)
    assert [result.compared for result in results] == [True, False, False, False]
    assert results[1].note == "not given"
    assert results[2].note == "its input relu_output is not given"


def test_a_dump_may_hold_the_inputs_and_parameters_too(evaluator, internals):
    results = compare_graph(evaluator, {"data": X}, {**internals, "data": X, **PARAMS})
    assert all(result.inside for result in results)


def test_a_node_of_no_elements_is_inside(evaluator):
    none = X[:0]
    results = compare_graph(evaluator, {"data": none}, evaluator.evaluate({"data": none}))
    assert [result.ratio for result in results] == [0] * 4


def test_why_a_node_is_not_compared_is_told_with_it(evaluator, internals):
    results = compare_graph(evaluator, {"data": X}, {"conv": internals["conv_output"]})
    assert str(results[1]) == "relu_output (Activation): not given"


def test_an_unknown_name_is_an_error(evaluator, internals):
    with pytest.raises(ValueError, match="internals: 'fc' is no node of this graph"):
        compare_graph(evaluator, {"data": X}, {"fc": X})


def test_nan_fails_where_it_arises(evaluator, internals):
    internals["conv_output"] = internals["conv_output"] * np.nan
    conv, relu, *_ = compare_graph(evaluator, {"data": X}, internals)
    assert conv.ratio == np.inf
    assert not relu.compared
    assert relu.note == "its input is not finite"


@pytest.mark.parametrize(
    ("wrong", "note"),
    [
        (np.zeros((1, 4, 5, 5), np.float32), r"shape (1, 4, 5, 5), expected (1, 4, 4, 4)"),
        (np.zeros((1, 4, 4, 4), np.int32), "dtype int32, expected reals"),
    ],
)
def test_a_wrong_form_fails(evaluator, internals, wrong, note):
    result, *_ = compare_graph(evaluator, {"data": X}, {**internals, "conv": wrong})
    assert result.ratio == np.inf
    assert result.note == note


def test_float16_may_be_rounded_once(evaluator):
    half = X.astype(np.float16)
    internals = GraphEvaluator(SYMBOL, {"conv_weight": PARAMS["conv_weight"].astype(np.float16)})
    right = internals.evaluate({"data": half})
    results = compare_graph(internals, {"data": half}, right)
    assert all(result.inside for result in results)
    assert results[0].ratio > 0.5
    twice = {**right, "conv": np.nextafter(right["conv_output"], np.float16(np.inf))}
    assert first_failing(compare_graph(internals, {"data": half}, twice)).name == "conv_output"


def test_infinity_is_right_where_the_dtype_ends():
    evaluator = GraphEvaluator(SYMBOL, {"conv_weight": np.full((4, 2, 3, 3), 1e4, np.float16)})
    x = np.full((1, 2, 3, 3), 10, np.float16)
    conv = np.full((1, 4, 1, 1), np.inf, np.float16)
    assert compare_graph(evaluator, {"data": x}, {"conv": conv})[0].inside
    assert not compare_graph(evaluator, {"data": x}, {"conv": -conv})[0].inside


def test_errors_run_through_the_layers(evaluator):
    bounds = running_errors(evaluator, {"data": X}, np.float32)
    found = evaluator.evaluate({"data": X})
    exact = GraphEvaluator(
        SYMBOL, {name: array.astype(np.float64) for name, array in PARAMS.items()}
    ).evaluate({"data": X.astype(np.float64)})
    for name in NAMES:
        assert (np.abs(found[name] - exact[name]) <= bounds[name]).all()
    unit = roundoff(np.float32).u
    live = found["conv_output"] > 1e-3
    relu, conv = bounds["relu_output"], bounds["conv_output"]
    np.testing.assert_allclose(relu[live], conv[live], rtol=1e-8)
    assert (relu[found["conv_output"] < -1e-3] == 0).all()
    # A mean errs by the mean of what comes in, and by its own operations.
    windows = [relu[..., i : i + 3, j : j + 3] for i in (0, 1) for j in (0, 1)]
    assert (bounds["mean_output"] >= np.mean(windows, 0)).all()
    assert (bounds["mean_output"] > np.mean(windows, 0) + unit * 1e-3).any()


ZOO = ["resnet18_v1", "resnet18_v2", "mobilenet0.25", "mobilenetv2_0.25", "squeezenet1.1"]


def test_a_network_of_the_zoo_takes_an_image_of_the_size_asked_for(mx):
    from refkernels.conformance.network import mxnet_graph

    network, params, image = mxnet_graph.random_network("mobilenet0.25", size=40)
    assert image.shape == (1, 3, 40, 40)
    graph = mxnet_graph.symbol(network)  # a symbol is as good as its text
    for own in (graph, network):
        found = mxnet_graph.internals(own, params, {"data": image})
        assert len(found) > 80


@pytest.mark.parametrize("name", ZOO)
def test_networks_of_the_model_zoo_are_inside_every_bound(mx, name):
    from refkernels.conformance.network import mxnet_graph

    network, params, image = mxnet_graph.random_network(name)
    evaluator = GraphEvaluator(network, params)
    found = mxnet_graph.internals(network, params, {"data": image})
    nodes = {key: array for key, array in found.items() if key in evaluator.operators}
    assert set(nodes) == set(evaluator.operators)
    results = compare_graph(evaluator, {"data": image}, nodes)
    assert first_failing(results) is None
    assert all(result.compared for result in results)


def run(*arguments):
    result = CliRunner().invoke(main, ["compare-graph", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture
def files(tmp_path, mx):
    """A small network's exported pair and its input."""
    (tmp_path / "net-symbol.json").write_text(SYMBOL)
    mx.nd.save(
        str(tmp_path / "net-0000.params"), {"arg:conv_weight": mx.nd.array(*PARAMS.values())}
    )
    np.savez(tmp_path / "x.npz", data=X)
    np.save(tmp_path / "x.npy", X)
    return tmp_path


def pair(files):
    return files / "net-symbol.json", files / "net-0000.params"


@pytest.mark.parametrize("name", ["x.npz", "x.npy"])
def test_the_command_compares_with_mxnet(files, name):
    status, output = run(*pair(files), "--input", files / name)
    assert status == 0
    assert "MXNet on cpu(0) against the reference: 4 of 4 nodes compared" in output
    assert "every node that was compared lies inside its bound" in output


def test_the_command_compares_with_a_dump_that_it_wrote(files):
    dump = files / "dump.npz"
    assert run(*pair(files), "--input", files / "x.npz", "--save", dump)[0] == 0
    status, output = run(*pair(files), "--input", files / "x.npz", "--dump", dump)
    assert status == 0
    assert "dump.npz against the reference: 4 of 4 nodes compared" in output


def test_the_command_tells_what_a_dump_lacks_and_what_is_wrong_as_a_whole(files, evaluator):
    found = evaluator.evaluate({"data": X})
    dump = {"conv": found["conv_output"], "relu": found["relu_output"][..., 1:]}
    np.savez(files / "dump.npz", **dump)
    status, output = run(*pair(files), "--input", files / "x.npz", "--dump", files / "dump.npz")
    assert status == 1
    assert "2 nodes not compared, the first of them mean_output (Pooling): not given" in output
    assert "shape (1, 4, 4, 3), expected (1, 4, 4, 4)" in output


def test_a_network_of_several_inputs_takes_them_by_name(files, monkeypatch):
    nodes = [("null", "a", [], {}), ("null", "b", [], {}), ("elemwise_add", "sum", [0, 1], {})]
    network = json.loads(SYMBOL) | {"arg_nodes": [0, 1], "heads": [[2, 0, 0]]}
    network["nodes"] = [
        {"op": op, "name": name, "inputs": [[i, 0, 0] for i in inputs], "attrs": attrs}
        for op, name, inputs, attrs in nodes
    ]
    symbol, _ = pair(files)
    symbol.write_text(json.dumps(network))
    np.savez(files / "ab.npz", b=X, a=X + 1)
    (files / "none.params").write_bytes(struct.pack("<QQQQ", 0x112, 0, 0, 0))
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    status, output = run(symbol, files / "none.params", "--input", files / "ab.npz")
    assert status == 0, output
    assert "1 of 1 node compared" in re.sub(r"\x1b\[[\d;]*m", "", output)


def test_the_command_finds_one_wrong_weight_of_resnet50(mx, tmp_path):
    from refkernels.conformance.network import mxnet_graph

    network, params, image = mxnet_graph.random_network("resnet50_v1")
    (tmp_path / "net-symbol.json").write_text(network)
    mx.nd.save(str(tmp_path / "net-0000.params"), {k: mx.nd.array(v) for k, v in params.items()})
    np.save(tmp_path / "x.npy", image)
    name = next(name for name in params if name.endswith("stage3_conv10_weight"))
    params[name][7, 5] *= 2
    found = mxnet_graph.internals(network, params, {"data": image})
    np.savez(tmp_path / "dump.npz", **{k: v for k, v in found.items() if k.endswith("_output")})
    status, output = run(
        *pair(tmp_path), "--input", tmp_path / "x.npy", "--dump", tmp_path / "dump.npz", "--rows", 1
    )
    assert status == 1
    assert "174 of 174 nodes compared" in output
    assert "nodes outside their bounds: 1; the first of them is" in output
    assert f"{name.removesuffix('_weight')}_fwd_output (Convolution): [0, 7," in output


def test_the_command_takes_networks_of_the_zoo(mx):
    assert "mobilenet0.25" in run()[1]  # which is taken if none is named
    status, output = run("--zoo", "mobilenet0.25", "--zoo", "squeezenet1.1")
    assert status == 0
    assert ["mobilenet0.25", "32x32", "84", "84"] in [
        row.split()[:4] for row in output.splitlines()
    ]


def test_the_command_says_what_it_cannot_use(files, tmp_path):
    symbol, params = pair(files)
    x = files / "x.npz"
    np.savez(tmp_path / "other.npz", image=X, mask=X)
    np.savez(tmp_path / "narrow.npz", data=X[:, :1])
    np.savez(tmp_path / "empty.npz")
    (tmp_path / "text").write_text("nothing")
    for arguments, message in [
        ((symbol, params), "needs SYMBOL, PARAMS and --input, or --zoo"),
        ((files / "absent", params, "--input", x), "No such file"),
        ((params, params, "--input", x), "expected JSON, got no text"),
        ((symbol, symbol, "--input", x), "begins with 0x112"),
        ((symbol, params, "--input", tmp_path / "other.npz"), "expected arrays data; got image"),
        ((symbol, params, "--input", tmp_path / "narrow.npz"), "expects 2 channels, got input of"),
        ((symbol, params, "--input", tmp_path / "text"), "expected an .npz or .npy"),
        ((symbol, params, "--input", x, "--dump", tmp_path / "other.npz"), "'image' is no node"),
        ((symbol, params, "--input", x, "--dump", tmp_path / "empty.npz"), "no node could be"),
        ((symbol, params, "--input", x, "--context", "gpu(7)"), "MXNet on gpu(7): "),
        ((symbol, params, "--input", x, "--context", "tpu"), "context: expected one such as"),
        (("--zoo", "resnet"), "--zoo: expected all, or one of alexnet"),
    ]:
        status, output = run(*arguments)
        assert status == 2, output
        assert message in output
