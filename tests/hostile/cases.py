"""One hostile upload: bytes made on demand, named for what they attack."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """`family/what` and how its bytes are made; the same bytes every time."""

    name: str
    make: Callable[[], bytes]
    fps: float | None = None
    """For archives of frames."""
    filename: str = "clip.mp4"
    is_heavy: bool = False
    """Whether it is too large, or takes too long, for the short form."""

    @property
    def family(self) -> str:
        """What kind of attack it is."""
        return self.name.partition("/")[0]
