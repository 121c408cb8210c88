"""What of kornia 0.9 is which operator, and where it differs."""

from refkernels.conformance.peers.peer import Peer

__all__ = ["PEER"]

PEER = Peer("kornia", "0.9")
