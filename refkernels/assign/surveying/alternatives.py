"""What other thresholds, scales, ratios or shapes of anchors would do, tried on some images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from refkernels.annotations.images import ImageAnnotations
from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.resize import Resize
from refkernels.assign.surveying.matches import Matches
from refkernels.assign.surveying.objects import group, survey_objects
from refkernels.assign.surveying.shapes import (
    MOST_SHAPES,
    SAME,
    Shapes,
    evolved,
    fitted,
    scipy_module,
)
from refkernels.matcher import (
    CompositeMatcher,
    MaximumMatcher,
    PointMatcher,
    ThresholdMatcher,
)

__all__ = ["Alternative", "alternatives", "check_can_fit", "has_shapes", "threshold_of"]

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
SCALES = (0.5, 2**-0.5, 2**0.5, 2.0)
# Ratios to the power of these.
POWERS = {0.5: "ratios nearer to 1", 1.5: "ratios farther from 1"}

# Objects that shapes are fitted to; more change little.
FITTED_OBJECTS = 2000

# The threshold by which shapes are fitted, where a matcher has none.
USUAL = 0.5

# Called with what is done, and the numbers of steps that are done, and of all.
Telling = Callable[[str, int, int], None]


class Alternative(NamedTuple):
    """What one change would do on some images.

    Attributes
    ----------
    name : str
    kind : {'as it is', 'threshold', 'scale', 'ratio', 'shapes'}
    objects, without, few : int
        Objects, and how many of them are matched with no anchor, and with few.
    anchors, best_iou : float
        Means: anchors that an object is matched with, and its largest IoU.
    reached : float
        The share of objects whose largest IoU reaches the threshold.
    threshold : float
        The least IoU that is matched, or 0.5 where the matcher has no such.
    shapes : tuple of (float, float)
        Width and height of each new shape in pixels of the network's input, in the order of
        `Survey.shapes`, each of which it stands in place of; empty where none is fitted.
    """

    name: str
    kind: str
    objects: int
    without: int
    few: int
    anchors: float
    best_iou: float
    reached: float
    threshold: float
    shapes: tuple[tuple[float, float], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**self._asdict(), "shapes": [list(own) for own in self.shapes]}


def has_shapes(assigner: TargetAssigner) -> bool:
    """Return whether anchors are boxes to an assigner, and not points."""
    return not isinstance(assigner.operators.matcher, PointMatcher)


def threshold_of(matcher: Any) -> float | None:
    """Return the least IoU that a matcher matches, best pairs aside; None if it has none.

    Examples
    --------
    >>> threshold_of(MaximumMatcher(0.7))
    0.7
    """
    if isinstance(matcher, CompositeMatcher):
        return next(
            (own for part in matcher.matchers if (own := threshold_of(part)) is not None), None
        )
    if isinstance(matcher, ThresholdMatcher):
        return matcher.high
    return matcher.threshold if isinstance(matcher, MaximumMatcher) else None


def _with_threshold(matcher: Any, threshold: float) -> Any:
    """Return the same matcher with another least IoU."""
    if isinstance(matcher, CompositeMatcher):
        return CompositeMatcher([_with_threshold(part, threshold) for part in matcher.matchers])
    if isinstance(matcher, ThresholdMatcher):
        low = None if matcher.low is None else min(matcher.low, threshold)
        return replace(matcher, high=threshold, low=low)
    if isinstance(matcher, MaximumMatcher):
        return replace(matcher, threshold=threshold)
    return matcher


def check_can_fit(assigner: TargetAssigner) -> None:
    """Raise `ImportError` if shapes are going to be fitted, and SciPy is missing."""
    if has_shapes(assigner):
        scipy_module("optimize")


def alternatives(
    assigner: TargetAssigner,
    sides: Array,
    images: Sequence[ImageAnnotations],
    resize: Resize,
    *,
    few: int,
    seed: int,
    threads: int,
    telling: Telling,
) -> tuple[Alternative, ...]:
    """Try other thresholds, scales, ratios and shapes.

    Parameters
    ----------
    assigner : TargetAssigner
    sides : numpy.ndarray, float64, (T, 2)
        Widths and heights of objects that shapes are fitted to, in pixels of the network's input.
    images : sequence of ImageAnnotations
        Those that each change is tried on.
    resize : Resize
    few : int
        The most anchors that are few.
    seed : int
        What evolution draws by.
    threads : int
    telling : callable
        Called with what is done, and the numbers of steps that are done, and of all.

    Returns
    -------
    tuple of Alternative
        The assigner as it is first. Empty where there is nothing to change, or no object.

    Raises
    ------
    ImportError
        If shapes are to be fitted, and SciPy is missing.
    """
    own = threshold_of(assigner.operators.matcher)
    level = USUAL if own is None else own

    def tried(name: str, kind: str, changed: TargetAssigner, threshold: float) -> Alternative:
        """Return what a change does."""
        telling(f"trying {name}", 0, len(images))

        def tell(done: int, total: int) -> None:
            """Pass the progress on."""
            telling(f"trying {name}", done, total)

        objects = survey_objects(Matches(changed, threads), images, resize, tell)
        (whole,) = group(objects, np.zeros(len(objects), np.int64), [name], few)
        reached = float((objects.best_iou >= threshold).sum() / max(1, len(objects)))
        return Alternative(name, kind, *whole[1:], reached=reached, threshold=threshold)

    shapes = Shapes.among(assigner.anchors)
    thresholds = [] if own is None else [value for value in THRESHOLDS if value != own]
    varied = has_shapes(assigner) and 0 < len(shapes) <= MOST_SHAPES
    varied &= bool((shapes.sides > 0).all())
    if not len(sides) or not (thresholds or varied):
        return ()
    found = [tried("as it is", "as it is", assigner, level)]
    for value in thresholds:
        changed = _changed(assigner, matcher=_with_threshold(assigner.operators.matcher, value))
        found.append(tried(f"threshold {value:g}", "threshold", changed, value))
    if varied:
        step = -(-len(sides) // FITTED_OBJECTS)
        for name, kind, other in _shapes(shapes, sides[::step], level, seed, telling):
            changed = _changed(assigner, shapes.replaced(assigner.anchors, other))
            listed = tuple((float(w), float(h)) for w, h in other) if kind == "shapes" else ()
            found.append(tried(name, kind, changed, level)._replace(shapes=listed))
    return tuple(found)


def _shapes(
    shapes: Shapes, objects: Array, threshold: float, seed: int, telling: Telling
) -> Iterator[tuple[str, str, Array]]:
    """Yield names, kinds and sides of other shapes."""
    sides = shapes.sides
    for factor in SCALES:
        yield f"scales times {factor:.2g}", "scale", sides * factor
    stretch = np.sqrt(sides[:, 0] / sides[:, 1])
    side = np.sqrt(sides.prod(axis=1))
    if np.ptp(stretch) > SAME:  # not all squares
        for power, name in POWERS.items():
            other = stretch**power
            yield name, "ratio", np.stack([side * other, side / other], axis=1)
    telling("k-means", 0, 1)
    found = fitted(objects, len(shapes))
    yield f"k-means, {times(len(found), 'shape')}", "shapes", found

    def tell(done: int, total: int) -> None:
        """Pass the progress on."""
        telling("evolving shapes", done, total)

    better = evolved(objects, (sides, found), shapes.steps, threshold, seed, tell)
    yield f"evolved, {times(len(found), 'shape')}", "shapes", better


def _changed(
    assigner: TargetAssigner, anchors: Array | None = None, **changes: Any
) -> TargetAssigner:
    """Return the same assigner with other anchors or operators."""
    own = assigner.operators
    return TargetAssigner(
        assigner.anchors if anchors is None else anchors,
        **{
            "matcher": own.matcher, "sampler": own.sampler, "box_encoder": own.box_encoder,
            "class_encoder": own.class_encoder, "dtype": assigner.dtype, "layout": own.layout,
            "size": own.size, "crowd_thresh": own.crowd_thresh, **changes,
        },
    )  # fmt: skip
