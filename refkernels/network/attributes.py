"""The attributes of a node, which MXNet writes as text."""

import ast
import math
from typing import Any

import numpy as np

from refkernels.arrays import require, shown

__all__ = ["Attributes"]

# MXNet keeps whole numbers in 32 bits, and some reals.
LARGEST = 2**31 - 1
LARGEST_SINGLE = float(np.finfo(np.float32).max)


class Attributes:
    """The attributes of one node, each of which has to be asked for."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self._attributes = dict(attributes)

    def value(self, name: str, default: Any = None) -> Any:
        """Return attribute `name` as the Python value that is written there."""
        text = self._attributes.pop(name, None)
        if text is None:
            return default
        try:
            return ast.literal_eval(text.strip())
        # A word, for MXNet writes strings without quotes; or what Python cannot read either.
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return text

    def integer(self, name: str, default: int | None = None, low: int | None = None) -> int:
        """Return a whole number of at least `low`."""
        value = self.value(name, default)
        require(
            _is_whole(value) and (low is None or value >= low),
            f"attribute {name}: expected an integer of 32 bits"
            + (f" of at least {low}" if low is not None else "")
            + f", got {shown(value)}",
        )
        return int(value)

    def number(self, name: str, default: float | None = None) -> float:
        """Return a finite number; None is the default."""
        value = self.value(name)
        value = default if value is None else value
        try:
            number = float(value) if isinstance(value, (int, float)) else math.nan
        except OverflowError:
            number = math.inf
        require(math.isfinite(number), f"attribute {name}: expected a number, got {shown(value)}")
        return number

    def single(self, name: str, default: float | None = None) -> float:
        """Return a number that MXNet declares as float: it is a float32, whatever the data are."""
        value = self.number(name, default)
        require(abs(value) <= LARGEST_SINGLE, f"attribute {name}: {value} does not fit float32")
        return float(np.float32(value))

    def flag(self, name: str, default: bool) -> bool:
        """Return a truth value, written as True, true or 1."""
        value = self.value(name, default)
        if value is None or isinstance(value, str):
            value = {"true": True, "false": False, None: default}.get(value, value)
        require(value in (0, 1), f"attribute {name}: expected True or False, got {shown(value)}")
        return bool(value)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """Return one of a few words."""
        value = self.value(name, default)
        value = default if value is None else str(value)
        known = ", ".join(choices)
        require(value in choices, f"attribute {name}: supported is {known}; got {shown(value)}")
        return value

    def pair(self, name: str, default: tuple[int, int], low: int) -> tuple[int, int]:
        """Return two whole numbers of at least `low`; an empty tuple is the default."""
        value = self.value(name, default)
        value = default if value == () else value
        good = (
            isinstance(value, (tuple, list))
            and len(value) == 2
            and all(_is_whole(number) and number >= low for number in value)
        )
        expected = f"two integers of 32 bits of at least {low}"
        require(good, f"attribute {name}: expected {expected}, got {shown(value)}")
        return (int(value[0]), int(value[1]))

    def integers(self, name: str) -> tuple[int, ...]:
        """Return whole numbers; none if the attribute is not there."""
        value = self.value(name, ())
        value = (value,) if isinstance(value, int) else value or ()
        good = isinstance(value, (tuple, list)) and all(map(_is_whole, value))
        require(good, f"attribute {name}: expected integers of 32 bits, got {shown(value)}")
        return tuple(value)

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, or None."""
        value = self.value(name)
        if value in (None, "None"):
            return None
        good = _is_whole(value)
        require(good, f"attribute {name}: expected an integer of 32 bits, got {shown(value)}")
        return int(value)

    def ignore(self, *names: str) -> None:
        """Drop attributes that change nothing in inference."""
        for name in names:
            self._attributes.pop(name, None)

    def finish(self) -> None:
        """Raise if an attribute is left that nobody asked for."""
        for name, text in self._attributes.items():
            raise ValueError(f"attribute {name}={text!r} is not supported")


def _is_whole(value: Any) -> bool:
    return type(value) is int and abs(value) <= LARGEST
