"""Two dumps brought to the same axes, so that what belongs together stands in the same places."""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from refkernels.arrays import Array
from refkernels.chain.roles import PLACES
from refkernels.explain.diff.dump import Dump, has_batch
from refkernels.explain.diff.orders import order_of
from refkernels.explain.diff.relations import rows_differ
from refkernels.explain.trace.warnings import is_padding

__all__ = ["Aligned", "align"]

# The axis of objects, and that of anchors, of the arrays that have one.
OBJECTS = {
    "boxes": 1,
    "labels": 1,
    "ious": 2,
    "distances": 2,
    "inside": 2,
    "metric": 2,
    "cost": 2,
}
ANCHORS = (
    "anchors",
    "logits",
    "points",
    "strides",
    "ranges",
    "distances",
    "inside",
    "metric",
    "cost",
    "valid",
    "candidates",
    "ious",
    "matches",
    "samples",
    "cls_targets",
    "cls_masks",
    "box_targets",
    "box_masks",
)

# Objects of two sides, or images and objects.
Pair = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Aligned:
    """Two dumps, the second in the order of the first.

    Attributes
    ----------
    dumps : tuple of Dump
        With the same stages, images, anchors and objects. What one has alone is padding in the
        other.
    sources : tuple of Dump
        The same as they were.
    moved : int
        In how many images the objects of the second stand in another order.
    alone : tuple of list
        The image and object that only the first has, and those that only the second has.
    order : numpy.ndarray, int64, (N,), optional
        The anchors of the first that the second's are, where they have another order.
    """

    dumps: tuple[Dump, Dump]
    sources: tuple[Dump, Dump]
    moved: int = 0
    alone: tuple[Pair, Pair] = ((), ())
    order: Array | None = None

    def in_order(self, rows: Array) -> Array:
        """Return what the second has of its anchors (B, N) in the order of the first."""
        return rows if self.order is None else rows[:, np.argsort(self.order)]

    def place_in(self, side: int, anchor: int) -> int:
        """Return the anchor of a side's own order that stands in a place of the first's."""
        if side == 0 or self.order is None:
            return anchor
        return int(np.flatnonzero(self.order == anchor)[0])


def align(a: Dump, b: Dump) -> Aligned:
    """Align two dumps: stages that both have, objects by their boxes, anchors by theirs.

    Raises
    ------
    ValueError
        If they have no stage in common, or not the same images or number of anchors.
    """
    stages = [stage.name for stage in PLACES if stage.name in a.arrays and stage.name in b.arrays]
    if not stages:
        held = [", ".join(stage.name for stage in dump.stages) for dump in (a, b)]
        raise ValueError(
            f"{b.name}: has {held[1]}, and {a.name} has {held[0]}; expected a stage that both have"
        )
    for axis, what in enumerate(("images", "anchors")):
        if a.shape[axis] != b.shape[axis]:
            raise ValueError(
                f"{b.name}: {b.shape[axis]} {what}, in {a.name} {a.shape[axis]}; expected dumps of "
                f"the same images with the same anchors"
            )
    count = max(_objects(a), _objects(b))
    sources = _cut(a, count), _cut(b, count)
    a, b = sources
    order = _order_of_anchors(a, b)
    if order is not None:
        b = _reordered(b, np.argsort(order))
    pairs = [_paired(a, b, image) for image in range(a.shape[0])]
    first, second = _objects_of(a), _objects_of(b)
    if first == second and all(pair == [(i, i) for i in range(first)] for pair in pairs):
        return Aligned((a, b), sources, order=order)
    moved = 0
    for pair in pairs:
        both = [j for i, j in pair if i >= 0 and j >= 0]
        moved += both != sorted(both)
    alone = [
        [(image, own[side]) for image, pair in enumerate(pairs) for own in pair
         if own[1 - side] < 0 and not _pads((a, b)[side], image, own[side])]
        for side in (0, 1)
    ]  # fmt: skip
    dumps = (
        _taken(a, [[i for i, _ in pair] for pair in pairs]),
        _taken(b, [[j for _, j in pair] for pair in pairs]),
    )
    return Aligned(dumps, sources, moved, (alone[0], alone[1]), order)


def _pads(dump: Dump, image: int, place: int) -> bool:
    return "boxes" in dump.arrays and bool(is_padding(dump.arrays["boxes"][image, place]))


def _objects_of(dump: Dump) -> int:
    """Return the length of the axis of objects, 0 if no array has one."""
    return next(
        (dump.arrays[name].shape[axis] for name, axis in OBJECTS.items() if name in dump.arrays), 0
    )


def _objects(dump: Dump) -> int:
    """Return the number of objects without those at the end that only pad."""
    if "boxes" not in dump.arrays:
        return _objects_of(dump)
    real = (~is_padding(dump.arrays["boxes"])).any(axis=0)
    return int(np.flatnonzero(real).max(initial=-1)) + 1


def _cut(dump: Dump, objects: int) -> Dump:
    """Return a dump with at most so many objects: the others only pad."""
    arrays = dict(dump.arrays)
    for name, axis in OBJECTS.items():
        if name in arrays:
            kept = range(min(objects, arrays[name].shape[axis]))
            arrays[name] = np.take(arrays[name], kept, axis)
    return replace(dump, arrays=arrays)


def _order_of_anchors(a: Dump, b: Dump) -> Array | None:
    """Return the order of B's anchors among A's, if it is another and the same for all images."""
    if "anchors" not in a.arrays or "anchors" not in b.arrays or "indices" in b.arrays:
        return None
    if "levels" in b.arrays:  # which are counts of anchors in their own order
        return None
    one, other = a.arrays["anchors"], b.arrays["anchors"]
    if len(one) != 1 or len(other) != 1 or not rows_differ(one, other).any():
        return None
    return order_of(one[0], other[0])


def _reordered(dump: Dump, order: Array) -> Dump:
    """Return a dump with its anchors in this order."""
    arrays = {
        name: np.take(array, order, int(has_batch(name))) if name in ANCHORS else array
        for name, array in dump.arrays.items()
    }
    return replace(dump, arrays=arrays)


def _paired(a: Dump, b: Dump, image: int) -> Pair:
    """Return the objects that belong together, in A's order; -1 for what one has alone."""
    counts = _objects_of(a), _objects_of(b)
    if "boxes" not in a.arrays or "boxes" not in b.arrays:
        return [
            (i if i < counts[0] else -1, i if i < counts[1] else -1) for i in range(max(counts))
        ]
    boxes = [dump.arrays["boxes"][image] for dump in (a, b)]
    narrow = min((own.dtype for own in boxes), key=lambda dtype: dtype.itemsize)
    with np.errstate(over="ignore"):
        rows = [[tuple(row) for row in own.astype(narrow).tolist()] for own in boxes]
    pads = [is_padding(own).tolist() for own in boxes]
    whose = [-1] * counts[0]
    free = {j for j in range(counts[1]) if not pads[1][j]}

    def take(keys: list[list[Hashable]]) -> None:
        """Pair what has the same key, first those in the same place, then in order."""
        places: dict[Hashable, deque[int]] = defaultdict(deque)
        for j in sorted(free):
            places[keys[1][j]].append(j)
        wanting = [i for i in range(counts[0]) if whose[i] < 0 and not pads[0][i]]
        for same in (True, False):
            for i in wanting:
                own = places[keys[0][i]]
                if whose[i] < 0 and own and (not same or i in own):
                    whose[i] = i if same else own[0]
                    own.remove(whose[i])
                    free.discard(whose[i])

    if all("labels" in dump.arrays for dump in (a, b)):
        labels = [dump.arrays["labels"][image].tolist() for dump in (a, b)]
        take([list(zip(*own, strict=True)) for own in zip(rows, labels, strict=True)])
    take(rows)  # type: ignore[arg-type]
    left = [i for i in range(counts[0]) if whose[i] < 0 and not pads[0][i]]
    # Those whose boxes were changed: as many on both sides, or all of them.
    if len(left) == len(free) or all(j < 0 for j in whose):
        for i, j in zip(left, sorted(free), strict=False):
            whose[i] = j
            free.discard(j)
    if counts[0] == counts[1]:
        for i in range(counts[0]):
            if pads[0][i] and pads[1][i]:
                whose[i] = i
    return [*enumerate(whose), *((-1, j) for j in sorted(free))]


def _taken(dump: Dump, places: list[list[int]]) -> Dump:
    """Return a dump with its objects (B, M) at these places, -1 for padding."""
    count = max((len(own) for own in places), default=0)
    order = np.array([[*own, *[-1] * (count - len(own))] for own in places], np.int64)
    order = order.reshape(len(places), count)
    arrays = dict(dump.arrays)
    for name, axis in OBJECTS.items():
        if name in arrays:
            arrays[name] = _with_padding(arrays[name], order, axis, -1 if name == "labels" else 0)
    if "matches" in arrays:
        arrays["matches"] = _renamed(arrays["matches"], order, _objects_of(dump))
    return replace(dump, arrays=arrays)


def _with_padding(array: Array, order: Array, axis: int, value: int) -> Array:
    rows = []
    for own, places in zip(_per_image(array, len(order)), order, strict=True):
        found = np.take(own, np.maximum(places, 0), axis - 1) if own.shape[axis - 1] else np.full(
            (*own.shape[: axis - 1], len(places), *own.shape[axis:]), value, own.dtype
        )  # fmt: skip
        absent = np.moveaxis(found, axis - 1, 0)
        absent[places < 0] = value
        rows.append(found)
    return np.stack(rows) if rows else array


def _per_image(array: Array, count: int) -> Iterable[Array]:
    return array if len(array) == count else np.broadcast_to(array, (count, *array.shape[1:]))


def _renamed(matches: Array, order: Array, count: int) -> Array:
    """Return matches by the new places of objects; what names no object stays as it is."""
    found = matches.copy()
    for image, places in enumerate(order):
        new = np.arange(count)
        new[places[places >= 0]] = np.flatnonzero(places >= 0)
        own = matches[image]
        with np.errstate(invalid="ignore"):
            named = (own >= 0) & (own < count) & (own == np.floor(own))
        found[image, named] = new[own[named].astype(np.int64)]
    return found
