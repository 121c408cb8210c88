"""``refkernels compare-graph``: networks from files, and from MXNet's model zoo."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from refkernels.arrays import Array, require
from refkernels.arrays.files import no_pipe
from refkernels.arrays.printing import times
from refkernels.conformance.network.compare import NodeResult, compare_graph, first_failing
from refkernels.feature import GraphEvaluator

__all__ = ["compare_files", "compare_zoo", "read_arrays"]


def compare_files(
    console: Console,
    symbol: Path,
    params: Path,
    inputs: Path,
    *,
    dump: Path | None,
    save: Path | None,
    context: str,
    rows: int,
) -> bool:
    """Compare a network with the reference, and print its nodes, worst first.

    Parameters
    ----------
    console : Console
    symbol, params : Path
        The pair of files that an export is.
    inputs : Path
        An ``.npz`` of the inputs by name, or an ``.npy`` of the only one.
    dump : Path, optional
        An ``.npz`` of internals that were computed elsewhere; without it MXNet computes them here.
    save : Path, optional
        Where to write the internals.
    context : str
        Where MXNet computes, such as ``gpu(0)``.
    rows : int
        How many nodes to print.

    Returns
    -------
    bool
        Whether all nodes that could be compared are inside their bounds.
    """
    evaluator = GraphEvaluator(symbol, params)
    given = _inputs(evaluator, inputs)
    evaluator.evaluate(given, evaluator.outputs)  # says what is wrong better than MXNet would
    if dump is not None:
        internals, source = read_arrays(dump), str(dump)
    else:
        internals, source = _run_mxnet(evaluator, symbol, given, context), f"MXNet on {context}"
    if save is not None:
        np.savez(save, **internals)
    results = compare_graph(evaluator, given, internals)
    compared = [result for result in results if result.compared]
    require(len(compared) > 0, f"{dump or symbol}: no node could be compared; {results[0].note}")
    console.print(
        f"{source} against the reference: {len(compared)} of {times(len(results), 'node')} compared"
    )
    worst = sorted(compared, key=lambda result: result.ratio, reverse=True)
    console.print(_table(worst[:rows]))
    left = [result for result in results if not result.compared]
    if left:
        console.print(f"{times(len(left), 'node')} not compared, the first of them {left[0]}")
    failing = first_failing(results)
    if failing is None:
        console.print("every node that was compared lies inside its bound", style="green")
        return True
    outside = sum(not result.inside for result in compared)
    console.print(f"nodes outside their bounds: {outside}; the first of them is", style="bold red")
    console.print(Text(str(failing), "bold"))
    return False


def compare_zoo(console: Console, names: Sequence[str], context: str) -> bool:
    """Compare networks of MXNet's model zoo with random parameters, and print a line for each."""
    from refkernels.conformance.network.mxnet_graph import internals, random_network, zoo_names

    known = zoo_names()
    wanted = known if "all" in names else list(names)
    for name in wanted:
        require(name in known, f"--zoo: expected all, or one of {', '.join(known)}; got {name!r}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("network", "image", "nodes", "inside", "error/bound", "seconds", "worst node"):
        justify: Any = "left" if title in ("network", "worst node") else "right"
        table.add_column(title, justify=justify, overflow="fold")
    good = True
    for name in wanted:
        started = time.perf_counter()
        network, params, image = random_network(name)
        found = internals(network, params, {"data": image}, context)
        evaluator = GraphEvaluator(network, params)
        nodes = {key: array for key, array in found.items() if key in evaluator.operators}
        results = compare_graph(evaluator, {"data": image}, nodes)
        worst = max(results, key=lambda result: result.ratio)
        inside = sum(result.inside for result in results)
        good = good and inside == len(results)
        table.add_row(
            name,
            f"{image.shape[2]}x{image.shape[3]}",
            str(len(results)),
            Text(str(inside), "green" if inside == len(results) else "bold red"),
            f"{worst.ratio:.3g}",
            f"{time.perf_counter() - started:.1f}",
            f"{worst.name} ({worst.operator})",
        )
    console.print(table)
    return good


def read_arrays(path: Path) -> dict[str, Array]:
    """Return the arrays of an ``.npz``, or that of an ``.npy`` under an empty name."""
    try:
        loaded = np.load(no_pipe(path), allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"{path}: expected an .npz or .npy of NumPy ({error})") from None
    if isinstance(loaded, np.ndarray):
        return {"": loaded}
    with loaded:
        return {name: loaded[name] for name in loaded.files}


def _inputs(evaluator: GraphEvaluator, path: Path) -> dict[str, Array]:
    arrays = read_arrays(path)
    expected = ", ".join(evaluator.inputs)
    if len(evaluator.inputs) == 1 and len(arrays) == 1:
        return dict(zip(evaluator.inputs, arrays.values(), strict=True))
    missing = [name for name in evaluator.inputs if name not in arrays]
    found = ", ".join(list(arrays)[:5]) + (" and more" if len(arrays) > 5 else "")
    require(not missing, f"{path}: expected arrays {expected}; got {found or 'none'}")
    return {name: arrays[name] for name in evaluator.inputs}


def _run_mxnet(
    evaluator: GraphEvaluator, symbol: Path, given: Mapping[str, Array], context: str
) -> dict[str, Array]:
    from refkernels.conformance.network.mxnet_graph import internals

    params = {
        name: array
        for name in evaluator.internals
        if (array := evaluator.parameter(name)) is not None
    }
    found = internals(str(symbol), params, given, context)
    return {name: array for name, array in found.items() if name in evaluator.operators}


def _table(results: Sequence[NodeResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("error/bound", "node", "operator", "at", "found", "expected", "allowed"):
        left, long = title in ("node", "operator", "at"), title in ("node", "at")
        justify: Any = "left" if left else "right"
        table.add_column(title, justify=justify, overflow="fold", no_wrap=not long)
    for result in results:
        if result.note:
            cells = ["", result.note, "", ""]
        else:
            cells = [
                str(list(result.where)) if result.where else "",
                f"{result.found:.9g}",
                f"{result.expected:.9g}",
                f"{result.bound:.2g}",
            ]
        ratio = Text(f"{result.ratio:.3g}", "green" if result.inside else "bold red")
        table.add_row(ratio, result.name, result.operator, *cells)
    return table
