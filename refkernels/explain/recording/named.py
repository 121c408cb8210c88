"""Operators that are known by the names of their classes, and functions that say what they are."""

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from inspect import signature
from types import ModuleType
from typing import Any

import numpy as np

from refkernels import bbox, coder, matcher, sampler
from refkernels.arrays import Array
from refkernels.chain.roles import MATCHERS, PLACE_OF
from refkernels.explain.recording.functions import WATCHING, operator_of
from refkernels.explain.recording.patches import Patches
from refkernels.explain.recording.tensors import as_numpy

__all__ = ["NamedOperators"]

FAMILIES: tuple[Any, ...] = (bbox, matcher, sampler, coder)


class Calls(threading.local):
    """Of one thread: how many calls that are seen it is in."""

    depth = 0


class NamedOperators:
    """Operators of refkernels and of others that have their names, watched.

    Parameters
    ----------
    given : tuple
        Those to be recorded, or what holds them; none for all of refkernels, and all functions.
    contract : dict of str to operator
        What they are held to, by role.

    Attributes
    ----------
    assumed : list of str
        Parameters that an operator does not show.
    """

    def __init__(self, given: tuple[Any, ...], contract: dict[str, Any]) -> None:
        self.assumed: list[str] = []
        self._contract, self._given = contract, given
        self._arrays: dict[str, Array] = {}
        self._from: dict[str, str] = {}
        self._operators: dict[str, Any] = {}
        self._symbolic: list[str] = []
        self._problems: list[str] = []
        self._elsewhere: dict[str, str] = {}
        self._patches = Patches()
        self._calls, self._lock = Calls(), threading.Lock()
        self._first: Any = None  # of the thread that is recorded: idents are given anew
        self._functions: set[Any] = set()

    def begin(self) -> None:
        """Watch from now on."""
        given = self._given or (*FAMILIES, *filter(None, [sys.modules.get("refkernels.gluon")]))
        only: dict[Any, set[int] | None] = {}
        for value in given:
            for kind, own in _classes(value):
                chosen = only.setdefault(kind, set())
                only[kind] = None if own is None or chosen is None else chosen | {id(own)}
        if not only:
            raise ValueError(
                f"nothing to record: {', '.join(map(repr, self._given))} holds no class of the "
                f"name of an operator, such as {', '.join(PLACE_OF)}"
            )
        self._functions = {kind for kind in only if operator_of(kind)}
        for kind, ids in only.items():
            if not operator_of(kind):
                self._patch(kind, ids)
        WATCHING.append(self._function)

    def end(self) -> None:
        """Let everything be called as it was before."""
        if self._function in WATCHING:
            WATCHING.remove(self._function)
        self._patches.undo()

    def made(self) -> tuple[dict[str, Array], dict[str, Any], str]:
        """Return arrays, operators by role, and what is to be said of them."""
        if self._problems:
            raise ValueError("; ".join(self._problems))
        if not self._arrays:
            reason = "none of the operators was called"
            if self._symbolic:
                reason = (
                    f"{', '.join(dict.fromkeys(self._symbolic))} saw symbols, not arrays: a block "
                    "around it is hybridised; call hybridize(active=False) on that one"
                )
            raise ValueError(reason)
        told = [f"assumed: {'; '.join(self.assumed)}"] if self.assumed else []
        left = [name for name, role in self._elsewhere.items() if role not in self._operators]
        if left:
            told.append(f"of other threads, and left out: calls of {', '.join(left)}")
        return self._arrays, self._operators, "; ".join(told)

    def _patch(self, kind: Any, ids: set[int] | None) -> None:
        """Let calls of a class, or of some of its objects, be seen until the end."""
        name = _name(kind)

        def around(call: Any, operator: Any, *args: Any, **kwargs: Any) -> Any:
            """Let a call of an object be seen, if it is one of those to be recorded."""
            if ids is not None and id(operator) not in ids:
                return call(operator, *args, **kwargs)
            return self._watch(
                name, operator, lambda *own, **more: call(operator, *own, **more), args, kwargs
            )

        self._patches.put(kind, "__call__", around)

    def _function(self, function: Any, call: Any, *args: Any, **kwargs: Any) -> Any:
        """Let a call of a function be seen, if it is one of those to be recorded."""
        name, operator, skipped = operator_of(function) or ("", None, 0)
        if self._given and function not in self._functions:
            return call(*args, **kwargs)
        operator = function if isinstance(operator, str) else operator
        try:
            bound = signature(function).bind(*args, **kwargs)
        except TypeError:  # which the function itself tells better
            return call(*args, **kwargs)
        positions = (*bound.args, *bound.kwargs.values())[skipped:]
        return self._watch(name, operator, lambda *_: call(*args, **kwargs), positions, {})

    def _watch(
        self, name: str, operator: Any, call: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Call an operator, and let the call be seen if it is in no other and of the thread."""
        # Inside an operator, such as a composite one, others are its own business.
        if self._calls.depth:
            return call(*args, **kwargs)
        with self._lock:
            if self._first is None:
                self._first = self._calls.__dict__.setdefault("thread", object())
            is_first = self._calls.__dict__.get("thread") is self._first
        self._calls.depth += 1
        try:
            outputs = call(*args, **kwargs)
        finally:
            self._calls.depth -= 1
        if is_first:
            self._see(name, operator, args, kwargs, outputs)
        else:
            self._elsewhere[name] = PLACE_OF[name].role
        return outputs

    def _see(
        self, name: str, operator: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any
    ) -> None:
        place = PLACE_OF[name]
        role = place.role
        if role in self._operators:
            return
        names = place.operators[name]
        inputs = dict(zip(names.values(), args, strict=False))
        inputs.update({names[key]: value for key, value in kwargs.items() if key in names})
        inputs = {key: value for key, value in inputs.items() if value is not None}
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        found = dict(zip(place.gives(name), outputs, strict=False))
        arrays = {key: as_numpy(value) for key, value in {**inputs, **found}.items()}
        if any(array is None for array in arrays.values()):
            self._symbolic.append(name)
            return
        for key, array in arrays.items():
            self._keep(name, key, np.array(array))
        try:
            self._operators[role] = self._contract.get(role) or self._same(name, operator)
        except (ValueError, TypeError, AttributeError) as error:
            self._operators[role] = None
            self._problems.append(
                f"the parameters of {name} cannot be told: {error}; give them by contract={{"
                f"{role!r}: refkernels.{name}(...)}}"
            )

    def _keep(self, name: str, key: str, array: Array) -> None:
        """Keep an array by its name, the first time; later it must be the same."""
        if key == "ious" and "matches" in self._arrays and name.endswith("Sampler"):
            if array.shape == self._arrays["matches"].shape:
                return  # the largest IoU of each anchor, not all
        if key not in self._arrays:
            self._arrays[key], self._from[key] = array, name
            return
        own = self._arrays[key]
        if not np.array_equal(_plain(own), _plain(array), equal_nan=array.dtype.kind == "f"):
            self._problems.append(
                f"{name} has other {key} (of shape {array.shape}) than {self._from[key]} (of shape "
                f"{own.shape}); record one chain alone, by naming its operators"
            )

    def _same(self, name: str, operator: Any) -> Any:
        """Return the operator of refkernels that has the parameters of somebody's."""
        kind = next(getattr(family, name) for family in FAMILIES if hasattr(family, name))
        for own in (operator, getattr(operator, "_operator", None)):
            if type(own) is kind:
                return own
        if name == "CompositeMatcher":
            inner = []
            for own in _attribute(operator, "matchers"):
                if _name(type(own)) not in MATCHERS:
                    raise TypeError(f"{type(own).__name__} has not the name of a matcher")
                inner.append(self._same(_name(type(own)), own))
            return kind(inner)
        config = {}
        for field in fields(kind):
            try:
                config[field.name] = _attribute(operator, field.name)
            except AttributeError:
                if field.default is MISSING:
                    raise
                self.assumed.append(f"{field.name} of {name} is {field.default}")
        return kind(**config)


def _classes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield classes of operators, each with the object that is meant, or None for all of them.

    Functions that are operators are their own class.
    """
    if operator_of(value):
        yield getattr(value, "__func__", value), None
    elif isinstance(value, ModuleType):
        for kind in vars(value).values():
            if operator_of(kind) or (isinstance(kind, type) and kind.__name__ in PLACE_OF):
                yield kind, None
    elif isinstance(value, type):
        if _name(value):
            yield value, None
    else:
        if _name(type(value)):
            yield type(value), value
            return
        # Gluon blocks and PyTorch modules.
        for held in ("_children", "_modules"):
            for child in dict(getattr(value, held, None) or {}).values():
                yield from _classes(child)


def _name(kind: type) -> str:
    """Return the name of the operator that a class is, by its own name or a base's, or ''."""
    return next((base.__name__ for base in kind.__mro__ if base.__name__ in PLACE_OF), "")


def _attribute(value: Any, name: str) -> Any:
    for own in (f"_{name}", name):
        if hasattr(value, own):
            return getattr(value, own)
    raise AttributeError(f"{type(value).__name__} has no attribute {name} or _{name}")


def _plain(array: Array) -> Array:
    """Return an array without axes of length 1 at its front or end, which frameworks add."""
    return array.squeeze()
