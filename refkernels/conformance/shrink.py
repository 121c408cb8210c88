"""Make a counterexample smaller than Hypothesis could: drop rows of arrays, plain values."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from refkernels.conformance.spec import Case

__all__ = ["shrink"]

Failure = TypeVar("Failure")

# Values are made plain one by one in arrays of up to this many.
VALUES_LIMIT = 64


def shrink(
    case: Case,
    axes: Mapping[str, str],
    examine: Callable[[Case], Failure | None],
    seconds: float = 20,
) -> tuple[Case, Failure | None]:
    """Remove what a counterexample does not need.

    Parameters
    ----------
    case : Case
        One that fails.
    axes : mapping of str to str
        For each input a letter per axis; entries along equal letters are removed together.
    examine : callable
        Returns the failure of a case, or None if it passes.
    seconds : float
        When to stop trying.

    Returns
    -------
    case : Case
        The smallest that still fails.
    failure : object or None
        What `examine` said of it; None if nothing smaller fails.
    """
    failure: Failure | None = None
    end = time.monotonic() + seconds

    def take_first(candidates: Iterator[Case]) -> bool:
        """Go on from the first candidate that fails too."""
        nonlocal case, failure
        for candidate in candidates:
            if time.monotonic() >= end:
                return False
            again = _examine(examine, candidate)
            if again is not None:
                case, failure = candidate, again
                return True
        return False

    shrunk = True
    while shrunk:
        shrunk = take_first(_smaller(case, axes))
        if not shrunk:
            for name in case.config:
                shrunk |= take_first(_plainer_config(case, name))
            for name, array in case.inputs.items():
                for place in np.ndindex(array.shape if array.size <= VALUES_LIMIT else (0,)):
                    shrunk |= take_first(_plainer(case, name, place))
    return case, failure


def _examine(examine: Callable[[Case], Any], case: Case) -> Any:
    try:
        return examine(case)
    except Exception:  # a smaller case may break a precondition of the operator: then it is none
        return None


def _smaller(case: Case, axes: Mapping[str, str]) -> Iterator[Case]:
    """Yield cases with less in them: large cuts first, then single entries, then rounded values."""
    letters = sorted(
        {letter for letters in axes.values() for letter in letters if letter.isalpha()}
    )
    for letter in letters:
        length = max(
            case.inputs[name].shape[letters.index(letter)]
            for name, letters in axes.items()
            if name in case.inputs and letter in letters
        )
        step = length // 2
        while step:
            for start in range(0, length, step):
                keep = np.r_[0:start, min(start + step, length) : length]
                yield _keep(case, axes, letter, keep)
            step //= 2
    for name in case.config:
        yield replace(case, config={k: v for k, v in case.config.items() if k != name})
    for name, array in case.inputs.items():
        if array.dtype == np.float64 and array.size <= VALUES_LIMIT:
            for plain in (np.round(array), np.round(array * 8) / 8):
                if not np.array_equal(plain, array):
                    yield replace(case, inputs={**case.inputs, name: plain})


def _plainer(case: Case, name: str, place: tuple[int, ...]) -> Iterator[Case]:
    """Yield cases with a plainer value at one place, the plainest first."""
    array = case.inputs[name]
    for plain in _plainer_numbers(float(array[place])):
        changed = array.copy()
        changed[place] = plain
        yield replace(case, inputs={**case.inputs, name: changed})


def _plainer_config(case: Case, name: str) -> Iterator[Case]:
    """Yield cases with a plainer number for a parameter."""
    value = case.config[name]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        for plain in _plainer_numbers(float(value)):
            yield replace(case, config={**case.config, name: type(value)(plain)})


def _plainer_numbers(value: float) -> Iterator[float]:
    if not np.isfinite(value):
        return
    halves = [np.trunc(value * share) for share in (0.5, 0.75)]
    rounded = [np.round(value, digits) for digits in (0, 1, 2)]
    binary = [np.round(value * scale) / scale for scale in (2, 4, 16, 256)]
    for plain in (0.0, 1.0, -1.0, *halves, np.trunc(value) - 1, *rounded, *binary):
        if _weight(plain) < _weight(value):
            yield float(plain)


def _weight(value: float) -> tuple[int, float, bool]:
    """Rank how plain a number is: by its digits, then its magnitude; positive before negative."""
    return len(repr(abs(float(value)))), abs(value), value < 0


def _keep(case: Case, axes: Mapping[str, str], letter: str, keep: Any) -> Case:
    inputs = {}
    for name, array in case.inputs.items():
        for axis, own in enumerate(axes.get(name, "")):
            if own == letter:
                array = np.take(array, keep, axis=axis)
        inputs[name] = array
    return replace(case, inputs=inputs)
