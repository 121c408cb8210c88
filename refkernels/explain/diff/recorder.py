"""Record what the operators of a pipeline are given and give, as a dump."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from refkernels import bbox, coder, matcher, sampler
from refkernels.arrays import Array
from refkernels.chain.roles import MATCHERS, PLACE_OF
from refkernels.explain.diff.dump import Dump, make_dump

__all__ = ["Recorder", "record"]

FAMILIES: tuple[Any, ...] = (bbox, matcher, sampler, coder)


def record(
    path: str | os.PathLike[str], *operators: Any, contract: Mapping[str, Any] | None = None
) -> "Recorder":
    """Record one pass of a pipeline into a dump, for `refkernels diff`.

    Parameters
    ----------
    path : path
        The ``.npz`` that is written when the block under `with` ends well.
    *operators : object, class or module
        What is recorded: operators, or Gluon blocks or PyTorch modules that have operators inside
        them, or modules of such classes. Operators are known by the names of their classes. By
        default those of refkernels and, if it is in use, of `refkernels.gluon`.
    contract : mapping of str to operator, optional
        The operators of refkernels that the recorded ones are to be held to, by place (``iou``,
        ``matcher``, ``sampler``, ``class_encoder``, ``box_encoder``). By default they are built
        with the parameters that the recorded ones have.

    Returns
    -------
    Recorder
        A context manager. Only calls in its own thread are recorded, and of several calls at one
        place the first.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        At the end of the block: if nothing was called on arrays, an operator was given something
        else than what the one before it gave, or its parameters cannot be told.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from refkernels import BBoxBatchIOU, MaximumMatcher
    >>> with tempfile.TemporaryDirectory() as folder, record(f"{folder}/a.npz") as recorder:
    ...     ious = BBoxBatchIOU()(np.eye(4)[:2], np.array([[0.0, 0.0, 1.0, 1.0]]))
    ...     matches = MaximumMatcher(0.5)(ious)
    >>> list(recorder.dump.arrays)
    ['anchors', 'boxes', 'ious', 'matches']
    """
    place = Path(path)
    if not place.parent.is_dir():
        raise FileNotFoundError(f"{place}: there is no folder {place.parent}")
    return Recorder(place, operators, dict(contract or {}))


class Recorder:
    """What `record` returns.

    Attributes
    ----------
    dump : Dump
        What was recorded, once the block has ended well.
    assumed : list of str
        Parameters that an operator does not show, and that are taken to be the usual ones.
    """

    dump: Dump

    def __init__(self, path: Path, operators: tuple[Any, ...], contract: dict[str, Any]) -> None:
        self.assumed: list[str] = []
        self._path, self._contract = path, contract
        self._given = operators
        self._arrays: dict[str, Array] = {}
        self._from: dict[str, str] = {}
        self._operators: dict[str, Any] = {}
        self._symbolic: list[str] = []
        self._problems: list[str] = []
        self._undo: list[Callable[[], None]] = []
        self._thread, self._depth = 0, 0

    def __enter__(self) -> "Recorder":
        self._thread = threading.get_ident()
        given = self._given or (*FAMILIES, *filter(None, [sys.modules.get("refkernels.gluon")]))
        only: dict[type, set[int] | None] = {}
        for value in given:
            for kind, own in _classes(value):
                chosen = only.setdefault(kind, set())
                only[kind] = None if own is None or chosen is None else chosen | {id(own)}
        if not only:
            raise ValueError(
                f"nothing to record: {', '.join(map(repr, self._given))} holds no class of the "
                f"name of an operator, such as {', '.join(PLACE_OF)}"
            )
        for kind, ids in only.items():
            self._patch(kind, ids)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._undo:
            self._undo.pop()()
        if kind is None:
            self._finish()

    def _patch(self, kind: Any, ids: set[int] | None) -> None:
        """Let calls of a class, or of some of its objects, be seen until the end."""
        own, call = kind.__dict__.get("__call__"), kind.__call__
        name = _name(kind)

        def seen(operator: Any, *args: Any, **kwargs: Any) -> Any:
            """Call the operator, and let the call be seen if it is one of those to be recorded."""
            ours = ids is None or id(operator) in ids
            # Inside an operator, such as a composite one, others are its own business.
            if not ours or self._depth or threading.get_ident() != self._thread:
                return call(operator, *args, **kwargs)
            self._depth += 1
            try:
                outputs = call(operator, *args, **kwargs)
            finally:
                self._depth -= 1
            self._see(name, operator, args, kwargs, outputs)
            return outputs

        def undo() -> None:
            """Let the class be called as it was before."""
            if own is None:
                del kind.__call__
            else:
                kind.__call__ = own

        kind.__call__ = seen
        self._undo.append(undo)

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
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        found = dict(zip(place.gives(name), outputs, strict=False))
        arrays = {key: _as_numpy(value) for key, value in {**inputs, **found}.items()}
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

    def _finish(self) -> None:
        if self._problems:
            raise ValueError(f"{self._path} is not written: {'; '.join(self._problems)}")
        if not self._arrays:
            reason = "none of the operators was called"
            if self._symbolic:
                reason = (
                    f"{', '.join(dict.fromkeys(self._symbolic))} saw symbols, not arrays: a block "
                    "around it is hybridised; call hybridize(active=False) on that one"
                )
            raise ValueError(f"{self._path} is not written: {reason}")
        try:
            self.dump = make_dump(str(self._path), self._arrays, self._operators)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self._path} is not written: {error}") from None
        if self.assumed:
            self.dump = replace(self.dump, about=f"assumed: {'; '.join(self.assumed)}")
        self.dump.write(self._path)


def _classes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield classes of operators, each with the object that is meant, or None for all of them."""
    if isinstance(value, ModuleType):
        for kind in vars(value).values():
            if isinstance(kind, type) and kind.__name__ in PLACE_OF:
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


def _as_numpy(value: Any) -> Array | None:
    """Return an array of any framework as NumPy's, or None for what is none, such as a symbol."""
    if hasattr(value, "list_arguments"):  # an MXNet symbol has the methods of an array, too
        return None
    if hasattr(value, "asnumpy"):
        value = value.asnumpy()
    elif hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    elif not isinstance(value, (list, tuple)) and not hasattr(value, "__array__"):
        return None
    array = np.asarray(value)
    return array if array.dtype.kind in "iufb" else None


def _plain(array: Array) -> Array:
    """Return an array without axes of length 1 at its front or end, which frameworks add."""
    return array.squeeze()
