"""Archives of numbered frames, as data sets are distributed, and as nobody should."""

import struct
import zipfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest

from worker.contract import ErrorCode, Failure
from worker.domain import Clip, Image
from worker.errors import ClipError
from worker.video.archive import open_archive
from worker.video.decode import decode
from worker.video.encode import write_clip
from worker.video.limits import DecodeLimits

COUNT = 12
FPS = 200.0
LIMITS = DecodeLimits()
SIZE = (96, 128)


def picture(index: int = 0, size: tuple[int, int] = SIZE) -> Image:
    """Red above, green that grows with time on the left, a white mark in the first corner."""
    image = np.zeros((*size, 3), np.uint8)
    image[: size[0] // 2, :, 0] = 200
    image[:, : size[1] // 2, 1] = 50 + 5 * index
    image[:16, :16] = 255
    return image


def encoded(image: Image, suffix: str, *options: int) -> bytes:
    done, content = cv2.imencode(suffix, image[..., ::-1], list(options))
    assert done
    return content.tobytes()


PNG = encoded(picture(), ".png")


def archive(path: Path, members: Iterable[tuple[str, bytes]], compression: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def numbered(pattern: str, numbers: Iterable[int] = range(1, COUNT + 1)) -> Iterator[tuple]:
    suffix = Path(pattern).suffix.lower()
    for index, number in enumerate(numbers):
        yield pattern.format(number), encoded(picture(index), suffix)


def read(path: Path, limits: DecodeLimits = LIMITS) -> Clip:
    return decode(path, limits, fps=FPS)


def failure(path: Path, limits: DecodeLimits = LIMITS) -> Failure:
    with pytest.raises(ClipError) as caught:
        read(path, limits)
    return caught.value.failure


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frames.zip"


@pytest.mark.parametrize(
    ("pattern", "codec"),
    [
        ("img{}.jpg", "jpeg"),
        ("{:03}.png", "png"),
        ("sub01/EP02_01f/reg_img{}.jpg", "jpeg"),
        ("006_1_2/006_1_2-{:05}.JPG", "jpeg"),
        ("s3/image{:06}.bmp", "bmp"),
        ("frame {} (2).jpeg", None),
        ("windows\\folder\\{}.png", "png"),
    ],
)
def test_frames_are_ordered_by_the_last_number(pattern: str, codec: str | None, path: Path) -> None:
    members = list(numbered(pattern))
    archive(path, [members[index] for index in np.random.default_rng(3).permutation(COUNT)])
    if codec is None:  # every frame would be number 2
        assert failure(path).code is ErrorCode.BAD_ARCHIVE
        return

    clip = read(path)

    assert (clip.container, clip.codec) == ("zip", codec)
    assert [frame.index for frame in clip.frames] == list(range(COUNT))
    assert [frame.pts_s for frame in clip.frames] == pytest.approx(np.arange(COUNT) / FPS)
    assert (clip.nominal_fps, clip.rotation, clip.warnings) == (FPS, 0, ())
    for index, image in enumerate(clip.images()):
        assert np.abs(image.astype(int) - picture(index)).mean() < (3 if codec == "jpeg" else 1e-9)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_gaps_in_the_numbering_are_gaps_in_time(compression: int, path: Path) -> None:
    archive(path, numbered("img{}.png", [7, 8, 10, 15]), compression=compression)

    clip = read(path)

    assert [frame.pts_s for frame in clip.frames] == pytest.approx([0, 1 / FPS, 3 / FPS, 8 / FPS])
    assert clip.warnings == ("5 frame numbers are missing: 9, 11-14",)


def test_of_many_gaps_the_first_are_named(path: Path) -> None:
    archive(path, numbered("{}.png", range(0, 40, 2)))
    assert read(path).warnings == ("19 frame numbers are missing: 1, 3, 5, 7, 9, 11, 13, 15, …",)


def test_what_operating_systems_leave_is_passed_over(path: Path) -> None:
    left = ["clip/", "__MACOSX/clip/._1.png", "clip/.DS_Store", "clip/Thumbs.db", ".git/x/1.png"]
    archive(path, [*((name, b"") for name in left), *numbered("clip/{}.png")])
    assert len(read(path).frames) == COUNT


def test_depth_of_colour_does_not_matter(path: Path) -> None:
    gray = picture()[..., 0]
    kinds = {
        "1.png": gray,
        "2.png": np.dstack([picture(), gray])[..., [2, 1, 0, 3]],
        "3.png": picture().astype(np.uint16) * 257,
        "4.jpg": gray,
        "5.bmp": gray,
    }
    archive(path, ((name, cv2.imencode(name, image)[1].tobytes()) for name, image in kinds.items()))

    clip = read(path)

    assert clip.codec == "bmp+jpeg+png"
    assert [frame.image is None for frame in clip.frames] == [False] * 5
    assert {image.shape for image in clip.images()} == {(*SIZE, 3)}


def test_frames_are_turned_as_a_camera_says(path: Path) -> None:
    quarter = struct.pack(">HHIHH", 0x112, 3, 1, 6, 0)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + quarter + b"\0\0\0\0"
    plain = encoded(picture(), ".jpg")
    marked = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    archive(path, [("1.jpg", marked), ("2.jpg", marked)])

    clip = read(path)

    assert clip.rotation == 90
    for image in clip.images():
        assert np.abs(image.astype(int) - np.rot90(picture(), -1)).mean() < 3


@pytest.mark.parametrize(
    "broken",
    [
        PNG[:-30],
        b"no picture",
        b"",
        encoded(picture(size=(64, 64)), ".png"),
        encoded(picture(), ".jpg")[:-300],
        encoded(picture(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)[:-300],
    ],
    ids=["cut png", "text", "nothing", "another size", "cut jpeg", "cut progressive jpeg"],
)
def test_a_frame_that_does_not_decode_keeps_its_row(broken: bytes, path: Path) -> None:
    archive(path, [*numbered("{}.png", range(5)), ("5.png", broken), ("6.png", PNG)])

    clip = read(path)

    assert [frame.image is None for frame in clip.frames] == [False] * 5 + [True, False]
    assert clip.frames[6].pts_s == pytest.approx(6 / FPS)
    assert clip.warnings == ("1 frames did not decode",)


@pytest.mark.parametrize(
    ("names", "code", "why"),
    [
        ([], ErrorCode.NO_FRAMES, "no frames"),
        (["a/"], ErrorCode.NO_FRAMES, "no frames"),
        (["1.png", "read me.txt"], ErrorCode.BAD_ARCHIVE, "none of"),
        (["1.png", "2.zip"], ErrorCode.BAD_ARCHIVE, "none of"),
        (["1.png", "2"], ErrorCode.BAD_ARCHIVE, "none of"),
        (["a/1.png", "b/2.png"], ErrorCode.BAD_ARCHIVE, "folder"),
        (["1.png", "a/2.png"], ErrorCode.BAD_ARCHIVE, "folder"),
        (["1.png", "001.png"], ErrorCode.BAD_ARCHIVE, "more than once"),
        (["1.png", "1.jpg"], ErrorCode.BAD_ARCHIVE, "more than once"),
        (["img.png"], ErrorCode.BAD_ARCHIVE, "without a number"),
        (["1234567890123456.png"], ErrorCode.BAD_ARCHIVE, "too long a number"),
        (["1" * 60000 + ".png"], ErrorCode.BAD_ARCHIVE, "too long a number"),
        (["../1.png"], ErrorCode.BAD_ARCHIVE, "out of it"),
        (["a/../../1.png"], ErrorCode.BAD_ARCHIVE, "out of it"),
        (["..\\1.png"], ErrorCode.BAD_ARCHIVE, "out of it"),
        (["/etc/1.png"], ErrorCode.BAD_ARCHIVE, "out of it"),
        (["C:\\1.png"], ErrorCode.BAD_ARCHIVE, "out of it"),
        (["../.hidden"], ErrorCode.BAD_ARCHIVE, "out of it"),
    ],
)
def test_what_is_no_archive_of_frames(
    names: list[str], code: ErrorCode, why: str, path: Path
) -> None:
    refused = failure(archive(path, [(name, PNG) for name in names]))

    assert refused.code is code
    assert why in refused.detail


def test_names_twice_are_frames_twice(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive(path, [("1.png", PNG), ("1.png", PNG)])
    assert failure(path).code is ErrorCode.BAD_ARCHIVE


def test_symbolic_links_are_not_followed(path: Path) -> None:
    link = zipfile.ZipInfo("1.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(link, "/etc/passwd")
    assert failure(path).code is ErrorCode.BAD_ARCHIVE


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(compression: int, path: Path) -> None:
    archive(path, numbered("{}.png"), compression=compression)
    assert failure(path).code is ErrorCode.BAD_ARCHIVE


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x20])
def test_encrypted_and_patched_members_are_refused(flags: int, path: Path) -> None:
    content = bytearray(archive(path, numbered("{}.png")).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + offset] |= flags
            at = content.find(signature, at + 4)
    path.write_bytes(content)
    assert failure(path).code is ErrorCode.BAD_ARCHIVE


def test_a_bomb_is_stopped_while_it_unpacks(path: Path) -> None:
    """A megabyte that becomes one gigabyte; what its header says is made small."""
    bomb = BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file, file.open("1.png", "w") as out:
        out.write(PNG)
        for _ in range(1024):
            out.write(bytes(1 << 20))
    honest = bomb.getvalue()
    path.write_bytes(honest)
    limits = DecodeLimits(max_pixels=1 << 20)

    refused = failure(path, limits)

    assert refused.code is ErrorCode.BAD_ARCHIVE
    assert refused.limit is not None
    assert refused.measured == refused.limit + 1
    size = struct.pack("<I", len(PNG) + (1 << 30))
    path.write_bytes(honest.replace(size, struct.pack("<I", len(PNG))))
    assert failure(path, limits).code is ErrorCode.DAMAGED_VIDEO


def test_many_small_bombs_are_counted_together(path: Path) -> None:
    padded = PNG + bytes(1 << 20)
    archive(path, ((f"{n}.png", padded) for n in range(30)), compression=zipfile.ZIP_DEFLATED)

    refused = failure(path, DecodeLimits(max_decoded_bytes=20 << 20))

    assert refused.code is ErrorCode.BAD_ARCHIVE
    assert refused.limit == 20 << 20


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (DecodeLimits(max_bytes=1000), ErrorCode.TOO_LARGE),
        (DecodeLimits(max_pixels=128 * 96 - 1), ErrorCode.TOO_MANY_PIXELS),
        (DecodeLimits(max_frames=COUNT - 1), ErrorCode.TOO_MANY_FRAMES),
        (DecodeLimits(max_duration_s=10.9 / FPS), ErrorCode.TOO_LONG),
        (DecodeLimits(max_decoded_bytes=COUNT * 128 * 96 * 3 - 1), ErrorCode.TOO_MANY_PIXELS),
        (DecodeLimits(timeout_s=1e-6), ErrorCode.DEADLINE_EXCEEDED),
    ],
)
def test_every_limit_is_enforced(limits: DecodeLimits, code: ErrorCode, path: Path) -> None:
    refused = failure(archive(path, numbered("{}.png")), limits)

    assert refused.code is code
    assert refused.limit is not None


def test_a_header_that_claims_gigabytes_costs_none(path: Path) -> None:
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 16, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    checked = struct.pack(">I", 13) + chunk + struct.pack(">I", zipfile.crc32(chunk))
    archive(path, [("1.png", PNG[:8] + checked + PNG[33:])])
    assert failure(path).code is ErrorCode.TOO_MANY_PIXELS


def test_an_archive_cut_short_is_damaged_wherever_it_ends(path: Path) -> None:
    content = archive(path, numbered("{}.png")).read_bytes()
    for end in [4, 10, 30, *(len(content) * part // 12 for part in range(1, 12)), len(content) - 1]:
        path.write_bytes(content[:end])
        assert failure(path).code is ErrorCode.DAMAGED_VIDEO, end


def test_a_changed_byte_of_a_frame_is_noticed(path: Path) -> None:
    content = bytearray(archive(path, numbered("{}.png")).read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    assert failure(path).code is ErrorCode.DAMAGED_VIDEO


def test_random_damage_is_a_failure_of_the_clip_or_none(path: Path) -> None:
    """In this process: a child that raised would only be seen to have died."""
    random = np.random.default_rng(11)
    content = archive(path, numbered("{}.png", range(4)), compression=8).read_bytes()
    directory = content.find(b"PK\x01\x02")
    for attempt in range(600):
        damaged = bytearray(content)
        first = directory if attempt % 2 else 4
        for offset in random.integers(first, len(content), random.integers(1, 6)):
            damaged[offset] = random.integers(256)
        path.write_bytes(damaged)
        try:
            limits = DecodeLimits(max_pixels=1 << 20)
            with path.open("rb") as stored, open_archive(stored, limits, FPS) as reader:
                list(reader.pictures())
        except ClipError:
            continue


def test_a_frame_without_a_name_is_refused(path: Path) -> None:
    named = archive(path, [("1.png", PNG)]).read_bytes()
    fields = bytearray(named.replace(b"1.png", b""))
    directory = fields.index(b"PK\x01\x02")
    fields[26] = fields[directory + 28] = 0
    ending = fields.index(b"PK\x05\x06")
    struct.pack_into("<II", fields, ending + 12, ending - directory, directory)
    path.write_bytes(fields)
    assert failure(path).code is ErrorCode.BAD_ARCHIVE


def test_an_archive_needs_a_rate(path: Path) -> None:
    archive(path, numbered("{}.png"))
    with pytest.raises(ClipError, match="fps") as caught:
        decode(path, LIMITS)
    assert caught.value.failure.code is ErrorCode.BAD_ARCHIVE


def test_a_video_keeps_its_own_rate(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, (picture(index) for index in range(COUNT)), Fraction(30))

    clip = decode(path, LIMITS, fps=FPS)

    assert [frame.pts_s for frame in clip.frames] == pytest.approx(np.arange(COUNT) / 30, abs=1e-4)
    assert clip.warnings == ("`fps` is for archives of frames: the times are the video's own",)


def test_decoding_tells_how_far_it_is(path: Path) -> None:
    heard: list[tuple[int, int | None]] = []
    archive(path, numbered("{}.png"))

    decode(path, LIMITS, fps=FPS, hear=heard.append)

    assert heard[0] == (1, COUNT)
    assert heard == sorted(heard)
