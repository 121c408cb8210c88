"""Which parameters the cases of an operator may have: those of every sort, or what a target has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["FREE", "Parameters", "Untried"]


class Untried(Exception):
    """Something cannot be tried with the parameters that there are; the message says why."""


@dataclass(frozen=True)
class Parameters:
    """What an operator under test is built with.

    Parameters
    ----------
    fixed : mapping, optional
        All that it is built with, where that is settled: what is not in it has its default.
    offered : callable, optional
        Tells of a parameter's name whether the target has it; it has all of them by default. What
        it does not have keeps the operator's default.
    pinned : mapping
        Those among free ones at which the target stands.
    """

    fixed: Mapping[str, Any] | None = None
    offered: Callable[[str], bool] = lambda name: True
    pinned: Mapping[str, Any] = field(default_factory=dict)

    def options(self, free: SearchStrategy[dict[str, Any]]) -> SearchStrategy[dict[str, Any]]:
        """Return a strategy of configurations: `free`, as far as the parameters are."""
        from hypothesis import strategies as st

        if self.fixed is not None:
            return st.builds(dict, st.just(self.fixed))
        return free.map(self._offered)

    def may_set(self, name: str) -> bool:
        """Return whether a case may choose this parameter to go with its inputs."""
        return self.fixed is None and self.offered(name) and name not in self.pinned

    def allow(self, config: Mapping[str, Any]) -> bool:
        """Return whether a case has what is fixed, and what the target stands at."""
        if self.fixed is not None:
            return dict(config) == dict(self.fixed)
        return all(name in config and config[name] == own for name, own in self.pinned.items())

    def settled(self, config: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what a case of other parameters has with these, or None if it needs others."""
        if self.fixed is not None:
            return dict(self.fixed)
        return {**config, **self.pinned} if all(map(self.offered, config)) else None

    def of_law(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Return the configuration that a law is tried with: what is fixed, else what it wants.

        Raises
        ------
        Untried
            If the law wants a parameter that the target does not have.
        """
        if self.fixed is not None:
            return dict(self.fixed)
        missing = [name for name in wanted if not self.offered(name)]
        if missing:
            raise Untried(f"it needs {', '.join(missing)}")
        other = [k for k, value in self.pinned.items() if k in wanted and wanted[k] != value]
        if other:
            raise Untried(f"it needs another {', '.join(other)}")
        return {**wanted, **self.pinned}

    def _offered(self, config: dict[str, Any]) -> dict[str, Any]:
        own = {name: value for name, value in config.items() if self.offered(name)}
        return {**own, **self.pinned}


FREE = Parameters()
