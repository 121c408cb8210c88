"""Import paths that programs pasted from earlier reports name, and where their names are now."""

from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["OLD", "OldPaths"]

# By a module that was directly in this package: those that have what it had.
OLD = {
    "adapters": ("targets.mxnet", "targets.numpy", "targets.torch", "targets.jax"),
    "case": ("model.case",),
    "divergence": ("model.divergence", "peers.opening"),
    "examine": ("engine.examine",),
    "mxnet_custom": ("targets.mxnet_custom",),
    "mxnet_graph": ("network.mxnet_graph",),
    "parameters": ("model.parameters",),
    "run": ("engine.run", "model.result"),
    "spec": ("model.operator", "model.case"),
    "strategies": ("cases.strategies",),
    "target": ("targets.target", "targets.subject", "targets.mxnet", "targets.adapter"),
}


class OldPaths(MetaPathFinder, Loader):
    """Finds the modules of `OLD`, which are empty but for a look elsewhere."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to make a module of an old name, or None for any other."""
        package, _, name = fullname.rpartition(".")
        return ModuleSpec(fullname, self) if package == self._package and name in OLD else None

    def exec_module(self, module: ModuleType) -> None:
        """Let a module take its names from where they are now."""
        places = OLD[module.__name__.rpartition(".")[2]]

        def find(name: str) -> Any:
            """Return what has this name, from the first of the places that has it."""
            if not name.startswith("__"):
                for place in places:
                    found = import_module(f"{self._package}.{place}")
                    if hasattr(found, name):
                        return getattr(found, name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        module.__getattr__ = find  # type: ignore[method-assign]
