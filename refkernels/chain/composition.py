"""Target assignment by the operators, one after the other, through the whole matrix of IoUs.

What the fused kernels are held to, and what does the images and settings they are not made for.
"""

from dataclasses import dataclass

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.bbox import BBoxBatchIOU
from refkernels.chain.chain import Chain
from refkernels.coder import MultiClassEncoder, NormalizedBoxCenterEncoder, SigmoidClassEncoder
from refkernels.matcher import Matcher
from refkernels.sampler import BalancedSampler, NaiveSampler, QuotaSampler
from refkernels.sampler.balanced import draw_balanced
from refkernels.sampler.quota import draw_quotas, image_state

__all__ = ["Operators", "compose"]


@dataclass(frozen=True)
class Operators:
    """What an assignment is composed of.

    Attributes
    ----------
    matcher, sampler, box_encoder, class_encoder
        The operators.
    crowd_thresh : float
        The share of an anchor that an ignored region must cover more than.
    """

    matcher: Matcher
    sampler: NaiveSampler | BalancedSampler | QuotaSampler
    box_encoder: NormalizedBoxCenterEncoder
    class_encoder: MultiClassEncoder | SigmoidClassEncoder
    crowd_thresh: float


def compose(
    operators: Operators,
    anchors: Array,
    boxes: Array,
    labels: Array,
    regions: Array,
    seed: np.uint64,
    place: np.uint64,
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

    Returns
    -------
    cls_targets, box_targets, box_masks, matches, samples : numpy.ndarray, (N, ...)
    """
    kept = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
    ious = BBoxBatchIOU()(anchors, boxes[kept])
    matches = operators.matcher(ious)
    samples = _samples(operators.sampler, matches, ious, seed, place)
    for region in regions:
        samples[(_coverage(anchors, region) > operators.crowd_thresh) & (samples < 0)] = 0
    matched = matches >= 0
    matches[matched] = kept[matches[matched]]
    encoders = {"class_encoder": operators.class_encoder, "box_encoder": operators.box_encoder}
    made = Chain.of(encoders).run(
        {
            "samples": samples,
            "matches": matches,
            "anchors": anchors,
            "boxes": boxes,
            "labels": labels,
        }
    )
    return made["cls_targets"], made["box_targets"], made["box_masks"], matches, samples


def _samples(
    sampler: NaiveSampler | BalancedSampler | QuotaSampler,
    matches: Array,
    ious: Array,
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
def _coverage(anchors: Array, region: Array) -> Array:
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
