"""Corner cases of grids of anchors (SPEC section 6)."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refkernels.conformance.model.operator import Case

__all__ = ["AIMED", "CORNERS"]

SIZES = ((0, 0), (0, 5), (5, 0), (1, 1), (1, 7), (7, 1))


def _case(config: Mapping[str, Any], height: int, width: int) -> Case:
    return Case(config, {"height": np.array(height), "width": np.array(width)})


def _grids() -> Iterator[Case]:
    plain = {"sizes": (16.0,), "ratios": (1.0, 4.0), "stride": 8.0}
    for height, width in SIZES:
        yield _case(plain, height, width)
    # Odd sizes of ratio 1: half of them lies between two whole numbers, and goes to the even one.
    odd = {"sizes": tuple(float(n) for n in range(1, 20)), "ratios": (1.0, 4.0, 0.25)}
    for offset in (0.0, 0.5):
        yield _case({**odd, "stride": 4.0, "offset": offset, "rounded": True}, 2, 2)
    # Next to a middle, as float64 tells, and float32 does not: parameters are rounded first.
    for size in (33.0 + 2.0**-22, 33.0 - 2.0**-22, 33.0 + 2.0**-16, 33.0 - 2.0**-16):
        for dtype in ("float32", "float64", "float16"):
            config = {"sizes": (size,), "ratios": (1.0,), "rounded": True, "dtype": dtype}
            yield _case({**config, "stride": 4.0}, 1, 2)
    # Parameters that no dtype holds, far from the origin; strides that differ, and are below 1.
    for dtype in ("float32", "float64"):
        thirds = {"sizes": (100 / 3, 0.1), "ratios": (1 / 3, 0.7), "dtype": dtype}
        yield _case({**thirds, "stride": (0.1, 0.7), "offset": 1 / 3}, 5, 40)
        yield _case({**thirds, "stride": 1000.7, "offset": -0.3}, 3, 90)
    # As large as a level of a pyramid, and no multiple of a block; one row, one column.
    for height, width in ((211, 131), (1, 20_011), (20_011, 1)):
        yield _case({**plain, "order": "size"}, height, width)


def _aimed(config: Mapping[str, Any]) -> Iterator[Case]:
    yield from (_case({}, height, width) for height, width in (*SIZES, (3, 4), (37, 61)))


CORNERS = {"AnchorGrid": _grids}

# What is there for a fixed configuration.
AIMED = {"AnchorGrid": _aimed}
