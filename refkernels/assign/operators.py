"""Which operators an assigner can be made of, and what each of them needs beside it."""

from typing import Any

from refkernels.arrays import as_sequence, check_integer, require, shown
from refkernels.bbox import BBoxCornerToCenter
from refkernels.chain.composition import Operators
from refkernels.coder import (
    DistanceEncoder,
    MultiClassEncoder,
    NormalizedBoxCenterEncoder,
    SigmoidClassEncoder,
)
from refkernels.cost import DETRCost, SimOTACost, TaskAlignedMetric
from refkernels.matcher import (
    ATSSMatcher,
    HungarianMatcher,
    Matcher,
    PointMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
)
from refkernels.sampler import BalancedSampler, NaiveSampler, QuotaSampler

__all__ = ["check_operators", "check_size", "draws"]

# What goes with matchers that look at predictions.
COSTS: dict[type, type] = {
    SimOTAMatcher: SimOTACost,
    TaskAlignedMatcher: TaskAlignedMetric,
    HungarianMatcher: DETRCost,
}


def check_operators(operators: Operators) -> None:
    """Raise `TypeError` for an operator that an assigner cannot use."""
    kinds: dict[str, tuple[type, ...]] = {
        "matcher": (Matcher, ATSSMatcher, PointMatcher, SimOTAMatcher, TaskAlignedMatcher),
        "sampler": (NaiveSampler, BalancedSampler, QuotaSampler),
        "box_encoder": (NormalizedBoxCenterEncoder, DistanceEncoder, BBoxCornerToCenter),
        "class_encoder": (MultiClassEncoder, SigmoidClassEncoder),
    }
    for name, classes in kinds.items():
        operator = getattr(operators, name)
        if not isinstance(operator, classes):
            expected = " or ".join(kind.__name__ for kind in classes)
            raise TypeError(f"{name}: expected a {expected}, got {shown(operator)}")
    _check_inputs(operators)


def _check_inputs(operators: Operators) -> None:
    """Raise `TypeError` or `ValueError` if an operator would not get what it looks at."""
    matcher, layout, cost = operators.matcher, operators.layout, operators.cost
    name = type(matcher).__name__
    for kind, expected in COSTS.items():
        if isinstance(matcher, kind) and not isinstance(cost, expected):
            if cost is not None or kind is not HungarianMatcher:
                raise TypeError(f"cost: a {name} needs a {expected.__name__}, got {shown(cost)}")
    if cost is not None:
        require(isinstance(matcher, tuple(COSTS)), f"cost: a {name} looks at none")
        is_hungarian = isinstance(matcher, HungarianMatcher)
        require(not is_hungarian or operators.size is not None, f"size: a {name} needs one")
    if isinstance(matcher, ATSSMatcher):
        require(layout is not None, f"layout: a {name} needs the levels of anchors")
    if isinstance(matcher, PointMatcher):
        for own in ("strides", "ranges"):
            require(getattr(layout, own, None) is not None, f"layout: a {name} needs {own}")
    if getattr(operators.box_encoder, "normalize", False):
        given = getattr(layout, "strides", None)
        require(given is not None, "layout: a DistanceEncoder that normalizes needs strides")
    by_iou = isinstance(matcher, Matcher) and cost is None
    require(
        by_iou or not isinstance(operators.sampler, QuotaSampler),
        f"sampler: a QuotaSampler looks at the IoUs of anchors, which a {name} does not match by",
    )
    require(
        not isinstance(operators.box_encoder, BBoxCornerToCenter) or operators.size is not None,
        "size: a BBoxCornerToCenter needs one",
    )


def check_size(size: Any) -> tuple[int, int]:
    """Return the height and width of an input, each at least 1, as integers."""
    sides = as_sequence("size", size, "a height and a width")
    require(len(sides) == 2, f"size: expected a height and a width, got {shown(size)}")
    height, width = (check_integer(f"size[{k}]", sides[k], low=1) for k in range(2))
    return height, width


def draws(operators: Operators) -> bool:
    """Return whether samples depend on random numbers."""
    return isinstance(operators.sampler, (BalancedSampler, QuotaSampler))
