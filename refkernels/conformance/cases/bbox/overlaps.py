"""Cases of the overlaps of pairs of boxes (SPEC section 6)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from refkernels.arrays import Array
from refkernels.bounds import overlaps as bounds
from refkernels.conformance.cases.bbox.drawn import (
    axes_of,
    fit,
    law_boxes,
    pairs_of_image,
    two_sets,
)
from refkernels.conformance.cases.strategies import configurations
from refkernels.conformance.model.operator import Case, Law, Operator, Output
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["AIMED", "CORNERS", "OPERATORS"]

Run = Callable[[Case], tuple[Array, ...]]
Bound = Callable[..., Array]
Holds = Callable[[Run, Parameters], str | None]

FORM = {
    "fmt": st.sampled_from(["corner", "center"]),
    "axis": st.sampled_from([-1, -2, 0, 1, 2]),
}
AS_THEY_ARE = configurations(**FORM)
WITH_OFFSET = configurations(**FORM, offset=st.sampled_from([0, 0, 1, 0.5]))

# Rounding may bring a result so far out of its range as it may bring it off; the lowest CIoU is
# that of flat boxes far apart, one upright and one level.
LOWEST = {"BBoxBatchIOA": 0.0, "BBoxBatchGIOU": -1.0, "BBoxBatchDIOU": -1.0, "BBoxBatchCIOU": -1.5}

BOUNDS: Mapping[str, Bound] = {
    "BBoxBatchIOA": bounds.box_batch_ioa,
    "BBoxBatchGIOU": bounds.box_batch_giou,
    "BBoxBatchDIOU": bounds.box_batch_diou,
    "BBoxBatchCIOU": bounds.box_batch_ciou,
}


def _law_case(parameters: Parameters, a: Array, b: Array) -> Case:
    """Return boxes in the form and along the axis that parameters ask for."""
    fitted = fit(Case({}, {"a": a, "b": b}), parameters.of_law({}))
    assert fitted is not None
    return fitted


def _allowed(bound: Bound, *cases: Case) -> Any:
    return sum(bound(*case.inputs.values(), **case.config) for case in cases)


def _first_change(before: Array, after: Array, allowed: Any) -> str | None:
    wrong = ~(np.abs(before - after) <= allowed)
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"overlaps{list(place)} goes from {before[place]} to {after[place]}"


def _is_symmetric(bound: Bound) -> Holds:
    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first overlap that is another one when the two sets are exchanged."""
        a, b = law_boxes()
        case, swapped = _law_case(parameters, a, b), _law_case(parameters, b, a)
        other = np.swapaxes(run(swapped)[0], 1, 2)
        return _first_change(run(case)[0], other, 2 * _allowed(bound, case))

    return check


def _keeps(bound: Bound, change: Callable[[Array], Array], scales: bool = True) -> Holds:
    """Demand the same overlaps of boxes that are all changed in the same way."""

    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first overlap that is another one after the change."""
        if scales and parameters.of_law({}).get("offset", 0) != 0:
            raise Untried("it does not hold with an offset")
        a, b = law_boxes()
        case = _law_case(parameters, a, b)
        changed = _law_case(parameters, change(a), change(b))
        return _first_change(run(case)[0], run(changed)[0], _allowed(bound, case, changed))

    return check


def _is_of_pairs(bound: Bound) -> Holds:
    """Demand the same overlaps of boxes in another order, and of each image by itself."""

    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first overlap that depends on the order of boxes, or on other images."""
        a, b = law_boxes()
        case = _law_case(parameters, a, b)
        before, allowed = run(case)[0], 2 * _allowed(bound, case)
        turned = run(_law_case(parameters, a[:, ::-1], b[:, ::-1]))[0]
        wrong = _first_change(before, turned[:, ::-1, ::-1], allowed)
        for i in range(len(a)):
            alone = run(_law_case(parameters, a[i : i + 1], b[i : i + 1]))[0]
            own = allowed[i : i + 1]
            wrong = wrong or _first_change(before[i : i + 1], alone, own)
        return wrong

    return check


def _is_one_with_itself(bound: Bound) -> Holds:
    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first box whose overlap with itself is not 1."""
        a, _ = law_boxes()
        case = _law_case(parameters, a, a)
        own, allowed = (
            np.diagonal(x, axis1=1, axis2=2) for x in (run(case)[0], _allowed(bound, case))
        )
        return _first_change(np.ones_like(own), own, allowed)

    return check


def _is_in_range(bound: Bound, low: float) -> Holds:
    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first overlap that is below `low` or above 1."""
        a, b = law_boxes()
        # Also far apart, and boxes that are very flat.
        b = np.concatenate([b, b * [1, 0.125, 1, 0.125], b - 1024], 1).astype(np.float32)
        case = _law_case(parameters, a, b)
        found, allowed = run(case)[0], _allowed(bound, case)
        wrong = ~((found >= low - allowed) & (found <= 1 + allowed))
        if not wrong.any():
            return None
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        return f"overlaps{list(place)} is {found[place]}, outside of [{low}, 1]"

    return check


def _leaves_padding(run: Run, parameters: Parameters) -> str | None:
    """Demand an overlap of at most 0 with rows that pad a batch."""
    if parameters.of_law({}).get("offset", 0) > 0:
        raise Untried("with an offset, a box without a width may have an extent")
    boxes, _ = law_boxes()
    padding = np.repeat(np.array([[[-1] * 4, [0] * 4]], np.float32), len(boxes), 0)
    for a, b in ((boxes, padding), (padding, boxes), (padding, padding)):
        found = run(_law_case(parameters, a, b))[0]
        if not (found <= 0).all():
            place = tuple(int(i) for i in np.argwhere(~(found <= 0))[0])
            return f"overlaps{list(place)}, that of padding, is {found[place]}, expected 0 or less"
    return None


def _laws(name: str) -> tuple[Law, ...]:
    bound = BOUNDS[name]
    both_ways = Law("the overlap of a and b is that of b and a", _is_symmetric(bound))
    return (
        *(() if name == "BBoxBatchIOA" else (both_ways,)),
        Law("a box has an overlap of 1 with itself", _is_one_with_itself(bound)),
        Law("no overlap leaves its range", _is_in_range(bound, LOWEST[name])),
        Law("padding has no overlap above 0", _leaves_padding),
        Law("boxes 1024 times as large have the same overlap", _keeps(bound, lambda x: x * 1024)),
        Law("boxes 1024 times as small have the same overlap", _keeps(bound, lambda x: x / 1024)),
        Law(
            "boxes that move together keep their overlap",
            _keeps(bound, lambda x: x - np.float32(777.5), scales=False),
        ),
        Law("a pair has its overlap wherever it stands, in any batch", _is_of_pairs(bound)),
    )


def _operator(name: str, options: Any) -> Operator:
    return Operator(
        name,
        "bbox",
        lambda parameters: two_sets(parameters, options),
        lambda case: (Output.bounded("overlaps", BOUNDS[name]),),
        axes_of("N", "M"),
        pairs_of_image,
        laws=_laws(name),
        fit=fit,
        has_block=False,
    )


OPERATORS = (
    _operator("BBoxBatchIOA", WITH_OFFSET),
    *(_operator(name, AS_THEY_ARE) for name in ("BBoxBatchGIOU", "BBoxBatchDIOU", "BBoxBatchCIOU")),
)

BOXES = np.array([[0, 0, 3, 2], [1, 1, 4, 5], [0, 1, 8, 4], [2, 1, 3, 7]], np.float64)

# Boxes without extent: points, two on one spot, level and upright lines, on and off those above.
FLAT = np.array(
    [
        [1, 1, 1, 1],
        [9, 9, 9, 9],
        [9, 9, 9, 9],
        [0, 1, 6, 1],
        [-4, 1, -2, 1],
        [2, 0, 2, 9],
        [-1, -1, -1, -1],
    ],
    np.float64,
)

# Boxes inverted both ways, and one way.
INVERTED = np.array([[3, 2, 0, 0], [12, 10, 6, 8], [4, 1, 1, 5], [0, 12, 3, 7]], np.float64)


def _all_pairs() -> Iterator[Case]:
    boxes = np.concatenate([BOXES, FLAT, INVERTED])
    yield Case({}, {"a": boxes, "b": boxes})
    # For code that is given no inverted ones.
    yield Case({}, {"a": boxes[: -len(INVERTED)], "b": FLAT})
    yield Case({}, {"a": BOXES, "b": BOXES[:, [1, 0, 3, 2]]})  # lying and standing
    # The scale of what is measured makes no difference, unless small numbers are taken for nothing.
    for scale in (2.0**-14, 2.0**30):
        x = (boxes * scale).astype(np.float32)
        yield Case({}, {"a": x, "b": x})
    # Wide and flat ones, one above the other, which share nothing: a little would count.
    flat = np.array([[0, 0, 2.0**40, 2.0**-20], [0, 2.0**-19, 2.0**40, 2.0**-18]])
    yield Case({}, {"a": flat, "b": flat})
    # As many boxes as go through vectors at once, and one less: they end where the array does.
    for count in (64, 63):
        yield Case({}, {"a": np.resize(BOXES, (count, 4)), "b": BOXES[:1]})
    # Small boxes far from the origin, where a sum of coordinates is rounded.
    yield Case({}, {"a": BOXES + 2**20, "b": BOXES[::-1] + 2**20})
    yield Case({"fmt": "center"}, {"a": boxes, "b": boxes})
    yield from _beyond()


# Boxes that are so many powers of two larger along x and y have coordinates within the dtype, but
# areas or squares of sides beyond it: first of float32, then of float64.
EXPONENTS = ((62, 62), (-70, -70), (110, -110), (120, 0), (-110, 110), (0, -120))
DOUBLE_EXPONENTS = ((520, 520), (-520, -520), (-1000, 1019), (1019, -1000))


def _beyond() -> Iterator[Case]:
    """Yield batches of such boxes: with one another, and with ordinary ones on either side."""
    boxes = np.concatenate([BOXES[:2], FLAT[1:2], INVERTED[:1]])
    for i, exponents in enumerate((*EXPONENTS, *DOUBLE_EXPONENTS)):
        far = boxes * np.tile(np.exp2(exponents), 2)
        inputs = {"a": np.stack([far, far, boxes]), "b": np.stack([far, boxes, far])}
        yield Case({"fmt": "center"} if i % 2 else {}, inputs)
        if i % 4 == 0:
            yield Case({}, {**inputs, "b": inputs["b"][:1]})
            yield Case({}, {**inputs, "a": inputs["a"][:1]})
    # Upright lines one above the other, and level ones side by side: the box around them has no
    # extent along the axis where coordinates are large.
    lines = np.array([[2, 0, 2, 9], [2, 20, 2, 29]])
    upright = lines * np.tile(np.exp2((110, -40)), 2)
    yield from (Case({}, {"a": x, "b": x}) for x in (upright, upright[:, [1, 0, 3, 2]]))
    # As large, and as far apart, as squares of distances allow in each dtype, and more.
    for lowest in (58, 506):
        far = np.ldexp(1.0, lowest + np.arange(8))[:, None] * np.ones(4)
        for fmt in ("corner", "center"):
            yield Case({"fmt": fmt}, {"a": far * [-1, -1, 1, 1], "b": np.concatenate([far, -far])})
    # As large as numbers go in each dtype, so that sides themselves are beyond it.
    end = np.finfo(np.float64).max
    endless = np.array(
        [[-end, -end, end, end], [-end, 0, end, 1], [0, -end, 1, end], [-end, 0, end, end]]
    )
    yield Case({}, {"a": endless, "b": np.concatenate([endless, boxes])})
    # So unlike in size that what brings one of them near 1 brings the other beyond all numbers, on
    # both sides of 0.
    small = boxes * 2.0**-70
    large = np.concatenate([boxes, boxes * [-1, -1, 1, 1]]) * 2.0**110
    for fmt in ("corner", "center"):
        yield Case({"fmt": fmt}, {"a": small, "b": large})
        yield Case({"fmt": fmt}, {"a": large, "b": small})


def _covered() -> Iterator[Case]:
    yield from _all_pairs()
    boxes = np.concatenate([BOXES, FLAT, INVERTED])
    for offset in (1, -1, 0.7):
        yield Case({"offset": offset}, {"a": boxes, "b": boxes})
    # An offset that is nothing along one axis and something along the other, of areas beyond the
    # dtype: of float32, and of float64.
    for exponents in ((123, 1), (1, 123), (1019, 1), (1, 1019)):
        far = boxes * np.tile(np.exp2(exponents), 2)
        yield Case({"offset": 1}, {"a": far, "b": far})


def _about_offset(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield boxes about as large as an offset."""
    size = abs(config.get("offset", 0)) or 1
    for factor in (0.5, 1.0, 3.0):
        yield Case({}, {"a": BOXES * (size * factor), "b": BOXES[:2] * (size * factor)})


CORNERS = {
    "BBoxBatchIOA": _covered,
    **dict.fromkeys(("BBoxBatchGIOU", "BBoxBatchDIOU", "BBoxBatchCIOU"), _all_pairs),
}

# What is there for a fixed configuration.
AIMED = {"BBoxBatchIOA": _about_offset}
