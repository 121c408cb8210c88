"""Print what a peer does otherwise as a page, ``docs/peers/PEER.md``.

The command is ``python -m tests.peers torchvision``, where that is installed. With ``--found``
it shows instead that the check finds each difference that is left undeclared.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from refkernels.conformance.cases import find
from refkernels.conformance.engine.run import Options, Result
from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.peers.opening import find_peer, open_target
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.process.supervisor import check
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.own_call import paste_call
from tests.peers.standing_in import stand_in

__all__ = ["binding_of", "look_for", "page"]

START = """# What {name} {version} does otherwise
{note}
`refkernels check {name}` found these differences between {name} {version} and [what every operator
means](../spec.md). Each is declared with the condition under which it shows and with a case that
shows it: outside of these conditions it must conform, and each case must still fail. With
`--strict` they are reported like any other failure.

None is only read off the code: left undeclared one at a time, each is found by `refkernels check`;
`python -m tests.peers {name} --found` shows how. *By whom* says whose word makes it a fault: that
of its documentation, of a paper, or only that of the specification here (SPEC), which is no more
than one reading where a package never promised otherwise.

This page is printed by `python -m tests.peers {name}`.
"""


def binding_of(peer: Peer, divergence: Divergence) -> Binding:
    """Return the binding whose object a divergence is of."""
    return next(
        binding
        for binding in peer.bindings
        if binding.operator == divergence.operator and divergence.place in ("", binding.place)
    )


def page(peer: Peer) -> str:
    """Return the page, in Markdown."""
    note = f"\n{peer.note}\n" if peer.note else ""
    lines = [START.format(name=peer.name, version=peer.version, note=note)]
    lines += ["## What is checked\n", "| object | operator | differences |\n|---|---|---|"]
    for binding in peer.bindings:
        own = [d.id for d in peer.divergences if binding_of(peer, d) is binding]
        place = binding.place.rpartition(":")[2]
        lines.append(f"| `{place}` | `{binding.operator}` | {', '.join(own) or 'none'} |")
    lines.append("")
    for divergence in peer.divergences:
        lines += _section(peer, divergence)
    return "\n".join(lines).rstrip() + "\n"


def _section(peer: Peer, divergence: Divergence) -> Iterator[str]:
    binding = binding_of(peer, divergence)
    name = binding.place.rpartition(":")[2]
    yield f"## {divergence.id}: {name}\n"
    yield f"{divergence.why[0].upper()}{divergence.why[1:]}.\n"
    yield f"By whom: {divergence.authority}.\n"
    target = open_target([peer.name]).of(binding.item)
    case = divergence.witness
    if np.dtype(divergence.dtype).kind in "iu":
        case = case.as_whole(divergence.dtype)
    cast = case.astype(np.dtype(divergence.dtype))
    if sum(array.size for array in cast.inputs.values()) > 200:
        yield f"Its case has {len(next(iter(cast.inputs.values())))} boxes.\n"
        return
    mode = (*divergence.modes, "call")[0]
    yield f"```python\n{paste_call(find(divergence.operator), target, cast, mode, 'cpu')}\n```\n"


def look_for(peer: Peer, divergence: Divergence, failures: Path) -> Result:
    """Return what the check finds where a divergence is not declared."""
    # It ends with the first that differs; some are met by one case in two hundred only.
    options = Options(400, dtypes=(divergence.dtype,), undeclared=(divergence.id,))
    item = binding_of(peer, divergence).item
    (result,) = check([peer.name], [item], options, failures=failures)
    return result


def _main() -> int:
    parser = argparse.ArgumentParser(description="Print what a peer does otherwise.")
    parser.add_argument("peer")
    parser.add_argument("--found", action="store_true", help="show that the check finds each")
    arguments = parser.parse_args()
    stand_in()
    peer = find_peer(arguments.peer)
    if peer is None or not peer.bindings:
        parser.error(f"{arguments.peer!r} is no peer with bindings")
    if not arguments.found:
        print(page(peer), end="")
        return 0
    missing = 0
    for divergence in peer.divergences:
        with tempfile.TemporaryDirectory() as folder:
            result = look_for(peer, divergence, Path(folder))
        how = result.dissents[0].origin if result.dissents else "NOT FOUND"
        missing += not result.dissents
        print(f"{divergence.id}  {divergence.operator:28} {how}", flush=True)
    print(f"{len(peer.divergences) - missing} of {len(peer.divergences)} found")
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(_main())
