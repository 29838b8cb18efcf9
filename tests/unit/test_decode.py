"""Clips written by `worker.video.encode` and read back, whole and broken."""

import os
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from worker.contract import ErrorCode, Failure
from worker.domain import Image
from worker.errors import ClipError
from worker.video.decode import decode
from worker.video.encode import H264, Encoding, write_clip
from worker.video.failures import CODES, OURS, clip_error
from worker.video.limits import DecodeLimits

COUNT = 20
FPS = Fraction(30)
LIMITS = DecodeLimits()
ENCODINGS = {
    "clip.mp4": H264,
    "clip.mov": H264,
    "hevc.mkv": Encoding("libx265", options={"x265-params": "log-level=none"}),
    "av1.mkv": Encoding("libsvtav1", options={"svtav1-params": "lp=1"}),
    "vp9.webm": Encoding("libvpx-vp9"),
    "vp8.webm": Encoding("libvpx"),
    "mpeg4.avi": Encoding("mpeg4"),
    "mjpeg.avi": Encoding("mjpeg", "yuvj420p"),
}
CODEC_NAMES = {
    "libx264": "h264",
    "libx265": "hevc",
    "libsvtav1": "av1",
    "libvpx-vp9": "vp9",
    "libvpx": "vp8",
}


def frames(count: int = COUNT, height: int = 96, width: int = 128) -> Iterator[Image]:
    """Red above, green that grows with time on the left, a white mark in the first corner."""
    for index in range(count):
        image = np.zeros((height, width, 3), np.uint8)
        image[: height // 2, :, 0] = 200
        image[:, : width // 2, 1] = 50 + 5 * index
        image[:16, :16] = 255
        yield image


def failure(path: Path, limits: DecodeLimits = LIMITS) -> Failure:
    with pytest.raises(ClipError) as caught:
        decode(path, limits)
    return caught.value.failure


@pytest.fixture
def _own_priority() -> Iterator[None]:
    """SVT-AV1 makes a process of root real-time for good, which starves all that come after."""
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    os.sched_setscheduler(0, policy, parameter)


@pytest.fixture
def clip_path(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    write_clip(path, frames(), FPS)
    return path


@pytest.mark.usefixtures("_own_priority")
@pytest.mark.parametrize("name", ENCODINGS)
def test_every_accepted_container_and_codec(name: str, tmp_path: Path) -> None:
    encoding = ENCODINGS[name]
    write_clip(tmp_path / name, frames(), FPS, encoding)

    clip = decode(tmp_path / name, LIMITS)

    assert clip.container == Path(name).suffix[1:]
    assert clip.codec == CODEC_NAMES.get(encoding.codec, encoding.codec)
    assert [frame.index for frame in clip.frames] == list(range(COUNT))
    # Matroska rounds to milliseconds.
    assert [frame.pts_s for frame in clip.frames] == pytest.approx(
        [index / 30 for index in range(COUNT)], abs=1e-3
    )
    assert clip.warnings == ()
    for decoded, written in zip(clip.images(), frames(), strict=True):
        assert np.abs(decoded.astype(int) - written).mean() < 8


def test_frames_are_upright_whatever_the_display_matrix(tmp_path: Path) -> None:
    written = next(frames())
    for rotation in (0, 90, 180, 270):
        for is_mirrored in (False, True):
            path = tmp_path / f"{rotation}{is_mirrored}.mp4"
            encoding = Encoding(rotation=rotation, is_mirrored=is_mirrored, options={"crf": "10"})
            write_clip(path, frames(), FPS, encoding)
            upright = np.rot90(written, -rotation // 90)
            expected = upright[:, ::-1] if is_mirrored else upright

            clip = decode(path, LIMITS)

            image = next(clip.images())
            assert clip.rotation == rotation
            assert image.shape == expected.shape
            assert np.abs(image.astype(int) - expected).mean() < 8


def test_times_are_those_of_the_stream(tmp_path: Path) -> None:
    pts_s = [index / 30 + (0.015 if index % 3 == 0 else 0.0) for index in range(COUNT)]
    write_clip(tmp_path / "vfr.mp4", frames(), FPS, pts_s=pts_s)

    clip = decode(tmp_path / "vfr.mp4", LIMITS)

    assert [frame.pts_s for frame in clip.frames] == pytest.approx(pts_s, abs=1e-4)


def test_frames_outlive_the_decode_and_cannot_be_written(clip_path: Path) -> None:
    image = decode(clip_path, LIMITS).frames[-1].image

    assert image is not None
    assert image[40, 10, 1] > 100
    with pytest.raises(ValueError, match="read-only"):
        image[0, 0] = 0


def test_a_frame_that_does_not_decode_keeps_its_row(clip_path: Path) -> None:
    with av.open(str(clip_path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][7]
        position, size = packet.pos, packet.size
    assert position is not None
    content = bytearray(clip_path.read_bytes())
    for offset in range(position + 4, position + size):
        content[offset] ^= 0xFF
    clip_path.write_bytes(content)

    clip = decode(clip_path, LIMITS)

    assert len(clip.frames) == COUNT
    assert [frame.index for frame in clip.frames if frame.image is None] == [7]
    assert clip.frames[7].pts_s == pytest.approx(7 / 30, abs=1e-4)
    assert clip.warnings == ("1 frames did not decode",)


@pytest.mark.parametrize("name", ["clip.mp4", "vp9.webm", "hevc.mkv", "mpeg4.avi"])
def test_a_truncated_file_is_damaged_wherever_it_ends(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write_clip(path, frames(), FPS, ENCODINGS[name])
    content = path.read_bytes()
    ends = [16, 24, 32, 48, 64, 406, *(len(content) * part // 12 for part in range(1, 12))]

    for end in [*ends, len(content) - 1]:
        path.write_bytes(content[:end])
        assert failure(path).code is ErrorCode.DAMAGED_VIDEO, end


def test_random_damage_is_survived(clip_path: Path) -> None:
    random = np.random.default_rng(5)
    content = clip_path.read_bytes()
    for _ in range(30):
        damaged = bytearray(content)
        for offset in random.integers(8, len(content), 20):
            damaged[offset] = random.integers(256)
        clip_path.write_bytes(damaged)
        try:
            decode(clip_path, LIMITS)
        except ClipError:
            continue


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", ErrorCode.EMPTY_FILE),
        (b"no video at all\n" * 99, ErrorCode.NOT_A_VIDEO),
        (b"\0" * 4096, ErrorCode.NOT_A_VIDEO),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", ErrorCode.NOT_A_VIDEO),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", ErrorCode.DAMAGED_VIDEO),
        (b"\x1aE\xdf\xa3\x84B\x82\x81w", ErrorCode.DAMAGED_VIDEO),
        (b"RIFF\xff\xff\xff\x7fAVI LIST", ErrorCode.DAMAGED_VIDEO),
    ],
)
def test_what_is_no_video(content: bytes, code: ErrorCode, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    assert failure(path).code is code


def test_audio_and_cover_art_are_no_video(tmp_path: Path) -> None:
    for name in ("audio.mp4", "cover.mp4"):
        with av.open(str(tmp_path / name), "w") as container:
            audio = container.add_stream("aac", rate=16000)
            if name == "cover.mp4":
                _add_cover(container)
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            silence.rate = 16000
            container.mux([*audio.encode(silence), *audio.encode(None)])

        assert failure(tmp_path / name).code is ErrorCode.NO_VIDEO_STREAM


def _add_cover(container: av.container.OutputContainer) -> None:
    cover = container.add_stream("mjpeg", rate=1)
    cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
    cover.disposition = Disposition.attached_pic
    picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
    picture.pts = 0
    container.mux([*cover.encode(picture), *cover.encode(None)])


def test_a_stream_without_frames(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "none.avi"), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.start_encoding()

    assert failure(tmp_path / "none.avi").code is ErrorCode.NO_FRAMES


def test_a_codec_off_the_list_is_refused(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mkv", frames(), FPS, Encoding("ffv1"))

    refused = failure(tmp_path / "clip.mkv")

    assert refused.code is ErrorCode.UNSUPPORTED_CODEC
    assert "ffv1" in refused.detail


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (DecodeLimits(max_bytes=1000), ErrorCode.TOO_LARGE),
        (DecodeLimits(max_pixels=128 * 96 - 1), ErrorCode.TOO_MANY_PIXELS),
        (DecodeLimits(max_frames=COUNT - 1), ErrorCode.TOO_MANY_FRAMES),
        (DecodeLimits(max_duration_s=0.6), ErrorCode.TOO_LONG),
        (DecodeLimits(max_decoded_bytes=COUNT * 128 * 96 * 3 - 1), ErrorCode.TOO_MANY_PIXELS),
    ],
)
def test_every_limit_is_enforced(clip_path: Path, limits: DecodeLimits, code: ErrorCode) -> None:
    refused = failure(clip_path, limits)

    assert refused.code is code
    assert refused.limit is not None


def test_a_clip_at_every_limit_passes(clip_path: Path) -> None:
    limits = DecodeLimits(
        max_bytes=clip_path.stat().st_size,
        max_pixels=128 * 96,
        max_frames=COUNT,
        max_duration_s=19.1 / 30,
        max_decoded_bytes=COUNT * 128 * 96 * 3,
    )

    assert len(decode(clip_path, limits).frames) == COUNT


def test_decoding_ends_at_its_time_out(clip_path: Path) -> None:
    assert failure(clip_path, DecodeLimits(timeout_s=1e-6)).code is ErrorCode.DEADLINE_EXCEEDED


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files as only Linux shows them")
def test_nothing_is_left_open(clip_path: Path) -> None:
    decode(clip_path, LIMITS)
    before = len(list(Path("/proc/self/fd").iterdir()))

    decode(clip_path, LIMITS)
    failure(clip_path, DecodeLimits(max_frames=1))

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_every_error_of_ffmpeg_is_either_the_clips_or_ours() -> None:
    known = (*CODES, *OURS)

    assert [kind for kind in av.error.classes.values() if not issubclass(kind, known)] == []
    for kind, code in CODES.items():
        mapped = clip_error(kind(1, "why"))
        assert mapped is not None
        assert mapped.failure.code is code
    assert clip_error(av.error.PermissionError(13, "why")) is None
