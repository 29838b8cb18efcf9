"""What a camera and a codec do to a picture: light, blur, noise, compression."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from worker.specs import CROP_SIZE

_LEAST_BLUR_PX = 0.2
_COMPRESSED_SHARE = 0.8

Gray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Camera:
    """Conditions of one clip; every frame adds its own noise and flicker."""

    gain: float
    gamma: float
    gradient: tuple[float, float]
    blur_px: float
    noise: float
    """Standard deviation in gray levels."""
    flicker: float
    quality: int
    """JPEG quality, standing for any block codec; 0 is none."""
    resolution: float
    """Pixels of the camera's picture per crop pixel."""

    def shoot(self, picture: npt.NDArray[np.float32], rng: np.random.Generator) -> Gray:
        """The crop, gray uint8 [S, S], that comes from a rendered picture f32 [P, P], 0..255."""
        size = round(CROP_SIZE * self.resolution)
        lit = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
        if self.blur_px > _LEAST_BLUR_PX:
            lit = cv2.GaussianBlur(lit, (0, 0), self.blur_px * self.resolution)
        axis = np.linspace(-1, 1, size, dtype=np.float32)
        light = 1 + self.gradient[0] * axis[None, :] + self.gradient[1] * axis[:, None]
        gain = self.gain * (1 + self.flicker * rng.standard_normal())
        lit = 255 * np.clip(lit / 255 * gain * light, 0, 1) ** self.gamma
        lit = lit + self.noise * rng.standard_normal(lit.shape, dtype=np.float32)
        seen = np.clip(lit, 0, 255).astype(np.uint8)
        if self.quality:
            _, data = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            seen = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(np.uint8, copy=False)
        how = cv2.INTER_AREA if self.resolution > 1 else cv2.INTER_LINEAR
        return cv2.resize(seen, (CROP_SIZE, CROP_SIZE), interpolation=how).astype(
            np.uint8, copy=False
        )


def draw_camera(rng: np.random.Generator) -> Camera:
    """Conditions between a laboratory camera and a compressed phone video."""
    return Camera(
        gain=float(rng.uniform(0.6, 1.25)),
        gamma=float(np.exp(rng.normal(0, 0.2))),
        gradient=(float(rng.normal(0, 0.2)), float(rng.normal(0, 0.12))),
        blur_px=float(rng.uniform(0, 0.9)),
        noise=float(rng.uniform(0.5, 5.0)),
        flicker=float(rng.uniform(0, 0.02)),
        quality=int(rng.integers(45, 97)) if rng.random() < _COMPRESSED_SHARE else 0,
        resolution=float(rng.uniform(0.8, 2.0)),
    )
