"""Networks that see a clip as one picture of its motion, or two."""

from training.models.pictures.config import PictureConfig
from training.models.pictures.network import PictureNet

__all__ = ["PictureConfig", "PictureNet"]
