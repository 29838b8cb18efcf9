"""Onset-to-apex flow of real clips as prepared for MEGC 2019: pictures, classes, people.

For judging and for folds whose networks are thrown away: no shipped network learns from it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from training.datasets.clip import ClipRow, DatasetName
from training.datasets.emotions import Coarse
from training.metrics import Labels
from training.protocols.sample import Sample
from training.protocols.split import LeakError, Pool, Step, StepKind

CLASSES: Final[tuple[Coarse, ...]] = ("negative", "positive", "surprise")
"""In the order of the label numbers."""
SIDE: Final = 28
_NAMES: Final = {"smic": DatasetName.SMIC_HS}
"""Short names of data sets in such files."""

Pictures = npt.NDArray[np.uint8]
Names = npt.NDArray[np.str_]


class FlowSetError(ValueError):
    """A file does not have the form of a flow set."""


@dataclass(frozen=True, slots=True)
class FlowSet:
    """N flow pictures; see `worker.preprocess.optical_flow.flow_image`."""

    flow: Pictures
    """uint8 [N, 28, 28, 3]: u, v, strain, each stretched by itself"""
    label: Labels
    """int64 [N] into `CLASSES`"""
    subject: Names
    """str [N], `people:id`"""
    dataset: Names
    """str [N]"""

    def __post_init__(self) -> None:
        count = len(self.flow)
        if self.flow.dtype != np.uint8 or self.flow.shape[1:] != (SIDE, SIDE, 3):
            raise FlowSetError(f"flow is {self.flow.dtype} {self.flow.shape}, not u8 [N,28,28,3]")
        for name in ("label", "subject", "dataset"):
            if getattr(self, name).shape != (count,):
                raise FlowSetError(f"{name} is {getattr(self, name).shape} for {count} pictures")
        if not count or not set(self.label.tolist()) <= set(range(len(CLASSES))):
            raise FlowSetError(f"labels are {sorted(set(self.label.tolist()))}, not 0, 1, 2")

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read an `.npz`; raises FlowSetError where it has another form."""
        with np.load(file) as arrays:
            missing = sorted(set(cls.__slots__) - set(arrays.files))
            if missing:
                raise FlowSetError(f"{file} has no {', '.join(missing)}")
            return cls(
                arrays["flow"],
                arrays["label"].astype(np.int64),
                arrays["subject"].astype(np.str_),
                arrays["dataset"].astype(np.str_),
            )

    def of(self, dataset: str) -> npt.NDArray[np.bool_]:
        """Which rows are of one data set."""
        return np.asarray(self.dataset == dataset)

    def pool(self) -> Pool:
        """The samples of the protocols, in the order of the rows.

        Raises LeakError where one picture is there twice: its copies could lie on both sides.
        """
        _refuse_copies(self.flow)
        samples = tuple(self._sample(row) for row in range(len(self.flow)))
        return Pool(samples, (Step(StepKind.PER_CLIP, "flow stretched clip by clip"),))

    def _sample(self, row: int) -> Sample:
        dataset = str(self.dataset[row])
        label = CLASSES[int(self.label[row])]
        clip = ClipRow(
            dataset=_NAMES.get(dataset) or DatasetName(dataset),
            subject=str(self.subject[row]),
            clip_id=f"{self.subject[row]}/{row}",
            path=None,
            frames=0,
            fps=None,
            onset=None,
            apex=None,
            offset=None,
            emotion=label,
            coarse=label,
        )
        return Sample(clip, label)


def row_of(sample: Sample) -> int:
    """The row of a sample in the set that its pool came from."""
    return int(sample.clip.clip_id.rpartition("/")[2])


def _refuse_copies(pictures: Pictures) -> None:
    _, first, counts = np.unique(
        pictures.reshape(len(pictures), -1), axis=0, return_index=True, return_counts=True
    )
    if (counts > 1).any():
        raise LeakError(f"picture {int(first[counts > 1][0])} is there more than once")
