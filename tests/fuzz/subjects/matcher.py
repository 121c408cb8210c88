"""Calls of the matchers (SPEC section 2)."""

from typing import Any

import numpy as np

from refkernels.conformance.model.operator import Case, Recipe
from tests.fuzz.dice import Dice
from tests.fuzz.draw import cast, matrix, number, real_dtype, threshold
from tests.fuzz.parameters import flag, matchers, real
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


def recipe(dice: Dice, depth: int = 2) -> Recipe:
    """Draw a matcher."""
    kind = dice.choose(("MaximumMatcher", "BipartiteMatcher", "CompositeMatcher"))
    if kind == "CompositeMatcher" and depth:
        inner = [recipe(dice, depth - 1) for _ in range(dice.whole(1, 3))]
        return Recipe("CompositeMatcher", {"matchers": inner})
    if kind == "MaximumMatcher":
        return Recipe(kind, _maximum(dice))
    return Recipe("BipartiteMatcher", _bipartite(dice))


def _drawn(dice: Dice, config: dict[str, Any]) -> Case:
    first = config["matchers"][0].config if "matchers" in config else config
    bar = first.get("threshold", 1e-12)
    lead = dice.choose(((), (), (dice.count(),), (2,), (3,), (2, 2), (1, 3)))
    n, m = dice.count(most=300), dice.count(most=20)
    if dice.chance(0.1):
        n, m = m, n
    x = matrix(dice, (*lead, n, m), bar if isinstance(bar, float) else 0.5)
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
)
