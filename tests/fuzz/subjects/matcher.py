"""Calls of the matchers of matrices by thresholds (SPEC sections 2 and 6)."""

from typing import Any

import numpy as np

from refkernels.conformance.model.operator import Case, Recipe
from tests.fuzz.calls import misfit
from tests.fuzz.dice import Dice
from tests.fuzz.draw import cast, matrix, number, real_dtype, threshold
from tests.fuzz.given import Call
from tests.fuzz.parameters import choice, flag, matchers, optional, real
from tests.fuzz.subject import Batch, Form, Input, Subject

__all__ = ["SUBJECTS", "recipe"]


def _bipartite(dice: Dice) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if dice.chance(0.6):
        config["threshold"] = number(dice) if dice.chance(0.2) else threshold(dice)
    if dice.chance(0.4):
        config["is_ascend"] = dice.chance(0.7)
        config["threshold"] = dice.choose((0.5, 0.9, 0.3, 2.0, 1e308))
    if dice.chance(0.5):
        config["eps"] = dice.choose((0.0, 1e-12, 1e-3, 0.25, 0.3, 1.0, 1e39, 1e308, 5e-324))
    if dice.chance(0.6):
        config["share_max"] = dice.chance(0.5)
    return config


def _maximum(dice: Dice) -> dict[str, Any]:
    return {"threshold": number(dice) if dice.chance(0.2) else threshold(dice)}


def _two_thresholds(dice: Dice, *, neither: bool = True) -> dict[str, Any]:
    """Draw the parameters of a `ThresholdMatcher`; `neither` is whether there may be a -2."""
    bars = [number(dice) if dice.chance(0.15) else threshold(dice) for _ in range(3)]
    config: dict[str, Any] = {"high": max(bars[:2])}
    if neither and dice.chance(0.6):
        config["low"] = dice.choose((min(bars[:2]), config["high"], None))
    if dice.chance(0.7):
        config["low_quality"] = dice.choose((None, "own", "truth", "truth"))
    if dice.chance(0.5):
        config["min_quality"] = dice.choose((bars[2], config["high"], 0.0, 1e-45, 5e-324))
    if dice.chance(0.5):
        config["ties"] = dice.chance(0.5)
    if dice.chance(0.5):
        config["winner"] = dice.choose(("last", "first"))
    return config


def _low_over_high(dice: Dice, call: Call) -> Call | None:
    low = dice.choose((0.5 + 1e-9, 0.75, 1e308, float(np.nextafter(0.5, 1))))
    return misfit(call, "low over high", ("low",), high=0.5, low=low)


def recipe(dice: Dice, depth: int = 2, *, neither: bool = False) -> Recipe:
    """Draw a matcher; `neither` is whether it may say that a row is neither, with -2."""
    kinds = ("MaximumMatcher", "BipartiteMatcher", "CompositeMatcher", "ThresholdMatcher")
    kind = dice.choose(kinds)
    if kind == "CompositeMatcher" and depth:
        inner = [recipe(dice, depth - 1) for _ in range(dice.whole(1, 3))]
        return Recipe("CompositeMatcher", {"matchers": inner})
    if kind == "MaximumMatcher":
        return Recipe(kind, _maximum(dice))
    if kind == "ThresholdMatcher":
        return Recipe(kind, _two_thresholds(dice, neither=neither))
    return Recipe("BipartiteMatcher", _bipartite(dice))


def _drawn(dice: Dice, config: dict[str, Any]) -> Case:
    first = config["matchers"][0].config if "matchers" in config else config
    bars = ("high", "low", "min_quality") if "high" in first else ("threshold",)
    bar = first.get(dice.choose(bars), 1e-12)
    lead = dice.choose(((), (), (dice.count(),), (2,), (3,), (2, 2), (1, 3)))
    n, m = dice.count(most=300), dice.count(most=20)
    if dice.chance(0.1):
        n, m = m, n
    x = matrix(dice, (*lead, n, m), bar if isinstance(bar, float) else 0.5)
    if x.size and "high" in first and dice.chance(0.3):  # a row is the best of all columns
        x[..., dice.whole(0, n - 1), :] = x.max(-2)
    eps = config.get("eps", 0.0)
    if n > 1 and m and 0 < eps < 1e30 and dice.chance(0.4):
        # As far from the best of a column as eps allows, or just not: rounding decides.
        ascending = config.get("is_ascend", False)
        x[..., -1, :] = x.min(-2) + eps if ascending else x.max(-2) - eps
    return Case(config, {"x": cast(x, real_dtype(dice))})


def _batch(case: Case) -> Batch | None:
    x = case.inputs["x"]
    return Batch(len(x), {"x": (0, False)}) if x.ndim > 2 else None


def _form(case: Case) -> Form:
    return ((np.dtype(np.int64), case.inputs["x"].shape[:-1]),)


INPUTS = {"x": Input(ranks=(2, 3, 4, 5, 6))}

SUBJECTS = (
    Subject(
        "BipartiteMatcher",
        lambda dice: _drawn(dice, _bipartite(dice)),
        {"threshold": real(), "is_ascend": flag(), "eps": real(low=0), "share_max": flag()},
        INPUTS,
        _form,
        _batch,
    ),
    Subject(
        "MaximumMatcher",
        lambda dice: _drawn(dice, _maximum(dice)),
        {"threshold": real()},
        INPUTS,
        _form,
        _batch,
    ),
    Subject(
        "CompositeMatcher",
        lambda dice: _drawn(dice, {"matchers": [recipe(dice) for _ in range(dice.whole(1, 3))]}),
        {"matchers": matchers()},
        INPUTS,
        _form,
        _batch,
    ),
    Subject(
        "ThresholdMatcher",
        lambda dice: _drawn(dice, _two_thresholds(dice)),
        {
            "high": real(),
            "low": optional(real()),
            "low_quality": optional(choice()),
            "min_quality": real(),
            "ties": flag(),
            "winner": choice(),
        },
        INPUTS,
        _form,
        _batch,
        spoil=_low_over_high,
    ),
)
