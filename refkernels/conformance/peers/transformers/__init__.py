"""What of transformers 5.24 is which operator, and where it differs."""

from refkernels.conformance.peers.peer import Peer

__all__ = ["PEER"]

PEER = Peer("transformers", "5.24")
