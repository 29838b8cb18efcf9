"""Sound clips, of which hostile ones are made."""

import os
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np

from worker.demo.clip import demo_frames
from worker.domain import Image
from worker.process import call_in_child
from worker.video.encode import H264, Encoding, write_clip

FPS = Fraction(12)
RATE = 12.0
HEVC = Encoding("libx265", options={"x265-params": "log-level=none"})
AV1 = Encoding("libsvtav1", options={"svtav1-params": "lp=1"})
_ENCODE_S = 120.0


class Sources:
    """Clips of a face by container and codec, written once into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def faces(self) -> list[Image]:
        """A face, 256 x 256, seventeen frames."""
        return [np.ascontiguousarray(image[::2, ::2]) for image in islice(demo_frames(), 17)]

    @cached_property
    def mp4(self) -> bytes:
        """H.264; the index lies behind the frames."""
        return self.written("h264.mp4", self.faces)

    @cached_property
    def fast_mp4(self) -> bytes:
        """The same with its index in front."""
        path = self._folder / "fast.mp4"
        plain = self._folder / "plain.mp4"
        plain.write_bytes(self.mp4)
        with (
            av.open(str(plain)) as source,
            av.open(str(path), "w", options={"movflags": "faststart"}) as target,
        ):
            video = source.streams.video[0]
            stream = target.add_stream_from_template(video)
            for packet in source.demux(video):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
        return path.read_bytes()

    @cached_property
    def mov(self) -> bytes:
        """QuickTime."""
        return self.written("h264.mov", self.faces)

    @cached_property
    def hevc_mkv(self) -> bytes:
        """H.265 in Matroska."""
        return self.written("hevc.mkv", self.faces, HEVC)

    @cached_property
    def vp9_webm(self) -> bytes:
        """VP9."""
        return self.written("vp9.webm", self.faces, Encoding("libvpx-vp9"))

    @cached_property
    def vp8_webm(self) -> bytes:
        """VP8."""
        return self.written("vp8.webm", self.faces, Encoding("libvpx"))

    @cached_property
    def av1_mkv(self) -> bytes:
        """AV1."""
        return self.written("av1.mkv", self.faces, AV1)

    @cached_property
    def mpeg4_avi(self) -> bytes:
        """MPEG-4 part 2."""
        return self.written("mpeg4.avi", self.faces, Encoding("mpeg4"))

    @cached_property
    def mjpeg_avi(self) -> bytes:
        """JPEG after JPEG."""
        return self.written("mjpeg.avi", self.faces, Encoding("mjpeg", "yuvj420p"))

    @cached_property
    def real(self) -> dict[str, bytes]:
        """One of every accepted container and codec."""
        return {
            "mp4": self.mp4,
            "fast-mp4": self.fast_mp4,
            "mov": self.mov,
            "hevc-mkv": self.hevc_mkv,
            "vp9-webm": self.vp9_webm,
            "vp8-webm": self.vp8_webm,
            "av1-mkv": self.av1_mkv,
            "mpeg4-avi": self.mpeg4_avi,
            "mjpeg-avi": self.mjpeg_avi,
        }

    @cached_property
    def pngs(self) -> list[bytes]:
        """The face as pictures."""
        return [picture(image, ".png") for image in self.faces]

    def written(
        self,
        name: str,
        frames: Sequence[Image],
        encoding: Encoding = H264,
        pts_s: Sequence[float] | None = None,
    ) -> bytes:
        """Frames as a file. In a process of its own: SVT-AV1 makes the one it runs in real-time."""
        path = self._folder / name
        call_in_child(_ENCODE_S, _write, path, frames, encoding, pts_s)
        return path.read_bytes()

    def path(self, name: str) -> Path:
        """Where a file may be written."""
        return self._folder / name


def _write(
    path: Path, frames: Sequence[Image], encoding: Encoding, pts_s: Sequence[float] | None
) -> None:
    os.environ["SVT_LOG"] = "-1"  # it would write of itself to standard error
    write_clip(path, frames, FPS, encoding, pts_s)


def picture(image: Image, suffix: str) -> bytes:
    """An image as a file."""
    done, content = cv2.imencode(suffix, image[..., ::-1])
    if not done:
        raise ValueError(suffix)
    return bytes(content)


def flat(width: int, height: int, count: int = 4) -> list[Image]:
    """Frames without a face."""
    return [np.full((height, width, 3), 40 * index, np.uint8) for index in range(count)]
