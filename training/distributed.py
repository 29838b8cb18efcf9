"""Who else trains along: one process, or those that `torchrun` started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, slots=True)
class Team:
    """This process among those of a run, and what it computes on."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    def here(cls) -> "Team":
        """The team of this process; alone unless inside `joined`."""
        rank, size = 0, 1
        if distributed.is_initialized():
            rank, size = distributed.get_rank(), distributed.get_world_size()
        if not torch.cuda.is_available():
            return cls(rank, size, torch.device("cpu"))
        return cls(rank, size, torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))))

    @property
    def leads(self) -> bool:
        """Whether this process logs, judges and saves."""
        return self.rank == 0

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The model on the device, its gradients averaged over the team."""
        model.to(self.device)
        if self.size == 1:
            return model
        if self.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        # Options of MADV-Net leave parameters without a gradient, withheld AUs for instance.
        return DistributedDataParallel(model, find_unused_parameters=True)

    def share(self, rows: Tensor) -> Tensor:
        """This process's part of a batch's rows [B], as many for each."""
        return rows[self.rank :: self.size]

    def mean(self, value: float) -> float:
        """The mean over the team."""
        if self.size == 1:
            return value
        total = torch.tensor(value, device=self.device)
        distributed.all_reduce(total)
        return float(total) / self.size

    @contextmanager
    def one_first(self) -> Iterator[None]:
        """Lets the leader go through the block before the others: it makes files they read."""
        if not self.leads:
            self.wait()
        yield
        if self.leads:
            self.wait()

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def joined() -> Iterator[Team]:
    """The team that `torchrun` tells of in the environment; without it, this process alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Team.here()
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        team = Team.here()
        if team.device.type == "cuda":
            torch.cuda.set_device(team.device)
        yield team
    finally:
        distributed.destroy_process_group()
