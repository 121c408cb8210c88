"""What the laws of matchers have in common: configurations, runs and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case, Law
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = [
    "Check",
    "Run",
    "alone_and_together",
    "first_difference",
    "relabelled",
    "settled",
    "twice",
]

Run = Callable[..., tuple[Array, ...]]
Check = Callable[[Run, Parameters], str | None]


def settled(parameters: Parameters, *configs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield those of the configurations that a target can have.

    Raises
    ------
    Untried
        If that is none of them.
    """
    seen: list[dict[str, Any]] = []
    reason = Untried("it has no parameters")
    for config in configs:
        try:
            own = parameters.of_law(config)
        except Untried as error:
            reason = error
            continue
        if own not in seen:
            seen.append(own)
            yield own
    if not seen:
        raise reason


def first_difference(expected: Any, found: Any, what: str = "") -> str | None:
    """Say where matches are not what they must be, or return None."""
    expected, found = np.asarray(expected), np.asarray(found)
    start = f"{what}: " if what else ""
    if np.array_equal(expected, found):
        return None
    if expected.shape != found.shape:
        return f"{start}matches have shape {found.shape}, expected {expected.shape}"
    place = tuple(int(i) for i in np.argwhere(expected != found)[0])
    return f"{start}matches{list(place)} goes from {expected[place]} to {found[place]}"


def relabelled(matches: Array, columns: Array) -> Array:
    """Return matches with ground truths whose numbers are now those in `columns`."""
    whole = np.asarray(matches).astype(np.int64)
    if not len(columns):
        return whole
    return np.where(whole < 0, whole, columns[np.clip(whole, 0, len(columns) - 1)])


def alone_and_together(
    images: Callable[[Mapping[str, Any]], list[Case]],
    batched: tuple[str, ...],
    *configs: Mapping[str, Any],
) -> Law:
    """Return the law that an image's matches do not depend on what else is in its batch.

    Parameters
    ----------
    images : callable
        ``images(config)`` returns cases of one image each, of equal shapes.
    batched : tuple of str
        Those of their inputs that have a batch axis in front, where there is a batch.
    """

    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first image that is matched otherwise in a batch than alone."""
        for config in settled(parameters, *configs):
            single = images(config)
            inputs = {
                name: np.stack([case.inputs[name] for case in single]) if name in batched else array
                for name, array in single[0].inputs.items()
            }
            (together,) = run(Case(config, inputs))
            for b, case in enumerate(single):
                (alone,) = run(case)
                wrong = first_difference(alone, together[b], f"image {b} with {config}")
                if wrong is not None:
                    return wrong
        return None

    return Law("an image has the same matches alone and in a batch", check)


def twice(images: Callable[[Mapping[str, Any]], list[Case]], *configs: Mapping[str, Any]) -> Law:
    """Return the law that the same call has the same result again, after another one too."""

    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first match that is another one the second time."""
        for config in settled(parameters, *configs):
            first, *others = images(config)
            (before,) = run(first)
            for other in others:
                run(other)
            (after,) = run(replace(first))
            wrong = first_difference(before, after, str(config))
            if wrong is not None:
                return wrong
        return None

    return Law("the same call has the same matches again", check)
