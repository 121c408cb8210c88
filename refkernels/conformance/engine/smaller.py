"""What to try in the place of a case that fails: a part of it, defaults, plainer numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case, Recipe

__all__ = [
    "VALUES_LIMIT",
    "at_defaults",
    "keep_rows",
    "length_of",
    "one_image",
    "plainer_parameters",
    "plainer_values",
    "rounded",
    "size_of",
    "usual_dtypes",
]

# Values are made plain one by one in arrays of up to this many, and weighed in larger ones too.
VALUES_LIMIT, WEIGHED = 64, 2000

# Larger arrays have parts of them set to 0, down to one of so many.
PARTS = 32

# What a threshold is, if nothing asks for another one.
THRESHOLD = 0.5


def size_of(case: Case) -> tuple[Any, ...]:
    """Rank a case: by its elements, then its parameters, then how plain its numbers are."""
    elements = sum(array.size for array in case.inputs.values())
    parameters = len(case.config), len(repr(case.config))
    if elements > WEIGHED:
        return elements, parameters
    weights = [
        _weight(float(value))
        for array in case.inputs.values()
        for value in array.ravel().tolist()
        if np.isfinite(value)
    ]
    return elements, parameters, sum(w[0] for w in weights), sum(w[1] for w in weights)


def one_image(case: Case, axes: Mapping[str, str]) -> Iterator[Case]:
    """Yield a case of one image without its axis, if it has a batch of one."""
    named = {name: axes.get(name, "") for name in case.inputs}
    if not any(letters.startswith("B") for letters in named.values()):
        return
    # What broadcasts to all images has an axis too.
    batched = {name for name, letters in named.items() if letters[:1] in ("B", "1")}
    if all(case.inputs[name].shape[0] == 1 for name in batched):
        inputs = {name: x[0] if name in batched else x for name, x in case.inputs.items()}
        yield replace(case, inputs=inputs)


def length_of(case: Case, axes: Mapping[str, str], letter: str) -> int:
    """Return how many entries there are along a letter, 0 if there is no such axis."""
    lengths = (
        case.inputs[name].shape[own.index(letter)]
        for name, own in axes.items()
        if name in case.inputs and letter in own
    )
    return max(lengths, default=0)


def keep_rows(case: Case, axes: Mapping[str, str], letter: str, keep: Array) -> Case:
    """Return a case of some of the entries along a letter."""
    inputs = {}
    for name, array in case.inputs.items():
        for axis, own in enumerate(axes.get(name, "")):
            if own == letter:
                array = np.take(array, keep[keep < array.shape[axis]], axis=axis)
        inputs[name] = array
    return replace(case, inputs=inputs)


def at_defaults(case: Case) -> Iterator[Case]:
    """Yield cases with one parameter less; without an axis, arrays have theirs at the end."""
    for name, value in case.config.items():
        config = {key: other for key, other in case.config.items() if key != name}
        if name == "axis" and isinstance(value, int):
            arrays = {
                key: np.ascontiguousarray(np.moveaxis(x, value, -1))
                for key, x in case.inputs.items()
                if -x.ndim <= value < x.ndim
            }
            yield Case(config, {**case.inputs, **arrays})
        yield replace(case, config=config)


def plainer_parameters(case: Case) -> Iterator[Case]:
    """Yield cases with something plainer for a parameter, the plainest first."""
    for name, value in case.config.items():
        for plain in _plainer(name, value):
            config = {**case.config, name: plain}
            if plain == THRESHOLD and "thresh" in name:
                yield Case(config, _moved(case, value))
            yield replace(case, config=config)


def usual_dtypes(case: Case) -> Iterator[Case]:
    """Yield cases of which reals take the dtype under test, and whole numbers are int64."""
    usual: dict[str, Any] = {name: x.dtype for name, x in case.inputs.items()}
    usual |= {name: np.int64 for name, x in case.inputs.items() if x.dtype.kind in "iu"}
    usual |= {name: np.float64 for name, x in case.inputs.items() if x.dtype.kind == "f"}
    odd = [name for name, x in case.inputs.items() if x.dtype != usual[name]]
    for names in ([odd] if len(odd) > 1 else []) + [[name] for name in odd]:
        changed = {name: case.inputs[name].astype(usual[name]) for name in names}
        yield replace(case, inputs={**case.inputs, **changed})


def rounded(case: Case) -> Iterator[Case]:
    """Yield cases of which one input is zero in all or a part, or is rounded."""
    for name, array in case.inputs.items():
        if array.dtype.kind not in "fiu":
            continue
        for part in _parts(array.size):
            if array.ravel()[part].any():
                zeroed = array.copy()
                zeroed.reshape(-1)[part] = 0
                yield replace(case, inputs={**case.inputs, name: zeroed})
        if array.dtype.kind == "f" and array.size <= WEIGHED:
            for plain in (np.round(array) + 0.0, np.round(array * 8) / 8 + 0.0):
                yield replace(case, inputs={**case.inputs, name: plain.astype(array.dtype)})


def plainer_values(case: Case, name: str, place: tuple[int, ...]) -> Iterator[Case]:
    """Yield cases with a plainer value at one place, the plainest first."""
    array = case.inputs[name]
    for plain in _plainer_numbers(float(array[place])):
        if plain >= 0 or array.dtype.kind != "u":
            changed = array.copy()
            changed[place] = plain
            yield replace(case, inputs={**case.inputs, name: changed})


def _parts(size: int) -> Iterator[slice]:
    step = size
    while step and size // step <= PARTS:
        yield from (slice(start, start + step) for start in range(0, size, step))
        step = step // 2 if size > VALUES_LIMIT else 0


def _plainer(name: str, value: Any) -> Iterator[Any]:
    """Yield what is plainer than a parameter: a number, or what holds some, or operators."""
    if isinstance(value, Recipe):
        for key in value.config:
            rest = {other: v for other, v in value.config.items() if other != key}
            yield Recipe(value.name, rest)
        for key, own in value.config.items():
            for plain in _plainer(key, own):
                yield Recipe(value.name, {**value.config, key: plain})
    elif isinstance(value, (list, tuple)):
        if isinstance(value, list):  # of a tuple the length is given
            for start, end in _cuts(len(value)):
                yield value[:start] + value[end:]
        for i, own in enumerate(value[:VALUES_LIMIT]):
            for plain in _plainer(name, own):
                yield type(value)((*value[:i], plain, *value[i + 1 :]))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if isinstance(value, float) and "thresh" in name and np.isfinite(value):
            if value == THRESHOLD:
                return
            yield THRESHOLD
        for number in _plainer_numbers(float(value)):
            yield type(value)(number)


def _cuts(length: int) -> Iterator[tuple[int, int]]:
    step = length // 2
    while step:
        yield from ((start, start + step) for start in range(0, length, step))
        step //= 2


def _moved(case: Case, threshold: float) -> dict[str, Array]:
    """Put what is at a threshold, as it is in some dtype, to where it is by default."""
    levels = [float(dtype(threshold)) for dtype in (np.float16, np.float32, np.float64)]
    return {
        name: np.where(np.isin(x, levels), THRESHOLD, x).astype(x.dtype)
        if x.dtype.kind == "f"
        else x
        for name, x in case.inputs.items()
    }


def _plainer_numbers(value: float) -> Iterator[float]:
    if not np.isfinite(value):
        return
    halves = [np.trunc(value * share) for share in (0.5, 0.75)]
    decimals = [np.round(value, digits) for digits in (0, 1, 2)]
    binary = [np.round(value * scale) / scale for scale in (2, 4, 16, 256)]
    for plain in (0.0, 1.0, -1.0, *halves, np.trunc(value) - 1, *decimals, *binary):
        if _weight(plain) < _weight(value):
            yield float(plain)


def _weight(value: float) -> tuple[int, float, bool]:
    """Rank how plain a number is: by its digits, then its magnitude; positive before negative."""
    return len(repr(abs(float(value)))), abs(value), value < 0
