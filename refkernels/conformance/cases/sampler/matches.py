"""What samplers are given: matches of anchors with their IoUs."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.conformance.cases.matcher.drawn import ious_of
from refkernels.conformance.cases.strategies import (
    about_threshold,
    at_threshold,
    iou_matrices,
    seeded_iou_matrices,
)
from refkernels.conformance.model.operator import Case, Image, Output

__all__ = ["axes", "matches_and_ious", "of_image", "rows_of", "samples"]

SMALL = st.integers(1, 6)
LARGE = st.integers(17, 60)
FEW = st.integers(1, 3)
BATCH = st.sampled_from([None, 1, 2, 2, 3])
SOUND_BATCH = st.sampled_from([None, 1, 2, 2, 3, 3])
# Past 2048 float16 does not count one by one.
MANY = st.integers(2049, 2200)
# With a quota of more, so many are left to what is larger than any block.
MOST_ANCHORS = 2000
WHOLE = st.sampled_from([np.float32, np.int64, np.int32, np.float16, np.float64, np.int8])


@st.composite
def matches_and_ious(
    draw: DrawFn, *thresholds: float, sound: bool = False, quota: int | None = None
) -> dict[str, Array]:
    """Draw matches of anchors with IoUs, which may be given as their maxima.

    Some of the IoUs lie at a threshold. If they are to be `sound`, anchors are matched if they
    overlap at least as much as the first says. With a quota, some images have about as many anchors
    as that.
    """
    images = draw(SOUND_BATCH if sound else BATCH)
    batch = None if images is None else st.just(images)
    small, large = iou_matrices(SMALL, FEW, batch), seeded_iou_matrices(LARGE, FEW, batch)
    sizes = [small, small, large, large, seeded_iou_matrices(MANY, FEW, batch)]
    if quota is not None and 4 < quota < MOST_ANCHORS:
        sizes.append(seeded_iou_matrices(st.integers(quota, 3 * quota), FEW, batch))
    ious = np.clip(draw(st.one_of(sizes)), 0, 1)
    threshold = thresholds[0]
    if quota is not None:
        ious = np.clip(draw(about_threshold(ious, threshold)), 0, 1)
    for image in ious.reshape(-1, *ious.shape[-2:]):
        image *= draw(st.sampled_from([1, 0.25]))
    if draw(st.integers(0, 2)):
        value = draw(at_threshold(draw(st.sampled_from(thresholds))))
        ious = np.where(ious == draw(st.sampled_from(ious.ravel()[:9].tolist())), value, ious)
    shape = ious.shape[:-1]
    size = int(np.prod(shape))
    if size > 24:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        matches = np.where(rng.random(shape) < draw(st.sampled_from([0.1, 0.25, 0.5])), 0, -1)
    else:
        drawn = draw(st.lists(st.sampled_from([-1, 0]), min_size=size, max_size=size))
        matches = np.array(drawn).reshape(shape)
    if sound or draw(st.booleans()):  # what overlaps much is matched, and nothing else
        matches = np.where(ious.max(-1) >= max(threshold, 0.25), 0, -1)
    if not sound and draw(st.integers(0, 2)) == 2:
        ious = ious.max(-1)
    return {"matches": matches.astype(draw(WHOLE)), "ious": ious}


def axes(case: Case) -> dict[str, str]:
    """Return the axis letters of matches, logits and IoUs."""
    letters = {"matches": "N", "logits": "NC", "ious": "NM"}
    lead = "B" if case.inputs["matches"].ndim == 2 else ""
    return {name: (lead + letters[name])[: array.ndim] for name, array in case.inputs.items()}


def samples(case: Case) -> tuple[Output, ...]:
    """Describe the only output."""
    return (Output("samples", index=True),)


def rows_of(array: Array) -> Array:
    """Return one row for each image, also where there is only one and no batch axis."""
    return np.atleast_2d(array)


def of_image(config: dict[str, Any]) -> Any:
    """Return a function that makes a case of this configuration from an image's boxes."""

    def annotated(image: Image) -> Iterator[Case]:
        """Yield the IoUs of the image with the matches at 0.5."""
        if len(image.boxes):
            from refkernels.matcher import MaximumMatcher

            ious = ious_of(image)
            yield Case(config, {"matches": MaximumMatcher(0.5)(ious), "ious": ious})

    return annotated
