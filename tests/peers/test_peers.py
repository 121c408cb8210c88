"""Every peer that is installed does what is specified, but for what is declared."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from refkernels.conformance.engine.run import Options
from refkernels.conformance.model.operator import INTEGERS
from refkernels.conformance.peers.opening import PEERS, find_peer
from refkernels.conformance.process.supervisor import check
from tests.peers.__main__ import binding_of, look_for, page

ROOT = Path(__file__).parents[2]

# As few cases as a gate has time for: `refkernels check PEER` tries more.
QUICK = Options(5, scope_seconds=1)

# What stands in for a package needs others.
STOOD_IN_WITH = {"detectron2": ("torch",)}

FOUND = [find_peer(name) for name in PEERS]
BOUND = [peer for peer in FOUND if peer.bindings]


def needs(peer):
    for name in (peer.name, *STOOD_IN_WITH.get(peer.name, ())):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("peer", BOUND, ids=lambda peer: peer.name)
def test_each_divergence_has_an_id_of_its_own_and_a_binding(peer):
    ids = [divergence.id for divergence in peer.divergences]
    assert len(set(ids)) == len(ids)
    for divergence in peer.divergences:
        assert binding_of(peer, divergence)
        whole = divergence.dtype in INTEGERS
        case = divergence.witness.as_whole(divergence.dtype) if whole else divergence.witness
        assert divergence.when(case.astype(np.dtype(divergence.dtype))), divergence.id


@pytest.mark.parametrize("peer", BOUND, ids=lambda peer: peer.name)
def test_each_binding_conforms_but_for_what_is_declared(peer, tmp_path):
    """All in one process, which imports what they need once."""
    needs(peer)
    if "CI" in os.environ and peer.name not in STOOD_IN_WITH:
        pytest.skip("make audit runs its check, which tries more")
    items = [binding.item for binding in peer.bindings]
    found = check([peer.name], items, QUICK, failures=tmp_path / "failures", time_limit=300)
    wrong = {
        result.item: (result.verdict, result.note, [own.paste for own in result.dissents])
        for result in found
        if result.verdict not in ("conforms", "known")
    }
    assert not wrong
    assert all(result.dtypes for result in found)


@pytest.mark.skipif("CI" in os.environ, reason="it takes minutes a peer; make peers runs it")
@pytest.mark.parametrize(
    ("peer", "divergence"),
    [(peer, divergence) for peer in BOUND for divergence in peer.divergences],
    ids=lambda own: getattr(own, "id", ""),
)
def test_each_divergence_is_found_again_where_it_is_not_declared(peer, divergence, tmp_path):
    needs(peer)
    result = look_for(peer, divergence, tmp_path / "failures")
    assert result.dissents, f"{divergence.id} is not found"


# What packages warn of when they are imported is their own.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("peer", BOUND, ids=lambda peer: peer.name)
def test_the_page_is_what_is_declared(peer):
    needs(peer)
    assert (ROOT / "docs" / "peers" / f"{peer.name}.md").read_text() == page(peer)
