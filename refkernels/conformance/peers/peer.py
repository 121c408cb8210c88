"""What a peer is: a published package, what of it is which operator, and where it differs."""

from __future__ import annotations

from dataclasses import dataclass

from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.targets.bound import Binding

__all__ = ["Peer"]


@dataclass(frozen=True)
class Peer:
    """A published package that is held to the operators.

    Parameters
    ----------
    name : str
        The package's, as it is imported.
    version : str
        That the bindings and divergences were found with.
    bindings : tuple of Binding
        Which of its objects are which operators.
    modules : tuple of str
        Where it has operators by our names; such need no bindings.
    divergences : tuple of Divergence
        Where it differs, as was found.
    install : str
        What is written after ``pip install``, if that is not the name and the version.
    note : str
        What is to be known before its page is believed, in whole sentences.
    """

    name: str
    version: str
    bindings: tuple[Binding, ...] = ()
    modules: tuple[str, ...] = ()
    divergences: tuple[Divergence, ...] = ()
    install: str = ""
    note: str = ""
