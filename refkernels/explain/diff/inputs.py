"""How the inputs of two dumps differ, and what explains it."""

from dataclasses import dataclass, field

import numpy as np

from refkernels.arrays import Array
from refkernels.bounds.sampler import mining_score
from refkernels.chain.roles import INPUTS
from refkernels.explain.diff.align import Aligned
from refkernels.explain.diff.orders import levels_of, order_words
from refkernels.explain.diff.relations import Relation, related
from refkernels.explain.trace.warnings import is_padding

__all__ = ["InputDifference", "input_differences"]


@dataclass(frozen=True)
class InputDifference:
    """How an input differs.

    Attributes
    ----------
    name : str
    rounded : bool
        Whether it is nothing but rounding: one is the other, rounded to its narrower dtype, or
        logits are as near as the bound of the scores that are made of them.
    count : int
        How many numbers differ.
    where : tuple of int
        The first that does, or () where they are the same in another order.
    values : tuple of float
        What it is in A and in B.
    most : float
        The largest difference.
    rows : tuple of int
        How many boxes, anchors or labels differ, and of how many.
    relations : list of Relation
        Each alone explains all of them; the likeliest is the first.
    """

    name: str
    rounded: bool
    count: int
    where: tuple[int, ...]
    values: tuple[float, float]
    most: float
    rows: tuple[int, int]
    relations: list[Relation] = field(default_factory=list)


def input_differences(aligned: Aligned) -> list[InputDifference]:
    """Return the inputs that differ, with the relations that explain how."""
    a, b = (dump.arrays for dump in aligned.dumps)
    found = []
    for name in INPUTS:
        if name not in a or name not in b:
            continue
        if name == "anchors" and aligned.order is not None:
            moved = int((aligned.order != np.arange(len(aligned.order))).sum())
            relation = Relation(order_words(aligned.order), 1)
            found.append(
                InputDifference(name, False, 4 * moved, (), (0.0, 0.0), 0.0,
                                (moved, len(aligned.order)), [relation])
            )  # fmt: skip
            continue
        one, other = a[name], b[name]
        if name == "levels":
            most = max(len(one), len(other))
            one, other = (np.pad(own, (0, most - len(own))) for own in (one, other))
        one, other = np.broadcast_arrays(one, other)
        own = _input(name, one, other, _both(aligned))
        if own is not None:
            found.append(own)
    return found


def _both(aligned: Aligned) -> Array | None:
    """Mark the objects (B, M) that neither side has as padding, if boxes are known."""
    boxes = [dump.arrays.get("boxes") for dump in aligned.dumps]
    if boxes[0] is None or boxes[1] is None:
        return None
    real = ~is_padding(boxes[0]) & ~is_padding(boxes[1])
    return np.asarray(real)


def _input(name: str, one: Array, other: Array, real: Array | None) -> InputDifference | None:
    differs = one != other
    pairs = INPUTS[name] == "BNM"
    if real is not None and (pairs or name in ("boxes", "labels")):
        of_object = real[..., np.newaxis] if name == "boxes" else real
        differs = differs & (real[:, np.newaxis] if pairs else of_object)
    if not differs.any():
        return None
    narrow = min(one.dtype, other.dtype, key=lambda dtype: dtype.itemsize)
    with np.errstate(over="ignore"):
        same = one.astype(narrow) == other.astype(narrow)
    rounded = narrow.kind == "f" and bool((same | ~differs).all())
    where = tuple(int(i) for i in np.unravel_index(int(np.argmax(differs)), differs.shape))
    with np.errstate(invalid="ignore"):  # of two that are infinite
        gap = np.abs(one.astype(np.float64) - other.astype(np.float64))
    if name == "logits" and not rounded:
        bound = mining_score(one) + mining_score(other)
        rounded = bool((gap <= bound[..., np.newaxis]).all())
    rows = differs.any(axis=-1) if INPUTS[name][-1] in "4K2" or pairs else differs
    total = rows.size if real is None or name not in ("boxes", "labels") else int(real.sum())
    relations: list[Relation] = []
    if not rounded:
        relations = _relations(name, one, other, differs, real)
    return InputDifference(
        name,
        rounded,
        int(differs.sum()),
        where,
        (float(one[where]), float(other[where])),
        float(gap[differs].max()),
        (int(rows.sum()), total),
        relations,
    )


def _relations(
    name: str, one: Array, other: Array, differs: Array, real: Array | None
) -> list[Relation]:
    if name == "labels":
        steps = np.unique(other[differs].astype(np.float64) - one[differs])
        if len(steps) != 1:
            return []
        step, of = (float(steps[0]), 1) if steps[0] > 0 else (-float(steps[0]), 0)
        return [Relation(f"labels that are larger by {step:g}", of)]
    if name == "boxes" and real is not None:
        # What pads is the same, and asks for nothing.
        other = np.where(real[..., np.newaxis], other, one)
        return related(one, other)
    if name == "anchors":
        found = related(one, other, resized=False)
        if not found and len(one) == 1:
            words = levels_of(one[0], other[0])
            return [Relation(words, 1)] if words else []
        return found
    return []
