"""The scopes of operators that decide (SPEC section 7): all small inputs over a few levels.

Inputs come many at a time, so that kernels and targets that take batches are quick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Recipe
from refkernels.conformance.model.parameters import Parameters
from refkernels.conformance.model.scope import Scope

__all__ = ["SCOPES", "scopes_of"]

Named = Mapping[str, Array]
Size = tuple[int, ...]

# Axes of a length of their own.
DIGITS = {"2": 2, "4": 4}

# Inputs in one batch.
TOGETHER = 4096

LEVELS = np.array([0.0, 0.25, 0.5, 0.75])
COSTS = np.array([0.0, 1.0, 2.0, 3.0])

# On the levels and between them.
THRESHOLDS = (0.5, 0.25, 0.75, 0.375, 0.125, 0.625)

# Anchors by ground truths; the first are tried always, the rest when all is asked for.
SMALL = ((1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (2, 3), (3, 2))
LARGE = ((2, 4), (4, 2), (3, 3))


def several(levels: Mapping[str, tuple[Array, str]], size: Size) -> Iterator[Named]:
    """Yield all combinations of several inputs; the letters of each say which axes it has."""
    lengths = {"N": size[0], "M": size[-1], **DIGITS}
    shapes = {name: tuple(lengths[axis] for axis in axes) for name, (_, axes) in levels.items()}
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    totals = {name: len(values) ** sizes[name] for name, (values, _) in levels.items()}
    total = int(np.prod(list(totals.values()), dtype=object))
    for start in range(0, total, TOGETHER):
        numbers = np.arange(start, min(start + TOGETHER, total))
        found = {}
        for name, (values, _) in levels.items():
            own = (numbers % totals[name])[:, None]
            numbers = numbers // totals[name]
            digits = own // len(values) ** np.arange(sizes[name], dtype=np.int64) % len(values)
            found[name] = values[digits].reshape(-1, *shapes[name])
        yield found


def count_of(levels: Mapping[str, tuple[Array, str]], size: Size) -> int:
    """Return how many inputs `several` yields."""
    lengths = {"N": size[0], "M": size[-1], **DIGITS}
    total = 1
    for values, axes in levels.values():
        total *= len(values) ** int(np.prod([lengths[axis] for axis in axes]))
    return total


class Space:
    """What an operator is exhausted over: configurations, and for each input levels and axes."""

    def __init__(
        self,
        configs: Sequence[Mapping[str, Any]],
        inputs: Mapping[str, tuple[Array, str]],
        small: Sequence[Size] = SMALL,
        large: Sequence[Size] = LARGE,
    ) -> None:
        self.configs, self.inputs, self.small, self.large = configs, inputs, small, large

    def scopes(self, parameters: Parameters, whole: bool) -> Iterator[Scope]:
        """Yield the scopes, smallest first, each size with all configurations."""
        configs: list[dict[str, Any]] = []
        for config in self.configs:
            settled = parameters.settled(config)
            if settled is not None and settled not in configs:
                configs.append(settled)
        sizes = [*self.small, *(self.large if whole else ())]
        for size in sizes:
            name = "x".join(map(str, size))
            count = count_of(self.inputs, size)
            for config in configs:
                yield Scope(name, config, count, partial(several, self.inputs, size))


def grid(**options: Sequence[Any]) -> list[dict[str, Any]]:
    """Return all configurations of these options, the first of each first."""
    return [dict(zip(options, own, strict=True)) for own in product(*options.values())]


IOUS = {"x": (LEVELS, "NM")}
SIGNS = np.array([-1.0, 0.0, 1.0])
BOTH = np.array([False, True])
LENGTHS = tuple((n,) for n in range(1, 6))

SCOPES: dict[str, Space] = {
    "MaximumMatcher": Space(grid(threshold=THRESHOLDS), IOUS),
    "BipartiteMatcher": Space(
        [
            *grid(share_max=(True, False), threshold=(1e-12, 0.25, 0.375), eps=(1e-12, 0.25)),
            *grid(is_ascend=(True,), share_max=(True, False), threshold=(0.5, 0.625)),
        ],
        IOUS,
    ),
    "CompositeMatcher": Space(
        [
            {
                "matchers": [
                    Recipe("BipartiteMatcher", {"share_max": share}),
                    Recipe("MaximumMatcher", {"threshold": threshold}),
                ]
            }
            for share in (False, True)
            for threshold in (0.5, 0.625)
        ],
        IOUS,
    ),
    "ThresholdMatcher": Space(
        [
            *grid(high=(0.5, 0.625), low=(None, 0.25, 0.375)),
            *grid(high=(0.5,), low=(0.25,), low_quality=("own", "truth"), ties=(True, False)),
            *grid(high=(0.75,), low_quality=("truth",), ties=(False,), winner=("last", "first")),
            *grid(high=(0.75,), low=(0.5,), low_quality=("own", "truth"), min_quality=(0.375,)),
        ],
        IOUS,
    ),
    "InsideMask": Space(
        grid(fmt=("corner", "center"), margin=(0.0, 0.25, 0.125)),
        {"points": (LEVELS[:3], "N2"), "boxes": (LEVELS[:3], "M4")},
        ((1, 1), (2, 1)),
        ((1, 2),),
    ),
    "SimOTAMatcher": Space(
        [{}, {"conflict": "selected"}, {"candidate_topk": 2}],
        {"cost": (COSTS, "NM"), "ious": (LEVELS, "NM")},
        ((1, 1), (1, 2), (2, 1), (1, 3), (3, 1)),
        ((2, 2), (4, 1)),
    ),
    "TaskAlignedMatcher": Space(
        grid(
            conflict=("all", "selected"),
            inside_first=(True, False),
            positive=(True, False),
            topk=(1, 2),
        ),
        {"metric": (LEVELS[:3], "NM"), "ious": (LEVELS[1:3], "NM"), "inside": (BOTH, "NM")},
        ((1, 1), (1, 2), (2, 1)),
        ((1, 3), (3, 1), (2, 2)),
    ),
    "HungarianMatcher": Space([{}], {"cost": (COSTS, "NM")}),
    "NaiveSampler": Space([{}], {"matches": (np.array([-1, 0, 1]), "N")}, LENGTHS, ()),
    "BalancedSampler": Space(
        grid(num_sample=(1, 2, 3), pos_ratio=(0.0, 0.5, 1.0)),
        {"candidates": (SIGNS, "N")},
        LENGTHS,
        (),
    ),
    "SigmoidClassEncoder": Space([{}], {"samples": (SIGNS, "N")}, LENGTHS, ()),
}


def scopes_of(name: str, parameters: Parameters, whole: bool) -> Iterator[Scope]:
    """Yield the scopes of an operator; whole, or those that are always tried."""
    if name in SCOPES:
        yield from SCOPES[name].scopes(parameters, whole)
