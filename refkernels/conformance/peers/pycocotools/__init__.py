"""What of pycocotools 2.0 is which operator, and where it differs."""

from refkernels.conformance.peers.peer import Peer

__all__ = ["PEER"]

PEER = Peer("pycocotools", "2.0")
