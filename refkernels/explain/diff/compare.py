"""Two dumps of an assignment, compared stage by stage: who left the contract first, and where.

Each side's stages are derived again from that side's own earlier results. So a stage that both
keep, and in which they differ all the same, differs for a reason that lies before it, or in the
operators' parameters, or in a draw; where nothing but rounding lies before it, it is rounding that
decided, on a tie or a threshold. A stage of which nobody says what made it, or of what, is compared
alone.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.chain.roles import Place
from refkernels.chain.writing import encode_operator
from refkernels.coder import MultiClassEncoder
from refkernels.explain.diff.align import Aligned, align
from refkernels.explain.diff.dump import Dump
from refkernels.explain.diff.guesses import guess, guess_between
from refkernels.explain.diff.inputs import InputDifference, input_differences
from refkernels.explain.diff.stages import Held, by_anchor, derive, hold, same_ious
from refkernels.sampler import NaiveSampler, QuotaSampler

__all__ = ["Cause", "Difference", "StageDifference", "compare_dumps"]


class Cause(IntEnum):
    """Why an anchor differs; of two, the greater is the one that is told."""

    NONE = 0
    ROUNDING = 1
    CHANCE = 2
    FOLLOWS = 3
    NOT_HELD = 4
    INPUTS = 5
    PARAMETERS = 6
    ERROR = 7


@dataclass(frozen=True)
class StageDifference:
    """A stage of both dumps.

    Attributes
    ----------
    stage : Place
    held : tuple of Held
        The stage of A and of B, each beside what it must be, and each in its own order.
    causes : numpy.ndarray, (B, N)
        A `Cause` for each anchor, NONE where A and B have the same.
    parameters : list of str
        The parameters in which the stage's operators differ.
    inherited : numpy.ndarray, bool, (B, N)
        Anchors that an earlier stage has decided otherwise, which is where it is explained.
    most : float
        The largest difference of real numbers, of anchors that differ by nothing but rounding.
    guess : str
        What explains how results differ that are held to nothing.
    """

    stage: Place
    held: tuple[Held, Held]
    causes: Array
    parameters: list[str]
    inherited: Array
    most: float
    guess: str = ""

    def count(self, cause: Cause) -> int:
        """Return how many anchors differ for this cause."""
        return int((self.causes == cause).sum())

    @property
    def differing(self) -> int:
        """How many anchors differ."""
        return int((self.causes != Cause.NONE).sum())


@dataclass(frozen=True)
class Difference:
    """All that two dumps differ in.

    Attributes
    ----------
    aligned : Aligned
        A and B, in the same order and as they were.
    inputs : list of InputDifference
        What they were given that is not the same.
    stages : list of StageDifference
        In the order in which they run.
    """

    aligned: Aligned
    inputs: list[InputDifference]
    stages: list[StageDifference]

    @property
    def dumps(self) -> tuple[Dump, Dump]:
        """A and B, in the order of A."""
        return self.aligned.dumps

    @property
    def sources(self) -> tuple[Dump, Dump]:
        """A and B, each in its own order."""
        return self.aligned.sources

    def left(self, side: int) -> StageDifference | None:
        """Return the first stage at which a side (0 is A, 1 is B) leaves the contract."""
        return next((stage for stage in self.stages if not stage.held[side].keeps), None)

    @property
    def cause(self) -> Cause:
        """The gravest reason for which they differ."""
        causes = [Cause(int(stage.causes.max(initial=0))) for stage in self.stages]
        if any(self.left(side) for side in (0, 1)):
            causes.append(Cause.ERROR)
        for own in self.inputs:
            causes.append(Cause.ROUNDING if own.rounded else Cause.INPUTS)
        if any(self.aligned.alone):
            causes.append(Cause.INPUTS)
        return max(causes, default=Cause.NONE)

    @property
    def status(self) -> int:
        """The exit status: 0 if nothing differs but by rounding or a draw, else 1."""
        return int(self.cause > Cause.CHANCE)

    def _repr_html_(self) -> str:
        from refkernels.explain.diff.notebook import as_html

        return as_html(self)


def compare_dumps(a: Dump, b: Dump) -> Difference:
    """Compare two dumps of the same images.

    Parameters
    ----------
    a, b : Dump
        What is compared are the stages that both have. Objects belong together by their boxes,
        whatever their order, and those that only pad an image are left out.

    Returns
    -------
    Difference

    Raises
    ------
    ValueError
        If they have no stage in common, or other images or another number of anchors.

    Examples
    --------
    >>> import numpy as np
    >>> from refkernels.explain.diff.dump import make_dump
    >>> from refkernels.matcher import MaximumMatcher
    >>> ious = np.array([[[0.2], [0.5], [0.7]]])
    >>> a = make_dump("a", {"ious": ious, "matches": [[-1, 0, 0]],
    ...     "anchors": [[0.0, 0, 10, 2], [0, 0, 10, 5], [0, 0, 10, 7]],
    ...     "boxes": [[0.0, 0, 10, 10]]}, {"matcher": MaximumMatcher(0.5)})
    >>> b = make_dump("b", {**a.arrays, "matches": [[-1, -1, 0]]}, a.operators)
    >>> found = compare_dumps(a, b)
    >>> found.left(0), found.left(1).stage.name, found.stages[1].held[1].wrong
    (None, 'matches', array([[False,  True, False]]))
    """
    aligned = align(a, b)
    inputs = input_differences(aligned)
    stages: list[StageDifference] = []
    for stage in a.stages:
        if stage in b.stages:
            stages.append(_stage(stage, aligned, inputs, stages))
    found = Difference(aligned, inputs, stages)
    for side, dump in enumerate(aligned.sources):
        left = found.left(side)
        if left is not None and not left.held[side].undefined:
            left.held[side].guess = guess(dump, left.held[side])
    return found


def _stage(
    stage: Place, aligned: Aligned, inputs: list[InputDifference], before: list[StageDifference]
) -> StageDifference:
    dumps = aligned.dumps
    held = hold(aligned.sources[0], stage), hold(aligned.sources[1], stage)
    differs = _differing(stage, dumps)
    inherited = np.zeros(differs.shape, bool)
    for earlier in before:
        if earlier.stage.name in ("matches", "samples"):
            inherited |= earlier.causes != Cause.NONE
    parameters: list[str] = []
    told = ""
    if held[0].not_held or held[1].not_held:
        causes = np.where(differs, _alone(stage, aligned, inputs, before, differs), Cause.NONE)
        one, other = (own.arrays[stage.name] for own in dumps)
        told = guess_between(stage.name, one, other, ~inherited)
    else:
        operators = dumps[0].operators[stage.role], dumps[1].operators[stage.role]
        parameters = _parameters(*operators)
        inherited_causes = _inherited(stage, operators[0], aligned, inputs, before)
        causes = np.where(differs, inherited_causes, Cause.NONE)
        tied = held[0].tied | aligned.in_order(held[1].tied)
        causes[differs & tied & (causes < Cause.FOLLOWS)] = Cause.ROUNDING
        if held[0].candidates is not None and held[1].candidates is not None:
            drawn = held[0].candidates == aligned.in_order(held[1].candidates)
            causes[differs & drawn] = Cause.CHANCE
        if parameters:
            decided = aligned.in_order(_decided_by_parameters(stage, aligned.sources, held))
            causes[differs & decided] = Cause.PARAMETERS
    if any(own.undefined for own in held):
        follows = np.logical_or.reduce([causes == Cause.FOLLOWS, *(_broken(before, differs.shape))])
        causes[differs] = np.where(follows, Cause.FOLLOWS, Cause.ERROR)[differs]
    causes[differs & (_wrong(held[0]) | aligned.in_order(_wrong(held[1])))] = Cause.ERROR
    most = _most(stage, dumps, (causes == Cause.ROUNDING) & ~inherited)
    return StageDifference(stage, held, causes, parameters, inherited, most, told)


def _wrong(held: Held) -> Array:
    """Mark the anchors (B, N) that are wrong, or of an image that is so as a whole."""
    wrong = held.wrong.copy()
    for image, own in enumerate(held.wrong):
        if not own.any():
            wrong[image] = any(remark.startswith(f"image {image} ") for remark in held.remarks)
    if any(not remark.startswith("image ") for remark in held.remarks):
        wrong[:] = True
    return wrong


def _alone(
    stage: Place, aligned: Aligned, inputs: list[InputDifference], before: list[StageDifference],
    differs: Array,
) -> Array:  # fmt: skip
    """Return what a difference (B, N) comes from in a stage that is held to nothing."""
    causes = np.full(differs.shape, Cause.NOT_HELD, np.int64)
    for earlier in before:
        later = (earlier.causes > Cause.CHANCE).any(axis=1, keepdims=True)
        causes[np.broadcast_to(later, causes.shape)] = Cause.FOLLOWS
    if any(aligned.alone) or not all(own.rounded for own in inputs):
        causes[:] = Cause.INPUTS
    elif stage.role == "iou":
        one, other = (dump.arrays["ious"] for dump in aligned.dumps)
        causes[same_ious(one, other)] = Cause.ROUNDING
    return causes


def _broken(before: list[StageDifference], shape: tuple[int, ...]) -> list[Array]:
    """Mark all anchors if an earlier stage of either side has left the contract."""
    return [np.full(shape, not held.keeps) for earlier in before for held in earlier.held]


def _differing(stage: Place, dumps: tuple[Dump, Dump]) -> Array:
    """Mark the anchors (B, N) at which the results of a stage differ."""
    a, b = dumps[0].arrays, dumps[1].arrays
    names = [name for name in (*stage.results, "indices") if name in a and name in b]
    if stage.role != "box_encoder":
        names = [name for name in names if name != "indices"]
    if any(a[name].shape != b[name].shape for name in names):
        return np.ones(dumps[0].shape, bool)
    differs = np.asarray(np.logical_or.reduce([_unequal(a[name], b[name]) for name in names]))
    if a[stage.name].ndim < 4:
        return differs
    sides = [
        side["indices"] if "indices" in side else np.argsort(
            ~(side["samples"] > 0.5), axis=-1, kind="stable"
        )[:, : differs.shape[1]]
        for side in (a, b)
    ]  # fmt: skip
    count = dumps[0].shape[1]
    return by_anchor(differs, sides[0], count) | by_anchor(differs, sides[1], count)


def _unequal(one: Array, other: Array) -> Array:
    with np.errstate(invalid="ignore"):
        differs = (one != other) & ~((one != one) & (other != other))
    return np.asarray(differs.any(axis=tuple(range(2, one.ndim))))


def _parameters(one: Any, other: Any) -> list[str]:
    """Tell what two operators differ in."""
    first, second = encode_operator(one), encode_operator(other)
    if first["operator"] != second["operator"]:
        return [f"{first['operator']} in A, {second['operator']} in B"]
    names = first["config"]
    if "matchers" in names:
        if len(one.matchers) != len(other.matchers):
            return [f"{len(one.matchers)} matchers in A, {len(other.matchers)} in B"]
        pairs = zip(one.matchers, other.matchers, strict=True)
        return [told for pair in pairs for told in _parameters(*pair)]
    return [
        f"{name} of {first['operator']} is {getattr(one, name)} in A, {getattr(other, name)} in B"
        for name in names
        if first["config"][name] != second["config"][name]
    ]


def _decided_by_parameters(
    stage: Place, dumps: tuple[Dump, Dump], held: tuple[Held, Held]
) -> Array:
    """Mark the anchors that A's operator decides otherwise than B's, given the same: B's inputs."""
    shape = held[1].wrong.shape
    found = dumps[1].arrays[stage.name]
    operator = dumps[0].operators[stage.role]
    needs = dumps[1].needs(stage, operator)
    if not held[1].expected or not all(name in dumps[1].arrays for name in needs):
        return np.ones(shape, bool)
    given = dumps[1].called_with(stage, operator)
    try:
        other = derive(stage, operator, given, found, dumps[1].real)
    except ValueError:
        return np.ones(shape, bool)
    own = held[1].expected
    if own[stage.name].shape != other[stage.name].shape or "indices" in own:
        return np.ones(shape, bool)
    decided = np.logical_or.reduce([_unequal(own[name], other[name]) for name in own])
    if held[1].candidates is not None:
        # One parameter, and another draw: the whole image.
        decided = np.broadcast_to(decided.any(axis=1, keepdims=True), shape)
    return np.asarray(decided)


def _inherited(
    stage: Place, operator: Any, aligned: Aligned, inputs: list[InputDifference],
    before: list[StageDifference],
) -> Array:  # fmt: skip
    """Return for each anchor (B, N) what a difference there comes from, by what lies before it."""
    found = {own.stage.name: own.causes for own in before}
    changed = {own.name for own in inputs if not own.rounded}
    if any(aligned.alone):
        changed |= {"boxes", "labels"}
    needs = {name for dump in aligned.dumps for name in dump.needs(stage, operator)}
    # For a moment, so that what is no known difference before it counts as rounding of the inputs.
    shape = aligned.dumps[0].shape
    causes = np.full(shape, Cause.ROUNDING, np.int64)
    local = isinstance(operator, NaiveSampler) or stage.role in ("class_encoder", "box_encoder")
    for name in needs:
        if name in changed:
            causes = np.maximum(causes, Cause.INPUTS)
        if name in found:
            own = np.where(found[name] > Cause.CHANCE, Cause.FOLLOWS, found[name])
            own = np.where(found[name] == Cause.INPUTS, Cause.INPUTS, own)
            if not local:  # one anchor's IoU may decide another's match
                own = np.broadcast_to(own.max(axis=1, keepdims=True, initial=0), shape)
            causes = np.maximum(causes, own)
    if stage.role == "class_encoder" and not isinstance(operator, MultiClassEncoder):
        return causes
    if isinstance(operator, QuotaSampler) and "matches" in found:
        # Where matches are the same, candidates differ by the IoUs alone.
        same = found["matches"] == Cause.NONE
        upstream = found.get("ious", np.zeros(shape, np.int64))
        by_ious = np.where(upstream > Cause.CHANCE, Cause.FOLLOWS, Cause.ROUNDING)
        causes = np.where(same & (causes == Cause.FOLLOWS), by_ious, causes)
    return causes


def _most(stage: Place, dumps: tuple[Dump, Dump], where: Array) -> float:
    """Return the largest difference of real numbers at the anchors marked."""
    one, other = (dump.arrays[stage.name] for dump in dumps)
    real = stage.role in ("iou", "box_encoder") and one.ndim == 3 and one.shape == other.shape
    if not real or not where.any():
        return 0.0
    with np.errstate(invalid="ignore"):
        error = np.abs(one[where].astype(np.float64) - other[where].astype(np.float64))
    return float(np.nanmax(error, initial=0))
