"""What of mmdet 3.3 is which operator, and where it differs."""

from refkernels.conformance.peers.peer import Peer

__all__ = ["PEER"]

PEER = Peer("mmdet", "3.3", install="mmdet mmengine mmcv")
