"""How the inputs of costs and metrics are drawn: batches, classes and scores, numbers of pairs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case

__all__ = [
    "BATCH",
    "COUNT",
    "IOUS",
    "LETTERS",
    "SCORES",
    "axes",
    "centers",
    "labels_of",
    "numbers",
    "one_for_all",
    "shape_of",
    "sizes",
]

BATCH = st.sampled_from([None, 1, 2, 3])
COUNT = st.integers(1, 4)

# The axes of each input of an image.
LETTERS = {
    "a": "N4",
    "b": "M4",
    "points": "N2",
    "boxes": "M4",
    "scores": "NC",
    "logits": "NC",
    "labels": "M",
    "ious": "NM",
    "inside": "NM",
    "truths": "M4",
}

IOUS = st.sampled_from([0.0, 0.5, 1.0, 0.25, 0.1, 1e-6]) | st.floats(0, 1)

# Scores at which logarithms end, some of them next to 1, and such as few dtypes have at all.
SCORES = (
    st.sampled_from([0.5, 0.0, 1.0, 0.25, 1 - 2.0**-11, 1 - 2.0**-24, 1 - 2.0**-53])
    | st.sampled_from([2.0**-14, 1e-30, 1e-40, 3e-44, 1e-200])
    | st.floats(0, 1)
)

LABEL_DTYPES = st.sampled_from([np.int64, np.float64, np.int64, np.int32, np.uint8])

# Above this many numbers they come from a seed.
MANY = 40


@st.composite
def sizes(draw: DrawFn, classes: SearchStrategy[int]) -> tuple[int | None, int, int, int]:
    """Draw the numbers of images, or None for one without an axis, anchors, truths and classes."""
    large = draw(st.booleans())
    counts = st.integers(1, 30) if large else COUNT
    return draw(BATCH), draw(counts), draw(counts), draw(classes)


def shape_of(images: int | None, *lengths: int) -> tuple[int, ...]:
    """Return a shape with the batch axis, if there is one."""
    return lengths if images is None else (images, *lengths)


@st.composite
def numbers(
    draw: DrawFn,
    shape: tuple[int, ...],
    one: SearchStrategy[float],
    many: Sequence[Any],
) -> Array:
    """Draw an array: each number by itself, or if they are many, by a function of a generator."""
    size = int(np.prod(shape))
    if size > MANY:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        return np.asarray(draw(st.sampled_from(many))(rng, shape), np.float64)
    return np.array(draw(st.lists(one, min_size=size, max_size=size)), np.float64).reshape(shape)


@st.composite
def labels_of(draw: DrawFn, shape: tuple[int, ...], classes: int) -> Array:
    """Draw labels of any dtype, among them those of the first and the last class."""
    size = int(np.prod(shape))
    label = st.sampled_from([0, classes - 1]) | st.integers(0, classes - 1)
    drawn = draw(st.lists(label, min_size=size, max_size=size))
    return np.array(drawn, draw(LABEL_DTYPES)).reshape(shape)


@st.composite
def one_for_all(draw: DrawFn, inputs: Mapping[str, Array], images: int | None) -> dict[str, Array]:
    """Draw whether one of the inputs is the same for all images: a batch of 1."""
    if images is None or images == 1:
        return dict(inputs)
    single = draw(st.sampled_from([None, None, *inputs]))
    return {name: x[:1] if name == single else x for name, x in inputs.items()}


def axes(case: Case, letters: Mapping[str, str] = LETTERS) -> dict[str, str]:
    """Return the letters of the axes of each input: what is one for all is not shrunk with them."""
    every = {name: x for name, x in case.inputs.items() if x.ndim > len(letters[name])}
    size = max((len(x) for x in every.values()), default=1)
    batch = {name: "B" if len(x) == size else "1" for name, x in every.items()}
    return {name: batch.get(name, "") + letters[name] for name in case.inputs}


def centers(x: Array) -> Array:
    """Return corner boxes in centre form."""
    return np.concatenate([(x[..., :2] + x[..., 2:]) / 2, x[..., 2:] - x[..., :2]], -1)
