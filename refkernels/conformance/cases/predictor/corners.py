"""Corner cases of the predictors (SPEC section 5)."""

from collections.abc import Iterator

import numpy as np

from refkernels.conformance.model.operator import Case

__all__ = ["CORNERS"]


def _one_image() -> Iterator[Case]:
    """Yield an image without a batch axis."""
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(2, 5, 4)), "weight": rng.normal(size=(3, 2, 3, 3))}
    yield Case({"num_channel": 3}, {**inputs, "bias": rng.normal(size=3)})
    yield Case({"num_channel": 3, "use_bias": False, "stride": (2, 1)}, inputs)


CORNERS = {"ConvPredictor": _one_image}
