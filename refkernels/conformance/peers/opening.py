"""Find what a check is asked for: a module, a peer, or bindings; and what is declared of it."""

import shlex
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.targets.bound import Binding, Bindings
from refkernels.conformance.targets.representation import RepresentationError
from refkernels.conformance.targets.target import Target

__all__ = [
    "PEERS",
    "bindings_of",
    "declared",
    "find_peer",
    "installed_version",
    "module_of",
    "of_other_version",
    "open_target",
    "why_absent",
]

# Where each peer is, by the name of its package: a folder beside this file.
PEERS = {
    found.name: f"{__package__}.{found.name}"
    for found in iter_modules([str(Path(__file__).parent)])
    if found.ispkg
}


def find_peer(package: str) -> Peer | None:
    """Return the peer of this name, or None; the package itself is not imported."""
    if package not in PEERS:
        return None
    peer: Peer = import_module(PEERS[package]).PEER
    return peer


def bindings_of(specs: Sequence[str]) -> list[tuple[str, Binding]]:
    """Return the bindings that a check is asked for, with what opens each again.

    Parameters
    ----------
    specs : sequence of str
        A module's import path or a peer's name, and bindings (`Binding.parse`), as many as there
        are. Of a module there are none: its operators have our names.

    Raises
    ------
    RepresentationError
        If it is neither; the message says what is expected.
    """
    found = []
    for place, spec in enumerate(specs):
        if place > 0 and "=" not in spec and ":" not in spec:
            raise RepresentationError(
                f"{spec!r}: several targets are bindings (module:name=Operator, such as "
                "my.detector:box_iou=BBoxBatchIOU); a module or package beside others comes first, "
                "or is checked by a command of its own"
            )
        if "=" in spec or place > 0:
            found.append((spec, Binding.parse(spec)))
        elif (peer := find_peer(spec)) is not None:
            found += [(peer.name, binding) for binding in peer.bindings]
    items = [binding.item for _, binding in found]
    twice = [item for item in items if items.count(item) > 1]
    if twice:
        raise RepresentationError(f"{twice[0]} is there twice")
    return found


def open_target(specs: Sequence[str]) -> Target:
    """Return the target that a check is asked for (`bindings_of` says how).

    Raises
    ------
    TargetError
        If a module does not import.
    """
    bindings, module = bindings_of(specs), module_of(specs)
    target = None
    if module:
        peer = find_peer(module)
        target = Target(module, () if peer is None else peer.modules)
    if target is not None and not bindings:
        return target
    return Bindings(" ".join(specs), bindings, target)


def module_of(specs: Sequence[str]) -> str:
    """Return the module whose operators have our names, or "" if there is none."""
    first = specs[0]
    peer = find_peer(first)
    return "" if "=" in first or (peer is not None and peer.bindings) else first


def declared(target: str, operator: str, place: str = "", spec: str = "") -> tuple[Divergence, ...]:
    """Return what is declared of an operator of a target, a module's import path.

    Of an object that has a place of its own in the bindings of its package, what is declared of
    others is left out. What opened it may be a peer by name, which binds objects of other packages
    too.
    """
    peer = find_peer(spec) or _peer_of(target)
    if peer is None:
        return ()
    return tuple(
        divergence
        for divergence in peer.divergences
        if divergence.operator == operator and divergence.place in ("", place)
    )


def _peer_of(module: str, spec: str = "") -> Peer | None:
    """Return the peer that a module is of; the calls of one, which are here, are of it too.

    What opened it may be a peer by name, which binds objects of other packages too.
    """
    return find_peer(spec) or find_peer(module.removeprefix(f"{__package__}.").partition(".")[0])


def of_other_version(module: str, spec: str = "") -> str:
    """Return what is worth knowing if a peer is installed in another version than was looked at.

    It is "" if it is in that one, or if the module is of no peer, and `spec` opened none.
    """
    peer = _peer_of(module, spec)
    if peer is None:
        return ""
    installed = installed_version(peer)
    if not installed or f"{installed}.".startswith(f"{peer.version}."):
        return ""
    return f"{peer.name} {installed} is installed, and its bindings are of {peer.version}"


def installed_version(peer: Peer) -> str:
    """Return the version of a peer as its metadata tell, or "" if there are none."""
    try:
        return version(peer.name)
    except PackageNotFoundError:
        return ""


def why_absent(module: str) -> str:
    """Return what to do if a module is of a peer that is not installed, or "" if it is."""
    peer = _peer_of(module)
    if peer is None or find_spec(peer.name) is not None:
        return ""
    wanted = peer.install or shlex.quote(f"{peer.name}=={peer.version}.*")
    return f"{peer.name} is not installed; install it with: pip install {wanted}"
