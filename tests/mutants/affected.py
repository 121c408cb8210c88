"""Which operators a change to a source can affect: those that lead to what changed."""

import ast
from functools import cache

from refkernels.conformance.cases import operators
from tests.mutants.mutant import (
    IMPORT_PATH,
    OPERATOR_FILES,
    PACKAGE,
    Mutant,
    enclosing,
    source,
)

__all__ = ["OPERATORS", "affected", "file_of_operator"]

# Those without a block.
OPERATORS = (
    "BBoxBatchIOA",
    "BBoxBatchGIOU",
    "BBoxBatchDIOU",
    "BBoxBatchCIOU",
    "CenterDistance",
    "InsideMask",
    "TaskAlignedMetric",
    "SimOTACost",
    "DETRCost",
    "ThresholdMatcher",
    "ATSSMatcher",
    "SimOTAMatcher",
    "TaskAlignedMatcher",
    "HungarianMatcher",
    "PointMatcher",
    "BalancedSampler",
    "DistanceEncoder",
    "DistanceDecoder",
    "CenterHeatmapEncoder",
    "AnchorGrid",
    "NMS",
    "BatchedNMS",
)

# A class, function or constant: the file that defines it, and its name.
Place = tuple[str, str]


def affected(mutant: Mutant) -> list[str]:
    """Return the operators that `refkernels check` has to be asked about, in its own order.

    Chains of operators are left out: they take long, and each link is asked about by itself.
    """
    changed = (mutant.file, enclosing(mutant.file, mutant.line))
    if mutant.is_of_operator:
        own = {name: file_of_operator(name) for name in OPERATORS}
    else:
        from refkernels import gluon

        own = {name: _file_of(name) for name in gluon.__all__}
    names = {name for name, file in own.items() if changed in _reached((file, name))}
    return [name for name in operators() if name in names]


@cache
def _reached(start: Place) -> frozenset[Place]:
    """Return what a definition is made of, itself included."""
    found: set[Place] = set()
    waiting = [start]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting.extend(_uses(*place))
    return frozenset(found)


@cache
def _uses(file: str, name: str) -> list[Place]:
    own, imported = _names(file)
    if name not in own:
        return []
    used = {node.id for node in ast.walk(own[name]) if isinstance(node, ast.Name)}
    places = [(file, other) for other in used if other in own and other != name]
    return places + [imported[other] for other in used if other in imported]


@cache
def _names(file: str) -> tuple[dict[str, ast.stmt], dict[str, Place]]:
    """Return what a file defines, and what it imports from other files of its kind."""
    package = "refkernels" if file in OPERATOR_FILES else IMPORT_PATH
    own: dict[str, ast.stmt] = {}
    imported: dict[str, Place] = {}
    for node in ast.parse(source(file)).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            own[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            own[node.targets[0].id] = node
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package):
            parts = (node.module or "").removeprefix(package + ".").split(".")
            other = "/".join(parts) + ".py"
            if file in OPERATOR_FILES and other not in OPERATOR_FILES:
                continue  # of another operator, and not mutated
            imported |= {alias.name: (other, alias.name) for alias in node.names}
    return own, imported


@cache
def file_of_operator(name: str) -> str:
    """Return the file that defines an operator without a block."""
    return next(file for file in OPERATOR_FILES if name in _names(file)[0])


@cache
def _file_of(name: str) -> str:
    """Return the file that defines a block."""
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        if name in _names(file)[0]:
            return file
    raise ValueError(f"no file of the blocks defines {name}")
