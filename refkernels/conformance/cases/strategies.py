"""Hypothesis strategies for the inputs that break target assignment.

They are public: use them to test code of your own. Arrays are float64; cast them to the dtype under
test (`Case.astype`), which rounds and so makes further ties.

Small inputs are drawn value by value and shrink well. Large ones, for what only shows from some
size on (a sort that is unstable from 17 elements, the remainder of a vector loop), come from a
drawn seed and drawn sizes; sizes shrink.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from refkernels.arrays import Array

__all__ = [
    "BOX_KINDS",
    "about_threshold",
    "at_threshold",
    "box_sets",
    "boxes",
    "configurations",
    "iou_matrices",
    "mixed_dtypes",
    "seeded_box_sets",
    "seeded_iou_matrices",
    "thresholds",
]

# Pairs of boxes as they come up next to each other; each maps a base box to another one.
BOX_KINDS: Mapping[str, Callable[[Array], Array]] = {
    "identical": lambda b: b,
    "nested": lambda b: b + np.array([0.25, 0.25, -0.25, -0.25]) * np.tile(b[2:] - b[:2], 2),
    "shifted": lambda b: b + np.tile((b[2:] - b[:2]) * [0.5, 0.25], 2),
    "touching": lambda b: b + np.array([1, 0, 1, 0]) * (b[2] - b[0]),
    "apart": lambda b: b + np.tile((b[2:] - b[:2]) * 4 + 1, 2),
    "flat": lambda b: np.array([b[0], b[1], b[2], b[1]]),
    "point": lambda b: np.array([b[0], b[1], b[0], b[1]]),
    "inverted": lambda b: b[[2, 3, 0, 1]],
    "mirrored": lambda b: b[[2, 1, 0, 3]],
    "upside down": lambda b: b[[0, 3, 2, 1]],
    "padding of -1": lambda b: np.full(4, -1.0),
    "padding of 0": lambda b: np.zeros(4),
}


def boxes() -> SearchStrategy[Array]:
    """Draw one proper corner box: small whole numbers first, then other scales.

    The scales: a dyadic grid, on which products are exact; images of 1e5 pixels; tiny boxes;
    coordinates normalised to [0, 1]; coordinates below 0; any float.
    """
    return _box()


@st.composite
def _box(draw: DrawFn) -> Array:
    scale = draw(st.sampled_from(["grid", "dyadic", "normalised", "huge", "tiny", "free"]))
    if scale == "free":
        number = st.floats(-1000, 1000, allow_nan=False)
        size = st.floats(0.001, 1000)
        values = [draw(number), draw(number), draw(size), draw(size)]
    else:
        whole = st.integers(-4, 60)
        values = [draw(whole), draw(whole), draw(st.integers(1, 40)), draw(st.integers(1, 40))]
    factor = {"dyadic": 0.125, "normalised": 1 / 64, "huge": 2500.0, "tiny": 2.0**-20}.get(scale, 1)
    if scale == "huge":
        values[:2] = [value + 10 for value in values[:2]]
    x, y, width, height = (value * factor for value in values)
    return np.array([x, y, x + width, y + height], np.float64)


@st.composite
def box_sets(
    draw: DrawFn, counts: tuple[SearchStrategy[int], ...], batch: SearchStrategy[int] | None = None
) -> tuple[Array, ...]:
    """Draw sets of boxes that have to do with each other.

    Parameters
    ----------
    counts : tuple of strategies of int
        The number of boxes in each set.
    batch : strategy of int, optional
        The number of images; without it sets have no batch axis.

    Returns
    -------
    tuple of numpy.ndarray
        Corner boxes (B, count, 4) or (count, 4), each a variant (`BOX_KINDS`) of one of a few base
        boxes.
    """
    base = draw(st.lists(boxes(), min_size=1, max_size=3))
    kinds = st.sampled_from(list(BOX_KINDS))
    sizes = [draw(count) for count in counts]
    images = 1 if batch is None else draw(batch)
    sets = [
        np.array(
            [
                [BOX_KINDS[draw(kinds)](draw(st.sampled_from(base))) for _ in range(size)]
                for _ in range(images)
            ],
            np.float64,
        ).reshape(images, size, 4)
        for size in sizes
    ]
    return tuple(s[0] if batch is None else s for s in sets)


@st.composite
def seeded_box_sets(
    draw: DrawFn,
    counts: tuple[SearchStrategy[int], ...],
    batch: SearchStrategy[int] | None = None,
) -> tuple[Array, ...]:
    """Draw large sets of boxes from a seed, in the sizes and positions of photographs.

    Some rows repeat another set's boxes exactly, and the ends of the last set are padding.
    """
    sizes = [draw(count) for count in counts]
    images = 1 if batch is None else draw(batch)
    unit = draw(st.sampled_from([1.0, 1 / 512, 200.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sets = []
    for size in sizes:
        sides = np.exp(rng.normal(4, 1, (images, size, 2))).clip(1, 500)
        corner = rng.random((images, size, 2)) * 512 - sides / 2
        sets.append(np.concatenate([corner, corner + sides], -1))
    shared = min(sizes) // 2
    for other in sets[1:]:
        other[:, :shared] = sets[0][:, :shared]
    padded = sizes[-1] // 4
    if padded:
        sets[-1][:, -padded:] = -1
    scaled = [s * unit if unit != 1 else s for s in sets]
    return tuple(s[0] if batch is None else s for s in scaled)


def iou_matrices(
    rows: SearchStrategy[int],
    columns: SearchStrategy[int],
    batch: SearchStrategy[int] | None = None,
) -> SearchStrategy[Array]:
    """Draw (…, N, M) matrices of few levels: exact ties, near ties, zero rows and columns.

    Values lie in [0, 1] mostly; some matrices hold negative values and values above 1, as distances
    for an ascending matcher do.
    """
    return _iou_matrix(rows, columns, batch)


# 0.3 and its float32 neighbour tie in float16; 1e-12 and 2e-12 vanish there.
_LEVELS = [0.0, 0.5, 1.0, 0.25, 0.75, 0.3, float(np.nextafter(np.float32(0.3), 1)), 1e-12, 2e-12]
_NEAR = [_LEVELS[5], _LEVELS[6], 0.0]
_DISTANCES = [*_LEVELS, -0.5, 2.0, 100.0, -1e-3]


@st.composite
def _iou_matrix(
    draw: DrawFn,
    rows: SearchStrategy[int],
    columns: SearchStrategy[int],
    batch: SearchStrategy[int] | None,
) -> Array:
    shape = (
        (draw(rows), draw(columns)) if batch is None else (draw(batch), draw(rows), draw(columns))
    )
    levels = draw(st.sampled_from([_LEVELS, _DISTANCES, _NEAR]))
    value = st.sampled_from(levels)
    if levels is not _NEAR:
        value |= st.floats(0, 1)
    size = int(np.prod(shape))
    flat = draw(st.lists(value, min_size=size, max_size=size))
    return np.array(flat, np.float64).reshape(shape)


@st.composite
def seeded_iou_matrices(
    draw: DrawFn,
    rows: SearchStrategy[int],
    columns: SearchStrategy[int],
    batch: SearchStrategy[int] | None = None,
) -> Array:
    """Draw large (…, N, M) matrices from a seed; the fewer levels are drawn, the more ties."""
    shape = (
        (draw(rows), draw(columns)) if batch is None else (draw(batch), draw(rows), draw(columns))
    )
    levels = draw(st.sampled_from([1, 3, 10, 100, 0]))
    sparse = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matrix = rng.random(shape)
    if levels:
        matrix = np.ceil(matrix * levels) / levels
    if sparse:
        matrix *= rng.random(shape) < 0.2
        matrix[..., ::5, :] = 0
    return np.asarray(matrix, np.float64)


# MXNet reads the decimals of the first two back as the number below and as that above; the last is
# rounded up to float16, but down by way of float32.
_DIGITS = [0.9127555772777217, 0.9350724237877683, 0.5 + 2**-12 + 2**-30]

# Below what some readers of text take for numbers: of float64, and of float32.
_TINY = [1e-308, 1e-40]


def thresholds() -> SearchStrategy[float]:
    """Draw thresholds in [0, 1], among them such that the drawn levels meet exactly.

    Some have all the digits there are, which a text with fewer does not bring back, and some are
    below the normal range of float64 or float32.
    """
    levels = st.sampled_from([0.5, 0.7, 0.3, 0.25, 0.1, 0.0, 1.0])
    digits = st.sampled_from(_DIGITS)
    others = st.floats(0, 1) | st.integers(1, 2**53).map(lambda n: n / 2**53)
    return st.one_of(levels, levels, digits, digits, digits, others, st.sampled_from(_TINY))


def at_threshold(threshold: float) -> SearchStrategy[float]:
    """Draw a number at a threshold, or where rounding the threshold to a narrower dtype moves it.

    One lies between the threshold and its nearest float32, one next below the threshold.
    """
    single, half = float(np.float32(threshold)), float(np.float16(np.clip(threshold, -6e4, 6e4)))
    below = float(np.nextafter(threshold, -np.inf)) if threshold else threshold
    return st.sampled_from(
        [threshold, threshold, single, half, (threshold + single) / 2, below, below]
    )


@st.composite
def about_threshold(draw: DrawFn, x: Array, threshold: float) -> Array:
    """Draw whether numbers in [0, 1] are scaled so that a threshold lies among them."""
    largest = float(np.abs(x).max(initial=0))
    if not threshold or largest < 1e-6 or 0.05 < abs(threshold) < 0.95 or not draw(st.booleans()):
        return x
    return np.asarray(x * (draw(st.sampled_from([2.0, 1.0, 1.25])) * threshold / largest))


def configurations(**options: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Draw a constructor's keywords; each may be left out, so that its default is tried too."""
    return st.fixed_dictionaries({}, optional=options)


@st.composite
def mixed_dtypes(draw: DrawFn, inputs: Mapping[str, Array], *names: str) -> dict[str, Array]:
    """Draw whether one of the real inputs that are named keeps float32, whatever the others become.

    The others are float64, which a case casts to the dtype under test; mostly all of them are.
    """
    kept = draw(st.sampled_from([None, None, None, None, None, *names]))
    return {
        name: array.astype(np.float32) if name == kept else array for name, array in inputs.items()
    }
