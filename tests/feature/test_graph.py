"""Symbols are read as MXNet writes them, and nothing else is taken for one."""

import json

import pytest

from refkernels.network.graph import Graph, Node, read_symbol

DATA = {"op": "null", "name": "data", "inputs": []}
RELU = {"op": "Activation", "name": "a", "attrs": {"act_type": "relu"}, "inputs": [[0, 0, 0]]}


def text(nodes=(DATA, RELU), heads=((1, 0, 0),)):
    return json.dumps({"nodes": list(nodes), "arg_nodes": [0], "heads": list(heads)})


def test_a_graph_is_its_nodes_and_heads():
    graph = read_symbol(text())
    assert graph.nodes == (
        Node("data", "null", {}, ()),
        Node("a", "Activation", {"act_type": "relu"}, ((0, 0),)),
    )
    assert graph.heads == ((1, 0),)
    assert [node.output for node in graph.nodes] == ["data", "a_output"]
    assert read_symbol(graph) is graph


def test_a_path_reads_as_the_text_in_it(tmp_path):
    path = tmp_path / "net-symbol.json"
    path.write_text(text())
    assert read_symbol(path) == read_symbol(str(path)) == read_symbol(text())


@pytest.mark.parametrize("key", ["attrs", "attr", "param"])
def test_attributes_may_have_the_names_of_older_versions(key):
    node = {**RELU, "attrs": {}, key: {"act_type": "tanh", "__lr_mult__": "1"}}
    assert read_symbol(text([DATA, node])).nodes[1].attributes == {"act_type": "tanh"}


def test_a_symbol_is_read_through_its_json(mx):
    symbol = mx.sym.Convolution(mx.sym.var("x"), num_filter=1, kernel=(1, 1), name="c")
    graph = read_symbol(mx.sym.Group([symbol, symbol + 1]))
    assert isinstance(graph, Graph)
    internals = symbol.get_internals().list_outputs()
    assert [node.output for node in graph.nodes][: len(internals)] == internals
    assert len(graph.heads) == 2


@pytest.mark.parametrize(
    ("symbol", "message"),
    [
        ("{not JSON", r"symbol: expected a symbol's JSON, got no JSON \(Expecting property"),
        ("[1, 2]", "got JSON without 'nodes'"),
        ("{}", "got JSON without 'nodes'"),
        (text([1]), r"nodes\[0\]: expected a node with 'op' and 'name', got 1"),
        (text([{"op": "null"}]), r"nodes\[0\]: expected a node with"),
        (text([{**DATA, "attrs": "x"}]), "expected 'attrs' to be an object"),
        (text([RELU]), r"nodes\[0\] \('a'\) inputs: expected pairs of a node's index below 0"),
        (text([DATA, {**RELU, "inputs": [[1, 0, 0]]}]), "below 1 .* got \\[\\[1, 0, 0\\]\\]"),
        (text([DATA, {**RELU, "inputs": [[0, -1]]}]), "expected pairs"),
        (text([DATA, {**RELU, "inputs": 3}]), "expected pairs"),
        (text(heads=[[2, 0, 0]]), "heads: expected pairs of a node's index below 2"),
        (text(heads=[]), "expected at least one output in 'heads', got none"),
        (text([DATA, DATA]), "two nodes are named 'data'"),
    ],
)
def test_what_is_no_symbol_is_an_error(symbol, message):
    with pytest.raises(ValueError, match=message):
        read_symbol(symbol)


def test_a_file_is_named_in_its_errors(tmp_path):
    path = tmp_path / "net-0000.params"
    path.write_bytes(b"\x12\x01\xff\xfe")
    with pytest.raises(ValueError, match=r"symbol .*net-0000\.params: expected JSON, got no text"):
        read_symbol(path)
    with pytest.raises(FileNotFoundError, match="absent"):
        read_symbol(tmp_path / "absent")
    with pytest.raises(TypeError, match=r"symbol: expected a path, JSON text or .* got int"):
        read_symbol(3)
