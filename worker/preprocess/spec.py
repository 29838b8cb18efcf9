"""The preprocessing as data: frozen, JSON, hashed into the model repository."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Final

from worker.specs import AU_NAMES, CLIP_FRAMES, CROP_SIZE, LABELS


@dataclass(frozen=True, slots=True)
class PreprocessSpec:
    """How frames become crops and crops become a clip.

    The template is where the five landmarks go in the crop (pixels). Eyes are 40 px apart, so the
    crop is 2.8 eye distances wide: from above the brows to the chin. `face_shape` is the digest of
    the maps that registration goes by.
    """

    crop_size: int = CROP_SIZE
    colour: str = "RGB"
    interpolation: str = "area-aware bilinear"
    template: tuple[tuple[float, float], ...] = (
        (36.0, 35.0),
        (76.0, 35.0),
        (56.0, 58.0),
        (39.2, 74.7),
        (72.8, 74.7),
    )
    registration: str = "rigid motion to an anchor frame, relief of the average face"
    face_shape: str = "sha256:da78285ada40eb12221a0966bf8ad95521d52b1624058f027a5a18382146ddc0"
    clip_frames: int = CLIP_FRAMES
    sampling: str = "nearest frame, evenly spaced in time from onset to offset"
    au_reference: str = (
        "one frame: the most usual or least active of the trace, the onset of an event"
    )
    labels: tuple[str, ...] = LABELS
    action_units: tuple[str, ...] = AU_NAMES

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """`sha256:` and the hex digest of the canonical JSON."""
        return "sha256:" + hashlib.sha256(self.to_json().encode()).hexdigest()


PREPROCESS: Final = PreprocessSpec()
