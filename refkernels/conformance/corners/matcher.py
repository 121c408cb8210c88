"""Corner cases of the matchers (SPEC section 2)."""

from collections.abc import Iterator

import numpy as np

from refkernels.conformance.spec import Case

__all__ = ["CORNERS"]


def _thresholds() -> Iterator[Case]:
    """Yield thresholds that float64 or float32 barely tell from their neighbours."""
    for threshold in (2.0**53, 2.0**60 + 2.0**10, 2.0**110 + 2.0**60):
        around = [np.nextafter(threshold, 0), threshold, np.nextafter(threshold, np.inf)]
        yield Case({"threshold": threshold}, {"x": np.array(around, np.float64)[:, None]})
    # Rounded to the 24 digits of a normal float32 first, it is a tie that goes to 2 units.
    unit = 2.0**-149
    scores = np.array([[2 * unit], [3 * unit]], np.float32)
    yield Case({"threshold": (2.5 + 2.0**-30) * unit}, {"x": scores})


CORNERS = {"MaximumMatcher": _thresholds}
