"""When the overlaps, forms and costs of ultralytics differ: on which cases.

Predicates do ultralytics' arithmetic, step by step in the dtype that it computes in, so that they
cover no case in which a difference does not show.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16, BFloat16, rounded
from refkernels.conformance.model.case import Case

__all__ = [
    "areas_round_in_half",
    "areas_wrap",
    "center_overflows",
    "centers_are_cut",
    "corners_are_cut",
    "dtype_of",
    "eps_counts_in_heights",
    "in_dtype",
    "is_double",
    "is_level",
    "leaves_uint8",
    "metric_rounds_in_half",
    "plain",
    "point_has_no_aspect",
    "power_of_subnormal",
    "steps_are_infinite",
    "steps_round_in_half",
    "steps_wrap",
]

# The eps that ultralytics has by default.
EPS = 1e-7

# Kinds of overlaps that are computed on arrays of NumPy.
OF_ARRAYS = ("IoU of arrays", "IOA")

Rounds = Callable[[Any], Any]


def dtype_of(array: Array) -> str:
    """Return the name of an array's dtype."""
    return BFLOAT16 if isinstance(array, BFloat16) else array.dtype.name


def plain(array: Array) -> Array:
    """Return an array's numbers in float64."""
    return array.view(np.ndarray).astype(np.float64)


def in_dtype(x: Any, dtype: str) -> Array:
    """Return numbers in float64 as a dtype has them: rounded, or wrapped around."""
    with np.errstate(all="ignore"):
        if dtype == BFLOAT16:
            return plain(rounded(x))
        if np.dtype(dtype).kind in "iu":
            return plain(np.asarray(np.trunc(x)).astype(np.int64).astype(dtype))
        return plain(np.asarray(x).astype(dtype))


def _is_half(dtype: str) -> bool:
    return dtype in ("float16", BFLOAT16)


def _is_whole(dtype: str) -> bool:
    return dtype in ("int32", "int64", "uint8")


def _differ(found: list[Array], exact: list[Array]) -> bool:
    """Return whether some numbers are others, by more than single precision rounds."""
    with np.errstate(all="ignore"):
        return any(
            bool((~((x == y) | (np.abs(x - y) <= 2.0**-24 * np.abs(y)))).any())
            for x, y in zip(found, exact, strict=True)
        )


def is_double(case: Case) -> bool:
    """Return whether there is double precision."""
    return any(array.dtype == np.float64 for array in case.inputs.values())


def _overlap_steps(case: Case, kind: str, own: Rounds, real: Rounds, eps: float) -> list[Array]:
    """Return the steps to overlaps of a kind; those with eps, and quotients, are never whole."""
    a, b = plain(case.inputs["a"])[..., :, None, :], plain(case.inputs["b"])[..., None, :, :]
    found: list[Array] = []

    def step(x: Any, as_it_is: Rounds) -> Any:
        """Note a step, rounded as it is where it is taken, and return it."""
        found.append(as_it_is(x))
        return found[-1]

    corner = case.config.get("fmt", "corner") == "corner"
    form = own if corner else real
    lows, highs, areas = [], [], []
    for x in (a, b):
        first, second = x[..., :2], x[..., 2:]
        if corner:
            low, high, side = first, second, step(second - first, own)
            if kind not in OF_ARRAYS:
                side = np.stack([side[..., 0], step(side[..., 1] + eps, real)], -1)
        else:
            half, side = real(second / 2), second
            low, high = step(first - half, real), step(first + half, real)
        lows.append(low)
        highs.append(high)
        areas.append(step(side.prod(-1), real if corner and kind not in OF_ARRAYS else own))
    cut = step(np.minimum(*highs) - np.maximum(*lows), form)
    inter = step(np.maximum(cut, 0).prod(-1), form)
    if kind == "IOA":
        return found
    union = step(areas[0] + areas[1], real if corner and kind not in OF_ARRAYS else own)
    union = step(step(union - inter, real) + eps, real)
    if kind in ("IoU", "IoU of arrays"):
        return found
    step(inter / union, real)
    hull = step(np.maximum(*highs) - np.minimum(*lows), form)
    if kind == "GIoU":
        area = step(hull.prod(-1), form)
        step((area - union) / area, real)
        return found
    squares = step(hull**2, form)
    diagonal = step(squares[..., 0] + squares[..., 1], form)
    far = step(lows[1] + highs[1], form)
    far = step(step(far - lows[0], form) - highs[0], form)
    squares = step(far**2, form)
    apart = step(squares[..., 0] + squares[..., 1], form)
    step(apart / 4 / diagonal, real)
    if kind == "CIoU":
        shapes = [second[..., 0] / second[..., 1] for second in _sides(case)]
        step(np.arctan(shapes[0]), real)
        step(np.arctan(shapes[1]), real)
    return found


def _sides(case: Case) -> list[Array]:
    boxes = [plain(case.inputs[name]) for name in ("a", "b")]
    if case.config.get("fmt", "corner") == "center":
        return [x[..., 2:] for x in boxes]
    return [x[..., 2:] - x[..., :2] for x in boxes]


def _exactly(x: Any) -> Any:
    return x


def steps_round_in_half(kind: str) -> Callable[[Case], bool]:
    """Return a predicate: whether a step to an overlap of this kind is rounded to half."""

    def when(case: Case) -> bool:
        """Return whether half precision makes a step another number."""
        dtype = dtype_of(case.inputs["a"])
        if not _is_half(dtype):
            return False
        eps = case.config.get("eps", 1e-15 if kind.startswith("I") else EPS)

        def half(x: Any) -> Any:
            """Return numbers as they are in the dtype of the boxes."""
            return in_dtype(x, dtype)

        with np.errstate(all="ignore"):
            steps = _overlap_steps(case, kind, half, half, eps)
            return _differ(steps, _overlap_steps(case, kind, _exactly, _exactly, eps))

    return when


def steps_wrap(kind: str) -> Callable[[Case], bool]:
    """Return a predicate: whether a step to an overlap of whole numbers leaves their dtype."""

    def when(case: Case) -> bool:
        """Return whether the dtype of whole numbers makes a step another number."""
        dtype = dtype_of(case.inputs["a"])
        if not _is_whole(dtype):
            return False
        with np.errstate(all="ignore"):
            steps = _overlap_steps(case, kind, lambda x: in_dtype(x, dtype), _exactly, EPS)
            return _differ(steps, _overlap_steps(case, kind, _exactly, _exactly, EPS))

    return when


def steps_are_infinite(kind: str) -> Callable[[Case], bool]:
    """Return a predicate: whether a step to an overlap of this kind is beyond all reals."""

    def when(case: Case) -> bool:
        """Return whether a step is infinite in the dtype of the boxes, single or double."""
        dtype = dtype_of(case.inputs["a"])
        if dtype not in ("float32", "float64"):
            return False

        def own(x: Any) -> Any:
            """Return numbers as they are in the dtype of the boxes."""
            return in_dtype(x, dtype)

        with np.errstate(all="ignore"):
            steps = _overlap_steps(case, kind, own, own, 0.0)
        return any(bool(np.isinf(step).any()) for step in steps)

    return when


def eps_counts_in_heights(case: Case) -> bool:
    """Return whether eps that is added to heights, beside that of the union, changes an IoU."""
    if case.config.get("fmt", "corner") != "corner":
        return False
    a, b = plain(case.inputs["a"])[..., :, None, :], plain(case.inputs["b"])[..., None, :, :]
    eps = case.config.get("eps", 1e-15)
    cut = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    inter = np.maximum(cut, 0).prod(-1)
    one, other = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    union = one.prod(-1) + other.prod(-1) - inter + eps
    added = eps * (one[..., 0] + other[..., 0])
    dtype = dtype_of(case.inputs["a"])
    unit = 2.0**-53 if dtype == "float64" else 2.0**-24
    return bool(((inter > 0) & (added > unit * union)).any())


def point_has_no_aspect(case: Case) -> bool:
    """Return whether a box in centre form has neither width nor height."""
    if case.config.get("fmt") != "center":
        return False
    return any(bool((x[..., 2:] == 0).all(-1).any()) for x in case.inputs.values())


def centers_are_cut(case: Case) -> bool:
    """Return whether a centre of whole numbers is none, or a step to it leaves their dtype."""
    x, dtype = plain(case.inputs["x"]), dtype_of(case.inputs["x"])
    if not _is_whole(dtype):
        return False
    total, side = x[..., :2] + x[..., 2:], x[..., 2:] - x[..., :2]
    found = [in_dtype(in_dtype(total, dtype) / 2, dtype), in_dtype(side, dtype)]
    return _differ(found, [total / 2, side])


def corners_are_cut(case: Case) -> bool:
    """Return whether half a side of whole numbers is none, or a corner leaves their dtype."""
    x, dtype = plain(case.inputs["x"]), dtype_of(case.inputs["x"])
    if not _is_whole(dtype):
        return False
    exact = [x[..., :2] - x[..., 2:] / 2, x[..., :2] + x[..., 2:] / 2]
    return _differ([in_dtype(corner, dtype) for corner in exact], exact)


def center_overflows(case: Case) -> bool:
    """Return whether a sum of two corners is beyond the numbers of their dtype."""
    x, dtype = case.inputs["x"], dtype_of(case.inputs["x"])
    if _is_whole(dtype):
        return False
    with np.errstate(over="ignore"):
        return not np.isfinite(in_dtype(plain(x)[..., :2] + plain(x)[..., 2:], dtype)).all()


def is_level(case: Case) -> bool:
    """Return whether two corner boxes lie on one level line, and one of them has a width."""
    if case.config.get("fmt", "corner") != "corner":
        return False
    a, b = plain(case.inputs["a"])[..., :, None, :], plain(case.inputs["b"])[..., None, :, :]
    height = np.maximum(a[..., 3], b[..., 3]) - np.minimum(a[..., 1], b[..., 1])
    return bool(((height == 0) & (a[..., 2] - a[..., 0] + b[..., 2] - b[..., 0] > 0)).any())


def _area_steps(case: Case, own: Rounds) -> list[Array]:
    x = plain(case.inputs["x"])
    is_center = case.config.get("fmt") == "center"
    with np.errstate(all="ignore"):
        sides = x[..., 2:] if is_center else own(x[..., 2:] - x[..., :2])
        return [sides, own(sides.prod(-1))]


def areas_wrap(case: Case) -> bool:
    """Return whether an area of whole numbers, or a side, leaves their dtype."""
    dtype = dtype_of(case.inputs["x"])
    if not _is_whole(dtype):
        return False
    return _differ(_area_steps(case, lambda x: in_dtype(x, dtype)), _area_steps(case, _exactly))


def areas_round_in_half(case: Case) -> bool:
    """Return whether a side is rounded to half."""
    dtype = dtype_of(case.inputs["x"])
    if not _is_half(dtype):
        return False
    (sides, _), (exact, _) = (
        _area_steps(case, own) for own in (lambda x: in_dtype(x, dtype), _exactly)
    )
    return _differ([sides], [exact])


def leaves_uint8(case: Case) -> bool:
    """Return whether a difference or a sum of points and what goes with them is no uint8."""
    points, rows = (plain(array) for array in case.inputs.values())
    if "uint8" not in {dtype_of(array) for array in case.inputs.values()}:
        return False
    low, high = points - rows[..., :2], rows[..., 2:] - points
    if "distances" in case.inputs:
        high = points + rows[..., 2:]
    return bool((low < 0).any() or (high < 0).any() or (high > 255).any())


def metric_rounds_in_half(case: Case) -> bool:
    """Return whether a power on the way to a metric is rounded to half."""
    labels = plain(case.inputs["labels"]).astype(np.int64)
    powers = ("scores", case.config.get("alpha", 1.0)), ("ious", case.config.get("beta", 6.0))
    if not labels.size:
        return False
    for name, exponent in powers:
        dtype = dtype_of(case.inputs[name])
        exact = plain(case.inputs[name]) ** exponent
        if _is_half(dtype) and _differ([in_dtype(exact, dtype)], [exact]):
            return True
    return False


def power_of_subnormal(case: Case) -> bool:
    """Return whether a number below the normal ones has a power that is no product or root."""
    powers = ("scores", case.config.get("alpha", 1.0)), ("ious", case.config.get("beta", 6.0))
    for name, exponent in powers:
        x = plain(case.inputs[name])
        tiny = np.finfo(np.float64 if case.inputs[name].dtype == np.float64 else np.float32).tiny
        if (2 * exponent) % 1 and bool(((x > 0) & (x < tiny)).any()):
            return True
    return False
