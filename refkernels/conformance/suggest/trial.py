"""Try which operators the callables of a module are, on a few ordinary inputs."""

from __future__ import annotations

import inspect
import json
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases import find
from refkernels.conformance.engine.calling import prepare
from refkernels.conformance.engine.guard import guarded
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.operator import Operator
from refkernels.conformance.model.plain import FIVE, ONE
from refkernels.conformance.suggest.clues import CLUES, PARAMETERS, is_clue, words_in
from refkernels.conformance.targets.adapter import TargetError
from refkernels.conformance.targets.bound import Binding, Bound
from refkernels.conformance.targets.frameworks import adapter_of, framework
from refkernels.conformance.targets.representation import RepresentationError
from refkernels.conformance.targets.target import import_target

__all__ = ["Callable_", "Suggestion", "callables_of", "suggest"]

# Methods that are operators, of classes that are built without more than parameters.
METHODS = ("encode", "decode", "assign", "match")

# What looks like an operator agrees on so many elements; what has its name too, on fewer.
ALIKE, ALIKE_AND_NAMED = 0.75, 0.4

# How long all trials of a module may take.
SECONDS = 40.0


@dataclass(frozen=True)
class Suggestion:
    """What a callable looks like.

    Attributes
    ----------
    binding : str
        The argument of ``refkernels check``.
    operator : str
    agrees : float
        The share of elements that come out alike, within 1 in 1000, on a few ordinary inputs.
    """

    binding: str
    operator: str
    agrees: float


@dataclass(frozen=True)
class Callable_:
    """A callable of a module, and what it looks like, the best first.

    Attributes
    ----------
    place : str
        ``module:name``.
    signature : str
        As Python shows it.
    framework : str
        What its arrays are taken to be of.
    suggestions : tuple of Suggestion
    """

    place: str
    signature: str
    framework: str
    suggestions: tuple[Suggestion, ...]


def suggest(module: str, seconds: float = SECONDS) -> list[Callable_]:
    """Return the callables of a module, with what each looks like.

    Called are only those whose names, or whose arguments' names, tell of boxes or the like.

    Parameters
    ----------
    module : str
        Its import path.
    seconds : float
        After so long no more is tried.

    Raises
    ------
    TargetError
        If it does not import.
    """
    end = time.monotonic() + seconds
    found = []
    for place, value in callables_of(import_target(module)):
        shown = _signature(value)
        told = f"({', '.join(str(p) for p in shown)})" if shown is not None else "(...)"
        names = [p.name for p in shown or ()]
        tried: tuple[Suggestion, ...] = ()
        if is_clue(place.partition(":")[2], names) and time.monotonic() < end:
            tried = _tried(place, value, names, end)
        kind = value[0] if isinstance(value, tuple) else value
        found.append(Callable_(place, told, adapter_of(framework(kind)).name, tried))
    return found


def callables_of(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield the public callables that a module defines, by their places.

    Of a class it is the class, if its objects can be called, and its methods that are operators, as
    pairs of the class and the method.
    """
    for name, value in list(vars(module).items()):
        if name.startswith("_") or not callable(value):
            continue
        defined = getattr(value, "__module__", None) or ""
        if defined != module.__name__ and not defined.startswith(f"{module.__name__}."):
            continue
        place = f"{module.__name__}:{name}"
        if not isinstance(value, type):
            yield place, value
            continue
        if not issubclass(value, BaseException):
            if "forward" in dir(value) or "__call__" in vars(value):
                yield place, value
            for method in METHODS:
                if isinstance(getattr(value, method, None), FunctionType):
                    yield f"{place}.{method}", (value, getattr(value, method))


def _signature(value: Any) -> list[inspect.Parameter] | None:
    """Return what a call takes, of a class that of its objects."""
    if isinstance(value, tuple):
        value = value[1]
    elif isinstance(value, type):
        value = getattr(value, "forward", None) or value.__call__
    elif not isinstance(value, FunctionType) and hasattr(value, "forward"):
        value = value.forward
    try:
        own = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):  # what is written in C need not say
        return None
    return own[1:] if own and own[0].name == "self" else own


def _tried(place: str, value: Any, names: list[str], end: float) -> tuple[Suggestion, ...]:
    """Return what a callable looks like of all that its name and arguments may mean."""
    words = words_in(place.partition(":")[2])
    found = []
    for name, clue in CLUES.items():
        named = any(own <= words for own in clue.words)
        operator = find(name)
        renamed = _renamed(operator, value)
        for way in clue.ways:
            if time.monotonic() > end:
                break
            text = ",".join(filter(None, (f"{place}={name}", way, renamed)))
            agrees = _agreement(text, operator)
            if agrees >= (ALIKE_AND_NAMED if named else ALIKE):
                found.append((agrees, named, Suggestion(text, name, round(agrees, 3))))
                if agrees == 1:
                    break
    found.sort(key=lambda own: (-own[0] - 0.1 * own[1], len(own[2].binding)))
    best: dict[str, Suggestion] = {}
    for _, _, own in found:
        best.setdefault(own.operator, own)
    return tuple(best.values())


def _renamed(operator: Operator, value: Any) -> str:
    """Return the word that says how the operator's parameters are called, or ""."""
    kind = value[0] if isinstance(value, tuple) else value
    try:
        has = set(inspect.signature(kind).parameters)
    except (TypeError, ValueError):
        return ""
    pairs = []
    for name in operator.parameters:
        others = PARAMETERS.get(name, ())
        own = next((other for other in others if other.removeprefix("1/") in has), None)
        if name not in has and own is not None:
            pairs.append(f"{name}:{own}")
    return f"parameters={'+'.join(pairs)}" if pairs else ""


def _agreement(text: str, operator: Operator) -> float:
    """Return how much of a target's outputs is alike, or 0 where it cannot be called like that."""
    try:
        target = Bound(Binding.parse(text), text)
        own = operator.as_given(*target.representation.gives)
    except (TargetError, RepresentationError):
        return 0.0
    shares = []
    for case in _cases(operator.name):
        try:
            with guarded():
                call = prepare(own, target, case, "call", "cpu")
                outputs = call(*(array.copy() for array in case.inputs.values()))
            wanted = own.run_kernel(case)
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException:  # whatever it is, it is not called like that
            return 0.0
        if len(outputs) != len(wanted):
            return 0.0
        for output, kernel in zip(outputs, wanted, strict=True):
            if output.shape != kernel.shape:
                return 0.0
            shares.append(_alike(output, kernel))
    return float(np.mean(shares)) if shares else 0.0


def _alike(output: Array, kernel: Array) -> float:
    if not output.size:
        return 1.0
    with np.errstate(all="ignore"):
        return float(np.isclose(np.asarray(output, float), kernel, 1e-3, 1e-6).mean())


@lru_cache(None)
def _cases(name: str) -> tuple[Case, ...]:
    """Return the plain cases of an operator in float32, with its own defaults."""
    operator = find(name)
    cases = []
    for image in (FIVE, ONE):
        for case in operator.annotated(image):
            cases.append(case.astype("float32"))
    plain = [case for case in cases if not case.config] or cases
    return tuple(replace(case) for case in plain[:3])


def main() -> None:
    """Write what a module's callables look like, as JSON, to a file: module, then file."""
    module, file = sys.argv[1:]
    try:
        with redirect_stdout(sys.stderr):  # what the module prints is not what is asked for
            found = [asdict(own) for own in suggest(module)]
        said: dict[str, Any] = {"callables": found}
    except TargetError as error:
        said = {"error": str(error)}
    Path(file).write_text(json.dumps(said))


if __name__ == "__main__":
    main()
