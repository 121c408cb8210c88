"""Finite sets of inputs that are tried whole (SPEC section 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.conformance.model.case import Case

__all__ = ["Exhausted", "Scope", "largest"]


@dataclass(frozen=True)
class Scope:
    """All inputs of one size, for one configuration of an operator.

    Parameters
    ----------
    size : str
        Such as ``3x2``: anchors by ground truths.
    config : mapping
        The operator's parameters.
    count : int
        How many inputs there are.
    batches : callable
        Yields them, many at a time: arrays with an axis in front along which they are.
    shared : mapping of str to array
        What all of them have besides, without such an axis.
    order : sequence of str
        The operator's inputs, in the order of the call.
    stacked : bool
        Whether that axis is the batch axis of the operator; else it takes one at a time.
    fewer : bool
        Whether inputs are over fewer values than those of smaller sizes.
    """

    size: str
    config: Mapping[str, Any]
    count: int
    batches: Callable[[], Iterator[Mapping[str, Array]]]
    shared: Mapping[str, Array]
    order: Sequence[str]
    stacked: bool = True
    fewer: bool = False

    def case(self, inputs: Mapping[str, Array]) -> Case:
        """Return a case of inputs that are not shared, a batch of them or one."""
        every = {**inputs, **self.shared}
        return Case(self.config, {name: every[name] for name in self.order})

    def singles(self, batch: Mapping[str, Array]) -> Iterator[Case]:
        """Yield a case of each input of a batch."""
        for i in range(len(next(iter(batch.values())))):
            yield self.case({name: array[i] for name, array in batch.items()})


@dataclass
class Exhausted:
    """What of an operator's scopes has been tried.

    Parameters
    ----------
    sizes : list of str
        Those of which all inputs were tried, with all configurations, smallest first.
    dtype : str
        In which.
    inputs : int
        How many inputs.
    left_out : int
        How many inputs of these sizes were not tried: they are outside of what is offered, or the
        target is known to differ there.
    seconds : float
        How long that took.
    left : list of str
        The sizes that there was no time for.
    note : str
        What else is to be said, if anything.
    fewer : list of str
        The sizes of which only inputs over fewer values were tried, all of these.
    """

    sizes: list[str]
    dtype: str
    inputs: int = 0
    left_out: int = 0
    seconds: float = 0.0
    left: list[str] | None = None
    note: str = ""
    fewer: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        but = f", {self.left_out:,} left out" if self.left_out else ""
        sizes = " and ".join(largest(self.sizes))
        if self.fewer:
            sizes += f", with fewer values to {' and '.join(largest(self.fewer))},"
        said = f"up to {sizes} in {self.dtype} ({times(self.inputs, 'input', ',')}{but})"
        return said if self.sizes and self.inputs else ""


def largest(sizes: Sequence[str]) -> list[str]:
    """Return the sizes that no other one covers.

    Examples
    --------
    >>> largest(["1x1", "2x2", "1x3"])
    ['2x2', '1x3']
    """
    return [size for size in sizes if not any(_covers(other, size) for other in sizes)]


def _covers(size: str, other: str) -> bool:
    """Return whether a size has as much as another along each axis, and is another."""
    own, rest = size.split("x"), other.split("x")
    if size == other or len(own) != len(rest):
        return False
    return all(int(n) >= int(m) for n, m in zip(own, rest, strict=True))
