"""What is wrong with a file, an image or one annotation, in a line."""

import json
import math
from typing import Any

__all__ = ["Bad", "parsed", "parsed_share", "quoted"]


class Bad(Exception):
    """What is wrong, without the file's name."""


def quoted(value: Any) -> str:
    """Return a value as JSON has it, cut to what fits a line."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def parsed(name: str, text: str, least: float = -math.inf) -> float:
    """Return the number that a text is, finite and not below `least`."""
    try:
        number = float(text)
    except ValueError:
        raise Bad(f"{name}: expected a number, got {text.strip()[:40]!r}") from None
    if not math.isfinite(number) or number < least:
        wanted = f"a number of at least {least:g}" if number < least else "a finite number"
        raise Bad(f"{name}: expected {wanted}, got {text.strip()[:40]}")
    return number


def parsed_share(name: str, text: str) -> float:
    """Return the number that a text is, relative to the side of an image: from 0 to 1."""
    number = parsed(name, text, 0)
    if number > 1:
        raise Bad(
            f"{name}: expected a number from 0 to 1, relative to the image's side, got "
            f"{text.strip()[:40]}; are these pixels?"
        )
    return number
