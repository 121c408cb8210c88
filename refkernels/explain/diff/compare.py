"""Two dumps of an assignment, compared stage by stage: who left the contract first, and where.

Each side's stages are derived again from that side's own earlier results. So a stage that both
keep, and in which they differ all the same, differs for a reason that lies before it, or in the
operators' parameters, or in a draw; where nothing but rounding lies before it, it is rounding that
decided, on a tie or a threshold.
"""

import dataclasses
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.chain.roles import INPUTS, Place
from refkernels.chain.writing import encode_operator
from refkernels.coder import MultiClassEncoder, NormalizedPerClassBoxCenterEncoder
from refkernels.explain.diff.dump import Dump
from refkernels.explain.diff.stages import Held, by_anchor, derive, hold
from refkernels.sampler import NaiveSampler, QuotaSampler

__all__ = ["Cause", "Difference", "InputDifference", "StageDifference", "compare_dumps"]

# Stages that may be there on one side only: what has no array of its own in every framework.
OPTIONAL = ("cls_masks", "box_masks", "indices")


class Cause(IntEnum):
    """Why an anchor differs; of two, the greater is the one that is told."""

    NONE = 0
    ROUNDING = 1
    CHANCE = 2
    FOLLOWS = 3
    INPUTS = 4
    PARAMETERS = 5
    ERROR = 6


@dataclass(frozen=True)
class InputDifference:
    """How an input differs.

    Attributes
    ----------
    name : str
    rounded : bool
        Whether one is the other, rounded to its narrower dtype.
    count : int
        How many numbers differ.
    where : tuple of int
        The first that does.
    values : tuple of float
        What it is in A and in B.
    most : float
        The largest difference.
    """

    name: str
    rounded: bool
    count: int
    where: tuple[int, ...]
    values: tuple[float, float]
    most: float


@dataclass(frozen=True)
class StageDifference:
    """A stage of both dumps.

    Attributes
    ----------
    stage : Place
    held : tuple of Held
        The stage of A and of B, each beside what it must be.
    causes : numpy.ndarray, (B, N)
        A `Cause` for each anchor, NONE where A and B have the same.
    parameters : list of str
        The parameters in which the stage's operators differ.
    inherited : numpy.ndarray, bool, (B, N)
        Anchors that an earlier stage has decided otherwise, which is where it is explained.
    most : float
        The largest difference of real numbers, of anchors that differ by nothing but rounding.
    """

    stage: Place
    held: tuple[Held, Held]
    causes: Array
    parameters: list[str]
    inherited: Array
    most: float

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
    dumps : tuple of Dump
        A and B, with the same stages and shapes.
    inputs : list of InputDifference
        What they were given that is not the same.
    stages : list of StageDifference
        In the order in which they run.
    """

    dumps: tuple[Dump, Dump]
    inputs: list[InputDifference]
    stages: list[StageDifference]

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
        return max(causes, default=Cause.NONE)

    @property
    def status(self) -> int:
        """The exit status: 0 if nothing differs but by rounding or a draw, else 1."""
        return int(self.cause > Cause.CHANCE)


def compare_dumps(a: Dump, b: Dump) -> Difference:
    """Compare two dumps of the same images.

    Parameters
    ----------
    a, b : Dump
        With the same stages. Objects that only pad an image are left out.

    Returns
    -------
    Difference

    Raises
    ------
    ValueError
        If one has a stage or an input that the other does not, or they differ in shape.

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
    dumps = _aligned(a, b)
    inputs = [found for name in INPUTS if (found := _input(name, *dumps)) is not None]
    stages: list[StageDifference] = []
    for stage in dumps[0].stages:
        stages.append(_stage(stage, dumps, inputs, stages))
    return Difference(dumps, inputs, stages)


def _aligned(a: Dump, b: Dump) -> tuple[Dump, Dump]:
    """Return both without padding that one alone has; check that they can be compared."""
    for one, other in ((a, b), (b, a)):
        for name in one.arrays:
            if name not in other.arrays and name not in OPTIONAL:
                held = ", ".join(other.arrays)
                raise ValueError(
                    f"{other.name}: {name} is missing, which {one.name} has; expected the same "
                    f"inputs and stages in both, got {held}"
                )
    objects = max(_objects(a), _objects(b))
    a, b = _cut(a, objects), _cut(b, objects)
    for name, array in a.arrays.items():
        other_array = b.arrays.get(name, array)
        shape, own = other_array.shape, array.shape
        if name == "anchors":
            shape, own = shape[1:], own[1:]  # one image's may stand for all
        if shape != own:
            raise ValueError(
                f"{b.name}: {name} has shape {other_array.shape}, in {a.name} it has "
                f"{array.shape}; expected dumps of the same images with the same anchors"
            )
    return a, b


def _objects(dump: Dump) -> int:
    boxes = dump.arrays["boxes"]
    real = (boxes[..., 2:] > boxes[..., :2]).all(-1).any(0)
    return int(np.flatnonzero(real).max(initial=-1)) + 1


def _cut(dump: Dump, objects: int) -> Dump:
    """Return a dump with so many objects, if the others only pad."""
    arrays = dict(dump.arrays)
    for name, axis in (("boxes", 1), ("labels", 1), ("ious", 2)):
        if name in arrays:
            arrays[name] = np.take(
                arrays[name], range(min(objects, arrays[name].shape[axis])), axis
            )
    return dataclasses.replace(dump, arrays=arrays)


def _input(name: str, a: Dump, b: Dump) -> InputDifference | None:
    if name not in a.arrays:
        return None
    one, other = np.broadcast_arrays(a.arrays[name], b.arrays[name])
    differs = one != other
    if not differs.any():
        return None
    narrow = min(one.dtype, other.dtype, key=lambda dtype: dtype.itemsize)
    with np.errstate(over="ignore"):
        rounded = np.array_equal(one.astype(narrow), other.astype(narrow)) and narrow.kind == "f"
    where = tuple(int(i) for i in np.unravel_index(int(np.argmax(differs)), differs.shape))
    most = np.abs(one.astype(np.float64) - other.astype(np.float64)).max()
    values = float(one[where]), float(other[where])
    return InputDifference(name, rounded, int(differs.sum()), where, values, float(most))


def _stage(
    stage: Place, dumps: tuple[Dump, Dump], inputs: list[InputDifference],
    before: list[StageDifference],
) -> StageDifference:  # fmt: skip
    held = hold(dumps[0], stage), hold(dumps[1], stage)
    operators = dumps[0].operators[stage.role], dumps[1].operators[stage.role]
    differs = _differing(stage, dumps, held[0].wrong.shape[1])
    parameters = _parameters(*operators)
    causes = np.where(differs, _inherited(stage, operators[0], dumps, inputs, before), Cause.NONE)
    causes[differs & (held[0].tied | held[1].tied) & (causes < Cause.FOLLOWS)] = Cause.ROUNDING
    if held[0].candidates is not None and held[1].candidates is not None:
        drawn = held[0].candidates == held[1].candidates
        causes[differs & drawn] = Cause.CHANCE
    if parameters:
        causes[differs & _decided_by_parameters(stage, dumps, held)] = Cause.PARAMETERS
    wrong = held[0].wrong | held[1].wrong
    for own in held:
        for image in range(len(wrong)):
            # An image that is wrong as a whole, and not at certain anchors.
            wrong[image] |= any(r.startswith(f"image {image} ") for r in own.remarks) and not (
                own.wrong[image].any()
            )
        if any(not remark.startswith("image ") for remark in own.remarks):
            wrong[:] = True
    if any(own.undefined for own in held):
        follows = np.logical_or.reduce([causes == Cause.FOLLOWS, *(_broken(before, differs.shape))])
        causes[differs] = np.where(follows, Cause.FOLLOWS, Cause.ERROR)[differs]
    causes[differs & wrong] = Cause.ERROR
    inherited = np.zeros(differs.shape, bool)
    for earlier in before:
        if earlier.stage.name in ("matches", "samples"):
            inherited |= earlier.causes != Cause.NONE
    most = _most(stage, dumps, (causes == Cause.ROUNDING) & ~inherited)
    return StageDifference(stage, held, causes, parameters, inherited, most)


def _broken(before: list[StageDifference], shape: tuple[int, ...]) -> list[Array]:
    """Mark all anchors if an earlier stage of either side has left the contract."""
    return [np.full(shape, not held.keeps) for earlier in before for held in earlier.held]


def _differing(stage: Place, dumps: tuple[Dump, Dump], count: int) -> Array:
    """Mark the anchors (B, N) at which the results of a stage differ."""
    a, b = dumps[0].arrays, dumps[1].arrays
    names = [name for name in (*stage.results, "indices") if name in a and name in b]
    if stage.role != "box_encoder":
        names = [name for name in names if name != "indices"]
    marks = [_unequal(a[name], b[name]) for name in names]
    differs = np.logical_or.reduce(marks)
    operator = dumps[0].operators[stage.role]
    if not isinstance(operator, NormalizedPerClassBoxCenterEncoder):
        return np.asarray(differs)
    sides = [
        side["indices"] if "indices" in side else np.argsort(
            ~(side["samples"] > 0.5), axis=-1, kind="stable"
        )[:, : differs.shape[1]]
        for side in (a, b)
    ]  # fmt: skip
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
    needs = stage.needs(dumps[0].operators[stage.role])
    if not held[1].expected or not all(name in dumps[1].arrays for name in needs):
        return np.ones(shape, bool)
    given = tuple(dumps[1].arrays[name] for name in needs)
    try:
        other = derive(stage, dumps[0].operators[stage.role], given, found)
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
    stage: Place, operator: Any, dumps: tuple[Dump, Dump], inputs: list[InputDifference],
    before: list[StageDifference],
) -> Array:  # fmt: skip
    """Return for each anchor (B, N) what a difference there comes from, by what lies before it."""
    found = {own.stage.name: own.causes for own in before}
    given = {own.name: own for own in inputs}
    needs = stage.needs(operator)
    # For a moment, so that what is no known difference before it counts as rounding of the inputs.
    shape = dumps[0].shape
    causes = np.full(shape, Cause.ROUNDING, np.int64)
    local = isinstance(operator, NaiveSampler) or stage.role in ("class_encoder", "box_encoder")
    for name in needs:
        if name in given and not given[name].rounded:
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
    if stage.role not in ("iou", "box_encoder") or not where.any() or one.ndim != 3:
        return 0.0
    with np.errstate(invalid="ignore"):
        error = np.abs(one[where].astype(np.float64) - other[where].astype(np.float64))
    return float(np.nanmax(error, initial=0))
