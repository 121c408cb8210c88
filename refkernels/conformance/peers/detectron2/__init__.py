"""What of detectron2 0.6 is which operator, and where it differs."""

from refkernels.conformance.peers.peer import Peer

__all__ = ["PEER"]

PEER = Peer("detectron2", "0.6", install="git+https://github.com/facebookresearch/detectron2")
