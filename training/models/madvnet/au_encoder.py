"""AU stream: AU tokens for attention, and an encoder with a layer-wise variational bottleneck."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.models.madvnet.config import MADVNetConfig
from worker.specs import AU_COUNT, AU_MAX, SIDES


class PlainLayer(nn.Module):
    """Linear and ReLU, nothing in between: the encoder without a bottleneck."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """[B, inputs] -> [B, outputs]."""
        hidden: Tensor = self.linear(features).relu()
        return hidden


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


class MeanLayer(nn.Module):
    """One layer of Eq. 8, where "only the mean value is optimized": v * mu, mu = sigmoid(share).

    The second term of the equation wants v back from what comes after it. With r = v itself a
    constant mu would minimise both, so r is decoded from `later`, as Eq. 6 has it.
    """

    def __init__(self, inputs: int, outputs: int, later: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.share = nn.Parameter(2 + 0.01 * torch.randn(outputs))
        self.decoder = nn.Linear(later, outputs)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """[B, inputs] -> the activations v and v * mu, both [B, outputs]."""
        hidden: Tensor = self.linear(features).relu()
        return hidden, hidden * self.share.sigmoid()

    def terms(self, hidden: Tensor, later: Tensor) -> tuple[Tensor, Tensor]:
        """|v * mu|^2 and half of |v - mu * r|^2 (Eq. 8), each [B], as means over the units."""
        mu = self.share.sigmoid()
        missed = hidden - mu * self.decoder(later)
        return (hidden * mu).square().mean(dim=1), missed.square().mean(dim=1) / 2


class AUOutput(NamedTuple):
    """tokens [B, K, D] (None where no level looks at AUs), code [B, F], logits [B, C].

    The rest goes into L_AU.

    compression: what beta weighs, scalar for VIB (Eq. 7) and [B] for Eq. 8; zero without either.
    reconstruction: the other half of Eq. 8 [B]; zero elsewhere.
    """

    tokens: Tensor | None
    code: Tensor
    logits: Tensor
    compression: Tensor
    reconstruction: Tensor


class AUEncoder(nn.Module):
    """delta-V over the clip to tokens, a code for the fusion, class logits and bottleneck terms."""

    def __init__(self, config: MADVNetConfig) -> None:
        super().__init__()
        course, hidden = config.frames * len(SIDES), config.au_hidden
        self.attended = config.reach("dot_product") >= 0
        if self.attended:
            self.unit = nn.Parameter(torch.randn(1, AU_COUNT, config.dims[-1]) * 0.02)
            self.course = nn.Linear(course, config.dims[-1])
        self.layers = nn.ModuleList(_layers(config, course * AU_COUNT))
        self.code = nn.Linear(hidden, config.fusion_dim)
        self.logits = nn.Linear(hidden, config.classes)

    def forward(self, action_units: Tensor) -> AUOutput:
        """FACS change [B, T, 2, K]."""
        share = action_units / AU_MAX
        per_unit = share.permute(0, 3, 1, 2).flatten(2)
        hidden, inner = per_unit.flatten(1), []
        for layer in self.layers:
            if isinstance(layer, MeanLayer):
                full, hidden = layer(hidden)
                inner.append((full, hidden))
            else:
                hidden = layer(hidden)
        logits = self.logits(hidden)
        tokens = self.unit + self.course(per_unit) if self.attended else None
        return AUOutput(tokens, self.code(hidden), logits, *self._bottleneck(inner, logits))

    def _bottleneck(
        self, inner: list[tuple[Tensor, Tensor]], logits: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Both terms summed over the layers (Eq. 12)."""
        none = logits.new_zeros(len(logits))
        divergences = [layer.kl() for layer in self.layers if isinstance(layer, BottleneckLayer)]
        if divergences:
            return torch.stack(divergences).sum(), none
        means = [layer for layer in self.layers if isinstance(layer, MeanLayer)]
        if not means:
            return none, none
        later = [*(narrow for _, narrow in inner[1:]), logits]
        compression, reconstruction = none, none
        for layer, (full, _), after in zip(means, inner, later, strict=True):
            cost, missed = layer.terms(full, after)
            compression, reconstruction = compression + cost, reconstruction + missed
        return compression, reconstruction


def _layers(config: MADVNetConfig, inputs: int) -> list[nn.Module]:
    hidden = config.au_hidden
    if config.bottleneck == "eq8":
        return [MeanLayer(inputs, hidden, hidden), MeanLayer(hidden, hidden, config.classes)]
    layer = BottleneckLayer if config.bottleneck == "vib" else PlainLayer
    return [layer(inputs, hidden), layer(hidden, hidden)]
