"""Pre-train, then fine-tune: weights taken over from another training, heads made anew."""

from pathlib import Path
from typing import Final

import torch
from torch import nn

HEADS: Final = (
    *("classifier.", "au_encoder.logits.", "au_encoder.layers.1.decoder.", "band_heads."),
    *(f"heads.{level}.logits." for level in range(3)),
    *("body.head.", "body.body.classifier."),
)
"""What tells classes apart, in MADV-Net and in the peers."""


def take_over(network: nn.Module, checkpoint: Path) -> list[str]:
    """Load the weights that fit by name and shape, but for heads; names of their parameters.

    Heads stay as initialised, also where the number of classes is the same: they may be others.
    Checkpoints of masked pre-training hold the network under `network.`. Raises ValueError where
    nothing fits.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["model"]
    inner = {name.removeprefix("network."): value for name, value in state.items()}
    own = network.state_dict()
    fitting = {
        name: value
        for name, value in inner.items()
        if name in own and own[name].shape == value.shape and not name.startswith(HEADS)
    }
    carried = [name for name, _ in network.named_parameters() if name in fitting]
    if not carried:
        raise ValueError(f"{checkpoint} has no weights for this network")
    network.load_state_dict(fitting, strict=False)
    return carried
