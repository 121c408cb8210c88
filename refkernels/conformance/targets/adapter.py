"""How operators of a framework are built and called, on NumPy arrays in and out: the interface.

An adapter imports its framework when it is made, and it is made only for a target that uses it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.targets.paste import Snippet

__all__ = ["Adapter", "Call", "TargetError"]

Call = Callable[..., tuple[Array, ...]]


class Adapter(Protocol):
    """How operators of one framework are called."""

    name: str

    def contexts(self) -> list[str]:
        """Return the devices there are, such as ``cpu(0)``."""

    def modes(self, operator: Any) -> list[str]:
        """Return the ways in which `operator`, a class or a built one, can be run."""

    def prepare(
        self, operator: Any, mode: str, context: str, run: Callable[..., Any] | None = None
    ) -> Call:
        """Return a function of NumPy arrays that runs a built operator in this mode and place.

        `run` calls it on the framework's arrays; by default it is called on them as they are. With
        a keyword `seed`, an integer, it seeds what the operator draws from. It raises
        `InputsChanged` if the operator writes to what it is given.
        """

    def draws_by_image(self, operator: Any) -> bool:
        """Return whether lots of `operator` are offered to depend on seed and place alone."""

    def owns_parameters(self, operator: Any) -> bool:
        """Return whether a built operator has its weights, and is not given them with each call."""

    def doing(self, case: Case, dtype: str) -> str:
        """Return what the framework itself does to numbers of a case, or "" if nothing.

        No target in it can be right on such a case, except by leaving the framework.
        """

    def written(self, array: Array, mode: str, context: str) -> str:
        """Return an expression of an array as the operator is given it, in this mode and place."""

    def shown(self, call: str, mode: str, context: str) -> str:
        """Return a line that prints what a call returns in this mode."""

    @property
    def imports(self) -> str:
        """The lines that such an expression needs."""

    def paste(self, snippet: Snippet, names: Sequence[str], mode: str, context: str) -> str:
        """Return Python that runs a case by itself; `names` are those of its inputs."""


class TargetError(Exception):
    """The target cannot be used: it does not import, or has none of the names."""
