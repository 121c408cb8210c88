"""What gluoncv 0.10.5 does otherwise than specified, found by ``refkernels check gluoncv.nn``.

Where a difference is one of arithmetic, its predicate does that arithmetic, step by step in the
dtype of the inputs, and compares what comes out with the kernel: so it covers no case in which the
difference does not show.

An id that was given once is not given again: GCV-053 to GCV-059 were never declared, and GCV-074
shows in no case without GCV-073, which tells of it.
"""

from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.peers.gluoncv import (
    bbox,
    box_coder,
    chain,
    class_coder,
    heat_map,
    matcher,
    ohem,
    predictor,
    quota,
    split,
)
from refkernels.conformance.peers.peer import Peer

__all__ = ["DIVERGENCES", "PEER"]

OPERATORS: tuple[Divergence, ...] = (
    *bbox.DIVERGENCES,
    *matcher.DIVERGENCES,
    *ohem.DIVERGENCES,
    *quota.DIVERGENCES,
    *box_coder.DIVERGENCES,
    *class_coder.DIVERGENCES,
    *heat_map.DIVERGENCES,
    *split.DIVERGENCES,
    *predictor.DIVERGENCES,
)

DIVERGENCES = (*OPERATORS, *chain.divergences(OPERATORS))

PEER = Peer("gluoncv", "0.10.5", modules=("gluoncv.nn", "gluoncv.data"), divergences=DIVERGENCES)
