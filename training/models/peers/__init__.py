"""Networks that MADV-Net is compared with: video in, class logits out, each of any width."""

from training.models.peers.config import PeerConfig
from training.models.peers.registry import PEERS, build_peer

__all__ = ["PEERS", "PeerConfig", "build_peer"]
