"""What is wrong with a file, an image or one annotation, in a line."""

import json
import math
from typing import Any

__all__ = ["Bad", "check_text", "parsed", "parsed_share", "quoted"]


class Bad(Exception):
    """What is wrong, without the file's name."""


def check_text(name: str, text: str) -> None:
    """Raise `Bad` if a string is no text, which JSON can write: half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Bad(f"{name}: expected text, got half a surrogate pair in it") from None


def quoted(value: Any) -> str:
    """Return a value as JSON has it, cut to what fits a line."""
    text = json.dumps(_cut(value, 0), default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _cut(value: Any, depth: int) -> Any:
    """Return the beginning of a value: YAML may hold one that contains itself, or is huge."""
    if isinstance(value, str):
        return value[:60]
    if isinstance(value, int) and abs(value) >= 2**64:
        return "a number of more than 64 bits"
    if isinstance(value, (list, tuple, dict)) and depth == 4:
        return "..."
    if isinstance(value, (list, tuple)):
        return [_cut(item, depth + 1) for item in value[:20]]
    if isinstance(value, dict):
        items = list(value.items())[:20]
        return {str(_cut(key, depth + 1)): _cut(item, depth + 1) for key, item in items}
    return value


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
