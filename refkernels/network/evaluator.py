"""Evaluate the graph of any network, node by node, without MXNet (SPEC section 5)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_real, common_real, require, to_computing
from refkernels.arrays.printing import times
from refkernels.network.attributes import Attributes
from refkernels.network.graph import Node, read_symbol
from refkernels.network.mxnet_operators import OPERATORS, Layer
from refkernels.network.params import read_params

__all__ = ["GraphEvaluator"]

# Layers that may hand on their input's own memory, which a caller must not write to.
VIEWS = ("identity", "flatten", "reshape", "reshape_like", "slice_like", "sum")


class GraphEvaluator:
    """Evaluate the graph of an exported network in NumPy, and look at any of its internals.

    Evaluation is that of inference: batch normalisation uses the moving statistics, dropout is the
    identity. Each node computes in the common dtype of its inputs, and float16 in float32 with one
    rounding at the end of the node.

    Parameters
    ----------
    symbol : str, os.PathLike, Graph, or an object with ``tojson()``
        The path of a ``-symbol.json`` file, the JSON text, a graph that was read, or an
        ``mx.sym.Symbol``.
    params : str, os.PathLike or mapping
        The path of a ``.params`` file, or a mapping of names to arrays. A leading ``arg:`` or
        ``aux:`` is left off, and what the graph does not use is left alone.

    Attributes
    ----------
    inputs : tuple of str
        The variables that `params` does not hold, in the graph's order: what a call takes.
    outputs : tuple of str
        The names of what a call returns.
    internals : tuple of str
        The names of everything that can be looked at, in the order of evaluation, as
        ``Symbol.get_internals`` gives them: variables by name, nodes with ``_output`` behind it.
    operators : dict of str to str
        For each node's output in `internals` the operator that computes it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError, ValueError
        If a file cannot be read, an operator or one of its attributes is not supported (the message
        names the node), a parameter is missing, or one is not finite.

    Notes
    -----
    The operators are those that the networks of ``mxnet.gluon.model_zoo.vision`` and the feature
    blocks use, in two dimensions and the layout NCHW.

    Most of the time goes into NumPy's matrix product. An OpenBLAS that is older than the processor
    takes its oldest kernels; ``OPENBLAS_CORETYPE=SkylakeX`` in the environment helps on one with
    AVX-512, ``Haswell`` on one with AVX2.

    References
    ----------
    SPEC section 5.

    Examples
    --------
    >>> import numpy as np
    >>> symbol = '''{"nodes": [
    ...     {"op": "null", "name": "data", "inputs": []},
    ...     {"op": "null", "name": "fc_weight", "inputs": []},
    ...     {"op": "FullyConnected", "name": "fc", "inputs": [[0, 0, 0], [1, 0, 0]],
    ...      "attrs": {"num_hidden": "2", "no_bias": "True"}},
    ...     {"op": "Activation", "name": "relu", "inputs": [[2, 0, 0]],
    ...      "attrs": {"act_type": "relu"}}], "heads": [[3, 0, 0]]}'''
    >>> evaluator = GraphEvaluator(symbol, {"fc_weight": np.array([[1.0, 2.0], [0.0, -1.0]])})
    >>> evaluator.inputs, evaluator.outputs
    (('data',), ('relu_output',))
    >>> evaluator(np.array([[1.0, 1.0]]))
    array([[3., 0.]])
    >>> evaluator.internal("fc", np.array([[1.0, 1.0]]))
    array([[ 3., -1.]])
    """

    def __init__(self, symbol: Any, params: Any) -> None:
        graph = read_symbol(symbol)
        given = read_params(params)
        self._graph, self._nodes = graph, graph.nodes
        self._layers = {i: _layer(node) for i, node in enumerate(graph.nodes) if node.op != "null"}
        for node in graph.nodes:
            for source, output in node.inputs:
                require(
                    output == 0 or graph.nodes[source].op == "null",
                    f"{_title(node)}: uses output {output} of {_title(graph.nodes[source])}, which "
                    "evaluates its first output only",
                )
        require(
            all(output == 0 for _, output in graph.heads),
            "symbol: expected heads that are first outputs of their nodes",
        )
        self._params = {
            node.name: as_real(f"params[{node.name!r}]", given[node.name])
            for node in graph.nodes
            if node.op == "null" and node.name in given
        }
        self._demand_parameters()
        self._heads = tuple(source for source, _ in graph.heads)
        self.inputs = tuple(
            node.name for node in graph.nodes if node.op == "null" and node.name not in self._params
        )
        self.outputs = tuple(graph.nodes[source].output for source in self._heads)
        self.internals = tuple(graph.places)
        self.operators = {node.output: node.op for node in graph.nodes if node.op != "null"}

    def __repr__(self) -> str:
        return (
            f"<GraphEvaluator of {times(len(self._layers), 'node')} and "
            f"{times(len(self._params), 'parameter')}, "
            f"({', '.join(self.inputs)}) -> ({', '.join(self.outputs)})>"
        )

    def __call__(self, *arrays: npt.ArrayLike, **named: npt.ArrayLike) -> Any:
        """Evaluate the outputs.

        Parameters
        ----------
        *arrays, **named : array_like, real
            The inputs, in the order of `inputs` or by name.

        Returns
        -------
        numpy.ndarray, or a tuple of them if the graph has several outputs
        """
        found = self._run(self._given(arrays, named), set(self._heads))
        results = tuple(found[head] for head in self._heads)
        return results[0] if len(results) == 1 else results

    def internal(self, name: str, *arrays: npt.ArrayLike, **named: npt.ArrayLike) -> Array:
        """Evaluate one internal; ``_output`` may be left off its name."""
        where = self._graph.find(name)
        return self._run(self._given(arrays, named), {where})[where]

    def evaluate(
        self, inputs: Mapping[str, npt.ArrayLike], names: Iterable[str] | None = None
    ) -> dict[str, Array]:
        """Evaluate several internals at once.

        Parameters
        ----------
        inputs : mapping of str to array_like
            By name.
        names : iterable of str, optional
            Which internals; without it all nodes.

        Returns
        -------
        dict of str to numpy.ndarray
            With the full names of the internals, in the order of evaluation.
        """
        wanted = set(self._layers) if names is None else {self._graph.find(name) for name in names}
        found = self._run(self._given((), inputs), wanted)
        return {self._nodes[i].output: found[i] for i in sorted(found)}

    def sources(self, name: str) -> tuple[str, ...]:
        """Return the names of the internals that node `name` takes, in order."""
        node = self._nodes[self._graph.find(name)]
        return tuple(self._nodes[source].output for source, _ in node.inputs)

    def layer(self, name: str) -> Layer:
        """Return what node `name` computes, with its options."""
        where = self._graph.find(name)
        require(where in self._layers, f"{name!r} is a variable, not a node")
        return self._layers[where]

    def parameter(self, name: str) -> Array | None:
        """Return the parameter called `name`, None if it is no parameter."""
        return self._params.get(name)

    def evaluate_node(self, name: str, arrays: Sequence[npt.ArrayLike]) -> Array:
        """Evaluate one node on given inputs, instead of on what the nodes before it compute.

        Parameters
        ----------
        name : str
        arrays : sequence of array_like, real
            One for each of ``sources(name)``, parameters included.

        Returns
        -------
        numpy.ndarray
        """
        where = self._graph.find(name)
        layer = self.layer(name)
        require(
            len(arrays) == len(layer.slots),
            f"{_title(self._nodes[where])}: expected {times(len(layer.slots), 'input')} "
            f"({', '.join(layer.slots)}), got {len(arrays)}",
        )
        checked = [
            as_real(f"{name} {slot}", array)
            for slot, array in zip(layer.slots, arrays, strict=True)
        ]
        return self._compute(where, checked)

    def _given(
        self, arrays: Sequence[npt.ArrayLike], named: Mapping[str, npt.ArrayLike]
    ) -> dict[str, Array]:
        require(
            len(arrays) <= len(self.inputs),
            f"expected {times(len(self.inputs), 'input')} ({', '.join(self.inputs)}), got "
            f"{len(arrays)}",
        )
        inputs: dict[str, npt.ArrayLike] = dict(zip(self.inputs, arrays, strict=False))
        for name, array in named.items():
            require(name not in inputs, f"input {name!r} is given twice")
            require(
                name in self.inputs,
                f"there is no input {name!r}; expected {', '.join(self.inputs) or 'none'}",
            )
            inputs[name] = array
        return {name: as_real(name, array) for name, array in inputs.items()}

    def _run(self, inputs: dict[str, Array], wanted: set[int]) -> dict[int, Array]:
        """Evaluate what `wanted` needs, and drop every array after its last use."""
        uses = dict.fromkeys(wanted, 1)
        for i in reversed(range(len(self._nodes))):
            if i in uses:
                for source, _ in self._nodes[i].inputs:
                    uses[source] = uses.get(source, 0) + 1
        values: dict[int, Array] = {}
        for i in sorted(uses):
            node = self._nodes[i]
            if node.op == "null":
                values[i] = self._variable(node.name, inputs)
                continue
            values[i] = self._compute(i, [values[source] for source, _ in node.inputs])
            for source, _ in node.inputs:
                uses[source] -= 1
                if not uses[source]:
                    values.pop(source, None)
        return {i: np.array(values[i]) if self._shared(i) else values[i] for i in wanted}

    def _shared(self, i: int) -> bool:
        """Whether node i's value may be the memory of something else."""
        return i not in self._layers or self._layers[i].kind in VIEWS

    def _variable(self, name: str, inputs: dict[str, Array]) -> Array:
        if name in self._params:
            return self._params[name]
        require(
            name in inputs,
            f"input {name!r} is missing; expected {', '.join(self.inputs)}, got "
            f"{', '.join(inputs) or 'none'}",
        )
        return inputs[name]

    def _compute(self, where: int, arrays: list[Array]) -> Array:
        layer = self._layers[where]
        # MXNet keeps the parameters of batch normalisation in float32 beside float16 data.
        kept = arrays[:1] if layer.kind == "batch_norm" else arrays
        dtype = common_real(*kept)
        try:
            with np.errstate(all="ignore"):
                result = layer(*(to_computing(a, dtype).reshape(a.shape) for a in arrays))
                return result.astype(layer.dtype or dtype, copy=False)
        except ValueError as error:
            raise ValueError(f"{_title(self._nodes[where])}: {error}") from None

    def _demand_parameters(self) -> None:
        """Raise if a variable that only a parameter can be is not in `params`."""
        for i, layer in self._layers.items():
            node = self._nodes[i]
            for slot, (source, _) in list(zip(layer.slots, node.inputs, strict=True))[layer.data :]:
                variable = self._nodes[source]
                require(
                    variable.op != "null" or variable.name in self._params,
                    f"params: {variable.name!r} is missing, the {slot} of {_title(node)}",
                )


def _layer(node: Node) -> Layer:
    require(
        node.op in OPERATORS,
        f"{_title(node)}: operator {node.op!r} is not supported; supported are "
        f"{', '.join(sorted(OPERATORS))}",
    )
    try:
        attributes = Attributes(node.attributes)
        layer = OPERATORS[node.op](attributes, len(node.inputs))
        attributes.finish()
        require(
            len(node.inputs) == len(layer.slots),
            f"expected inputs {', '.join(layer.slots)}; got {len(node.inputs)}",
        )
    except ValueError as error:
        raise ValueError(f"{_title(node)}: {error}") from None
    return layer


def _title(node: Node) -> str:
    return f"node {node.name!r} ({node.op})"
