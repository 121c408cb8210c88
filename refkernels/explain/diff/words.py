"""A comparison of two dumps in words, with the numbers that decide."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from textwrap import wrap
from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.arrays.printing import printable
from refkernels.bbox import BBoxBatchIOU
from refkernels.coder import MultiClassEncoder
from refkernels.explain.diff.compare import Cause, Difference, StageDifference
from refkernels.explain.diff.dump import Dump
from refkernels.explain.diff.stages import box_target_bound, in_dtype, iou_bound
from refkernels.explain.trace.matcher_words import why_matched
from refkernels.matcher import CompositeMatcher
from refkernels.sampler import NaiveSampler, OHEMSampler, QuotaSampler
from refkernels.sampler.inputs import row_maxima

__all__ = ["tell"]

BECAUSE = {
    Cause.ERROR: "not what the contract says",
    Cause.PARAMETERS: "other parameters",
    Cause.INPUTS: "other inputs",
    Cause.FOLLOWS: "follows from an earlier stage",
    Cause.CHANCE: "drawn by lot",
    Cause.ROUNDING: "rounding",
}

SIDES = ("A", "B")

WIDTH = 100

KINDS = {1: "positive", -1: "negative", 0: "ignored"}


def tell(found: Difference, shown: int = 3) -> Iterator[str]:
    """Yield lines that say what two dumps differ in, and why.

    Parameters
    ----------
    found : Difference
    shown : int
        How many anchors of a stage and a cause are explained.
    """
    for side, dump in zip(SIDES, found.dumps, strict=True):
        yield f"{side}  {dump.name}: {_contents(dump)}"
        if dump.about:
            yield f"   {printable(dump.about)}"
    yield ""
    yield from _table(found)
    yield ""
    yield from _verdict(found)
    for stage in found.stages:
        lines = list(_stage_in_words(found, stage, shown))
        if lines:
            yield ""
            for line in [f"{stage.stage.name}, made by {_made_by(found, stage)}", *lines]:
                margin = " " * (len(line) - len(line.lstrip()) + 4)
                yield from wrap(
                    line,
                    WIDTH,
                    subsequent_indent=margin,
                    break_long_words=False,
                    break_on_hyphens=False,
                    drop_whitespace=True,
                )


def _contents(dump: Dump) -> str:
    images, anchors = dump.shape
    objects = dump.arrays["boxes"].shape[1]  # every stage goes back to them
    parts = [f"{images} image{'s' * (images != 1)}", f"{anchors} anchors", f"{objects} objects"]
    real = [dump.arrays[name].dtype for name in ("ious", "box_targets") if name in dump.arrays]
    return ", ".join([*parts, *dict.fromkeys(map(str, real))])


def _table(found: Difference) -> Iterator[str]:
    yield f"{'stage':12} {'A':22} {'B':22} {'differ':>7}  because"
    if found.inputs:
        told = "; ".join(map(_input_in_words, found.inputs))
        yield f"{'inputs':12} {'':22} {'':22} {'':7}  {told}"
    for stage in found.stages:
        counts = ", ".join(
            f"{stage.count(cause)} {why}" for cause, why in BECAUSE.items() if stage.count(cause)
        )
        if stage.most:
            counts += f", by at most {stage.most:.2g}"
        sides = " ".join(f"{_state(stage, side):22}" for side in (0, 1))
        yield f"{stage.stage.name:12} {sides} {stage.differing:7}  {counts or 'nothing differs'}"


def _state(stage: StageDifference, side: int) -> str:
    held = stage.held[side]
    if held.undefined:
        return "cannot be derived"
    if held.keeps:
        return "keeps the contract"
    count = int(held.wrong.sum())
    return f"wrong at {count}" if count else "wrong as a whole"


def _input_in_words(own: Any) -> str:
    if own.rounded:
        return f"{own.name} rounded, by at most {own.most:.2g}"
    place = f"{own.name}{list(own.where)}"
    return (
        f"{own.name} differ in {own.count} numbers, by at most {own.most:.2g}: {place} is "
        f"{own.values[0]!r} in A, {own.values[1]!r} in B"
    )


def _verdict(found: Difference) -> Iterator[str]:
    images, anchors = found.dumps[0].shape
    for side, name in enumerate(SIDES):
        stage = found.left(side)
        if stage is None:
            continue
        held = stage.held[side]
        if held.undefined:
            yield f"{name} cannot be followed at {stage.stage.name}: {held.undefined}."
            continue
        count = int(held.wrong.sum())
        where = f"for {count} of {images * anchors} anchors" if count else held.remarks[0]
        yield f"{name} leaves the contract first at {stage.stage.name}: {where}."
    keepers = [name for side, name in enumerate(SIDES) if found.left(side) is None]
    if len(keepers) == 2:
        yield f"Both keep the contract. {_what_differs(found)}"
    elif keepers:
        yield f"{keepers[0]} keeps the contract at every stage."


def _what_differs(found: Difference) -> str:
    match found.cause:
        case Cause.NONE:
            return "Nothing differs."
        case Cause.ROUNDING:
            return "What differs is rounding: inside the bounds, and on ties or thresholds."
        case Cause.CHANCE:
            return "What differs was drawn by lot, or is rounding."
        case Cause.INPUTS:
            return "They were given different inputs."
    stage = next(own for own in found.stages if own.count(Cause.PARAMETERS))
    return f"Their parameters differ, first at {stage.stage.name}: {'; '.join(stage.parameters)}."


def _made_by(found: Difference, stage: StageDifference) -> str:
    operator = found.dumps[0].operators[stage.stage.role]
    if stage.parameters:
        return f"{type(operator).__name__}: {'; '.join(stage.parameters)}"
    return _shown(operator)


def _shown(operator: Any) -> str:
    """Return an operator as it may be written, without what has its default."""
    if isinstance(operator, CompositeMatcher):
        return " or else ".join(map(_shown, operator.matchers))
    given = [
        f"{field.name}={getattr(operator, field.name)!r}"
        for field in fields(operator)
        if getattr(operator, field.name) != field.default
    ]
    return f"{type(operator).__name__}({', '.join(given)})"


def _stage_in_words(found: Difference, stage: StageDifference, shown: int) -> Iterator[str]:
    for side, name in enumerate(SIDES):
        held = stage.held[side]
        for remark in held.remarks[:shown]:
            yield f"  {name}: {remark}"
        wrong = partial(_wrong, found.dumps[side], stage, side)
        yield from _anchors(held.wrong, f"{name} is wrong at", shown, wrong)
    for cause in (Cause.PARAMETERS, Cause.INPUTS, Cause.ROUNDING):
        words = partial(WORDS[stage.stage.role], found, stage, cause)
        marks = (stage.causes == cause) & ~stage.inherited
        yield from _anchors(marks, f"{BECAUSE[cause]}:", shown, words)


def _anchors(
    marks: Array, heading: str, shown: int, words: Callable[[int, int], str]
) -> Iterator[str]:
    count = int(marks.sum())
    if not count:
        return
    if shown:
        more = f", the first {shown} of them" if count > shown else ""
        yield f"  {heading} {count} anchor{'s' * (count != 1)}{more}:"
    for image, anchor in np.argwhere(marks)[:shown]:
        yield f"    image {image}, anchor {anchor}: {words(int(image), int(anchor))}"


def _wrong(dump: Dump, stage: StageDifference, side: int, image: int, anchor: int) -> str:
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
                f"it has {_match(own['matches'][image, anchor])}, but by its own IoUs it must "
                f"have {_match(expected)}: {why_matched(operator, own['ious'][image], anchor)}"
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
    truth = int(np.nanargmax(np.abs(one.astype(np.float64) - other)))
    return (
        f"IoU with ground truth {truth}: {one[truth]!s} in A, {other[truth]!s} in B"
        + _allowance(found, image, anchor, truth)
    )


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
        why = why_matched(dump.operators["matcher"], dump.arrays["ious"][image], anchor)
        parts.append(f"{side} has {_match(dump.arrays['matches'][image, anchor])}: {why}")
    told = ". ".join(parts)
    if cause == Cause.ROUNDING:
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
    return ". ".join(
        f"{side} makes it {_kind(dump.arrays['samples'][image, anchor])}: "
        + _why_sampled(dump, stage, i, image, anchor)
        for i, (side, dump) in enumerate(zip(SIDES, found.dumps, strict=True))
    )


def _why_sampled(dump: Dump, stage: StageDifference, side: int, image: int, anchor: int) -> str:
    """Say what the sampler has to say of an anchor."""
    operator, own, held = dump.operators["sampler"], dump.arrays, stage.held[side]
    matched = own["matches"][image, anchor] >= 0
    if isinstance(operator, NaiveSampler):
        return f"it has {_match(own['matches'][image, anchor])}"
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
        f"{int(taken.sum())} negatives is {least}"
    )


def _two_values(
    found: Difference, stage: StageDifference, cause: Cause, image: int, anchor: int
) -> str:
    name = stage.stage.name
    one, other = (dump.arrays[name] for dump in found.dumps)
    if name == "box_targets" and (one.ndim == 4 or one.shape[1] <= anchor):
        return f"{name} differ"
    return f"{name} is {one[image, anchor].tolist()} in A, {other[image, anchor].tolist()} in B"


Words = Callable[[Difference, StageDifference, Cause, int, int], str]

WORDS: dict[str, Words] = {
    "iou": _two_ious,
    "matcher": _two_matches,
    "sampler": _two_samples,
    "class_encoder": _two_values,
    "box_encoder": _two_values,
}
