"""Cases of grids of anchors (SPEC section 6), and laws of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array, rounded_to_computing
from refkernels.bounds import anchor as bounds
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output, Reference
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["OPERATORS"]

Run = Callable[[Case], tuple[Array, ...]]

# What detectors have; odd sizes, half of which lies between two whole numbers; any.
SIZE = st.sampled_from([8.0, 16.0, 32.0, 33.0, 7.0, 5.0, 1.0, 512.0]) | st.floats(0.5, 600)
RATIO = st.sampled_from([1.0, 0.5, 2.0, 4.0, 0.25, 9.0, 1 / 3, 3.0]) | st.floats(0.1, 10)
STRIDE = st.sampled_from([8.0, 16.0, 4.0, 1.0, 7.5, 0.1, 100.0])


@st.composite
def _options(draw: DrawFn) -> dict[str, Any]:
    config: dict[str, Any] = {
        "sizes": tuple(draw(st.lists(SIZE, min_size=1, max_size=3))),
        "ratios": tuple(draw(st.lists(RATIO, min_size=1, max_size=3))),
        "stride": draw(STRIDE | st.tuples(STRIDE, STRIDE)),
    }
    options = {
        "offset": st.sampled_from([0.0, 0.5, 0.25, -1.0, 0.1]),
        "rounded": st.booleans(),
        "order": st.sampled_from(["ratio", "size"]),
        "dtype": st.sampled_from(["float32", "float64", "float16", "float64"]),
    }
    return config | draw(st.fixed_dictionaries({}, optional=options))


@st.composite
def _grids(draw: DrawFn, parameters: Parameters) -> Case:
    config = draw(parameters.options(_options()))
    side = st.integers(1, 4) | st.integers(0, 12)
    height, width = draw(side), draw(side)
    if draw(st.integers(0, 7)) == 7:  # no multiple of a block of threads
        height, width = draw(st.integers(33, 70)), draw(st.integers(33, 70))
    if config.get("dtype") == "float16":  # within its numbers
        largest = max(np.broadcast_to(config["stride"], 2))
        most = int(30_000 // largest)
        height, width = min(height, most), min(width, most)
    return _case(config, height, width)


def _case(config: Mapping[str, Any], height: int, width: int) -> Case:
    return Case(config, {"height": np.array(height), "width": np.array(width)})


def _layout(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that half the sides depend on."""
    names = ("sizes", "ratios", "order", "dtype")
    return {name: config[name] for name in names if name in config}


class Grid(Operator):
    """AnchorGrid: within the bound, and where half a side is rounded, to either number in doubt."""

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold anchors to the definition, with those decisions of theirs that are in doubt."""
        wrong = self.judge_form(case, reference, outputs)
        if wrong is not None:
            return wrong
        exact, (kernel,) = reference.exact, reference.kernel
        kernel = _as_decided(case, kernel, self._halves(case), outputs[0])
        if exact is not None:
            halves = (exact[0][:, 2:] - exact[0][:, :2]) / 2
            exact = (_as_decided(case, exact[0], halves, outputs[0]),)
        return super().judge(case, Reference(exact, (kernel,)), outputs)

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the sides that are rounded otherwise than the kernel rounds them."""
        return len(_otherwise(case, reference.kernel[0], self._halves(case), outputs[0]))

    def _halves(self, case: Case) -> Array:
        halves: Array = self.build(case).halves
        return halves


def _otherwise(
    case: Case, anchors: Array, halves: Array, found: Array
) -> list[tuple[int, int, int]]:
    """Return the sides in doubt that are rounded otherwise than those of anchors.

    Each as the number of its anchor in a cell, its axis, and what half of it gains. `halves` are
    half the sides of a cell's anchors, or more; a side is rounded once, for all cells.
    """
    if not case.config.get("rounded", False) or not found.size:
        return []
    near, error = bounds.half_sides(**_layout(case.config))
    below = np.floor(near)
    in_doubt = (np.abs(near - below - 0.5) <= error) & (error > 0)
    if not in_doubt.any():
        return []
    allowed = 2 * _bound(case)
    with np.errstate(invalid="ignore"):
        far = ~(np.abs(found.astype(np.float64) - anchors.astype(np.float64)) <= allowed)
    return [
        (int(k), int(axis), 1 if halves[k, axis] == below[k, axis] else -1)
        for k, axis in np.argwhere(in_doubt)
        if far[k :: len(near), axis::2].any()
    ]


def _as_decided(case: Case, anchors: Array, halves: Array, found: Array) -> Array:
    """Return anchors whose sides in doubt are rounded as those that are found."""
    count = len(bounds.half_sides(**_layout(case.config))[0])
    for k, axis, gain in _otherwise(case, anchors, halves, found):
        anchors = _moved(anchors, count, k, axis, gain)
    return anchors


def _bound(case: Case) -> Array:
    given: dict[str, Any] = {**case.inputs, **case.config}
    return bounds.anchor_grid(**given)


def _moved(anchors: Array, count: int, k: int, axis: int, gain: int) -> Array:
    """Return anchors with another half side of the k-th of each cell."""
    moved = anchors.copy()
    for column, sign in ((axis, -1), (axis + 2, 1)):
        for i in range(k, len(moved), count):
            moved[i, column] = moved[i, column] + sign * gain
    return moved


def _outputs(case: Case) -> tuple[Output, ...]:
    return (Output.bounded("anchors", bounds.anchor_grid),)


def _axes(case: Case) -> dict[str, str]:
    return {"height": "", "width": ""}


def _of_image(image: Image) -> Iterator[Case]:
    """Yield the levels of a pyramid over an image, coarse ones."""
    if len(image.boxes):
        high, wide = (max(int(image.boxes[:, axis].max()), 1) for axis in (3, 2))
        for stride in (32, 64):
            config = {"sizes": (4.0 * stride,), "ratios": (0.5, 1.0, 2.0), "stride": stride}
            yield _case(config, -(-high // stride), -(-wide // stride))


# Numbers of which all is exact, whatever the order of operations.
PLAIN = {"sizes": (8.0, 32.0), "ratios": (1.0, 4.0, 0.25), "stride": (16.0, 8.0)}


def _laid_out(run: Run, config: Mapping[str, Any], height: int, width: int) -> Array:
    (anchors,) = run(_case(config, height, width))
    count = len(config["sizes"]) * len(config["ratios"])
    if anchors.shape != (height * width * count, 4):
        raise _Strange(f"there are {anchors.shape} anchors of {height} x {width} x {count}")
    return np.asarray(anchors, np.float64).reshape(height, width, count, 4)


class _Strange(ValueError):
    """Anchors are not as many as they must be."""


def _law(said: str, check: Callable[[Run, dict[str, Any]], str | None], **wanted: Any) -> Law:
    def holds(run: Run, parameters: Parameters) -> str | None:
        """Tell how the law is broken, if it is, also by a wrong number of anchors."""
        try:
            return check(run, parameters.of_law({**PLAIN, **wanted}))
        except _Strange as strange:
            return str(strange)

    return Law(said, holds)


def _allowed(config: Mapping[str, Any], height: int, width: int) -> Array:
    count = len(config["sizes"]) * len(config["ratios"])
    return _bound(_case(config, height, width)).reshape(height, width, count, 4)


def _change(what: str, before: Array, after: Array, allowed: Any = 0) -> str | None:
    wrong = ~(np.abs(before - after) <= allowed)
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"{what}: row, column, anchor and corner {place} go from {before[place]} to {after[place]}"
    )


def _cells_are_alike(run: Run, config: dict[str, Any]) -> str | None:
    """Move the first cell to each other one."""
    height, width = 3, 5
    anchors = _laid_out(run, config, height, width)
    dtype = config.get("dtype", "float32")
    stride_y, stride_x = (
        float(rounded_to_computing(step, dtype)) for step in np.broadcast_to(config["stride"], 2)
    )
    y, x = np.meshgrid(np.arange(height) * stride_y, np.arange(width) * stride_x, indexing="ij")
    moves = np.stack([x, y, x, y], -1)[:, :, None]
    allowed: Array = np.zeros(())
    if config != PLAIN:  # what is near 0 may come from what is not, and is rounded more
        errors = _allowed(config, height, width)
        allowed = errors[:1, :1] + errors
    return _change("moved from the first cell", anchors[:1, :1] + moves, anchors, allowed)


def _grids_go_on(run: Run, config: dict[str, Any]) -> str | None:
    large = _laid_out(run, config, 5, 6)
    for height, width in product((1, 2, 5), (1, 4, 6)):
        small = _laid_out(run, config, height, width)
        wrong = _change(f"{height} x {width} of 5 x 6", large[:height, :width], small)
        if wrong is not None:
            return wrong
    return None


def _orders_permute(run: Run, parameters: Parameters) -> str | None:
    if parameters.fixed is not None:
        raise Untried("it takes both orders")
    configs = [parameters.of_law({**PLAIN, "order": order}) for order in ("ratio", "size")]
    try:
        by_ratio, by_size = (_laid_out(run, config, 2, 3) for config in configs)
    except _Strange as strange:
        return str(strange)
    sizes, ratios = len(PLAIN["sizes"]), len(PLAIN["ratios"])
    swapped = by_ratio.reshape(2, 3, ratios, sizes, 4).swapaxes(2, 3).reshape(by_size.shape)
    return _change("by size instead of by ratio", swapped, by_size)


def _halves_are_whole(run: Run, config: dict[str, Any]) -> str | None:
    if not config.get("rounded", False):
        raise Untried("it does not round")
    anchors = _laid_out(run, config, 1, 1)
    halves = (anchors[..., 2:] - anchors[..., :2]) / 2
    allowed = 2 * _allowed(config, 1, 1)[..., :2]
    return _change("half the sides, rounded", np.rint(halves), halves, allowed)


LAWS = (
    _law("every cell has the first one's anchors, moved", _cells_are_alike),
    _law("a larger grid begins as a smaller one does", _grids_go_on),
    Law("the two orders have the same anchors", _orders_permute),
    _law("half the sides are whole where they are rounded", _halves_are_whole, rounded=True),
)

OPERATORS = (
    Grid(
        "AnchorGrid",
        "anchor",
        _grids,
        _outputs,
        _axes,
        _of_image,
        laws=LAWS,
        has_block=False,
        dtypes=("float32",),  # that of the anchors is a parameter
        takes_integers=False,
    ),
)
