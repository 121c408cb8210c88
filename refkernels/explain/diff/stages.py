"""A stage of a dump, held to what its operator makes of what it was given there.

Each stage is derived again by the kernel from the dump's own earlier results, so no stage is
blamed for another's. Decisions must be equal, real numbers within twice their bound, once for each
of the two that are rounded; what is drawn must be one of the draws that may come out.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refkernels.arrays import Array, common_real, rounded
from refkernels.arrays.printing import times
from refkernels.bounds.bbox import box_batch_iou
from refkernels.bounds.coder import box_center_encoder
from refkernels.bounds.sampler import mining_score
from refkernels.chain.roles import Place
from refkernels.coder import NormalizedPerClassBoxCenterEncoder
from refkernels.explain.diff.dump import Dump
from refkernels.matcher import HungarianMatcher, SimOTAMatcher
from refkernels.sampler import BalancedSampler, OHEMSampler, QuotaSampler
from refkernels.sampler.inputs import row_maxima

__all__ = [
    "DRAWING",
    "Held",
    "box_target_bound",
    "by_anchor",
    "derive",
    "hold",
    "in_dtype",
    "iou_bound",
    "same_ious",
]

# The units that an IoU of corner boxes errs by at most, as `bounds.bbox.box_batch_iou` derives.
UNITS_OF_IOU = 17

# Those of which a column of padding takes anchors as any other does.
GIVING_TO_ALL = (HungarianMatcher, SimOTAMatcher)

DRAWING = (BalancedSampler, QuotaSampler)

# Bounds are computed for so many elements at a time: each needs some dozens of arrays.
BLOCK = 1 << 18


@dataclass
class Held:
    """A stage of a dump beside what it must be.

    Attributes
    ----------
    stage : Place
    expected : dict of str to numpy.ndarray
        What the kernel makes of what the stage was given; empty if it can make nothing of it.
    wrong : numpy.ndarray, bool, (B, N)
        Anchors at which the stage is not what it must be.
    tied : numpy.ndarray, bool, (B, N)
        Anchors that the kernel decides otherwise, but on a tie that rounding may take either way.
    undefined : str
        Why the kernel can make nothing of what the stage was given.
    not_held : str
        Why it is held to nothing.
    guess : str
        What explains that it left the contract, in the stage where a side did so first.
    remarks : list of str
        What is wrong with an image as a whole.
    candidates : numpy.ndarray, (B, N), optional
        Of a stage that draws lots, what each anchor may be at all.
    scores : numpy.ndarray, (B, N), optional
        Of mining, by what anchors are ranked.
    """

    stage: Place
    expected: dict[str, Array]
    wrong: Array
    tied: Array
    undefined: str = ""
    not_held: str = ""
    guess: str = ""
    remarks: list[str] = field(default_factory=list)
    candidates: Array | None = None
    scores: Array | None = None

    @property
    def keeps(self) -> bool:
        """Whether the stage keeps the contract, or is held to none."""
        return not (self.wrong.any() or self.remarks or self.undefined)


def hold(dump: Dump, stage: Place) -> Held:
    """Derive a stage of a dump again, and compare."""
    reason = dump.not_held(stage)
    if reason:
        none = np.zeros(dump.shape, bool)
        return Held(stage, {}, none, none.copy(), not_held=reason)
    operator = dump.operators[stage.role]
    given = dump.called_with(stage, operator)
    found = {name: dump.arrays[name] for name in _results(dump, stage)}
    nothing = np.zeros(dump.shape, bool)
    held = Held(stage, {}, nothing.copy(), nothing.copy())
    try:
        held.expected = derive(stage, operator, given, found[stage.name], dump.real)
    except ValueError as error:
        held.undefined = str(error)
        return held
    if stage.role == "iou":
        _hold_ious(held, operator, given, found["ious"])
    elif isinstance(operator, QuotaSampler):
        _hold_draw(held, operator, given, found["samples"])
    elif isinstance(operator, BalancedSampler):
        held.candidates = given[0]
        _hold_quotas(held, found["samples"], operator.max_pos, operator.num_sample)
    elif isinstance(operator, OHEMSampler):
        _hold_mined(held, operator, given, found["samples"])
    elif stage.role == "box_encoder":
        _hold_targets(held, operator, dump, found)
    else:
        for name, array in found.items():
            held.wrong |= _differs(array, held.expected[name])
    return held


def derive(
    stage: Place,
    operator: Any,
    given: tuple[Array, ...],
    found: Array | None = None,
    real: Array | None = None,
) -> dict[str, Array]:
    """Run a stage's operator; where it draws lots, always the same ones.

    Real numbers are computed in the dtype of `found`, if that is narrower than the inputs': they
    must have been rounded to it on the way. Objects that are not `real` (B, M) are padding.
    """
    if isinstance(operator, GIVING_TO_ALL) and real is not None:
        return {"matches": _without_padding(operator, given, real)}
    if stage.role in ("iou", "box_encoder") and found is not None:
        given = in_dtype(given, found.dtype)
    extra = {"rng": 0} if isinstance(operator, DRAWING) else {}
    outputs = operator(*given, **extra)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    names = [*stage.results]
    if isinstance(operator, NormalizedPerClassBoxCenterEncoder):
        names.append("indices")
    return dict(zip(names, outputs, strict=False))


def _without_padding(operator: Any, given: tuple[Array, ...], real: Array) -> Array:
    """Return the matches of a matcher with the real objects of each image."""
    rows = []
    for image, kept in enumerate(map(np.flatnonzero, real)):
        # Matrices (N, M), and a mask of anchors (N,).
        own = (array[image] for array in given)
        matches = operator(*(array[:, kept] if array.ndim == 2 else array for array in own))
        rows.append(np.where(matches >= 0, np.append(kept, -1)[matches], matches))
    return np.stack(rows)


def in_dtype(given: tuple[Array, ...], dtype: np.dtype[Any]) -> tuple[Array, ...]:
    """Round boxes to `dtype` where that is narrower than their own."""
    real = [array for array in given if array.ndim == 3 and array.shape[2] == 4]
    if dtype.kind != "f" or dtype.itemsize >= common_real(*real).itemsize:
        return given
    with np.errstate(over="ignore"):
        return tuple(
            array.astype(dtype) if any(array is box for box in real) else array for array in given
        )


def by_anchor(rows: Array, indices: Array, count: int) -> Array:
    """Return marks of anchors (B, N) for those of rows (B, P) that `indices` say belong to them."""
    marks = np.zeros((len(rows), count), bool)
    fits = (indices >= 0) & (indices < count)
    image, row = np.nonzero(rows & fits)
    marks[image, indices[image, row].astype(np.int64)] = True
    return marks


def _results(dump: Dump, stage: Place) -> list[str]:
    names = [*stage.results, "indices"] if stage.role == "box_encoder" else [*stage.results]
    return [name for name in names if name in dump.arrays]


def _differs(found: Array, expected: Array) -> Array:
    """Mark the anchors (B, N) of results (B, N, ...) that differ; nan equals nan."""
    with np.errstate(invalid="ignore"):
        differs = (found != expected) & ~((found != found) & (expected != expected))
    return np.asarray(differs.any(axis=tuple(range(2, found.ndim))))


def same_ious(one: Array, other: Array) -> Array:
    """Mark the anchors (B, N) whose IoUs (B, N, M) may be those of the same corner boxes."""
    unit = max(float(np.finfo(own.dtype).eps) / 2 for own in (one, other))
    with np.errstate(invalid="ignore"):
        gap = np.abs(one.astype(np.float64) - other.astype(np.float64))
        near = gap <= 2 * UNITS_OF_IOU * unit * np.maximum(one, other).astype(np.float64)
    return np.asarray(near.all(axis=-1))


def iou_bound(operator: Any, anchors: Array, boxes: Array) -> Array:
    """Bound the error of the IoUs (K, M) of anchors (K, 4) with boxes (M, 4)."""
    return box_batch_iou(anchors, boxes, **dataclasses.asdict(operator))


def box_target_bound(operator: Any, anchors: Array, truths: Array) -> Array:
    """Bound the error of the targets (K, 4) of anchors (K, 4), each with its own truth (K, 4)."""
    every = np.ones(len(anchors)), np.arange(len(anchors))
    return box_center_encoder(*every, anchors, truths, stds=operator.stds, means=operator.means)


def _beyond(found: Array, expected: Array, bound: Array) -> Array:
    """Mark the rows (K, ...) of which an element lies beyond the bounds of two roundings."""
    with np.errstate(invalid="ignore"):
        error = np.abs(found.astype(np.longdouble) - expected.astype(np.longdouble))
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        wrong = ~same & ~(error <= 2 * bound)
    return np.asarray(wrong.any(axis=tuple(range(1, wrong.ndim))))


def _hold_ious(held: Held, operator: Any, given: tuple[Array, ...], found: Array) -> None:
    expected = held.expected["ious"]
    anchors, boxes = in_dtype(given, found.dtype)
    height = max(1, BLOCK // max(1, boxes.shape[1]))
    for image, differs in enumerate(_differs(found, expected)):
        rows = np.flatnonzero(differs)
        for first in range(0, len(rows), height):
            part = rows[first : first + height]
            bound = iou_bound(operator, anchors[min(image, len(anchors) - 1), part], boxes[image])
            held.wrong[image, part] = _beyond(found[image, part], expected[image, part], bound)


def _hold_targets(held: Held, operator: Any, dump: Dump, found: dict[str, Array]) -> None:
    """Hold targets and masks of a box encoder, by rows, which may be those of some anchors only."""
    expected, per_class = held.expected, "indices" in held.expected
    targets = found["box_targets"]
    dtype = targets.dtype
    anchors, boxes = in_dtype((dump.arrays["anchors"], dump.arrays["boxes"]), dtype)
    if targets.shape != expected["box_targets"].shape:
        shape = expected["box_targets"].shape
        held.remarks.append(f"box_targets has shape {targets.shape}, expected {shape}")
        return
    count = held.wrong.shape[1]
    every = np.broadcast_to(np.arange(count), held.wrong.shape)
    indices = expected["indices"] if per_class else every
    wrong = np.zeros(indices.shape, bool)
    for name in ("box_masks", "indices"):
        if name in found:
            wrong |= _differs(found[name], expected[name])
    positive = np.take_along_axis(dump.arrays["samples"], indices, 1) > 0.5
    matches = np.take_along_axis(dump.arrays["matches"], indices, 1)
    matches = np.where(positive, matches, 0).astype(np.int64)  # others may be anything
    differs = _differs(targets, expected["box_targets"])
    wrong |= differs & ~positive
    for image in range(len(wrong)):
        rows = np.flatnonzero(differs[image] & positive[image])
        own = anchors[min(image, len(anchors) - 1), indices[image, rows]]
        bound = box_target_bound(operator, own, boxes[image, matches[image, rows]])
        bound = bound[:, np.newaxis] if per_class else bound
        wrong[image, rows] |= _beyond(
            targets[image, rows], expected["box_targets"][image, rows], bound
        )
    held.wrong = by_anchor(wrong, indices, count) if per_class else wrong


def _hold_draw(held: Held, operator: Any, given: tuple[Array, ...], found: Array) -> None:
    """Hold a draw to what every draw must be: candidates only, and as many as the quotas say."""
    matches, ious = given
    maxima = row_maxima(ious)
    positive = (matches >= 0) | (maxima >= rounded(operator.pos_thresh, maxima.dtype))
    negative = (
        ~positive
        & (maxima >= rounded(operator.neg_thresh_low, maxima.dtype))
        & (maxima < rounded(operator.neg_thresh_high, maxima.dtype))
    )
    held.candidates = positive.astype(np.int64) - negative
    max_pos, least_neg = operator.quotas
    total = operator.num_sample if operator.fill_negative else 0
    _hold_quotas(held, found, max_pos, total, least_neg)


def _hold_quotas(held: Held, found: Array, max_pos: int, total: int, least_neg: int = 0) -> None:
    """Hold a draw among `held.candidates` to its quotas: negatives are what is left of a total."""
    assert held.candidates is not None
    held.wrong = (found != 0) & (found != held.candidates)
    for image, sample in enumerate(found):
        candidates = held.candidates[image]
        positives = int((candidates > 0).sum())
        max_neg = max(least_neg, total - min(positives, max_pos))
        for kind, name, quota in ((1, "positives", max_pos), (-1, "negatives", max_neg)):
            able = int((candidates == kind).sum())
            kept, want = int((sample == kind).sum()), min(able, quota)
            if kept != want:
                held.remarks.append(
                    f"image {image} keeps {kept} {name}, expected {want}: the quota is {quota}, "
                    f"and {able} may be"
                )


def _hold_mined(held: Held, operator: Any, given: tuple[Array, ...], found: Array) -> None:
    """Hold mined negatives to the order of their scores, as far as rounding lets it be told."""
    matches, logits, ious = given
    maxima = row_maxima(ious)
    matched = matches >= 0
    eligible = ~matched & (maxima < rounded(operator.thresh, maxima.dtype))
    expected = held.expected["samples"]
    held.scores = _scores(logits)
    held.wrong = np.where(
        matched, found != 1, np.where(eligible, (found != 0) & (found != -1), found != 0)
    )
    for image, sample in enumerate(found):
        able, want = eligible[image], int((expected[image] == -1).sum())
        taken = int((able & (sample == -1)).sum())
        if taken != want:
            held.remarks.append(
                f"image {image} takes {times(taken, 'negative')}, expected {want}: of "
                f"{times(int(matched[image].sum()), 'positive')}, and {int(able.sum())} may be"
            )
            held.wrong[image] |= sample != expected[image]
        else:
            held.wrong[image] |= _out_of_order(
                sample, expected[image], able, held.scores[image], logits[image]
            )
    held.tied = (found != expected) & ~held.wrong


def _scores(logits: Array) -> Array:
    wide = logits.astype(np.longdouble)
    largest = wide.max(-1, keepdims=True)
    total = np.log(np.exp(wide - largest).sum(-1)) + largest[..., 0]
    return np.asarray(total - wide[..., 0])


def _out_of_order(
    sample: Array, expected: Array, able: Array, scores: Array, logits: Array
) -> Array:
    """Mark anchors (N) that are taken before, or left for, what is surely the other way round."""
    wrong = np.zeros(len(sample), bool)
    errors = mining_score(logits)
    taken, left = able & (sample == -1), able & (sample != -1)
    if not taken.any() or not left.any():
        return wrong
    wrong |= taken & (scores + errors < (scores - errors)[left].max())
    wrong |= left & (scores - errors > (scores + errors)[taken].min())
    # Equal logits have equal scores however they are computed, and then the lowest index is first.
    first_left: dict[bytes, int] = {}
    for i in np.flatnonzero(left & (expected == -1)):
        first_left.setdefault(logits[i].tobytes(), int(i))
    for i in np.flatnonzero(taken & (expected != -1)):
        j = first_left.get(logits[i].tobytes(), len(sample))
        if j < i:
            wrong[[i, j]] = True
    return wrong
