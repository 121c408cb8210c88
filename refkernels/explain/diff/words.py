"""A comparison of two dumps in words: a sentence first, then the stages, then anchors."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from textwrap import wrap
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import printable, times
from refkernels.chain.roles import PLACES
from refkernels.explain.diff.anchor_words import SIDES, why_different, why_wrong
from refkernels.explain.diff.compare import Cause, Difference, StageDifference
from refkernels.explain.diff.dump import Dump
from refkernels.explain.diff.headline import headline, input_in_words, leaving
from refkernels.explain.trace.warnings import warnings_of
from refkernels.matcher import CompositeMatcher

__all__ = ["BECAUSE", "contents", "stage_lines", "state", "tell", "verdict", "why_of"]

BECAUSE = {
    Cause.ERROR: "not what the contract says",
    Cause.PARAMETERS: "other parameters",
    Cause.INPUTS: "other inputs",
    Cause.NOT_HELD: "held to nothing",
    Cause.FOLLOWS: "follows from an earlier stage",
    Cause.CHANCE: "drawn by lot",
    Cause.ROUNDING: "rounding",
}

# What is told anchor by anchor.
TOLD = (Cause.PARAMETERS, Cause.INPUTS, Cause.NOT_HELD, Cause.ROUNDING)

WIDTH = 100


def tell(found: Difference, shown: int = 3) -> Iterator[str]:
    """Yield lines that say what two dumps differ in, and why.

    Parameters
    ----------
    found : Difference
    shown : int
        How many anchors of a stage and a cause are explained.
    """
    yield from verdict(found)
    yield ""
    for side, dump in zip(SIDES, found.sources, strict=True):
        yield f"{side}  {dump.name}: {contents(dump)}"
        if dump.about:
            yield f"   {printable(dump.about)}"
    yield ""
    yield from _table(found)
    for stage in found.stages:
        lines = stage_lines(found, stage, shown)
        if lines:
            yield ""
            for line in lines:
                yield from _wrapped(line)


def _wrapped(line: str) -> list[str]:
    margin = " " * (len(line) - len(line.lstrip()) + 4)
    return wrap(
        line,
        WIDTH,
        subsequent_indent=margin if line.startswith(" ") or ", made by " in line else "",
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


def stage_lines(found: Difference, stage: StageDifference, shown: int) -> list[str]:
    """Return what is to be said of a stage and of its anchors; nothing if that is nothing."""
    lines = list(_stage_in_words(found, stage, shown))
    return [f"{stage.stage.name}, made by {_made_by(found, stage)}", *lines] if lines else []


def contents(dump: Dump) -> str:
    """Return the sizes of a dump, and the dtypes of its real results."""
    images, anchors = dump.shape
    parts = [times(images, "image"), times(anchors, "anchor")]
    for name, axis in (("boxes", 1), ("labels", 1), ("ious", 2)):
        if name in dump.arrays:
            parts.append(times(dump.arrays[name].shape[axis], "object"))
            break
    real = [dump.arrays[name].dtype for name in ("ious", "box_targets") if name in dump.arrays]
    return ", ".join([*parts, *dict.fromkeys(map(str, real))])


def _table(found: Difference) -> Iterator[str]:
    yield f"{'stage':12} {'A':22} {'B':22} {'differ':>7}  because"
    if found.inputs:
        told = "; ".join(map(input_in_words, found.inputs))
        yield f"{'inputs':12} {'':22} {'':22} {'':7}  {told}"
    for stage in found.stages:
        sides = " ".join(f"{state(stage, side):22}" for side in (0, 1))
        yield f"{stage.stage.name:12} {sides} {stage.differing:7}  {why_of(stage)}"
    for side, name in enumerate(SIDES):
        own, other = found.sources[side].arrays, found.sources[1 - side].arrays
        alone = [place.name for place in PLACES if place.name in own and place.name not in other]
        if alone:
            yield f"{', '.join(alone)}: in {name} alone, not compared"


def why_of(stage: StageDifference) -> str:
    """Return by how many anchors a stage differs for which reasons."""
    counts = ", ".join(
        f"{stage.count(cause)} {why}" for cause, why in BECAUSE.items() if stage.count(cause)
    )
    if stage.most:
        counts += f", by at most {stage.most:.2g}"
    return counts or "nothing differs"


def state(stage: StageDifference, side: int) -> str:
    """Return what a side makes of the contract at a stage."""
    held = stage.held[side]
    if held.not_held:
        return "held to nothing"
    if held.undefined:
        return "cannot be derived"
    if held.keeps:
        return "keeps the contract"
    count = int(held.wrong.sum())
    return f"wrong at {count}" if count else "wrong as a whole"


def verdict(found: Difference) -> list[str]:
    """Return the headline, and a sentence each for who else leaves the contract or keeps it."""
    left = [leaving(found, side) for side in (0, 1)]
    told = [headline(found), *filter(None, left)]
    # What both were given alike may be wrong alike, and then is what matters.
    alike = not any(own.name in ("boxes", "anchors") for own in found.inputs)
    doubts = warnings(found)
    told = [*doubts, *told] if alike else [*told, *doubts]
    free = [any(held.not_held for held in stage.held) for stage in found.stages]
    keepers = [name for name, own in zip(SIDES, left, strict=True) if not own]
    if any(free):
        which = "All" if all(free) else "Some"
        told.append(f"{which} stages are held to nothing, and only compared.")
    elif len(keepers) == 2:
        told.append("Both keep the contract.")
    elif keepers:
        told.append(f"{keepers[0]} keeps the contract at every stage.")
    return list(dict.fromkeys(told))


def warnings(found: Difference) -> list[str]:
    """Return what looks wrong about the boxes of either side, a sentence each."""
    told: dict[str, list[str]] = {}
    for name, dump in zip(SIDES, found.sources, strict=True):
        if "anchors" in dump.arrays and "boxes" in dump.arrays:
            own = (dump.arrays[key].reshape(-1, 4) for key in ("anchors", "boxes"))
            for warning in warnings_of(*own):
                told.setdefault(warning, []).append(name)
    return [f"In {' and '.join(sides)}, {warning}" for warning, sides in told.items()]


def _made_by(found: Difference, stage: StageDifference) -> str:
    operators = [dump.operators.get(stage.stage.role) for dump in found.sources]
    operator = operators[0] or operators[1]
    if operator is None:
        return "nobody says what"
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
        wrong = partial(why_wrong, found.sources[side], stage, side)
        yield from _anchors(held.wrong, f"{name} is wrong at", shown, wrong)
    for cause in TOLD:
        words = partial(why_different, found, stage, cause)
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
