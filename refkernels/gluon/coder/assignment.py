"""Samples and matches, as encoders read them."""

from typing import Any

__all__ = ["match", "positive"]


def positive(F: Any, samples: Any) -> Any:
    """Return 1 for positive samples and 0 for others, in float32."""
    return F.cast(samples > 0.5, dtype="float32")


def match(F: Any, samples: Any, matches: Any) -> Any:
    """Return the matches of positive samples, and 0 elsewhere."""
    whole = F.cast(matches, dtype="float64")
    return F.where(positive(F, samples), whole, F.zeros_like(whole))
