"""Packages by name: their models and assigners are watched, and the first chain is recorded."""

import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from refkernels.arrays import Array
from refkernels.explain.recording.images import Found, stacked
from refkernels.explain.recording.patches import Patches

__all__ = ["PACKAGES", "PackageChains", "Seen"]

# By package, what is installed by it.
PACKAGES = {
    "torchvision": "torchvision",
    "ultralytics": "ultralytics",
    "mmdet": "mmdet mmengine mmcv",
}


class Thread(threading.local):
    """What one thread has called of a package.

    Attributes
    ----------
    events : list
        Of each call that was noted, of what kind it is and what is to be known of it.
    pending : dict
        What the beginning of a chain leaves for its end.
    depth : int
        How many noted calls it is in.
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.pending: dict[str, Any] = {}
        self.depth = 0


class Seen:
    """What is seen of a package, by thread, and the chains that come of it.

    Attributes
    ----------
    wanted : str
        The chain to be recorded, or '' for the first.
    found : dict of str to Found or None
        By name, the chains that have been run; those that are not to be recorded have None.
    problems : list of str
        Why a chain could not be made out.
    is_over : bool
        Whether all that is to be recorded has been, so that calls need not be noted any more.
    """

    def __init__(self, wanted: str) -> None:
        self.wanted, self.problems, self.is_over = wanted, list[str](), False
        self.found: dict[str, Found | None] = {}
        self.lock = threading.RLock()
        self._thread = Thread()

    @property
    def pending(self) -> dict[str, Any]:
        """What the beginning of a chain leaves for its end, in this thread."""
        return self._thread.pending

    def noting(self, kind: str, note: Callable[..., Any]) -> Callable[..., Any]:
        """Return what calls something and notes what `note` makes of arguments and result.

        Of calls inside calls the outermost is noted. What must be looked at before, since it is
        written into, `note` says by a function that it returns, which is given the result.
        """
        own = self._thread

        def around(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            """Call it, and note the call if it is in no other."""
            if own.depth or self.is_over:
                return call(*args, **kwargs)
            told = self.tried(lambda: note(*args, **kwargs))
            own.depth += 1
            try:
                outputs = call(*args, **kwargs)
            finally:
                own.depth -= 1
            if told is not None:
                self.tried(lambda: own.events.append((kind, told(outputs))))
            return outputs

        return around

    def note(self, kind: str, what: Any) -> None:
        """Note something that is seen in this thread."""
        self._thread.events.append((kind, what))

    def take(self, kind: str) -> list[Any]:
        """Return what was noted of a kind in this thread since it was last asked for."""
        own = self._thread
        taken = [event for name, event in own.events if name == kind]
        own.events = [event for event in own.events if event[0] != kind]
        return taken

    def forget(self) -> None:
        """Forget what this thread has noted, as a chain begins."""
        self._thread.events.clear()

    def finish(self, name: str, make: Callable[[], Found], *, more: bool = False) -> None:
        """Take a chain that has ended, if it is the first of its name and to be recorded.

        `more` images of it may come.
        """
        with self.lock:
            first = name not in self.found
            if first:
                self.found[name] = None
            if first and (name == self.wanted or (not self.wanted and len(self.found) == 1)):
                self.found[name] = self.tried(make)
                self.is_over = not more
        self.forget()

    def tried(self, make: Callable[[], Any]) -> Any:
        """Return what a function returns, or None: no fault of watching may stop a training."""
        try:
            return make()
        except Exception as error:
            self.problems.append(f"{type(error).__name__}: {error}")
            return None


class PackageChains:
    """Chains of packages, watched.

    Parameters
    ----------
    names : sequence of str
        Packages, each with a chain after a colon, or none for the first that is run.
    contract : dict of str to operator
        What operators are held to, by role.

    Attributes
    ----------
    assumed : list of str
        Parameters that an operator does not show: none.
    """

    def __init__(self, names: Sequence[str], contract: dict[str, Any]) -> None:
        self.assumed: list[str] = []
        self._contract, self._patches = contract, Patches()
        self._seen: dict[str, tuple[Any, Seen]] = {}
        for name in names:
            package, _, wanted = name.partition(":")
            if package not in PACKAGES:
                raise ValueError(
                    f"record: unknown package {package!r}, expected {', '.join(PACKAGES)}"
                )
            watching = import_module(f"refkernels.explain.recording.{package}")
            chains = watching.CHAINS
            if wanted and wanted not in chains and not (not chains and wanted.isdecimal()):
                expected = ", ".join(chains) if chains else "the number of an assigner, from 1"
                raise ValueError(
                    f"record: unknown chain {wanted!r} of {package}, expected {expected}"
                )
            self._seen[package] = watching, Seen(wanted)

    def begin(self) -> None:
        """Watch from now on."""
        for package, (watching, seen) in self._seen.items():
            try:
                watching.watch(self._patches, seen)
            except ImportError as error:
                raise ImportError(
                    f"{package} cannot be imported: {error}; pip install {PACKAGES[package]}"
                ) from None

    def end(self) -> None:
        """Let everything be called as it was before."""
        self._patches.undo()

    def made(self) -> tuple[dict[str, Array], dict[str, Any], str]:
        """Return arrays, operators by role, and what is to be said of them."""
        for package, (watching, seen) in self._seen.items():
            for name, found in seen.found.items():
                if found is not None:
                    arrays = stacked(found)
                    about = "; ".join([*_told(package, watching, name, found, seen)])
                    return arrays, {**found.operators, **self._contract}, about
            if seen.problems:
                raise ValueError(
                    f"what {package} was seen to do is not understood: {seen.problems[0]}"
                )
        raise ValueError(self._nothing())

    def _nothing(self) -> str:
        told = []
        for package, (watching, seen) in self._seen.items():
            others = ", ".join(f'"{package}:{name}"' for name in seen.found)
            called = f"; only {others} was" if others else ""
            what = f"{seen.wanted} of it" if seen.wanted else watching.WATCHED
            told.append(f"nothing of {package} was called; watched was {what}{called}")
        return ", and ".join(told)


def _told(package: str, watching: Any, name: str, found: Found, seen: Seen) -> Iterator[str]:
    """Yield what is to be said of a recorded chain."""
    version = getattr(import_module(package), "__version__", "")
    yield f"{found.label} of {package} {version}".rstrip()
    others = [f'"{package}:{other}"' for other in seen.found if other != name]
    if others:
        were = "was" if len(others) == 1 else "were"
        yield f"{', '.join(others)} {were} called as well, and can be recorded by that name"
    yield from found.remarks
    if seen.problems:
        yield f"some of what it did is not understood: {seen.problems[0]}"
