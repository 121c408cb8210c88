"""Where code may stand that lacks a parameter: at the default, or where others have it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

__all__ = ["READINGS", "drop_readings", "readings"]

_UNIT: dict[str, tuple[Any, ...]] = {"stds": ((1.0, 1.0, 1.0, 1.0),)}

# Of operators, the values of parameters that are as usual as the defaults. What has the parameter
# is given it; what has not keeps to one of these, and none is a fault.
READINGS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    # No eps is the paper's IoU; corners that are the first and last pixel make sides one longer.
    "BBoxBatchIOU": {"eps": (0.0,), "offset": (1,)},
    "BBoxBatchIOA": {"offset": (1,)},
    "BipartiteMatcher": {"eps": (0.0,)},
    # The unbiased deviation is PyTorch's default, the other one NumPy's.
    "ATSSMatcher": {"ddof": (0,)},
    # YOLOX's is the default, and mmdetection's another.
    "SimOTACost": {"eps": (1e-7,)},
    "PointMatcher": {"inclusive": (False,)},
    "NormalizedBoxCenterEncoder": _UNIT,
    "NumPyNormalizedBoxCenterEncoder": _UNIT,
    "NormalizedPerClassBoxCenterEncoder": _UNIT,
    # The limit is that of Detectron, which most have taken over.
    "NormalizedBoxCenterDecoder": {**_UNIT, "clip": (math.log(1000 / 16),)},
}


def readings(operator: str, has: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    """Yield where code may stand that has these parameters alone, the defaults first."""
    lacking = {name: own for name, own in READINGS.get(operator, {}).items() if not has(name)}
    choices = ([{}, *({name: value} for value in own)] for name, own in lacking.items())
    for chosen in product(*choices):
        yield {name: value for part in chosen for name, value in part.items()}


def drop_readings(
    operator: str, config: Mapping[str, Any], has: Callable[[str], bool]
) -> dict[str, Any]:
    """Return a configuration without the parameters that code lacks, where it may stand at them."""
    known = READINGS.get(operator, {})

    def is_reading(name: str, value: Any) -> bool:
        """Return whether code that lacks a parameter may stand at a value."""
        own = tuple(value) if isinstance(value, list) else value
        return any(type(own) is type(other) and own == other for other in known.get(name, ()))

    return {k: value for k, value in config.items() if has(k) or not is_reading(k, value)}
