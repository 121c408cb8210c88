"""What a call is drawn with: a seed and the call's number, and nothing else."""

import random
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = ["Dice"]

Option = TypeVar("Option")

COUNTS = (0, 1, 1, 2, 2, 3, 3, 3, 4, 5)


class Dice:
    """Random numbers of one call: single ones, and by `rng` arrays of them."""

    def __init__(self, seed: int, number: int) -> None:
        self._random = random.Random((seed << 64) | number)
        self.rng = np.random.Generator(np.random.SFC64([seed, number]))

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def choose(self, options: Sequence[Option]) -> Option:
        return self._random.choice(options)

    def whole(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def count(self, low: int = 0, *, most: int = 40) -> int:
        """How many boxes: few mostly, sometimes none, seldom more than a kernel's vectors hold."""
        if self.chance(0.04):
            return self.whole(min(17, most), most)
        return max(low, self.choose(COUNTS))

    def images(self) -> int | None:
        """How many images: None for one without a batch axis, sometimes none at all."""
        return 0 if self.chance(0.03) else self.choose((None, None, 1, 2, 2, 3))
