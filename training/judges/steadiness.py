"""Depth of a face that does not move: whatever changes in it is the network's own."""

import numpy as np

from training.judges.depth import in_crop
from training.judges.judge import Report, Shown, rounded
from training.metrics import flicker
from training.served import ServedModels


class SteadinessJudge:
    """Every frame of the still portraits, under fresh noise and encoding."""

    def __init__(self, served: ServedModels) -> None:
        self._served = served
        self._flicker: list[float] = []

    def see(self, shown: Shown) -> None:
        """Estimate all frames of a still; other clips are passed over."""
        if shown.clip.kind != "still":
            return
        first = min(shown.clip.depth)
        row = int(np.searchsorted(shown.seen.used, first))
        _, face = in_crop(shown.clip.depth[first], shown.seen.placements[row])
        self._flicker.append(flicker(self._served.depth(shown.seen.crops)[:, 0], face))

    def report(self) -> Report:
        """Spread over time as a share of the relief: mean over clips, and the worst of them."""
        if not self._flicker:
            return {"stills": 0}
        return {
            "stills": len(self._flicker),
            "flicker_mean": rounded(np.mean(self._flicker)),
            "flicker_worst": rounded(np.max(self._flicker)),
        }
