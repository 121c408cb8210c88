"""A reading of an operator: whose parameters it is held to, written as it is built."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from inspect import BoundArguments, Parameter, ismethod, signature
from typing import Any

from refkernels.conformance.targets.representation import RepresentationError, words_of

__all__ = ["Reading", "as_read", "readings"]


@dataclass(frozen=True)
class Reading:
    """An operator with the parameters of somebody's reading.

    Parameters
    ----------
    text : str
        How it is built: ``TaskAlignedMatcher.ultralytics`` or ``ThresholdMatcher.ssd(0.6)``.
    operator : str
        Which operator that is.
    config : mapping
        All of its parameters.
    free : frozenset of str
        Those that the reading leaves to whoever uses it.
    """

    text: str
    operator: str
    config: Mapping[str, Any]
    free: frozenset[str]

    @property
    def fixed(self) -> dict[str, Any]:
        """The parameters that make the reading."""
        return {name: value for name, value in self.config.items() if name not in self.free}

    @classmethod
    def parse(cls, text: str) -> Reading:
        """Return the reading that a text builds.

        What is given in brackets is fixed; what the reading takes beside it stays free.

        Raises
        ------
        RepresentationError
            If it builds none; the message says what is expected.

        Examples
        --------
        >>> Reading.parse("TaskAlignedMatcher.tood").fixed
        {'conflict': 'selected', 'inside_first': False, 'positive': True}
        """
        call = _parsed(text)
        name, _, way = ast.unparse(call.func).partition(".")
        made = _constructor(text, name, way)
        try:
            given = [ast.literal_eval(value) for value in call.args]
            named = {str(own.arg): ast.literal_eval(own.value) for own in call.keywords}
            bound = _bind(made, given, named, f"{name}.{way}" if way else name)
            built = made(*given, **named)
        except (TypeError, ValueError) as error:
            raise RepresentationError(f"{text}: {error}") from None
        config = {own.name: getattr(built, own.name) for own in fields(built)}
        taken = set(signature(made).parameters) - set(bound.arguments)
        return cls(text, name, config, frozenset(taken & set(config)))


def _parsed(text: str) -> ast.Call:
    expected = "expected a reading such as TaskAlignedMatcher.ultralytics or NMS(0.5)"
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        raise RepresentationError(f"{text!r} is no Python; {expected}") from None
    call = tree if isinstance(tree, ast.Call) else ast.Call(func=tree, args=[], keywords=[])
    if not isinstance(call.func, (ast.Name, ast.Attribute)):
        raise RepresentationError(f"{text!r} is no reading; {expected}")
    return call


def _constructor(text: str, name: str, way: str) -> Any:
    import refkernels

    kernel = getattr(refkernels, name, None)
    if not (isinstance(kernel, type) and is_dataclass(kernel)):
        known = [own for own in dir(refkernels) if is_dataclass(getattr(refkernels, own))]
        close = get_close_matches(name, known, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise RepresentationError(f"{text}: there is no operator {name!r}{hint}")
    if way and way not in _ways(kernel):
        known = [f"{name}.{own}" for own in _ways(kernel)]
        raise RepresentationError(
            f"{text}: {name} has no reading {way!r}; it has {', '.join(known) or 'none'}"
        )
    return getattr(kernel, way) if way else kernel


def _bind(made: Any, given: list[Any], named: dict[str, Any], whole: str) -> BoundArguments:
    own = signature(made)
    try:
        return own.bind(*given, **named)
    except TypeError as error:
        needed = [name for name, p in own.parameters.items() if p.default is Parameter.empty]
        hint = f"; write {whole}({', '.join(f'{name}=…' for name in needed)})" if needed else ""
        raise TypeError(f"{error}{hint}") from None


def _ways(kernel: type) -> list[str]:
    """Return the names of the readings that an operator's class has."""
    return [
        name
        for name in vars(kernel)
        if not name.startswith("_")
        and ismethod(made := getattr(kernel, name))
        and made.__self__ is kernel
    ]


def readings() -> Iterator[str]:
    """Yield the readings that the operators have, by name."""
    import refkernels

    for name in sorted(dir(refkernels)):
        kernel = getattr(refkernels, name)
        if isinstance(kernel, type) and is_dataclass(kernel):
            for way in _ways(kernel):
                yield f"{name}.{way}"


def as_read(targets: Sequence[str], text: str) -> tuple[str, ...]:
    """Return targets as bindings to a reading: all of them, or one object or module.

    Parameters
    ----------
    targets : sequence of str
        Bindings to the reading's operator; ``module:name``, ``module.name``, or a module, whose
        object of the operator's name it is.
    text : str
        The reading.

    Raises
    ------
    RepresentationError
        If there is no such reading, or a target is bound to another operator.
    """
    reading = Reading.parse(text)
    if not targets:
        raise RepresentationError(f"--as {text}: say which code is to be read so")
    return tuple(_bound(target, reading) for target in targets)


def _bound(target: str, reading: Reading) -> str:
    place, has_operator, rest = target.partition("=")
    operator, _, words = rest.partition(",")
    if has_operator and operator != reading.operator:
        raise RepresentationError(f"{target} is no {reading.operator}, as {reading.text} is")
    if ":" not in place:
        place = _object(place, reading.operator)
    said = json.loads(words) if words.startswith("{") else words_of(words)
    said["fixed"] = {**reading.fixed, **said.get("fixed", {})}
    open_ = {name: reading.config[name] for name in sorted(reading.free)}
    said["defaults"] = {**open_, **said.get("defaults", {})}
    return f"{place}={reading.operator},{json.dumps(said)}"


def _object(place: str, operator: str) -> str:
    """Return the object that is meant where no colon tells it from its module."""
    module, _, name = place.rpartition(".")
    try:
        is_module = find_spec(place) is not None
    except (Exception, SystemExit):  # what is around it is imported, and may do anything
        is_module = False
    return f"{place}:{operator}" if is_module or not module else f"{module}:{name}"
