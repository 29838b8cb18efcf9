"""Pictures of motion to logits, fed and asked like the networks that see clips."""

from torch import Tensor, nn

from training.models.pictures.affectivenet import AffectiveNet
from training.models.pictures.afn import AFN
from training.models.pictures.config import PictureConfig
from training.models.pictures.learnet import LEARNet


class PictureNet(nn.Module):
    """Depth and AUs go unread."""

    def __init__(self, config: PictureConfig) -> None:
        super().__init__()
        self.config = config
        self.body = _body(config)

    def forward(
        self, pictures: Tensor, depth: Tensor | None = None, action_units: Tensor | None = None
    ) -> Tensor:
        """uint8 pictures [B, P, C, S, S] to logits [B, classes].

        Each picture gets zero mean and unit spread: where on the scale of bytes no motion lies
        depends on the darkest and the brightest pixel.
        """
        del depth, action_units
        values = pictures.float()
        centred = values - values.mean(dim=(2, 3, 4), keepdim=True)
        spread = centred.square().mean(dim=(2, 3, 4), keepdim=True).sqrt()
        logits: Tensor = self.body(centred / (spread + 1))
        return logits


def _body(config: PictureConfig) -> nn.Module:
    given = config.channels, config.side, config.classes
    match config.kind:
        case "learnet":
            return LEARNet(*given)
        case "affectivenet":
            return AffectiveNet(*given)
        case "afn":
            return AFN(*given, config.fusion)
