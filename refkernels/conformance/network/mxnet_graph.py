"""What conformance of networks needs of MXNet itself: symbols, parameters, internals."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refkernels.arrays import Array, require
from refkernels.network.graph import Graph

__all__ = [
    "built",
    "graph_json",
    "internals",
    "norm_layer",
    "random_network",
    "symbol",
    "zoo_names",
]


# The heights of images below which a network of the model zoo has nothing left to pool.
LEAST_SIZES = {"alexnet": 224, "densenet": 224, "inception": 299, "squeezenet": 224, "vgg": 224}


def _mxnet() -> Any:
    from refkernels.gluon.compat import import_mxnet

    return import_mxnet()


def symbol(text: str) -> Any:
    """Return a symbol from its JSON."""
    return _mxnet().sym.load_json(text)


def norm_layer(name: str | None) -> Any:
    """Return MXNet's function of symbols for a norm layer's name."""
    mx = _mxnet()
    layers = {"BatchNorm": mx.sym.BatchNorm, "SyncBatchNorm": mx.sym.contrib.SyncBatchNorm}
    return None if name is None else layers[name]


def built(build: Callable[[], Any]) -> Any:
    """Build a block whose nameless nodes are numbered from 0, as in a fresh process."""
    with _mxnet().name.NameManager():
        return build()


def internals(
    graph: Any, params: Mapping[str, Array], inputs: Mapping[str, Array], context: str = "cpu(0)"
) -> dict[str, Array]:
    """Return every internal output of a network as MXNet computes it.

    Parameters
    ----------
    graph : str or Symbol
        A path of a ``-symbol.json`` file, its text, or a symbol.
    params, inputs : mapping of str to numpy.ndarray
    context : str
        Such as ``gpu(0)``.
    """
    mx = _mxnet()
    try:
        return _internals(mx, graph, params, inputs, context)
    except mx.MXNetError as error:
        raise ValueError(f"MXNet on {context}: {str(error).strip()}") from None


def _internals(
    mx: Any, graph: Any, params: Mapping[str, Array], inputs: Mapping[str, Array], context: str
) -> dict[str, Array]:
    kind, _, index = context.rstrip(")").partition("(")
    require(
        kind in ("cpu", "gpu") and (index.isdigit() or not index),
        f"context: expected one such as 'cpu(0)' or 'gpu(1)', got {context!r}",
    )
    place = mx.Context(kind, int(index or 0))
    if isinstance(graph, str):
        graph = mx.sym.load_json(graph) if graph.lstrip().startswith("{") else mx.sym.load(graph)
    nodes = graph.get_internals()
    # An executor would hand the graph to oneDNN, which fuses nodes; a cached operation keeps them.
    variables = [mx.sym.var(name, dtype=array.dtype) for name, array in inputs.items()]
    block = mx.gluon.SymbolBlock(nodes, variables)
    for name, parameter in block.collect_params().items():
        parameter.shape, parameter.dtype = params[name].shape, params[name].dtype
        parameter.initialize(mx.init.Zero(), ctx=place)
        parameter.set_data(mx.nd.array(params[name], place, params[name].dtype))
    outputs = block(*(mx.nd.array(a, place, a.dtype) for a in inputs.values()))
    return {
        name: output.asnumpy() for name, output in zip(nodes.list_outputs(), outputs, strict=True)
    }


def zoo_names() -> list[str]:
    """Return the names of the networks of ``mxnet.gluon.model_zoo.vision``."""
    _mxnet()
    from mxnet.gluon.model_zoo import vision

    try:
        vision.get_model("")
    except ValueError as error:  # which lists what there is
        return str(error).split("\n\t")[1:]
    return []  # pragma: no cover (no network has an empty name)


def random_network(
    name: str, size: int | None = None, seed: int = 0
) -> tuple[str, dict[str, Array], Array]:
    """Return a network of MXNet's model zoo with random parameters, and a random image for it.

    Parameters
    ----------
    name : str
        Out of `zoo_names`.
    size : int, optional
        The image's height and width; without it one that the network takes.
    seed : int

    Returns
    -------
    json : str
    params : dict of str to numpy.ndarray
        Float32.
    image : numpy.ndarray, (1, 3, size, size)
    """
    mx = _mxnet()
    from mxnet.gluon.model_zoo import vision

    network = vision.get_model(name, classes=10)(mx.sym.var("data"))
    if size is None:
        size = next((s for start, s in LEAST_SIZES.items() if name.startswith(start)), 32)
    shapes, _, states = network.infer_shape(data=(1, 3, size, size))
    names = [*network.list_arguments(), *network.list_auxiliary_states()]
    rng = np.random.default_rng(seed)
    params = {
        parameter: _random_parameter(rng, parameter, shape)
        for parameter, shape in zip(names, [*shapes, *states], strict=True)
        if parameter != "data"
    }
    image = rng.normal(size=(1, 3, size, size)).astype(np.float32)
    return network.tojson(), params, image


def _random_parameter(rng: Any, name: str, shape: tuple[int, ...]) -> Array:
    if name.endswith(("gamma", "var")):
        values = rng.uniform(0.5, 2, shape)
    elif name.endswith("weight"):
        values = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
    else:
        values = rng.normal(0, 0.3, shape)
    return np.asarray(values, np.float32)


def graph_json(graph: Graph) -> str:
    """Return a graph as the JSON of a symbol."""
    nodes = [
        {
            "op": node.op,
            "name": node.name,
            "attrs": node.attributes,
            "inputs": [[source, output, 0] for source, output in node.inputs],
        }
        for node in graph.nodes
    ]
    arguments = [i for i, node in enumerate(graph.nodes) if node.op == "null"]
    heads = [[node, output, 0] for node, output in graph.heads]
    return json.dumps({"nodes": nodes, "arg_nodes": arguments, "heads": heads})
