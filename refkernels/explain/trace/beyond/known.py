"""Which matchers look at more than one matrix, and how what they decided is read."""

from typing import Any

from refkernels.arrays import Array
from refkernels.explain.trace.beyond.adaptive import AdaptiveReading
from refkernels.explain.trace.beyond.aligned import AlignedReading
from refkernels.explain.trace.beyond.cheapest import CheapestReading
from refkernels.explain.trace.beyond.one_to_one import OneToOneReading
from refkernels.explain.trace.beyond.points import PointReading
from refkernels.explain.trace.beyond.reading import Reading
from refkernels.explain.trace.pairs import Pairs
from refkernels.matcher import (
    ATSSMatcher,
    HungarianMatcher,
    PointMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
)

__all__ = ["is_beyond", "read_beyond"]

READINGS: dict[type, Any] = {
    ATSSMatcher: AdaptiveReading,
    PointMatcher: PointReading,
    SimOTAMatcher: CheapestReading,
    TaskAlignedMatcher: AlignedReading,
    HungarianMatcher: OneToOneReading,
}


def is_beyond(matcher: Any) -> bool:
    """Return whether it is one of these; one that derives from them decides in its own way."""
    return type(matcher) in READINGS


def read_beyond(matcher: Any, given: dict[str, Any], names: Array, matches: Array) -> Reading:
    """Read what a matcher decided.

    Parameters
    ----------
    matcher
        One of `READINGS`.
    given : dict of str to numpy.ndarray or Pairs
        What it is called with.
    names : numpy.ndarray, int64, (M,)
        The ground truth of each column.
    matches : numpy.ndarray, int64, (N,)
        What it returned.
    """
    if type(matcher) is ATSSMatcher:
        pairs = {
            name: own if name == "levels" or isinstance(own, Pairs) else Pairs.of(own)
            for name, own in given.items()
        }
        reading: Reading = AdaptiveReading(matcher, pairs, names, matches)
        return reading
    made: Reading = READINGS[type(matcher)](matcher, given, names, matches)
    return made
