"""What must hold of an operator beyond single results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from refkernels.arrays import Array
from refkernels.conformance.model.parameters import FREE, Parameters

__all__ = ["Law"]


@dataclass(frozen=True)
class Law:
    """What must hold of an operator beyond single results: a distribution, an invariance.

    Parameters
    ----------
    name : str
        What it says, as a sentence without its full stop.
    holds : callable
        ``holds(run, parameters)`` returns what is wrong, or None; ``run(case)`` returns the
        outputs, and ``run(case, seed=0)`` what is drawn with this seed. All its cases have the
        configuration of the parameters, if they are fixed. It raises `Untried` where it has nothing
        to say of such parameters.
    of_batches : bool
        Whether it says that an image's lots do not depend on the rest of its batch, which is
        demanded only where it is offered.
    """

    name: str
    holds: Callable[[Callable[..., tuple[Array, ...]], Parameters], str | None]
    of_batches: bool = False

    def check(
        self, run: Callable[..., tuple[Array, ...]], parameters: Parameters = FREE
    ) -> str | None:
        """Return what is wrong, or None."""
        return self.holds(run, parameters)
