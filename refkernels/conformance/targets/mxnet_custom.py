"""Custom operators of MXNet as blocks, so that they run in every mode that a block does."""

from collections.abc import Mapping
from functools import cache
from typing import Any

__all__ = ["custom_block"]


def custom_block(prop: Any, config: Mapping[str, Any]) -> Any:
    """Return a block that calls a custom operator, to which MXNet hands parameters as strings.

    Parameters
    ----------
    prop : class
        What describes the operator, a `mxnet.operator.CustomOpProp`.
    config : mapping
        The parameters.
    """
    from refkernels.gluon.compat import import_mxnet

    name = _registered(prop)

    class Block(import_mxnet().gluon.HybridBlock):  # type: ignore[misc]
        """Calls the custom operator with its parameters."""

        def hybrid_forward(self, F: Any, *inputs: Any) -> Any:
            """Return the operator's outputs."""
            return F.Custom(*inputs, op_type=name, **config)

    return Block()


@cache
def _registered(prop: Any) -> str:
    """Register an operator under a name of its own: another package may have its usual one."""
    from refkernels.gluon.compat import import_mxnet

    name = f"{prop.__module__}.{prop.__qualname__}"
    import_mxnet().operator.register(name)(prop)
    return name
