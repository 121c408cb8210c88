"""How somebody else's code writes what an operator takes and gives: a small vocabulary.

It changes representation, never values (SPEC section 8): names, order, orientation, marks, batches.
The same words are used by the bindings of peers, in ``pyproject.toml`` and on the command line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

__all__ = ["PLAIN", "Argument", "Representation", "RepresentationError", "words_of"]

# In a parameter's name: it is given as its reciprocal.
RECIPROCAL = "1/"

IMAGES = ("", "one", "list")

# What a parameter is that by default is another one. Code that calls it otherwise need not know
# that None, and is given what it means.
MEANT = {"low": "high"}

# Words whose values are pairs, or lists; of the others they are single.
TABLES = ("parameters", "fixed", "defaults", "given")
LISTS = ("inputs", "outputs", "transposed", "samples", "dtypes")


class RepresentationError(ValueError):
    """It is none; the message says what, where and what is expected."""


@dataclass(frozen=True)
class Argument:
    """One argument of a call: an input of the operator, whole, or its size, or in a list.

    It is written ``boxes``, ``img.size`` or ``anchors.list``; ``theirs:ours`` names a keyword.
    """

    name: str
    form: str = ""
    keyword: str = ""

    @classmethod
    def of(cls, text: str) -> Argument:
        """Return what such a text says."""
        keyword, _, expression = text.rpartition(":")
        name, _, form = expression.partition(".")
        if form not in ("", "size", "list"):
            raise RepresentationError(f"{text!r}: expected .size or .list after the input's name")
        return cls(name, form, keyword)


@dataclass(frozen=True)
class Representation:
    """How code writes what an operator takes and gives, where that differs from SPEC.

    Parameters
    ----------
    parameters : mapping of str to str
        For parameters of the operator, what they are called: ``{"threshold": "thr"}``. With ``1/``
        before it, it is given as reciprocals: ``{"stds": "1/weights"}``. All of these are given
        always, so that the code's own defaults do not matter.
    values : mapping
        For a parameter of the operator, what its values are called: ``{"fmt": {"corner": "xyxy"}}``
    fixed : mapping
        Parameters of the operator at which the code stands, and which it is not given.
    defaults : mapping
        Parameters of the operator at which the code stands if it does not take them.
    given : mapping
        Further keywords that it is built with, or called with if it is a function.
    inputs : sequence of str
        What its call takes, in order: inputs of the operator (`Argument`); all by default.
    outputs : sequence of str
        What it returns, in order: outputs of the operator. ``theirs:ours`` names a key or attribute
        of what it returns. All by default; what is missing is not offered.
    transposed : bool or sequence of str
        Inputs and outputs whose last two axes are exchanged, ground truths by anchors; True for the
        matrices of the operator's inputs, or if there are none, of its outputs.
    first : int
        The number of the first ground truth in matches.
    unmatched, ignored : int, optional
        The marks of no match, and of neither, in matches: by default one and two below the first.
    samples : sequence of int
        The marks of positive, negative and ignored anchors in samples, and in candidates.
    aligned : bool
        Whether it takes row by row what belongs together: in place of all pairs of boxes, two lists
        of equal length; in place of matches, the matched ground truths of positive anchors.
    images : str
        "one" if it is called for one image at a time, "list" if for a list of them.
    squeezed : bool
        Whether axes of length 1 may be missing, or too many, in what it returns.
    widens : bool or str
        Whether what it returns for float16 may be float32; or "float64", if reals come in that
        whatever the code is given. What is wider is rounded once.

    Examples
    --------
    A matcher that takes ground truths by anchors, and counts from 1, with 0 for no match:

    >>> import numpy as np
    >>> from refkernels.conformance import Representation, assert_conforms
    >>> def match(quality, minimum):
    ...     if not len(quality):
    ...         return np.zeros(quality.shape[1], np.int64)
    ...     return np.where(quality.max(0) >= minimum, quality.argmax(0) + 1, 0)
    >>> theirs = Representation(
    ...     parameters={"threshold": "minimum"}, transposed=True, first=1, images="one"
    ... )
    >>> result = assert_conforms(match, "MaximumMatcher", representation=theirs, max_examples=20)
    >>> result.verdict
    'conforms'
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    transposed: bool | tuple[str, ...] = False
    first: int = 0
    unmatched: int | None = None
    ignored: int | None = None
    samples: tuple[int, int, int] = (1, -1, 0)
    aligned: bool = False
    images: str = ""
    squeezed: bool = False
    widens: bool | str = False

    def __post_init__(self) -> None:
        for name in ("parameters", "values", "fixed", "defaults", "given"):
            if not isinstance(getattr(self, name), Mapping):
                self._refuse(name, "a mapping of names")
        for name in ("inputs", "outputs", "samples"):
            value: Any = getattr(self, name)
            if isinstance(value, str):
                value = (value,)
            if not isinstance(value, (list, tuple)):
                self._refuse(name, "a list")
            object.__setattr__(self, name, tuple(value))
        turned: Any = self.transposed
        if not isinstance(turned, bool):
            named = (turned,) if isinstance(turned, str) else turned
            object.__setattr__(self, "transposed", tuple(named))
        if self.images not in IMAGES:
            self._refuse("images", "'one' or 'list'")
        if len(self.samples) != 3 or not all(isinstance(mark, int) for mark in self.samples):
            self._refuse("samples", "three whole numbers: positive, negative, ignored")
        for name in ("first", "unmatched", "ignored"):
            value = getattr(self, name)
            if not isinstance(value, int) and (value is not None or name == "first"):
                self._refuse(name, "a whole number")
        for name in ("aligned", "squeezed"):
            if not isinstance(getattr(self, name), bool):
                self._refuse(name, "true or false")
        if self.widens not in (True, False, "float64"):
            self._refuse("widens", "true, false or 'float64'")
        for text in self.inputs:
            Argument.of(text)

    def _refuse(self, name: str, expected: str) -> None:
        raise RepresentationError(f"{name} is {getattr(self, name)!r}, expected {expected}")

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Representation:
        """Return what a table of ``pyproject.toml`` says.

        Raises
        ------
        RepresentationError
            If a word of it is not in the vocabulary, or what it says of it is none.
        """
        known = [own.name for own in fields(cls)]
        for name in said:
            if name not in known:
                close = get_close_matches(name, known, 1)
                hint = f"; did you mean {close[0]!r}?" if close else f": {', '.join(known)}"
                raise RepresentationError(f"{name!r} is no word for a representation{hint}")
        if isinstance(said.get("values"), Mapping):  # keys of tables are texts
            values = {
                name: {_value(ours): theirs for ours, theirs in own.items()}
                for name, own in said["values"].items()
            }
            said = {**said, "values": values}
        return cls(**said)

    def require(
        self,
        operator: str,
        parameters: Sequence[str],
        inputs: Sequence[str],
        outputs: Sequence[str],
    ) -> None:
        """Raise `RepresentationError` if a word names what the operator does not have."""
        named = self.transposed if isinstance(self.transposed, tuple) else ()
        said: dict[str, tuple[Iterable[str], Sequence[str]]] = {
            "parameters": (self.parameters, parameters),
            "values": (self.values, parameters),
            "fixed": (self.fixed, parameters),
            "defaults": (self.defaults, parameters),
            "inputs": ([Argument.of(text).name for text in self.inputs], inputs),
            "outputs": (self.gives[0], outputs),
            "transposed": (named, (*inputs, *outputs)),
        }
        for word, (own, known) in said.items():
            for name in own:
                if name not in known:
                    expected = f"expected {', '.join(known)}" if known else "it has none"
                    raise RepresentationError(f"{word}: {operator} has no {name!r}, {expected}")
        if self.aligned and "matches" not in inputs and tuple(inputs)[:2] != ("a", "b"):
            raise RepresentationError(
                f"aligned: {operator} takes neither two sets of boxes nor matches"
            )

    @property
    def marks(self) -> tuple[int, int]:
        """The marks of no match and of neither in matches."""
        unmatched = self.first - 1 if self.unmatched is None else self.unmatched
        ignored = self.first - 2 if self.ignored is None else self.ignored
        return unmatched, ignored

    @property
    def is_plain(self) -> bool:
        """Whether nothing differs from SPEC."""
        return self == PLAIN

    def theirs(self, config: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the code is built with for a configuration of the operator."""
        full = {name: defaults[name] for name in self.parameters if name in defaults} | dict(config)
        for name, other in MEANT.items():
            renamed = name in self.parameters and name not in self.values
            if renamed and full.get(name, 0) is None:
                full[name] = full.get(other, self.fixed.get(other))
        built = dict(self.given)
        for name, value in full.items():
            if name in self.fixed:
                continue
            own = self.parameters.get(name, name)
            said = self.values[name].get(value, value) if name in self.values else value
            if own.startswith(RECIPROCAL):
                own, said = own.removeprefix(RECIPROCAL), _reciprocal(said)
            built[own] = said
        return built

    def names(self, parameter: str) -> str:
        """Return what a parameter of the operator is called."""
        return self.parameters.get(parameter, parameter).removeprefix(RECIPROCAL)

    @property
    def gives(self) -> tuple[tuple[str, ...], frozenset[str]]:
        """The outputs that it returns, if not all, and the parameters that are reciprocals."""
        names = tuple(text.rpartition(":")[2] for text in self.outputs)
        own = self.parameters.items()
        return names, frozenset(k for k, v in own if v.startswith(RECIPROCAL))


PLAIN = Representation()


def words_of(text: str) -> dict[str, Any]:
    """Return what a text says: ``transposed,first=1,parameters=threshold:thr+low:bottom``.

    Words are separated by commas, what a word lists by +, and pairs by colons. What a word may say
    is for others to know.
    """
    said: dict[str, Any] = {}
    for word in filter(None, text.split(",")):
        name, has_value, value = word.partition("=")
        if not has_value:
            said[name] = True
        elif name == "values":
            for triple in value.split("+"):
                own, _, pair = triple.partition(":")
                ours, _, theirs = pair.partition(":")
                said.setdefault(name, {}).setdefault(own, {})[_value(ours)] = _value(theirs)
        elif name in TABLES:
            pairs = (pair.partition(":") for pair in value.split("+"))
            said[name] = {own: _value(theirs) for own, _, theirs in pairs}
        elif name in LISTS:
            said[name] = tuple(_value(item) for item in value.split("+"))
        else:
            said[name] = _value(value)
    return said


def _value(text: Any) -> Any:
    """Return a number, a truth value, None or another literal as what it is, else the text."""
    if not isinstance(text, str):
        return text
    words = {"true": True, "false": False, "none": None, "inf": float("inf")}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _reciprocal(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_reciprocal(item) for item in value)
    return float(1 / Fraction(repr(float(value))))
