"""What training changes, as one thing that can be saved and taken up again."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.recipe import Recipe
from worker.preprocess.spec import PREPROCESS

LAST: Final = "last.pt"
_GENTLE_UNTIL: Final = 0.1


@dataclass(frozen=True, slots=True)
class Run:
    """A network under training."""

    model: nn.Module
    average: AveragedModel
    """Its running mean, which is what is judged and kept."""
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LambdaLR
    scaler: torch.amp.GradScaler
    about: Mapping[str, object]
    """Everything that decides the outcome: whoever resumes must ask for the same."""

    @classmethod
    def start(
        cls,
        model: nn.Module,
        recipe: Recipe,
        steps: int,
        configuration: Mapping[str, object],
        carried: Sequence[str] = (),
    ) -> "Run":
        """A model on its device. `carried` names the parameters that were trained before."""
        old = [weight for name, weight in model.named_parameters() if name in set(carried)]
        new = [weight for name, weight in model.named_parameters() if name not in set(carried)]
        groups = [{"params": new}, *([{"params": old}] if old else [])]
        optimiser = torch.optim.AdamW(
            groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        rates = [
            lambda step: rate(step, steps, recipe),
            lambda step: rate(step, steps, recipe) * _gentleness(step, steps, recipe),
        ]
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rates[: len(groups)])
        average = AveragedModel(
            model, multi_avg_fn=get_ema_multi_avg_fn(recipe.average), use_buffers=True
        )
        device = next(model.parameters()).device.type
        scaler = torch.amp.GradScaler(
            device, enabled=recipe.precision == "float16" and device == "cuda"
        )
        about = {
            "recipe": asdict(recipe),
            "preprocess": PREPROCESS.digest(),
            "configuration": dict(configuration),
        }
        return cls(model, average, optimiser, schedule, scaler, about)

    def resume(self, file: Path) -> int:
        """Take up a checkpoint if there is one; the epoch to go on with.

        Raises ValueError where it was begun under another recipe, configuration or preprocessing.
        """
        if not file.exists():
            return 0
        state = torch.load(file, map_location="cpu", weights_only=True)
        if "configuration" in state or self.about["configuration"]:  # older ones do not say
            differing = [name for name, value in self.about.items() if state.get(name) != value]
            if differing:
                raise ValueError(f"{file} was begun with another {' and '.join(differing)}")
        self.model.load_state_dict(state["raw"])
        self.average.module.load_state_dict(state["model"])
        self.average.n_averaged.fill_(state.get("averaged", 1))
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        if state.get("scaler"):
            self.scaler.load_state_dict(state["scaler"])
        return int(state["epoch"]) + 1

    def save(self, file: Path, epoch: int) -> None:
        """Write whole, then rename: an interrupted run keeps the checkpoint before."""
        partial = file.with_suffix(".partial")
        state = {
            "model": self.average.module.state_dict(),
            "averaged": int(self.average.n_averaged),
            "raw": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "epoch": epoch,
            **self.about,
        }
        torch.save(state, partial)
        partial.replace(file)

    def step(self, loss: Tensor, clip_norm: float) -> None:
        """One optimiser step down the gradient of `loss`."""
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_norm_(self.model.parameters(), clip_norm)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.schedule.step()
        self.average.update_parameters(self.model)


def rate(step: int, steps: int, recipe: Recipe) -> float:
    """Linear warm-up, then cosine to a hundredth."""
    warm = max(1, round(recipe.warmup * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2


def _gentleness(step: int, steps: int, recipe: Recipe) -> float:
    return recipe.gentle if step < _GENTLE_UNTIL * steps else 1.0
