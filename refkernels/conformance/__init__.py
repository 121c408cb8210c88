"""Hold implementations of the operators to the kernels, and the kernels to the definitions."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from refkernels.conformance.old_paths import OldPaths

if TYPE_CHECKING:
    from refkernels.conformance.assertion import assert_conforms
    from refkernels.conformance.model.divergence import Divergence, witness
    from refkernels.conformance.targets.offering import Offers, offers
    from refkernels.conformance.targets.representation import Representation

__all__ = ["Divergence", "Offers", "Representation", "assert_conforms", "offers", "witness"]

PLACES = {
    "assert_conforms": "assertion",
    "Divergence": "model.divergence",
    "Offers": "targets.offering",
    "Representation": "targets.representation",
    "offers": "targets.offering",
    "witness": "model.divergence",
}


sys.meta_path.append(OldPaths(__name__))


def __getattr__(name: str) -> Any:
    # Lazily: pytest loads the plugin of this package, and so this package, in every run.
    if name in PLACES:
        return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
