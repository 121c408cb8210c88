"""What is the same for calls in every framework: seeds, and inputs that must not change."""

import random
from collections.abc import Sequence
from inspect import signature
from typing import Any, NoReturn

import numpy as np

from refkernels.arrays import Array

__all__ = ["InputsChanged", "require_unchanged", "seed_globals", "takes_rng"]


class InputsChanged(Exception):
    """An operator wrote to its inputs: to number `position`, and what it wrote where.

    `name` is empty, unless somebody who catches this knows better what to call that input.
    """

    def __init__(self, position: int, what: str, name: str = "") -> None:
        super().__init__(what)
        self.position, self.name = position, name


def takes_rng(operator: Any) -> bool:
    """Return whether a call of `operator` takes the keyword `rng`."""
    try:
        return "rng" in signature(operator).parameters
    except ValueError:  # what is written in C need not say
        return False


def seed_globals(seed: int | None) -> bool:
    """Seed the generators that everything in Python can use, and return whether there is a seed."""
    if seed is None:
        return False
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (whoever draws from it cannot be given a generator)
    return True


def require_unchanged(before: Sequence[Array], after: Sequence[Array]) -> None:
    """Raise `InputsChanged` if arrays are not what they were before a call."""
    for position, (was, now) in enumerate(zip(before, after, strict=True)):
        if was.shape != now.shape or was.dtype != now.dtype:
            _fail(position, f" is {now.dtype} of shape {now.shape} after the call")
        differs = (was != now) & ~((was != was) & (now != now))
        if differs.any():
            where = tuple(int(i) for i in np.unravel_index(int(np.argmax(differs)), was.shape))
            place = str(list(where)) if where else ""
            _fail(position, f"{place} was {was[where]} before the call and is {now[where]} after")


def _fail(position: int, what: str) -> NoReturn:
    raise InputsChanged(position, what)
