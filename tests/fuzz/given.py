"""What an operator is called with, each argument with the Python that makes it."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import refkernels
from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case, Recipe, build

if TYPE_CHECKING:
    from tests.fuzz.subject import Subject

__all__ = ["ACCEPTED", "EITHER", "REFUSED", "Call", "Given", "Wrap", "given", "python_of", "quiet"]

# What must become of a call.
ACCEPTED, REFUSED, EITHER = "accepted", "refused", "either"

# What the Python of an argument may use.
NAMES = {"np": np, "refkernels": refkernels, "Fraction": Fraction, "Decimal": Decimal}


class Wrap(NamedTuple):
    """A change of an argument: as a function, and as Python with ``{}`` for what is changed.

    ``{shape}`` and ``{dtype}`` in it are those of what is changed.
    """

    apply: Callable[[Any], Any]
    python: str


@dataclass(frozen=True)
class Given:
    """An argument: a value with what is done to it, or else the Python that makes it."""

    base: Any = None
    wraps: tuple[Wrap, ...] = ()
    python: str = ""

    def value(self) -> Any:
        """Make the argument, anew each time if it is an array."""
        if self.python:
            return eval(_compiled(self.python), NAMES)
        value = self.base.copy() if isinstance(self.base, np.ndarray) else _built(self.base)
        for wrap in self.wraps:
            value = wrap.apply(value)
        return value

    def text(self) -> str:
        """Return Python that makes it."""
        if self.python:
            return self.python
        value, text = self.base, python_of(self.base)
        for wrap in self.wraps:
            template = wrap.python
            for name in ("shape", "dtype"):
                if f"{{{name}}}" in template:
                    shown = repr(tuple(value.shape) if name == "shape" else value.dtype.str)
                    template = template.replace(f"{{{name}}}", shown)
            text = template.replace("{}", text)
            value = wrap.apply(value)
        return text


def given(values: Mapping[str, Any]) -> dict[str, Given]:
    """Return plain values as arguments."""
    return {name: Given(value) for name, value in values.items()}


@dataclass(frozen=True)
class Call:
    """One call of an operator.

    Attributes
    ----------
    subject : Subject
        The operator.
    case : Case
        What it comes to: plain parameters, and arrays in native byte order and C order. If the call
        is spoilt, what it would come to without that.
    config, inputs, keywords : dict of str to Given
        What the operator is built with, and called with.
    expect : {'accepted', 'refused', 'either'}
        What must become of it.
    wrong : str
        What is wrong with it, in a few words.
    blamed : tuple of str
        One of these arguments must be named by the error.
    spoilt : tuple of str
        The arguments that make it wrong.
    says : str
        What the error must say beside that.
    image : int
        Which image of a batch is tried alone.
    """

    subject: "Subject"
    case: Case
    config: Mapping[str, Given]
    inputs: Mapping[str, Given]
    keywords: Mapping[str, Given] = field(default_factory=dict)
    expect: str = ACCEPTED
    wrong: str = ""
    blamed: tuple[str, ...] = ()
    spoilt: tuple[str, ...] = ()
    says: str = ""
    image: int = 0

    def python(self) -> str:
        """Return Python that makes the call."""
        with quiet():
            return self._python()

    def _python(self) -> str:
        config = ", ".join(f"{name}={value.text()}" for name, value in self.config.items())
        lines = [f"{name} = {value.text()}" for name, value in self.inputs.items()]
        arguments = [*self.inputs, *(f"{k}={v.text()}" for k, v in self.keywords.items())]
        call = self.subject.written.format(config=config, arguments=", ".join(arguments))
        text = "\n".join([*lines, call])
        modules = {"Fraction": "fractions", "Decimal": "decimal"}
        extra = [f"from {m} import {name}" for name, m in modules.items() if f"{name}(" in text]
        return "\n".join(["import numpy as np, refkernels", *extra, text])


@contextmanager
def quiet() -> Iterator[None]:
    """Let what is no operator compute as it likes."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def python_of(value: Any) -> str:
    """Return Python that makes a value."""
    if isinstance(value, np.ndarray):
        return _python_of_array(value)
    if isinstance(value, (list, tuple)) and not all(isinstance(v, (int, float)) for v in value):
        inner = ", ".join(python_of(item) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner},)"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {python_of(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, Recipe):
        return re.sub(r"\b([A-Z]\w*)\(", r"refkernels.\1(", repr(value))
    return re.sub(r"\b(nan|inf)\b", r"np.\1", repr(value))


def _python_of_array(array: Array) -> str:
    name = f"np.{array.dtype}" if array.dtype.kind != "b" else "bool"
    if not array.any() and not (array.dtype.kind == "f" and np.signbit(array).any()):
        return f"np.zeros({array.shape}, {name})"
    if np.isnan(array).any():  # a nan has bits of its own
        return (
            f"np.frombuffer(bytes.fromhex({array.tobytes().hex()!r}), {name})"
            f".reshape({array.shape})"
        )
    # repr of a Python float has all the digits that bring the same number back.
    values = array.astype(np.float64) if array.dtype.kind == "f" else array
    numbers = re.sub(r"\binf\b", "np.inf", repr(values.tolist()))
    return f"np.array({numbers}, {name})"


@lru_cache
def _compiled(python: str) -> CodeType:
    return compile(python, "<argument>", "eval")


def _operator(name: str) -> Any:
    return getattr(refkernels, name)


def _built(value: Any) -> Any:
    """Build the operators that a value holds."""
    if isinstance(value, Recipe):
        return build(_operator(value.name), value.config, _operator)
    if isinstance(value, (list, tuple)):
        return type(value)(_built(item) for item in value)
    return value
