"""What an operator is exhausted over (SPEC section 7): all combinations of a few values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.parameters import Parameters
from refkernels.conformance.model.scope import Scope

__all__ = ["LARGE", "SMALL", "Size", "Space", "grid"]

Size = tuple[int, ...]

# Anchors by ground truths; the first are tried always, the rest when all is asked for.
SMALL = ((1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (2, 3), (3, 2))
LARGE = ((2, 4), (4, 2), (3, 3))

# Axes of a length of their own.
DIGITS = {"1": 1, "2": 2, "3": 3}

# Inputs in one batch.
TOGETHER = 4096


class Space:
    """What an operator is exhausted over.

    Parameters
    ----------
    configs : sequence of mapping
        The operator's parameters.
    inputs : mapping of str to (array, str)
        For each input what an element may be, a number or a row of them, and the axes of such
        elements: ``N`` and ``M`` are as long as a size says, digits as they say.
    small, large : sequence of tuple of int
        The sizes that are always tried, and those that are tried when all is asked for.
    shared : callable, optional
        ``shared(size)`` yields inputs that have no batch axis, by name.
    order : sequence of str, optional
        The operator's inputs, where those that are shared are not the last.
    stacked : bool
        Whether the operator takes batches of what there is.
    fewer : mapping of str to array, optional
        Inputs whose elements may be less in sizes that would have too many combinations.
    largest : sequence of tuple of int
        Those sizes, that are tried when all is asked for.
    """

    def __init__(
        self,
        configs: Sequence[Mapping[str, Any]],
        inputs: Mapping[str, tuple[Array, str]],
        small: Sequence[Size] = SMALL,
        large: Sequence[Size] = LARGE,
        *,
        shared: Callable[[Size], Iterator[Mapping[str, Array]]] | None = None,
        order: Sequence[str] = (),
        stacked: bool = True,
        fewer: Mapping[str, Array] | None = None,
        largest: Sequence[Size] = (),
    ) -> None:
        self.configs, self.inputs, self.small, self.large = configs, inputs, small, large
        self.largest = largest
        self._few = {
            name: ((fewer or {}).get(name, values), axes) for name, (values, axes) in inputs.items()
        }
        self.shared, self.order, self.stacked = shared, order, stacked

    def scopes(self, parameters: Parameters, whole: bool) -> Iterator[Scope]:
        """Yield the scopes, smallest first, each size with all configurations."""
        configs: list[dict[str, Any]] = []
        for config in self.configs:
            settled = parameters.settled(config)
            # An axis that is counted from the front is another one where there are batches.
            if settled is not None and settled.get("axis", -1) < 0 and settled not in configs:
                configs.append(settled)
        for size in [*self.small, *((*self.large, *self.largest) if whole else ())]:
            name = "x".join(map(str, size))
            count, batches = self._count(size), partial(self._batches, size)
            for config, shared in product(configs, self.shared(size) if self.shared else [{}]):
                order = self.order or (*self.inputs, *shared)
                fewer = size in self.largest
                yield Scope(name, config, count, batches, shared, order, self.stacked, fewer)

    def _elements(self, size: Size) -> Mapping[str, tuple[Array, str]]:
        return self._few if size in self.largest else self.inputs

    def _count(self, size: Size) -> int:
        shapes = self._shapes(size)
        total = 1  # as a Python integer, that does not overflow
        for name, (values, _) in self._elements(size).items():
            total *= len(values) ** int(np.prod(shapes[name]))
        return total

    def _shapes(self, size: Size) -> dict[str, tuple[int, ...]]:
        lengths = {"N": size[0], "M": size[-1], **DIGITS}
        return {
            name: tuple(lengths[axis] for axis in axes) for name, (_, axes) in self.inputs.items()
        }

    def _batches(self, size: Size) -> Iterator[dict[str, Array]]:
        """Yield all combinations, many at a time."""
        shapes, total = self._shapes(size), self._count(size)
        for start in range(0, total, TOGETHER):
            numbers = np.arange(start, min(start + TOGETHER, total))
            found = {}
            for name, (values, _) in self._elements(size).items():
                length = int(np.prod(shapes[name]))
                own = (numbers % len(values) ** length)[:, None]
                numbers = numbers // len(values) ** length
                digits = own // len(values) ** np.arange(length, dtype=np.int64) % len(values)
                found[name] = values[digits].reshape(-1, *shapes[name], *values.shape[1:])
            yield found


def grid(**options: Sequence[Any]) -> list[dict[str, Any]]:
    """Return all configurations of these options, the first of each first."""
    return [dict(zip(options, own, strict=True)) for own in product(*options.values())]
