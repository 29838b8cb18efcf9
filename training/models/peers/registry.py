"""All peers, by the name a configuration asks for; some are made of classes of `transformers`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from torch import Tensor, nn

from training.models.blocks import Luma, per_clip_standard
from training.models.peers.c3d import C3D
from training.models.peers.config import PeerConfig
from training.models.peers.video_resnet import VideoResNet


def _recurrent(config: PeerConfig, *, cell: type[nn.LSTM] | type[nn.GRU]) -> nn.Module:
    from training.models.peers.frame_by_frame import Recurrent  # noqa: PLC0415  # an extra

    return Recurrent(config, cell=cell)


def _former_dfer(config: PeerConfig) -> nn.Module:
    from training.models.peers.former_dfer import FormerDFER  # noqa: PLC0415  # an extra

    return FormerDFER(config)


def _video_mae(config: PeerConfig) -> nn.Module:
    from training.models.peers.video_mae import VideoMAE  # noqa: PLC0415  # an extra

    return VideoMAE(config)


PEERS: Final[Mapping[str, Callable[[PeerConfig], nn.Module]]] = {
    "c3d": C3D,
    "r2plus1d-18": partial(VideoResNet, factorised=True),
    "resnet3d-18": partial(VideoResNet, factorised=False),
    "resnet18-lstm": partial(_recurrent, cell=nn.LSTM),
    "resnet18-gru": partial(_recurrent, cell=nn.GRU),
    "former-dfer": _former_dfer,
    "videomae": _video_mae,
}


class Peer(nn.Module):
    """A network of texture alone, fed and asked like MADV-Net: depth and AUs go unread."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.luma = Luma()
        self.body = body

    def forward(self, crops: Tensor, depth: Tensor | None, action_units: Tensor | None) -> Tensor:
        """uint8 crops [B, T, C, S, S] to logits [B, classes]."""
        del depth, action_units
        logits: Tensor = self.body(per_clip_standard(self.luma(crops)).transpose(1, 2))
        return logits


def build_peer(config: PeerConfig) -> Peer:
    """A peer, untrained. Raises ValueError for an unknown name."""
    if config.peer not in PEERS:
        raise ValueError(f"no peer {config.peer!r}; there are: {', '.join(PEERS)}")
    return Peer(PEERS[config.peer](config))
