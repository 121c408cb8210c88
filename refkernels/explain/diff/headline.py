"""The first sentence of a comparison: what differs first, and what explains it."""

import numpy as np

from refkernels.arrays.printing import times
from refkernels.explain.diff.anchor_words import SIDES
from refkernels.explain.diff.compare import Cause, Difference, StageDifference
from refkernels.explain.diff.inputs import InputDifference

__all__ = ["headline", "input_in_words", "leaving"]

# Inputs that are not called by many.
MANY = {
    "metric": "metrics",
    "cost": "costs",
    "inside": "masks of what is inside",
    "valid": "masks of what is valid",
}

# Relations that are named beside the likeliest.
OTHERS = 2


def headline(found: Difference) -> str:
    """Say in one sentence what two dumps differ in first.

    Parameters
    ----------
    found : Difference

    Returns
    -------
    str
        It names the relation or the parameter that explains all of it, if one does.
    """
    grave = [own for own in found.inputs if not own.rounded]
    # What is explained says more than what follows from it, such as labels beside boxes.
    for own in sorted(grave, key=lambda own: not own.relations):
        return _of_input(found, own)
    if any(found.aligned.alone):
        return _of_objects(found)
    for stage in found.stages:
        for side in (0, 1):
            if found.left(side) is stage:
                return leaving(found, side)
        if stage.count(Cause.PARAMETERS):
            return (
                f"Their parameters differ, first at {stage.stage.name}: "
                f"{'; '.join(stage.parameters)}."
            )
        if stage.count(Cause.NOT_HELD):
            return _of_stage(stage)
    order = "" if not found.aligned.moved else (
        f" but the order of the ground truths in {_count(found.aligned.moved, 'image')}, which "
        "changes no target"
    )  # fmt: skip
    if found.cause == Cause.NONE:
        return f"Nothing differs{order}."
    rounded = [own.name for own in found.inputs if own.rounded]
    inputs = f", beginning with {' and '.join(rounded)}" if rounded else ""
    if found.cause == Cause.CHANCE:
        return f"What differs was drawn by lot, or is rounding{inputs}."
    half = _narrowest(found)
    return (
        f"What differs is rounding: inside the bounds, and on ties or thresholds{inputs}{half}"
        f"{order and '; nothing else'}{order}."
    )


def input_in_words(own: InputDifference) -> str:
    """Say how an input differs, for a table."""
    if own.rounded:
        return f"{own.name} rounded, by at most {own.most:.2g}"
    if not own.where:
        return f"{own.name} have {own.relations[0].words}"
    place, name = f"{own.name}{list(own.where)}", MANY.get(own.name, own.name)
    return (
        f"{name} differ in {own.count} numbers, by at most {own.most:.2g}: {place} is "
        f"{own.values[0]!r} in A, {own.values[1]!r} in B"
    )


def _of_input(found: Difference, own: InputDifference) -> str:
    rows, name = f"{own.rows[0]} of {own.rows[1]}", MANY.get(own.name, own.name)
    if not own.relations:
        return (
            f"They were given different inputs: B's {name} differ from A's ({rows}), and no "
            "single relation explains all of them."
        )
    first, others = own.relations[0], own.relations[1:]
    side, other = (SIDES[1], SIDES[0]) if first.of else SIDES
    told = f"{side}'s {name} differ from {other}'s ({rows}), which is explained by {first.words}"
    if others:
        named = ", or by ".join(relation.words for relation in others[:OTHERS])
        told += f"; so few would be explained as well by {named}"
    if not own.where and not any(stage.differing for stage in found.stages):
        told += "; in A's order nothing else differs"
    return f"{told}."


def _of_objects(found: Difference) -> str:
    parts = []
    for name, own in zip(SIDES, found.aligned.alone, strict=True):
        if own:
            image, place = own[0]
            first = f"ground truth {place} of image {image}"
            parts.append(
                f"{name} alone has {first}"
                + (f" and {len(own) - 1} more" if len(own) > 1 else "")
            )  # fmt: skip
    return f"They were given different inputs: {', and '.join(parts)}."


def leaving(found: Difference, side: int) -> str:
    """Say where a side leaves the contract first, and what explains it; '' if it keeps it."""
    stage, name = found.left(side), SIDES[side]
    if stage is None:
        return ""
    held = stage.held[side]
    if held.undefined:
        return f"{name} cannot be followed at {stage.stage.name}: {held.undefined}."
    images, anchors = found.dumps[0].shape
    count = int(held.wrong.sum())
    where = f"for {count} of {times(images * anchors, 'anchor')}" if count else held.remarks[0]
    why = f", which is explained by {held.guess}" if held.guess else ""
    return f"{name} leaves the contract first at {stage.stage.name}: {where}{why}."


def _of_stage(stage: StageDifference) -> str:
    own = stage.stage.name
    why = next(held.not_held for held in stage.held if held.not_held)
    told = (
        f"They differ first at {own}, for {stage.differing} of {times(stage.causes.size, 'anchor')}"
    )
    if stage.guess:
        return f"{told}, which is explained by {stage.guess}."
    return f"{told}; it is held to nothing, as {why}."


def _narrowest(found: Difference) -> str:
    """Name half precision where one side alone has it."""
    names = ("ious", "box_targets", "boxes", "anchors")
    half = [
        [name for name in names if name in dump.arrays and dump.arrays[name].dtype == np.float16]
        for dump in found.dumps
    ]
    for side, other in ((0, 1), (1, 0)):
        if half[side] and not half[other]:
            return (
                f", and {SIDES[side]}'s {' and '.join(half[side])} are in float16, half precision"
            )
    return ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
