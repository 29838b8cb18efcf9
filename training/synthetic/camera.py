"""What a camera and a codec do to a picture: light, blur, noise, compression."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from worker.specs import CROP_SIZE

Gray = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_LEAST_BLUR_PX = 0.2
_COMPRESSED_SHARE = 0.8
_SHARPENED_SHARE = 0.3
_MIDDLE = np.float32(0.45)
_NOISE_SIDE: Final = 1 << 10


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
    light: tuple[float, float] = (0.0, 0.0)
    """Slope of skin that faces the light; x right, y down; 0, 0 is the studio's."""
    contrast: float = 1.0
    """About a middling gray, before the sensor clips."""
    sharpening: float = 0.0
    """Strength of the unsharp mask that phones apply."""

    def shoot(self, picture: Floats, rng: np.random.Generator) -> Gray:
        """The crop, gray uint8 [S, S], that comes from a rendered picture f32 [P, P], 0..255."""
        size = round(CROP_SIZE * self.resolution)
        lit = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
        if self.blur_px > _LEAST_BLUR_PX:
            lit = cv2.GaussianBlur(lit, (0, 0), self.blur_px * self.resolution)
        seen = self.expose(lit.astype(np.float32, copy=False), rng)
        if self.quality:
            _, data = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            seen = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(np.uint8, copy=False)
        how = cv2.INTER_AREA if self.resolution > 1 else cv2.INTER_LINEAR
        return cv2.resize(seen, (CROP_SIZE, CROP_SIZE), interpolation=how).astype(
            np.uint8, copy=False
        )

    def expose(self, picture: Floats, rng: np.random.Generator) -> Gray:
        """Light, tone curve and sensor noise on a picture f32 [h, w] or [h, w, 3]."""
        height, width = picture.shape[:2]
        across = np.linspace(-1, 1, width, dtype=np.float32) * np.float32(self.gradient[0])
        down = np.linspace(-1, 1, height, dtype=np.float32) * np.float32(self.gradient[1])
        gain = self.gain * (1 + self.flicker * rng.standard_normal()) / 255
        light = np.float32(gain) * (1 + across[None, :] + down[:, None])
        lit = picture * (light if picture.ndim == light.ndim else light[..., None])
        lit = _MIDDLE + np.float32(self.contrast) * (lit - _MIDDLE)
        if self.sharpening:
            lit += np.float32(self.sharpening) * (lit - cv2.blur(lit, (3, 3)))
        np.clip(lit, 0, 1, out=lit)
        lit = np.float32(255) * cv2.pow(lit, self.gamma)
        lit += np.float32(self.noise) * _noise(picture.shape, rng)
        return np.asarray(np.clip(lit, 0, 255), dtype=np.uint8)


def draw_camera(rng: np.random.Generator) -> Camera:
    """Conditions between a laboratory camera and a compressed phone video."""
    return Camera(
        gain=float(rng.uniform(0.7, 1.3)),
        gamma=float(np.exp(rng.normal(0, 0.2))),
        gradient=(float(rng.normal(0, 0.2)), float(rng.normal(0, 0.12))),
        blur_px=float(rng.uniform(0, 0.75)),
        noise=float(rng.uniform(0.5, 5.0)),
        flicker=float(rng.uniform(0, 0.02)),
        quality=int(rng.integers(45, 97)) if rng.random() < _COMPRESSED_SHARE else 0,
        resolution=float(rng.uniform(0.8, 2.0)),
        light=(float(rng.normal(0, 0.45)), float(rng.normal(-0.2, 0.3))),
        contrast=float(np.exp(rng.normal(0.2, 0.25))),
        sharpening=float(rng.uniform(0, 1.2)) if rng.random() < _SHARPENED_SHARE else 0.0,
    )


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Standard normal f32 of this shape: a random stretch of a long strip, for speed."""
    count = int(np.prod(shape))
    strip = _strip()
    if count > len(strip) // 2:
        return rng.standard_normal(shape, dtype=np.float32)
    start = int(rng.integers(len(strip) - count))
    return strip[start : start + count].reshape(shape)


@cache
def _strip() -> Floats:
    return np.random.default_rng(0).standard_normal(_NOISE_SIDE * _NOISE_SIDE, dtype=np.float32)
