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
from pkgutil import iter_modules
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
from refkernels.conformance.model.readings import readings
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

# So many inputs are tried, the plainest.
CASES = 3

# Where boxes of an image say nothing to an operator, or with parameters that few have.
ORDINARY = {
    "NaiveSampler": (Case({}, {"matches": np.array([1, -1, 0, -1, 2])}),),
    "MultiClassDecoder": (
        Case({}, {"x": np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5]])}),
    ),
    "NormalizedBoxCenterDecoder": (
        Case(
            {},
            {
                "x": np.array([[0.5, -1, 0.2, -0.5], [2, 1, 0, 1.5], [0, 0, -1, 0.25]]),
                "anchors": np.array([[0.0, 0, 8, 6], [10, 4, 30, 20], [5, 5, 9, 8]]),
            },
        ),
    ),
    "ThresholdMatcher": (
        Case(
            {"high": 0.5, "low": 0.25},
            {"x": np.array([[0.6, 0.1], [0.3, 0.2], [0.0, 0.1], [0.1, 0.75], [0.25, 0.375]])},
        ),
    ),
    # Of each kind there are more than its quota; then of positives fewer, and negatives take over.
    "BalancedSampler": tuple(
        Case({"num_sample": 4, "pos_ratio": 0.5}, {"candidates": np.array(signs)})
        for signs in ([1, 1, -1, 0, -1, -1, 1, -1, 1, 0, 1, -1], [-1, 0, -1, -1, 1, -1, 0, -1])
    ),
    "QuotaSampler": tuple(
        Case(
            {"num_sample": 4, "pos_thresh": 0.75, "neg_thresh_high": 0.25, "pos_ratio": 0.5},
            {"matches": np.array(matches), "ious": np.array(ious)[:, None] * [1.0, 0.5]},
        )
        for matches, ious in (
            ([0, 0, -1, -1, -1, -1, 0, -1, 1], [0.8, 0.9, 0.1, 0.5, 0.2, 0.0, 0.85, 0.1, 0.8]),
            ([-1, -1, -1, 0, -1, -1, -1], [0.1, 0.5, 0.2, 0.9, 0.0, 0.4, 0.1]),
        )
    ),
}

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
            tried = _tried(place, value, end)
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


def modules_of(package: str) -> list[str]:
    """Return the import paths of the modules in a package that is imported, or none."""
    places = getattr(sys.modules.get(package), "__path__", ())
    return [f"{package}.{own.name}" for own in iter_modules(places) if own.name[0] != "_"]


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


def _tried(place: str, value: Any, end: float) -> tuple[Suggestion, ...]:
    """Return what a callable looks like of all that its name and arguments may mean."""
    words = words_in(place.partition(":")[2])
    named = [name for name, clue in CLUES.items() if any(own <= words for own in clue.words)]
    others = [name for name in CLUES if name not in named]
    found: list[tuple[float, bool, Suggestion]] = []
    for names in (named, others):
        least = ALIKE_AND_NAMED if names is named else ALIKE
        for name in names:
            if CLUES[name].bare and _has_parameters(value):
                continue
            operator = find(name)
            renamed = _renamed(operator, value)
            for way in CLUES[name].ways:
                if time.monotonic() > end:
                    break
                text = ",".join(filter(None, (f"{place}={name}", way, renamed)))
                agrees = _agreement(text, operator)
                if agrees >= least:
                    found.append((agrees, names is named, Suggestion(text, name, round(agrees, 3))))
                if agrees == 1:
                    break
        if any(agrees >= ALIKE for agrees, _, _ in found):
            break  # what has the name of an operator and its results is that
    found.sort(key=lambda own: (-own[0] - 0.1 * own[1], len(own[2].binding)))
    best: dict[str, Suggestion] = {}
    for _, _, own in found:
        best.setdefault(own.operator, own)
    return tuple(best.values())


def _has_parameters(value: Any) -> bool:
    """Return whether a class is built with something."""
    kind = value[0] if isinstance(value, tuple) else value
    try:
        return isinstance(kind, type) and bool(inspect.signature(kind).parameters)
    except (TypeError, ValueError):
        return False


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
    """Return how much of a target's outputs is alike, or 0 where it cannot be called like that.

    Of what it lacks the parameters for, it is as much as at the reading that is nearest.
    """
    try:
        target = Bound(Binding.parse(text), text)
        own = operator.as_given(*target.representation.gives)
    except (TargetError, RepresentationError):
        return 0.0
    has = target.has_parameter(operator.name)
    return max(_alike_at(own, target, pinned) for pinned in readings(operator.name, has))


def _alike_at(operator: Operator, target: Bound, pinned: dict[str, Any]) -> float:
    shares, has = [], target.has_parameter(operator.name)
    for case in _cases(operator.name):
        taken = {k: v for k, v in case.config.items() if k in operator.required or has(k)}
        stands = {**taken, **target.representation.fixed, **pinned}
        case = replace(case, config=stands)
        try:
            with guarded():
                call = prepare(operator, target, case, "call", "cpu")
                outputs = call(*(array.copy() for array in case.inputs.values()))
            wanted = operator.define(case)  # small, and no kernel has to be compiled for it
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException:  # whatever it is, it is not called like that
            return 0.0
        if operator.random:
            shares.append(_alike_drawn(outputs, wanted))
            continue
        if len(outputs) != len(wanted):
            return 0.0
        for output, exact in zip(outputs, wanted, strict=True):
            if output.shape != np.shape(exact):
                return 0.0
            shares.append(_alike(output, exact))
    return float(np.mean(shares)) if shares else 0.0


def _alike(output: Array, exact: Array) -> float:
    if not output.size:
        return 1.0
    with np.errstate(all="ignore"):
        wanted = np.asarray(exact).astype(float)
        return float(np.isclose(np.asarray(output, float), wanted, 1e-3, 1e-6).mean())


def _alike_drawn(outputs: tuple[Array, ...], facts: tuple[Array, ...]) -> float:
    """Return how much of a draw is one that a sampler may make: no two draws are alike."""
    candidates, *quotas = map(np.asarray, facts)
    if len(outputs) != 1 or outputs[0].shape != candidates.shape:
        return 0.0
    samples = outputs[0]
    alike = float(((samples == 0) | (samples == candidates)).mean())
    for kind, quota in zip((1, -1), quotas, strict=True):
        want = min(int((candidates == kind).sum()), int(quota))
        found = int((samples == kind).sum())
        alike *= (1 + min(found, want)) / (1 + max(found, want))
    return alike


@lru_cache(None)
def _cases(name: str) -> tuple[Case, ...]:
    """Return ordinary cases of an operator in float32, with its own defaults if there are such."""
    if name in ORDINARY:
        return tuple(case.astype("float32") for case in ORDINARY[name])
    own = [case for image in (FIVE, ONE) for case in find(name).annotated(image)]
    plain = [case for case in own if not case.config] or own
    return tuple(case.astype("float32") for case in plain[:CASES])


def main() -> None:
    """Write what a module's callables look like, as JSON, to a file: module, then file."""
    module, file = sys.argv[1:]
    try:
        with redirect_stdout(sys.stderr):  # what the module prints is not what is asked for
            found = [asdict(own) for own in suggest(module)]
        said: dict[str, Any] = {"callables": found, "modules": [] if found else modules_of(module)}
    except TargetError as error:
        said = {"error": str(error)}
    Path(file).write_text(json.dumps(said))


if __name__ == "__main__":
    main()
