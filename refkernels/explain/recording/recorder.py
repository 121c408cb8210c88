"""`record`: one line around a training step, which writes a dump of its assignment."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from refkernels.arrays import Array
from refkernels.explain.diff.dump import Dump, make_dump
from refkernels.explain.recording.named import NamedOperators
from refkernels.explain.recording.packages import PackageChains

__all__ = ["Recorder", "record"]


class Watched(Protocol):
    """What is watched while the block runs."""

    assumed: list[str]

    def begin(self) -> None:
        """Watch from now on."""

    def end(self) -> None:
        """Let everything be called as it was before."""

    def made(self) -> tuple[dict[str, Array], dict[str, Any], str]:
        """Return arrays, operators by role, and what is to be said of them.

        Raises
        ------
        ValueError, TypeError
            If nothing was called, or what was does not go together.
        """


def record(
    path: str | os.PathLike[str], *operators: Any, contract: Mapping[str, Any] | None = None
) -> "Recorder":
    """Record one pass of a pipeline into a dump, for `refkernels diff` and `refkernels explain`.

    Parameters
    ----------
    path : path
        The ``.npz`` that is written when the block under `with` ends well.
    *operators : str, object, class, function or module
        What is recorded. The name of a package whose models or assigners are trained:
        ``"torchvision"``, ``"ultralytics"`` or ``"mmdet"``, with the chain that is meant after a
        colon where there are several (docs/diff.md). Or operators, or Gluon blocks or PyTorch
        modules that have operators inside them, or modules of such classes, which are known by
        the names of their classes; or functions that are `recorded`. By default the operators of
        refkernels and, if it is in use, of `refkernels.gluon`, and all functions that are
        `recorded`.
    contract : mapping of str to operator, optional
        The operators of refkernels that the recorded ones are to be held to, by place (``iou``,
        ``matcher``, ``sampler``, ``class_encoder``, ``box_encoder``). By default they are built
        with the parameters that the recorded ones have.

    Returns
    -------
    Recorder
        A context manager. The chain of one thread is recorded, of that which calls first; and of
        several calls at one place the first.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ImportError
        At the beginning of the block: if a package is not installed.
    ValueError
        If names of packages and operators are mixed, or a package or chain is unknown. At the end
        of the block: if nothing was called on arrays, an operator was given something else than
        what the one before it gave, or its parameters cannot be told.

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
    place, held = Path(path), dict(contract or {})
    if not place.parent.is_dir():
        raise FileNotFoundError(f"{place}: there is no folder {place.parent}")
    names = [own for own in operators if isinstance(own, str)]
    if names and len(names) < len(operators):
        raise ValueError(
            f"record: expected names of packages alone, or operators alone, got "
            f"{', '.join(map(repr, operators))}"
        )
    watched = PackageChains(names, held) if names else NamedOperators(operators, held)
    return Recorder(place, watched)


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

    def __init__(self, path: Path, watched: Watched) -> None:
        self._path, self._watched = path, watched

    @property
    def assumed(self) -> list[str]:
        """Parameters that an operator does not show."""
        return self._watched.assumed

    def __enter__(self) -> "Recorder":
        try:
            self._watched.begin()
        except BaseException:
            self._watched.end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watched.end()
        if kind is not None:
            return
        try:
            arrays, operators, about = self._watched.made()
            self.dump = replace(make_dump(str(self._path), arrays, operators), about=about)
        except (ValueError, TypeError) as problem:
            raise ValueError(f"{self._path} is not written: {problem}") from None
        self.dump.write(self._path)
