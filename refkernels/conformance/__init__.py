"""Hold implementations of the operators to the kernels, and the kernels to the definitions."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refkernels.conformance.assertion import assert_conforms

__all__ = ["assert_conforms"]


def __getattr__(name: str) -> Any:
    # Lazily: pytest loads the plugin of this package, and so this package, in every run.
    if name == "assert_conforms":
        from refkernels.conformance.assertion import assert_conforms

        return assert_conforms
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
