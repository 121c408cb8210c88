"""Corner cases of the matchers (SPEC sections 2 and 6)."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refkernels.conformance.cases.matcher import atss, hungarian, point, simota, task_aligned
from refkernels.conformance.cases.matcher import threshold as two_thresholds
from refkernels.conformance.cases.sampler.corners import around
from refkernels.conformance.model.operator import Case

__all__ = ["AIMED", "CORNERS"]


def _thresholds() -> Iterator[Case]:
    """Yield thresholds that float64 or float32 barely tell from their neighbours."""
    for threshold in (2.0**53, 2.0**60 + 2.0**10, 2.0**110 + 2.0**60):
        around = [np.nextafter(threshold, 0), threshold, np.nextafter(threshold, np.inf)]
        yield Case({"threshold": threshold}, {"x": np.array(around, np.float64)[:, None]})
    # Rounded to the 24 digits of a normal float32 first, it is a tie that goes to 2 units.
    unit = 2.0**-149
    scores = np.array([[2 * unit], [3 * unit]], np.float32)
    yield Case({"threshold": (2.5 + 2.0**-30) * unit}, {"x": scores})


def _aimed(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a pair around each threshold, and rows that a sum with eps decides."""
    for own in _members(config):
        threshold, eps = own.get("threshold", 1e-12), own.get("eps", 0.0)
        for dtype in (np.float16, np.float32, np.float64):
            x = around(threshold, dtype)
            yield Case({}, {"x": x.reshape(3, 1, 1)})
            yield Case({}, {"x": np.stack([x, x[::-1]], -1)})
            sign = -1 if own.get("is_ascend", False) else 1
            best = float(around(threshold + sign * max(2 * eps, 0.125), dtype)[1])
            near = around(best - sign * eps, dtype)
            yield Case({}, {"x": np.stack([np.full(3, best, dtype), near], -1)[..., None]})


def _members(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the configurations of a chain's matchers, or of a single one its own."""
    if "matchers" not in config:
        return [config]
    return [own for recipe in config["matchers"] for own in _members(recipe.config)]


CORNERS = {
    "MaximumMatcher": _thresholds,
    **two_thresholds.CORNERS,
    **point.CORNERS,
    **atss.CORNERS,
    **simota.CORNERS,
    **task_aligned.CORNERS,
    **hungarian.CORNERS,
}

# What is there for a fixed configuration.
AIMED = {
    **dict.fromkeys(("BipartiteMatcher", "MaximumMatcher", "CompositeMatcher"), _aimed),
    **two_thresholds.AIMED,
}
