"""Compare a network with the reference node by node, and find the first node that is wrong.

Each node is fed with the inputs that the network itself gave it, so that what one node gets wrong
is not held against those behind it. The reference computes in float64; its own bound, and that of
the network's dtype, say how far the two may differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.arrays import Array, computing_dtype, require
from refkernels.bounds.arithmetic import final_rounding, roundoff
from refkernels.bounds.network import layer_error
from refkernels.feature import GraphEvaluator

__all__ = ["NodeResult", "compare_graph", "compare_node", "first_failing", "running_errors"]


@dataclass(frozen=True)
class NodeResult:
    """What became of one node.

    Attributes
    ----------
    name, operator : str
        The node's output, and the MXNet operator.
    ratio : float
        The largest error in units of its bound; above 1 is wrong. nan if it was not compared.
    where : tuple of int
        The element with that error.
    found, expected, bound : float
        The element, what it should be, and how far it may be off.
    note : str
        Why the node was not compared, or what is wrong with the whole of it.
    """

    name: str
    operator: str
    ratio: float
    where: tuple[int, ...] = ()
    found: float = float("nan")
    expected: float = float("nan")
    bound: float = float("nan")
    note: str = ""

    def __str__(self) -> str:
        name = f"{self.name} ({self.operator})"
        if self.note:
            return f"{name}: {self.note}"
        return (
            f"{name}: {list(self.where)} is {self.found!r}, expected {self.expected!r}, off by "
            f"{self.ratio:.3g} times its bound of {self.bound:.3g}"
        )

    @property
    def compared(self) -> bool:
        """Whether there is a verdict."""
        return not np.isnan(self.ratio)

    @property
    def inside(self) -> bool:
        """Whether the node was compared and lies in its bound."""
        return self.ratio <= 1


def compare_graph(
    evaluator: GraphEvaluator, inputs: Mapping[str, Any], internals: Mapping[str, Any]
) -> list[NodeResult]:
    """Compare every node that `internals` hold, in the order of evaluation.

    Parameters
    ----------
    evaluator : GraphEvaluator
        The network, with the parameters that it should have.
    inputs : mapping of str to array_like
        What the network was given.
    internals : mapping of str to array_like
        What it computed, by the names of `GraphEvaluator.internals`; ``_output`` may be left off.

    Returns
    -------
    list of NodeResult
    """
    values = {**_parameters(evaluator), **{k: np.asarray(v) for k, v in inputs.items()}}
    known = set(evaluator.internals)
    for name, array in internals.items():
        full = name if name in known else f"{name}_output"
        require(full in known, f"internals: {name!r} is no node of this graph")
        if full not in evaluator.inputs and evaluator.parameter(full) is None:
            values[full] = np.asarray(array)
    results = []
    for name, operator in evaluator.operators.items():
        if name not in values:
            results.append(NodeResult(name, operator, float("nan"), note="not given"))
            continue
        missing = [source for source in evaluator.sources(name) if source not in values]
        if missing:
            note = f"its input {missing[0]} is not given"
            results.append(NodeResult(name, operator, float("nan"), note=note))
            continue
        sources = [values[source] for source in evaluator.sources(name)]
        results.append(compare_node(evaluator, name, sources, values[name]))
    return results


def compare_node(
    evaluator: GraphEvaluator, name: str, sources: Sequence[Array], found: Array
) -> NodeResult:
    """Compare one node's output with what it should be for these inputs."""
    operator = evaluator.operators[name]
    if not all(np.isfinite(source).all() for source in sources):
        return NodeResult(name, operator, float("nan"), note="its input is not finite")
    wide = [source.astype(np.float64) for source in sources]
    expected = evaluator.evaluate_node(name, wide)
    if found.shape != expected.shape:
        note = f"shape {found.shape}, expected {expected.shape}"
        return NodeResult(name, operator, float("inf"), note=note)
    if found.dtype.kind != "f":
        return NodeResult(name, operator, float("inf"), note=f"dtype {found.dtype}, expected reals")
    if not expected.size:
        return NodeResult(name, operator, 0.0)
    layer = evaluator.layer(name)
    own = layer_error(layer, wide, expected, roundoff(np.float64))
    theirs = layer_error(layer, wide, expected, roundoff(computing_dtype(found.dtype)))
    bound = own + final_rounding(expected, theirs, found.dtype)
    ratio = _ratios(found, expected, bound)
    where = tuple(int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))
    return NodeResult(
        name,
        operator,
        float(ratio[where]),
        where,
        float(found[where]),
        float(expected[where]),
        float(bound[where]),
    )


def running_errors(
    evaluator: GraphEvaluator, inputs: Mapping[str, Any], dtype: Any
) -> dict[str, Array]:
    """Bound how far each node may be off when its inputs are what the nodes before it computed.

    Parameters
    ----------
    evaluator : GraphEvaluator
    inputs : mapping of str to array_like
        Exact.
    dtype : dtype
        What the network computes in, float32 or float64.

    Returns
    -------
    dict of str to numpy.ndarray
        The largest absolute error of each element, by the name of the node's output.
    """
    values = {**_parameters(evaluator), **{k: np.asarray(v) for k, v in inputs.items()}}
    values = {name: value.astype(np.float64) for name, value in values.items()}
    errors = {name: np.zeros(value.shape) for name, value in values.items()}
    unit = roundoff(dtype)
    for name in evaluator.operators:
        sources = evaluator.sources(name)
        given = [values[source] for source in sources]
        values[name] = evaluator.evaluate_node(name, given)
        carried = [errors[source] for source in sources]
        errors[name] = layer_error(evaluator.layer(name), given, values[name], unit, carried)
    return {name: errors[name] for name in evaluator.operators}


def first_failing(results: Sequence[NodeResult]) -> NodeResult | None:
    """Return the first node, in the order of evaluation, that is outside its bound."""
    return next((result for result in results if result.compared and not result.inside), None)


def _parameters(evaluator: GraphEvaluator) -> dict[str, Array]:
    found = {name: evaluator.parameter(name) for name in evaluator.internals}
    return {name: array for name, array in found.items() if array is not None}


def _ratios(found: Array, expected: Array, bound: Array) -> Array:
    """Return errors in units of the bound; 0 where nothing differs."""
    largest = float(np.finfo(found.dtype).max)
    values = found.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = np.abs(values - expected)
        same = (values == expected) | (np.isnan(values) & np.isnan(expected))
        # Infinity is right where the true value, give or take the bound, is beyond the dtype.
        overflow = np.isinf(values) & (values * expected > 0) & (np.abs(expected) + bound > largest)
        ratio = np.where(bound > 0, error / bound, np.inf)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    return np.asarray(np.where(same | overflow, 0.0, ratio))
