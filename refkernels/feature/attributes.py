"""The attributes of a node, which MXNet writes as text."""

import ast
from typing import Any

import numpy as np

from refkernels.arrays import require

__all__ = ["Attributes"]


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
        except (ValueError, SyntaxError):  # a word: MXNet writes strings without quotes
            return text

    def integer(self, name: str, default: int | None = None, low: int | None = None) -> int:
        """Return a whole number of at least `low`."""
        value = self.value(name, default)
        require(
            type(value) is int and (low is None or value >= low),
            f"attribute {name}: expected an integer"
            + (f" of at least {low}" if low is not None else "")
            + f", got {value!r}",
        )
        return int(value)

    def number(self, name: str, default: float | None = None) -> float:
        """Return a finite number."""
        value = self.value(name, default)
        good = isinstance(value, (int, float)) and np.isfinite(value)
        require(good, f"attribute {name}: expected a number, got {value!r}")
        return float(value)

    def single(self, name: str, default: float | None = None) -> float:
        """Return a number that MXNet declares as float: it is a float32, whatever the data are."""
        return float(np.float32(self.number(name, default)))

    def flag(self, name: str, default: bool) -> bool:
        """Return a truth value, written as True, true or 1."""
        value = self.value(name, default)
        value = {"true": True, "false": False, "None": default}.get(value, value)
        require(value in (0, 1), f"attribute {name}: expected True or False, got {value!r}")
        return bool(value)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """Return one of a few words."""
        value = self.value(name, default)
        value = default if value is None else str(value)
        shown = ", ".join(choices)
        require(value in choices, f"attribute {name}: supported is {shown}; got {value!r}")
        return value

    def pair(self, name: str, default: tuple[int, int], low: int) -> tuple[int, int]:
        """Return two whole numbers of at least `low`; an empty tuple is the default."""
        value = self.value(name, default)
        value = default if value == () else value
        good = (
            isinstance(value, (tuple, list))
            and len(value) == 2
            and all(isinstance(number, int) and number >= low for number in value)
        )
        require(good, f"attribute {name}: expected two integers of at least {low}, got {value!r}")
        return (int(value[0]), int(value[1]))

    def integers(self, name: str) -> tuple[int, ...]:
        """Return whole numbers; none if the attribute is not there."""
        value = self.value(name, ())
        value = (value,) if isinstance(value, int) else tuple(value or ())
        good = all(isinstance(number, int) for number in value)
        require(good, f"attribute {name}: expected integers, got {value!r}")
        return value

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, or None."""
        value = self.value(name)
        if value in (None, "None"):
            return None
        require(type(value) is int, f"attribute {name}: expected an integer, got {value!r}")
        return int(value)

    def ignore(self, *names: str) -> None:
        """Drop attributes that change nothing in inference."""
        for name in names:
            self._attributes.pop(name, None)

    def finish(self) -> None:
        """Raise if an attribute is left that nobody asked for."""
        for name, text in self._attributes.items():
            raise ValueError(f"attribute {name}={text!r} is not supported")
