from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training import shards


@dataclass(frozen=True)
class Numbers:
    value: np.ndarray


def _count(split: str, missing: Sequence[tuple[int, Path]]) -> None:
    for number, file in missing:
        shards.save(Numbers(np.arange(10 * number, 10 * number + 10) + len(split)), file)


KIND = shards.Kind("numbers", 10, Numbers, _count)


def test_samples_come_in_order_however_the_shards_were_shared(tmp_path: Path) -> None:
    assert shards.load(KIND, tmp_path, "test", 25).value.tolist() == list(range(4, 29))
    assert len(list(tmp_path.glob("*.npz"))) == 3


def test_shards_that_are_there_are_not_made_again(tmp_path: Path) -> None:
    shards.save(Numbers(np.zeros(10, dtype=int)), tmp_path / "numbers-test-000.npz")
    values = shards.load(KIND, tmp_path, "test", 20).value
    assert values[:10].tolist() == [0] * 10
    assert values[10:].tolist() == list(range(14, 24))
