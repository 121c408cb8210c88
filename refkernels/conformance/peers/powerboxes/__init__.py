"""What of powerboxes 0.3 is which operator, and where it differs."""

from refkernels.conformance.peers.peer import Peer

__all__ = ["PEER"]

PEER = Peer("powerboxes", "0.3")
