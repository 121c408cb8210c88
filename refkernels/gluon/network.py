"""Find networks for the feature blocks: by name, as a block or as a symbol, and cut them."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.symbol import Symbol

from refkernels.arrays import as_sequence, shown
from refkernels.gluon.quota_sampler import claim_name
from refkernels.legacy_numpy import numpy_for_mxnet
from refkernels.network.graph import nearest

__all__ = ["cut_network"]


def cut_network(
    network: Any,
    outputs: str | Sequence[str],
    inputs: str | Sequence[str | Symbol],
    pretrained: bool | str,
    ctx: Any,
    **kwargs: Any,
) -> tuple[list[Symbol], list[Symbol], Any]:
    """Return the inputs, the named internal outputs, and the parameters of a network.

    Parameters
    ----------
    network : str, HybridBlock or Symbol
    outputs : str or sequence of str
        Names of internals, without the network's own prefix or with it; ``_output`` may be left
        off.
    inputs : str, or sequence of str or Symbol
    pretrained : bool or str
        Whether a network that is given by name takes its parameters from a file on disk; a string
        is the beginning of the file's hash.
    ctx : Context
        Where those parameters go.
    **kwargs
        For the function that builds a network by name.

    Returns
    -------
    inputs, outputs : list of Symbol
    params : ParameterDict, or None for a Symbol
    """
    one = isinstance(inputs, (str, Symbol))
    given = [inputs] if one else as_sequence("inputs", inputs, "names or Symbols")
    variables = [mx.sym.var(item) if isinstance(item, str) else item for item in given]
    for item in variables:
        if not isinstance(item, Symbol):
            raise TypeError(f"inputs: expected names or Symbols, got {shown(item)}")
    if isinstance(network, str):
        network = _by_name(network, pretrained, ctx, kwargs)
    elif pretrained:
        raise ValueError(
            f"pretrained: expected False, since the network is a {type(network).__name__} with "
            f"parameters of its own; got {shown(pretrained)}"
        )
    prefix, params = "", None
    if isinstance(network, HybridBlock):
        prefix, params = network.prefix, network.collect_params()
        network = network(*variables)
        if isinstance(network, (list, tuple)):
            network = mx.sym.Group(list(network))
    if not isinstance(network, Symbol):
        raise TypeError(
            f"network: expected a name, a HybridBlock or a Symbol, got {type(network).__name__}"
        )
    one = isinstance(outputs, str)
    names = [outputs] if one else as_sequence("outputs", outputs, "names of internal outputs")
    if not names:
        raise ValueError("outputs: expected at least one name")
    internals = network.get_internals()
    return variables, [_internal(internals, prefix, name) for name in names], params


def _internal(internals: Symbol, prefix: str, name: Any) -> Symbol:
    if not isinstance(name, str):
        raise TypeError(f"outputs: expected names of internal outputs, got {shown(name)}")
    known = internals.list_outputs()
    for candidate in (f"{prefix}{name}_output", f"{prefix}{name}", f"{name}_output", name):
        if candidate in known:
            return internals[candidate]
    bare = [other.removeprefix(prefix) for other in known]
    raise ValueError(f"outputs: there is no internal output {name!r}; {nearest(name, bare)}")


def _by_name(name: str, pretrained: bool | str, ctx: Any, kwargs: dict[str, Any]) -> HybridBlock:
    """Build a network of gluoncv's model zoo, or if it is not there, of MXNet's own."""
    names: list[str] = []
    for get_model, known in _zoos():
        if name.lower() in known:
            network = get_model(name, pretrained=False, **_without_root(kwargs))
            if pretrained:
                root = kwargs.get("root", os.path.join(mx.base.data_dir(), "models"))
                network.load_parameters(str(_on_disk(name.lower(), pretrained, root)), ctx=ctx)
            return network
        names += known
    raise ValueError(f"network: there is no network {name!r}; {nearest(name, names)}")


def _zoos() -> Iterable[tuple[Any, Sequence[str]]]:
    with suppress(Exception):  # it is absent, or fails in one of many ways beside newer packages
        yield _gluoncv_zoo()
    from mxnet.gluon.model_zoo import vision

    try:
        vision.get_model("")
    except ValueError as error:  # which lists what there is
        yield vision.get_model, str(error).split("\n\t")[1:]


def _gluoncv_zoo() -> tuple[Any, Sequence[str]]:
    first = "gluoncv" not in sys.modules
    try:
        with numpy_for_mxnet():  # gluoncv looks up the same names as MXNet
            from gluoncv.model_zoo import get_model, get_model_list
    finally:
        if first:  # it registers an operator of its own, which nobody has asked for here
            claim_name()
    return get_model, list(get_model_list())


def _without_root(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name != "root"}


def _on_disk(name: str, pretrained: bool | str, root: str) -> Path:
    folder = Path(root).expanduser()
    form = re.compile(re.escape(name) + r"-[0-9a-f]{8}\.params")
    found = sorted(path for path in folder.glob("*.params") if form.fullmatch(path.name))
    if isinstance(pretrained, str):
        found = [path for path in found if path.stem.endswith(f"-{pretrained[:8]}")]
    if len(found) == 1:
        return found[0]
    tag = pretrained[:8] if isinstance(pretrained, str) else "????????"
    where = folder / f"{name}-{tag}.params"
    if found:
        raise ValueError(
            f"pretrained: several files are {where}: {', '.join(path.name for path in found)}; "
            "say which by the eight letters of its hash, such as "
            f"pretrained={found[0].stem[-8:]!r}"
        )
    raise FileNotFoundError(
        f"pretrained: there is no file {where}, and refkernels does not download; get it with "
        f"the model zoo's own get_model({name!r}, pretrained=True)"
    )
