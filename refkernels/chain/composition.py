"""Target assignment by the operators, one after the other, through the whole matrix of IoUs.

What the fused kernels are held to, and what does the images and settings they are not made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.bbox import BBoxBatchIOU, BBoxCornerToCenter
from refkernels.chain.chain import Chain
from refkernels.chain.layout import Layout
from refkernels.chain.matching import matching_stages
from refkernels.chain.predictions import Predictions
from refkernels.coder import (
    DistanceEncoder,
    MultiClassEncoder,
    NormalizedBoxCenterEncoder,
    SigmoidClassEncoder,
)
from refkernels.matcher import Matcher
from refkernels.sampler import BalancedSampler, NaiveSampler, QuotaSampler
from refkernels.sampler.balanced import draw_balanced
from refkernels.sampler.quota import draw_quotas, image_state

__all__ = ["BoxEncoder", "Operators", "compose", "coverage", "inputs_of", "points_of"]

BoxEncoder = NormalizedBoxCenterEncoder | DistanceEncoder | BBoxCornerToCenter


@dataclass(frozen=True)
class Operators:
    """What an assignment is composed of.

    Attributes
    ----------
    matcher, sampler, box_encoder, class_encoder
        The operators.
    crowd_thresh : float
        The share of an anchor that an ignored region must cover more than.
    cost : optional
        The cost or metric of a matcher that looks at predictions.
    layout : Layout, optional
        What some matchers look at beside corners.
    size : (int, int), optional
        The height and width of the input, where boxes are predicted as shares of it.
    """

    matcher: Any
    sampler: NaiveSampler | BalancedSampler | QuotaSampler
    box_encoder: BoxEncoder
    class_encoder: MultiClassEncoder | SigmoidClassEncoder
    crowd_thresh: float
    cost: Any = None
    layout: Layout | None = None
    size: tuple[int, int] | None = None


def compose(
    operators: Operators,
    anchors: Array,
    boxes: Array,
    labels: Array,
    regions: Array,
    seed: np.uint64,
    place: np.uint64,
    predictions: Predictions | None = None,
    matches: Array | None = None,
) -> tuple[Array, Array, Array, Array, Array]:
    """Assign one image.

    Parameters
    ----------
    operators : Operators
    anchors : numpy.ndarray, (N, 4)
        Corner boxes.
    boxes : numpy.ndarray, (M, 4)
        Corner boxes; those without extent can not be matched.
    labels : numpy.ndarray, int64, (M,)
    regions : numpy.ndarray, (R, 4)
        Ignored regions: a negative of which one covers more than `crowd_thresh` is ignored.
    seed, place : numpy.uint64
        The image's random numbers are those of image `place` of a batch with that seed.
    predictions : Predictions, optional
        For matchers that look at them.
    matches : numpy.ndarray, int64, (N,), optional
        Those with the boxes that have an extent, if they are known.

    Returns
    -------
    cls_targets, box_targets, box_masks, matches, samples : numpy.ndarray, (N, ...)
    """
    kept = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
    ious = None
    if matches is None and isinstance(operators.matcher, Matcher) and operators.cost is None:
        ious = BBoxBatchIOU()(anchors, boxes[kept])
        matches = operators.matcher(ious)
    elif matches is None:
        given = inputs_of(operators, anchors, boxes[kept], labels[kept], predictions)
        stages = matching_stages(operators.matcher, operators.cost, "shares")
        matches = Chain(stages).run(given)["matches"]
    samples = _samples(operators.sampler, matches, ious, seed, place)
    for region in regions:
        samples[(coverage(anchors, region) > operators.crowd_thresh) & (samples < 0)] = 0
    matched = matches >= 0
    matches[matched] = kept[matches[matched]]
    known = {
        "samples": samples,
        "matches": matches,
        "anchors": anchors,
        "boxes": boxes,
        "labels": labels,
    }
    encoder = operators.box_encoder
    if isinstance(encoder, NormalizedBoxCenterEncoder):
        encoders = {"class_encoder": operators.class_encoder, "box_encoder": encoder}
        made = Chain.of(encoders).run(known)
        return made["cls_targets"], made["box_targets"], made["box_masks"], matches, samples
    made = Chain.of({"class_encoder": operators.class_encoder}).run(known)
    targets, masks = _targets_of_positives(operators, anchors, boxes, matches, samples)
    return made["cls_targets"], targets, masks, matches, samples


def points_of(anchors: Array) -> Array:
    """Return the centres of anchors, (N, 2), in their dtype."""
    points: Array = (anchors[:, :2] + anchors[:, 2:]) / 2
    return points


def inputs_of(
    operators: Operators,
    anchors: Array,
    boxes: Array,
    labels: Array,
    predictions: Predictions | None,
) -> dict[str, Array]:
    """Return what the stages up to the matches of an image take, by name."""
    layout: Any = operators.layout
    values = {"anchors": anchors, "boxes": boxes, "labels": labels}
    values["points"] = points_of(anchors)
    if layout is not None:
        values["levels"] = layout.levels
        for name in ("strides", "ranges"):
            own = getattr(layout, name)
            if own is not None:
                values[name] = own.astype(anchors.dtype)
    if predictions is not None:
        own = predictions
        values |= {"predictions": own.boxes, "scores": own.scores, "logits": own.scores}
    if operators.size is not None:
        values["shares"] = _shares(boxes, operators.size)
    return values


def _shares(boxes: Array, size: tuple[int, int]) -> Array:
    """Return centre forms of boxes as shares of an image's height and width."""
    height, width = size
    sides = np.array([width, height, width, height], boxes.dtype)
    centres: Any = BBoxCornerToCenter()(boxes / sides)
    return np.asarray(centres)


def _targets_of_positives(
    operators: Operators, anchors: Array, boxes: Array, matches: Array, samples: Array
) -> tuple[Array, Array]:
    """Return what an encoder makes of positive anchors and their boxes, and 0 for the others."""
    targets = np.zeros((len(anchors), 4), anchors.dtype)
    masks = np.zeros_like(targets)
    rows = np.flatnonzero(samples > 0)
    encoder, layout = operators.box_encoder, operators.layout
    matched = boxes[matches[rows]]
    if isinstance(encoder, DistanceEncoder):
        sizes = None
        if encoder.normalize:
            strides: Any = None if layout is None else layout.strides
            sizes = np.repeat(strides[rows, None], 2, axis=1).astype(anchors.dtype)
        targets[rows] = encoder(points_of(anchors[rows]), matched, sizes)
    else:
        targets[rows] = _shares(matched, operators.size or (1, 1))
    masks[rows] = 1
    return targets, masks


def _samples(
    sampler: NaiveSampler | BalancedSampler | QuotaSampler,
    matches: Array,
    ious: Array | None,
    seed: np.uint64,
    place: np.uint64,
) -> Array:
    if isinstance(sampler, NaiveSampler):
        return sampler(matches)
    if isinstance(sampler, BalancedSampler):
        drawn = NaiveSampler()(matches)
        state = np.uint64(image_state(seed, place))
        indices = np.empty(len(drawn), np.int64)
        draw_balanced(drawn, sampler.max_pos, sampler.num_sample, state, indices)
        return drawn
    assert ious is not None
    maxima = ious.max(axis=1) if ious.shape[1] else np.zeros(len(ious), ious.dtype)
    samples = np.empty(len(matches), np.int64)
    max_pos, max_neg = sampler.quotas
    draw_quotas(
        matches,
        maxima,
        rounded(sampler.pos_thresh, maxima.dtype),
        rounded(sampler.neg_thresh_high, maxima.dtype),
        rounded(sampler.neg_thresh_low, maxima.dtype),
        max_pos,
        max_neg,
        sampler.num_sample if sampler.fill_negative else 0,
        np.uint64(image_state(seed, place)),
        np.empty(len(matches), np.int64),
        samples,
    )
    return samples


@np.errstate(all="ignore")  # of the distance between an anchor and a region far away
def coverage(anchors: Array, region: Array) -> Array:
    """Return the share of each anchor that a region covers, 0 of an anchor without extent.

    It is the product of the shares of its width and of its height, which cannot overflow; where a
    side could, halves are as good as wholes.
    """
    low = np.maximum(anchors[:, :2], region[:2])
    high = np.minimum(anchors[:, 2:], region[2:])
    kind = anchors.dtype.type
    huge = np.abs(anchors).max(axis=1, keepdims=True) > np.finfo(anchors.dtype).max / 4
    part = np.where(huge, kind(0.5), kind(1))
    common = high * part - low * part
    sides = anchors[:, 2:] * part - anchors[:, :2] * part
    real = (sides > 0).all(axis=1)
    shares = np.maximum(common, 0) / np.where(real[:, np.newaxis], sides, np.inf)
    product: Array = shares[:, 0] * shares[:, 1]
    return product
