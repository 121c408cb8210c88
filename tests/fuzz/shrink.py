"""Make a call that shows a finding smaller: fewer boxes, plain arguments, plain numbers."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case
from tests.fuzz.examine import Finding
from tests.fuzz.given import ACCEPTED, Call, Given, quiet

__all__ = ["cut_along_letters", "shrink", "with_arrays"]

# Values are made plain one by one in arrays of up to this many.
VALUES_LIMIT = 48


def shrink(call: Call, finding: Finding, seconds: float) -> tuple[Call, Finding]:
    """Return the smallest call found in time with a finding of the same kind."""
    end = time.monotonic() + seconds
    shrunk = True
    while shrunk and time.monotonic() < end:
        shrunk, candidates = False, _smaller(call)
        while (candidate := _next(candidates)) is not None and time.monotonic() < end:
            again = _examine(candidate)
            if again is not None and again.kind == finding.kind:
                call, finding, shrunk = candidate, again, True
                break
    return call, finding


def _next(candidates: Iterator[Call]) -> Call | None:
    with quiet():
        return next(candidates, None)


def _examine(call: Call) -> Finding | None:
    try:
        return call.subject.examine(call).finding
    except Exception:  # a smaller call may be none
        return None


def _smaller(call: Call) -> Iterator[Call]:
    yield from _plainer_arguments(call)
    if call.expect == ACCEPTED:
        yield from call.subject.cuts(call)
        yield from _plainer_values(call)


def _plainer_arguments(call: Call) -> Iterator[Call]:
    """Yield calls with a parameter or a disguise less; what is spoilt stays."""
    for name, value in call.config.items():
        if name in call.spoilt:
            continue
        case = replace(call.case, config=_without(call.case.config, name))
        yield replace(call, case=case, config=_without(call.config, name))
        if value.python:
            yield replace(call, config={**call.config, name: Given(call.case.config[name])})
    for name, value in call.inputs.items():
        if name in call.spoilt:
            continue
        plain = Given(call.case.inputs[name])
        if value.python or value.wraps:
            yield replace(call, inputs={**call.inputs, name: plain})
        for i in range(len(value.wraps) if len(value.wraps) > 1 else 0):
            fewer = replace(value, wraps=value.wraps[:i] + value.wraps[i + 1 :])
            yield replace(call, inputs={**call.inputs, name: fewer})


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def with_arrays(call: Call, arrays: Mapping[str, Array]) -> Call:
    """Return a call with other arrays, in the same form."""
    inputs = dict(call.inputs)
    for name, array in arrays.items():
        base = inputs[name].base
        dtype = base.dtype if isinstance(base, np.ndarray) else array.dtype
        inputs[name] = replace(inputs[name], base=array.astype(dtype))
    return replace(call, case=Case(call.case.config, {**call.case.inputs, **arrays}), inputs=inputs)


def cut_along_letters(call: Call) -> Iterator[Call]:
    """Yield calls with less along the axes of each letter, large cuts first."""
    if any(value.python for value in call.inputs.values()):
        return
    axes = call.subject.axes(call.case)
    letters = sorted({letter for own in axes.values() for letter in own if letter.isalpha()})
    for letter in letters:
        places = {
            (name, axis)
            for name, own in axes.items()
            for axis, other in enumerate(own)
            if other == letter and name in call.case.inputs
        }
        lengths = {call.case.inputs[name].shape[axis] for name, axis in places}
        if len(lengths) != 1:
            continue
        (length,) = lengths
        step = length // 2
        while step:
            for start in range(0, length, step):
                keep = np.r_[0:start, min(start + step, length) : length]
                cut = {n: np.take(call.case.inputs[n], keep, axis) for n, axis in places}
                yield with_arrays(call, cut)
            step //= 2


def _plainer_values(call: Call) -> Iterator[Call]:
    for name, array in call.case.inputs.items():
        if call.inputs[name].python or not isinstance(array, np.ndarray):
            continue
        if array.dtype.kind == "f" and array.size:
            for plain in (np.round(array), np.round(array * 8) / 8):
                if not np.array_equal(plain, array):
                    yield with_arrays(call, {name: plain})
        for place in np.ndindex(array.shape if array.size <= VALUES_LIMIT else (0,)):
            for number in (0, 1):
                if abs(array[place]) > number or (number == 0 and np.signbit(array[place] * 1.0)):
                    changed = array.copy()
                    changed[place] = number
                    yield with_arrays(call, {name: changed})
