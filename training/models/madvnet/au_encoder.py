"""AU stream: AU tokens for attention, and an encoder with a layer-wise variational bottleneck."""

import torch
from torch import Tensor, nn

from worker.specs import AU_COUNT, AU_MAX, CLIP_FRAMES, SIDES

_CODE = CLIP_FRAMES * len(SIDES)


class BottleneckLayer(nn.Module):
    """One VIB layer (Eq. 6-7, in the VIBNet parametrisation of Dai et al., 2018).

    Training multiplies activations by (mu + eps * sigma); serving uses mu and drops units whose
    noise exceeds their signal.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.mu = nn.Parameter(1 + 0.01 * torch.randn(outputs))
        self.log_variance = nn.Parameter(-9 + 0.01 * torch.randn(outputs))

    def forward(self, features: Tensor) -> Tensor:
        """[B, inputs] -> [B, outputs]."""
        hidden = self.linear(features).relu()
        if self.training:
            scale = self.mu + torch.randn_like(hidden) * (self.log_variance / 2).exp()
        else:
            kept = self.log_variance < (self.mu.square() + 1e-8).log()
            scale = self.mu * kept.to(self.mu.dtype)
        out: Tensor = hidden * scale
        return out

    def kl(self) -> Tensor:
        """Half the sum of log(1 + mu^2 / sigma^2)."""
        ratio = self.mu.square() / self.log_variance.exp()
        return torch.log1p(ratio).sum() / 2


class AUEncoder(nn.Module):
    """delta-V over the clip to tokens, a code for the fusion, class logits and the KL term."""

    def __init__(self, token_dim: int, hidden: int, code_dim: int, classes: int) -> None:
        super().__init__()
        self.unit = nn.Parameter(torch.randn(1, AU_COUNT, token_dim) * 0.02)
        self.course = nn.Linear(_CODE, token_dim)
        self.layers = nn.ModuleList(
            [BottleneckLayer(_CODE * AU_COUNT, hidden), BottleneckLayer(hidden, hidden)]
        )
        self.code = nn.Linear(hidden, code_dim)
        self.logits = nn.Linear(hidden, classes)

    def forward(self, action_units: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """FACS change [B, T, 2, K] -> tokens [B, K, D], code [B, F], logits [B, C]."""
        share = action_units / AU_MAX
        per_unit = share.permute(0, 3, 1, 2).flatten(2)
        hidden = per_unit.flatten(1)
        for layer in self.layers:
            hidden = layer(hidden)
        return self.unit + self.course(per_unit), self.code(hidden), self.logits(hidden)

    def kl(self) -> Tensor:
        """Sum over the layers (Eq. 12)."""
        return torch.stack(
            [layer.kl() for layer in self.layers if isinstance(layer, BottleneckLayer)]
        ).sum()
