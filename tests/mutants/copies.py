"""The mutant of an operator without a block: copies of files, under another package's name.

Only the files of kernels that lead from the operators to the change have to be copied: all other
kernels come compiled from refkernels. As plain Python all that an operator reaches is copied, so
that no kernel is compiled for what plain Python hands on.
"""

import ast
import re
from functools import cache
from pathlib import Path

from tests.mutants.affected import affected, file_of_operator
from tests.mutants.mutant import ROOT, Mutant

__all__ = ["write_copies"]

# Which rooms the kernels are in: a file of another room is never copied.
ROOMS = ("anchor", "bbox", "coder", "cost", "matcher", "sampler", "suppression")

# Memory that nothing wrote is all 0x7f there, huge numbers: what reads it would be right by chance.
PLAIN = """
import numpy as np


def jit(function):
    return function


def unwritten(*arguments, **keywords):
    array = np.empty(*arguments, **keywords)
    array.reshape(-1).view(np.uint8)[:] = 0x7F
    return array
"""

# Nothing is kept on disk: it would never be used again.
COMPILED = "def jit(function):\n    return numba.njit(**OPTIONS)(function)\n"


def write_copies(mutant: Mutant, folder: Path, name: str, *, compiled: bool) -> None:
    """Write the package `folder`/`name`, with those operators that the mutant can affect.

    Parameters
    ----------
    mutant : Mutant
        Of an operator without a block; it may change nothing.
    folder : pathlib.Path
    name : str
    compiled : bool
        Whether its kernels are compiled, or plain Python.
    """
    operators = {operator: file_of_operator(operator) for operator in affected(mutant)}
    files = set().union(*(_reached(file) for file in operators.values()))
    if compiled:
        files = {file for file in files if mutant.file in _reached(file)}
    package = folder / name
    package.mkdir()
    for room in ROOMS:
        (package / room).mkdir()
        (package / room / "__init__.py").touch()
    for file in files:
        text = mutant.apply() if file == mutant.file else (ROOT / file).read_text()
        for other in ("jit.py", *files):
            text = re.sub(rf"\brefkernels\.{_module(other)}\b", f"{name}.{_module(other)}", text)
        if not compiled:
            text = text.replace("np.empty(", "jit_module.unwritten(")
            text = _with_import(text, f"import {name}.jit as jit_module\n")
        (package / file).write_text(text)
    own = "import numba\nfrom refkernels.jit import *\nfrom refkernels.jit import OPTIONS\n\n"
    (package / "jit.py").write_text(own + (COMPILED if compiled else PLAIN))
    lines = [
        f"from {name}.{_module(file)} import {operator}\n" for operator, file in operators.items()
    ]
    (package / "__init__.py").write_text("".join(lines))


def _with_import(text: str, line: str) -> str:
    """Return a source with one import more, before the others."""
    lines = text.splitlines(keepends=True)
    first = next(
        node.lineno
        for node in ast.parse(text).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and getattr(node, "module", "") != "__future__"
    )
    return "".join([*lines[: first - 1], line, *lines[first - 1 :]])


def _module(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


@cache
def _reached(file: str) -> frozenset[str]:
    """Return the files of the operators' rooms that a file is made of, itself included."""
    found: set[str] = set()
    waiting = [file]
    while waiting:
        own = waiting.pop()
        if own not in found:
            found.add(own)
            waiting.extend(_imported(own))
    return frozenset(found)


@cache
def _imported(file: str) -> list[str]:
    modules = [
        (node.module or "").removeprefix("refkernels.").replace(".", "/") + ".py"
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.ImportFrom)
    ]
    return [own for own in modules if own.split("/")[0] in ROOMS and (ROOT / own).is_file()]
