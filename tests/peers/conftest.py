"""Peers that no registry has are stood in for."""

from tests.peers.standing_in import stand_in

stand_in()
