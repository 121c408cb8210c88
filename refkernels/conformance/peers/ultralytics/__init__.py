"""What of ultralytics 8.4 is which operator, and where it differs."""

from refkernels.conformance.peers.peer import Peer

__all__ = ["PEER"]

PEER = Peer("ultralytics", "8.4")
