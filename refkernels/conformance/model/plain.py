"""What makes a counterexample plain: ordinary boxes and numbers, and outputs that are finite.

What differs on a box without extent is hard to see through: offsets from it are infinite or no
numbers at all. Most of what is wrong shows on ordinary boxes too, and there it says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case, Image

if TYPE_CHECKING:
    from refkernels.conformance.model.operator import Operator

__all__ = ["Oddness", "Plainness", "box_axes", "is_center", "without_extent"]

# Inputs of these names hold boxes, where the operator gives them an axis of four.
BOXES = ("a", "b", "anchors", "boxes", "refs", "truths")

# Other numbers than 0 and these are unusual.
LEAST, MOST = 1e-6, 1e6

# The kernel is not asked about inputs of more elements.
INPUT_LIMIT = 20_000

# So many boxes that have no extent are looked at one by one.
ONE_BY_ONE = 16

# Anchors that boxes are matched with at an IoU of 0.5 and more, and others. No two sides or offsets
# of a pair are in the same proportion, so that nothing can take the place of another.
ONE = Image(
    "one anchor",
    boxes=np.array([[0.0, 0, 5, 4]]),
    labels=np.array([1]),
    anchors=np.array([[1.0, 0, 5, 3]]),
)
FIVE = Image(
    "five anchors",
    boxes=np.array([[0.0, 0, 5, 4], [6, 2, 9, 8]]),
    labels=np.array([1, 0]),
    anchors=np.array([[1.0, 0, 5, 3], [6, 2, 9, 7], [2, 3, 8, 6], [20, 20, 22, 23], [0, 0, 5, 4]]),
)

# Ordinary boxes for row i of the input that comes as number k: they overlap, are equal, or apart.
Row = Callable[[Array, int], tuple[Any, Any, Any, Any]]
VARIETIES: tuple[Row, ...] = (
    lambda i, k: (6 * i + k, 0, 6 * i + 5, 4 - k + i % 3),
    lambda i, k: (6 * i, 0, 6 * i + 5, 4 + i % 3),
    lambda i, k: (6 * i, 20 * k, 6 * i + 5 - k, 20 * k + 4 + i % 3),
)

# After so many rows they repeat, so that float16 holds them all.
REPEAT = 100


class Oddness(NamedTuple):
    """How far a case is from a plain one; less is better.

    Whether an output must be infinite or no number; the boxes without extent, those that are no
    padding counted twice; the unusual numbers. A plain case has none of all that.
    """

    infinite: bool
    boxes: int
    numbers: int


@dataclass(frozen=True)
class Plainness:
    """How odd the cases of an operator are in a dtype, and which cases are less so.

    Parameters
    ----------
    operator : Operator
        Whose cases.
    dtype : str
        The dtype that they are run in.
    """

    operator: Operator
    dtype: str

    def oddness(self, case: Case) -> Oddness:
        """Say how odd a case is.

        Raises
        ------
        Exception
            Whatever the kernel raises, if it is no case of the operator.
        """
        cast = case.astype(self.dtype)
        return Oddness(
            self._expects_infinity(cast),
            sum(
                int(flat.sum()) * 2 - int(_is_padding(cast.inputs[name], axis)[flat].sum())
                for name, axis, flat in _flat(self.operator, cast)
            ),
            sum(_unusual(array).sum() for array in cast.inputs.values())
            + sum(_unusual_numbers(value) for value in case.config.values()),
        )

    def standard(self, config: Mapping[str, Any]) -> Iterator[Case]:
        """Yield plain cases of the operator, some with these parameters, the simplest first."""
        for image in (ONE, FIVE):
            for case in self.operator.annotated(image):
                yield case
                yield replace(case, config=config)

    def ordinary(self, case: Case) -> Iterator[Case]:
        """Yield cases of the same shapes of which all boxes are ordinary."""
        for variety in VARIETIES:
            yield self._with_boxes(case, variety, lambda name, rows: np.ones_like(rows))

    def plainer(self, case: Case) -> Iterator[Case]:
        """Yield cases of which a part is ordinary that is not so in `case`, large parts first."""
        cast = case.astype(self.dtype)
        flat = {name: rows for name, _, rows in _flat(self.operator, cast) if rows.any()}
        for variety in VARIETIES:
            if flat:
                yield self._with_boxes(case, variety, lambda name, rows: flat.get(name, 0 * rows))
        for chosen, rows in flat.items() if len(flat) > 1 else ():
            for variety in VARIETIES:
                yield self._with_boxes(case, variety, _only({chosen: rows}))
        for chosen, rows in flat.items():
            for place in np.argwhere(rows)[:ONE_BY_ONE] if rows.sum() > 1 else ():
                one = np.zeros_like(rows)
                one[tuple(place)] = True
                for variety in VARIETIES:
                    yield self._with_boxes(case, variety, _only({chosen: one}))
        if flat:
            yield self._with_boxes(case, lambda i, k: (-1, -1, -1, -1), _only(flat))
        yield from _with_usual_numbers(case, cast)

    def nearer(self, case: Case) -> Iterator[Case]:
        """Yield cases whose boxes are moved to the origin, half as large, or 64 times as large."""
        axes = box_axes(self.operator, case)
        boxes = {name: np.moveaxis(case.inputs[name], axis, -1) for name, axis in axes.items()}
        rest = {name: ~_is_padding(case.inputs[name], axis) for name, axis in axes.items()}
        corners = [x[rest[name]][:, :2] for name, x in boxes.items()]
        if not sum(map(len, corners)):
            return
        low = np.floor(np.concatenate(corners).min(0))
        shift = np.concatenate([low, 0 * low if is_center(self.operator, case) else low])
        for scale, moved in ((1.0, shift), (0.5, 0 * shift), (64.0, 0 * shift)):
            inputs = dict(case.inputs)
            for name, axis in axes.items():
                near = np.floor((boxes[name] - moved) * scale)
                near = np.where(rest[name][..., None], near, boxes[name]).astype(boxes[name].dtype)
                inputs[name] = np.ascontiguousarray(np.moveaxis(near, -1, axis))
            yield replace(case, inputs=inputs)

    def _expects_infinity(self, cast: Case) -> bool:
        outputs = self.operator.outputs(cast)
        size = sum(array.size for array in cast.inputs.values())
        if size > INPUT_LIMIT or (outputs and all(output.index for output in outputs)):
            return False
        kernel = self.operator.refer(cast, ask_definition=False).kernel
        return any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in kernel)

    def _with_boxes(self, case: Case, row: Row, chosen: Callable[[str, Array], Array]) -> Case:
        """Replace the boxes that are chosen, a mask for each input, by ordinary ones."""
        inputs = dict(case.inputs)
        for k, (name, axis) in enumerate(box_axes(self.operator, case).items()):
            boxes = np.moveaxis(inputs[name], axis, -1).copy()
            mask = chosen(name, np.zeros(boxes.shape[:-1], bool))
            number = np.arange(mask.shape[-1]) % REPEAT if mask.ndim else np.array(0)
            ordinary = np.stack([np.broadcast_to(z, mask.shape) for z in row(number, k)], -1)
            boxes = np.where(mask[..., None], ordinary, boxes).astype(boxes.dtype)
            inputs[name] = np.ascontiguousarray(np.moveaxis(boxes, -1, axis))
        return replace(case, inputs=inputs)


def without_extent(operator: Operator, case: Case) -> list[str]:
    """Return where the boxes of a case have no extent, the first of each input: ``anchors[0, 2]``.

    >>> from refkernels.conformance.cases import find
    >>> without_extent(find("BBoxArea"), Case({}, {"x": np.float32([[0, 0, 1, 1], [5, 5, 5, 8]])}))
    ['x[1]']
    """
    places = []
    for name, _, flat in _flat(operator, case):
        if flat.any():
            where = [int(i) for i in np.argwhere(flat)[0]]
            places.append(f"{name}{where}" if where else name)
    return places


def box_axes(operator: Operator, case: Case) -> dict[str, int]:
    """Return the inputs of a case that hold boxes, with the axis of their four numbers."""
    names = ("x", *BOXES) if operator.family == "bbox" else BOXES
    named = [name for name, array in case.inputs.items() if name in names and array.size]
    axes = operator.axes(case) if named else {}
    return {name: axes[name].index("4") for name in named if "4" in axes.get(name, "")}


def is_center(operator: Operator, case: Case) -> bool:
    """Return whether boxes are given by their centre, width and height."""
    if operator.name == "NormalizedBoxCenterDecoder":
        return not case.config.get("convert_anchor", False)
    if operator.name in ("BBoxCenterToCorner", "DETRCost", "DETRTargets"):
        return True
    return case.config.get("fmt") == "center"


def _flat(operator: Operator, case: Case) -> Iterator[tuple[str, int, Array]]:
    """Yield each input of boxes, its axis of four, and which boxes have no extent."""
    for name, axis in box_axes(operator, case).items():
        boxes = np.moveaxis(case.inputs[name], axis, -1).astype(np.longdouble)
        with np.errstate(invalid="ignore"):  # no number is no extent
            low = 0 if is_center(operator, case) else boxes[..., :2]
            yield name, axis, ~(boxes[..., 2:] - low > 0).all(-1)


def _only(masks: Mapping[str, Array]) -> Callable[[str, Array], Array]:
    return lambda name, none: masks.get(name, none)


def _is_padding(array: Array, axis: int) -> Array:
    boxes = np.moveaxis(array, axis, -1)
    return np.asarray((boxes == boxes[..., :1]).all(-1) & np.isin(boxes[..., 0], (-1, 0)))


def _unusual(array: Array) -> Array:
    if array.dtype.kind != "f":
        return np.zeros(array.shape, bool)
    size = np.abs(array.astype(np.float64))
    return np.asarray(~(((size >= LEAST) & (size <= MOST)) | (array == 0)))


def _unusual_numbers(value: Any) -> int:
    if isinstance(value, (list, tuple)):
        return sum(map(_unusual_numbers, value))
    return int(_unusual(np.array(value)).sum()) if isinstance(value, float) else 0


def _with_usual_numbers(case: Case, cast: Case) -> Iterator[Case]:
    masks = {name: mask for name, x in cast.inputs.items() if (mask := _unusual(x)).any()}
    for chosen in (masks, *({name: mask} for name, mask in masks.items())) if masks else ():
        for number in (1, 0, 0.5):
            usual = {name: np.where(m, number, case.inputs[name]) for name, m in chosen.items()}
            kept = {name: x.astype(case.inputs[name].dtype) for name, x in usual.items()}
            yield replace(case, inputs={**case.inputs, **kept})
    for name, value in case.config.items():
        if isinstance(value, float) and _unusual_numbers(value):
            yield replace(case, config={**case.config, name: 0.5})
