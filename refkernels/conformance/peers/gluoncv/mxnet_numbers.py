"""How MXNet 1.9.1 reads the numbers that its operators get as parameters: as text, and roughly."""

import re
from typing import Any

import numpy as np

__all__ = ["as_compared", "as_read", "is_readable"]

# Of digits after the point only so many count.
MAX_DIGITS = 19


def as_read(value: float, dtype: Any = np.float64) -> Any:
    """Return what MXNet makes of a number's decimal text, which may be off in the last places.

    Parameters
    ----------
    value : float
        The number as Python writes it.
    dtype : dtype
        That of the parameter. Scalars that an array is combined with are float64.
    """
    number = np.dtype(dtype).type
    text = repr(float(value))
    if not np.isfinite(value):
        return number(value)
    sign, whole, fraction, exponent = _parts(text)
    fraction = fraction[:MAX_DIGITS]
    result = number(int(whole)) + number(float(int(fraction or 0)) / float(10 ** len(fraction)))
    scale = number(1)
    with np.errstate(over="ignore"):
        for factor, count in ((1e8, abs(exponent) // 8), (10.0, abs(exponent) % 8)):
            for _ in range(count):
                scale *= number(factor)
        result = result / scale if exponent < 0 else result * scale
    return -result if sign else result


def as_compared(value: float, dtype: Any) -> Any:
    """Return the number that an array of `dtype` is compared with: float16 by way of float32."""
    read = as_read(value)
    with np.errstate(over="ignore"):
        return np.dtype(dtype).type(np.float32(read) if dtype == np.float16 else read)


def is_readable(value: float, dtype: Any = np.float64) -> bool:
    """Return whether MXNet reads a number at all: it must be 0 or in the dtype's normal range."""
    info = np.finfo(dtype)
    return value == 0 or not np.isfinite(value) or bool(info.tiny <= abs(value) <= info.max)


def _parts(text: str) -> tuple[str, str, str, int]:
    found = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?(?:e([-+]\d+))?", text)
    assert found is not None, text
    sign, whole, fraction, exponent = found.groups()
    return sign, whole, fraction or "", int(exponent or 0)
