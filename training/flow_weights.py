"""MSJFN for flow pictures as it is shipped: taught by synthetic flow alone, one file a seed."""

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch

from training.flow_task import NETWORK
from training.models.msjfn import MSJFN, MSJFNConfig
from training.protocols.split import LeakError

FOLDER: Final = Path(__file__).parent / "weights" / "msjfn-flow"


class WeightsError(ValueError):
    """A file holds no weights of MSJFN for flow pictures."""


def file_of(folder: Path, seed: int) -> Path:
    """Where the weights of a seed lie."""
    return folder / f"seed-{seed}.pt"


def seeds_in(folder: Path) -> tuple[int, ...]:
    """Seeds whose weights lie in a folder, in order; raises WeightsError where there are none."""
    found = sorted(int(file.stem.removeprefix("seed-")) for file in folder.glob("seed-*.pt"))
    if not found:
        raise WeightsError(f"{folder} has no weights: python -m training.flow_zero_shot makes them")
    return tuple(found)


def save(network: MSJFN, file: Path, data: str, people: Collection[str] = ()) -> None:
    """Keep a network in half precision, with what it was taught by.

    `data` names the pictures, `people` whose real pictures were among them.
    """
    state = {name: value.half() for name, value in network.state_dict().items()}
    about = {"network": asdict(NETWORK), "data": data, "people": sorted(people)}
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state": state, "about": about}, file)


def load(file: Path, judged: Collection[str]) -> MSJFN:
    """A network to judge these people with.

    Raises LeakError where it was taught by pictures of one of them, WeightsError where the file is
    missing or something else.
    """
    if not file.is_file():
        raise WeightsError(f"{file} is missing: python -m training.flow_zero_shot makes it")
    kept = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(kept, dict) or kept.keys() != {"state", "about"}:
        raise WeightsError(f"{file} holds no weights of MSJFN for flow pictures")
    if shared := sorted(set(kept["about"]["people"]) & set(judged)):
        raise LeakError(f"{file} was taught by pictures of {', '.join(shared)}, who are judged")
    network = MSJFN(MSJFNConfig(**kept["about"]["network"]))
    network.load_state_dict({name: _whole(value) for name, value in kept["state"].items()})
    return network.eval()


def _whole(value: torch.Tensor) -> torch.Tensor:
    return value.float()
