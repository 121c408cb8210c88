"""What of keras_hub 0.32 is which operator, and where it differs."""

from refkernels.conformance.peers.peer import Peer

__all__ = ["PEER"]

PEER = Peer("keras_hub", "0.32", install="keras-hub")
