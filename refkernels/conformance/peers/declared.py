"""Which packages have declared divergences, and what is declared of a target."""

from importlib import import_module

from refkernels.conformance.model.divergence import Divergence

__all__ = ["DECLARATIONS", "declared"]

# The file of each package whose divergences are declared.
DECLARATIONS = {"gluoncv": "refkernels.conformance.peers.gluoncv"}


def declared(target: str, operator: str) -> tuple[Divergence, ...]:
    """Return what is declared of an operator of a target, a module's import path."""
    package = target.partition(".")[0]
    if package not in DECLARATIONS:
        return ()
    divergences: tuple[Divergence, ...] = import_module(DECLARATIONS[package]).DIVERGENCES
    return tuple(divergence for divergence in divergences if divergence.operator == operator)
