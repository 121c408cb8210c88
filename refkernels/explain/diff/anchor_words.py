"""What two dumps have at an anchor, in words, with the numbers that decide."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.arrays.printing import times
from refkernels.bbox import BBoxBatchIOU
from refkernels.coder import MultiClassEncoder
from refkernels.explain.diff.compare import Cause, Difference, StageDifference
from refkernels.explain.diff.dump import Dump
from refkernels.explain.diff.stages import box_target_bound, in_dtype, iou_bound
from refkernels.explain.trace.beyond.known import is_beyond
from refkernels.explain.trace.matcher_words import why_matched
from refkernels.explain.trace.trace import explain
from refkernels.sampler import BalancedSampler, NaiveSampler, OHEMSampler, QuotaSampler
from refkernels.sampler.inputs import row_maxima

__all__ = ["SIDES", "why_different", "why_wrong"]

SIDES = ("A", "B")

KINDS = {1: "positive", -1: "negative", 0: "ignored"}


def why_wrong(dump: Dump, stage: StageDifference, side: int, image: int, anchor: int) -> str:
    """Say what one side has at an anchor, and what it must be and why."""
    held, own = stage.held[side], dump.arrays
    operator = dump.operators[stage.stage.role]
    match stage.stage.role:
        case "iou":
            found, expected = own["ious"][image, anchor], held.expected["ious"][image, anchor]
            bound = 2 * _bound_of_ious(dump, image, anchor, expected.dtype)
            with np.errstate(invalid="ignore"):
                excess = np.abs(found.astype(np.float64) - expected) / np.maximum(bound, 1e-300)
            truth = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
            return (
                f"its IoU with ground truth {truth} is {found[truth]!s}, the kernel makes "
                f"{expected[truth]!s} of the same boxes; rounding allows {bound[truth]:.2g}"
            )
        case "matcher":
            expected = held.expected["matches"][image, anchor]
            return (
                f"it has {_match(own['matches'][image, anchor])}, but by its own "
                f"{_measures(operator)} it must have {_match(expected)}: "
                f"{_why_matched(dump, image, anchor)}"
            )
        case "sampler":
            sample = own["samples"][image, anchor]
            return f"it is {_kind(sample)}, but must not be: " + _why_sampled(
                dump, stage, side, image, anchor
            )
        case "class_encoder":
            name = next(
                n for n in held.expected if n in own and _other(own, held, n, image, anchor)
            )
            told = "" if not isinstance(operator, MultiClassEncoder) else (
                f", its match {_match(own['matches'][image, anchor])}"
            )  # fmt: skip
            return (
                f"{name} is {own[name][image, anchor]}, expected "
                f"{held.expected[name][image, anchor]}: its sample is "
                f"{own['samples'][image, anchor]}{told}"
            )
    return _wrong_target(dump, stage, side, image, anchor)


def _measures(matcher: Any) -> str:
    return "inputs" if is_beyond(matcher) else "IoUs"


def _why_matched(dump: Dump, image: int, anchor: int) -> str:
    """Say why the matcher of a dump decides as it does on what it was given there."""
    matcher = dump.operators["matcher"]
    if not is_beyond(matcher):
        return why_matched(matcher, dump.arrays["ious"][image], anchor)
    given: Any = dump.given_to_matcher(image)
    trace = explain(matcher, given)
    # That it is, and with what, has been said.
    said = r"^Anchor \d+ is (not matched|matched with ground truth \d+):? "
    return re.sub(said, "", trace.why(anchor)).removesuffix(".")


def _other(own: dict[str, Array], held: Any, name: str, image: int, anchor: int) -> bool:
    return bool(own[name][image, anchor] != held.expected[name][image, anchor])


def _wrong_target(dump: Dump, stage: StageDifference, side: int, image: int, anchor: int) -> str:
    held, own = stage.held[side], dump.arrays
    row = anchor
    if "indices" in held.expected:
        row = int(np.flatnonzero(held.expected["indices"][image] == anchor)[0])
    found = own["box_targets"][image, row].reshape(-1, 4)[0]
    expected = held.expected["box_targets"][image, row].reshape(-1, 4)[0]
    if own["samples"][image, anchor] <= 0.5 or np.array_equal(found, expected):
        mask = own.get("box_masks", held.expected["box_masks"])[image, row].reshape(-1, 4)
        return (
            f"it is {_kind(own['samples'][image, anchor])}, its targets are {found.tolist()} and "
            f"its masks {mask.max(axis=0).tolist()}, expected {expected.tolist()}"
        )
    anchors, boxes = in_dtype((own["anchors"], own["boxes"]), found.dtype)
    box = anchors[min(image, len(anchors) - 1), anchor]
    truth = boxes[image, int(own["matches"][image, anchor])]
    bound = 2 * box_target_bound(dump.operators["box_encoder"], box[None], truth[None])[0]
    with np.errstate(all="ignore"):
        excess = np.abs(found.astype(np.float64) - expected) / np.maximum(bound, 1e-300)
    k = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
    return (
        f"box_targets[{k}] is {found[k]!s}, the kernel makes {expected[k]!s} of the same match; "
        f"rounding allows {bound[k]:.2g}"
    )


def _bound_of_ious(dump: Dump, image: int, anchor: int, dtype: np.dtype[Any]) -> Array:
    anchors, boxes = in_dtype((dump.arrays["anchors"], dump.arrays["boxes"]), dtype)
    own = anchors[min(image, len(anchors) - 1), anchor : anchor + 1]
    return np.asarray(iou_bound(dump.operators["iou"], own, boxes[image])[0])


def _match(match: Any) -> str:
    return "no match" if match == -1 else f"ground truth {match:g}"


def _kind(sample: Any) -> str:
    return next((word for kind, word in KINDS.items() if kind == sample), f"{sample}")


def _two_ious(
    found: Difference, stage: StageDifference, cause: Cause, image: int, anchor: int
) -> str:
    one, other = (dump.arrays["ious"][image, anchor] for dump in found.dumps)
    truth = _moved_most(one, other)
    told = f"IoU with ground truth {truth}: {one[truth]!s} in A, {other[truth]!s} in B"
    # What other boxes make of it is no matter of rounding.
    return told + (_allowance(found, image, anchor, truth) if cause == Cause.ROUNDING else "")


def _moved_most(one: Array, other: Array) -> int:
    with np.errstate(invalid="ignore"):
        gap = np.abs(one.astype(np.float64) - other)
    return int(np.argmax(np.where(np.isnan(gap), np.inf, gap)))


def _allowance(found: Difference, image: int, anchor: int, truth: int) -> str:
    """Say by how much two IoUs differ, and how far rounding can take them."""
    one, other = (dump.arrays["ious"][image, anchor, truth] for dump in found.dumps)
    allowed, wide = 0.0, []
    for dump in found.dumps:
        dtype = dump.arrays["ious"].dtype
        allowed += 2 * float(_bound_of_ious(dump, image, anchor, dtype)[truth])
        boxes = in_dtype((dump.arrays["anchors"], dump.arrays["boxes"]), dtype)
        place = min(image, len(boxes[0]) - 1)
        exact = BBoxBatchIOU(fmt=dump.operators["iou"].fmt)(
            boxes[0][place, anchor : anchor + 1].astype(np.float64),
            boxes[1][image, truth : truth + 1].astype(np.float64),
        )
        wide.append(float(exact[0, 0]))
    moved = abs(wide[0] - wide[1])
    told = f"; they differ by {abs(float(one) - float(other)):.2g}, and rounding allows "
    if moved:
        return f"{told}{allowed + moved:.2g}: {moved:.2g} of it from rounded boxes"
    return f"{told}{allowed:.2g}"


def _two_matches(
    found: Difference, stage: StageDifference, cause: Cause, image: int, anchor: int
) -> str:
    parts = []
    for side, dump in zip(SIDES, found.dumps, strict=True):
        why = _why_matched(dump, image, anchor)
        parts.append(f"{side} has {_match(dump.arrays['matches'][image, anchor])}: {why}")
    told = ". ".join(parts)
    is_rounded = cause == Cause.ROUNDING and all(
        "iou" in dump.operators and not is_beyond(dump.operators["matcher"]) for dump in found.dumps
    )
    if is_rounded:
        one, other = (dump.arrays["ious"][image] for dump in found.dumps)
        # Of the objects that either side names or that are nearest, the one that moved most.
        named = {int(np.argmax(ious[anchor])) for ious in (one, other)}
        named |= {
            int(dump.arrays["matches"][image, anchor])
            for dump in found.dumps
            if dump.arrays["matches"][image, anchor] >= 0
        }
        truth = max(named, key=lambda k: abs(float(one[anchor, k]) - float(other[anchor, k])))
        told += f". The IoUs with ground truth {truth} are {one[anchor, truth]!s} in A and "
        told += f"{other[anchor, truth]!s} in B{_allowance(found, image, anchor, truth)}"
    return told


def _two_samples(
    found: Difference, stage: StageDifference, cause: Cause, image: int, anchor: int
) -> str:
    told = []
    for i, (side, dump) in enumerate(zip(SIDES, found.sources, strict=True)):
        place = found.aligned.place_in(i, anchor)
        kind = _kind(dump.arrays["samples"][image, place])
        told.append(f"{side} makes it {kind}: {_why_sampled(dump, stage, i, image, place)}")
    return ". ".join(told)


def _why_sampled(dump: Dump, stage: StageDifference, side: int, image: int, anchor: int) -> str:
    """Say what the sampler has to say of an anchor."""
    operator, own, held = dump.operators["sampler"], dump.arrays, stage.held[side]
    matched = own["matches"][image, anchor] >= 0
    if isinstance(operator, NaiveSampler):
        return f"it has {_match(own['matches'][image, anchor])}"
    if isinstance(operator, BalancedSampler):
        candidate = _kind(0 if held.candidates is None else held.candidates[image, anchor])
        return f"it has {_match(own['matches'][image, anchor])}, so it may be {candidate}"
    most = row_maxima(own["ious"][image, anchor : anchor + 1])[0]
    state = "matched" if matched else f"not matched, and its largest IoU is {most!s}"
    if isinstance(operator, QuotaSampler):
        low = rounded(operator.neg_thresh_low, most.dtype)
        candidate = _kind(0 if held.candidates is None else held.candidates[image, anchor])
        return (
            f"it is {state}; positive from {operator.pos_thresh}, negative from {low} to below "
            f"{operator.neg_thresh_high}, so it may be {candidate}"
        )
    assert isinstance(operator, OHEMSampler)
    if matched or most >= rounded(operator.thresh, most.dtype) or held.scores is None:
        return f"it is {state}; unmatched anchors may be negative below {operator.thresh}"
    taken = own["samples"][image] == -1
    least = f"{float(held.scores[image][taken].min())!r}" if taken.any() else "none"
    return (
        f"it is {state}; its score is {float(held.scores[image, anchor])!r}, the lowest of the "
        f"{times(int(taken.sum()), 'negative')} is {least}"
    )


def _two_values(
    found: Difference, stage: StageDifference, cause: Cause, image: int, anchor: int
) -> str:
    name = stage.stage.name
    one, other = (dump.arrays[name] for dump in found.dumps)
    if one.shape != other.shape:
        return f"{name} has shape {one.shape} in A, {other.shape} in B"
    if name == "box_targets" and one.ndim == 4:
        return f"{name} differ"
    if name == "ious":
        truth = _moved_most(one[image, anchor], other[image, anchor])
        values = one[image, anchor, truth], other[image, anchor, truth]
        return f"IoU with ground truth {truth} is {values[0]!s} in A, {values[1]!s} in B"
    return f"{name} is {one[image, anchor].tolist()} in A, {other[image, anchor].tolist()} in B"


Words = Callable[[Difference, StageDifference, Cause, int, int], str]

WORDS: dict[str, Words] = {
    "iou": _two_ious,
    "matcher": _two_matches,
    "sampler": _two_samples,
    "class_encoder": _two_values,
    "box_encoder": _two_values,
}


def why_different(
    found: Difference, stage: StageDifference, cause: Cause, image: int, anchor: int
) -> str:
    """Say what both sides have at an anchor, and why."""
    if stage.held[0].not_held or stage.held[1].not_held:
        return _two_values(found, stage, cause, image, anchor)
    return WORDS[stage.stage.role](found, stage, cause, image, anchor)
