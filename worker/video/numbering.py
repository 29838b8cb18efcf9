"""Which members of an archive are frames, and in which order: by the numbers in their names."""

import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import PurePosixPath
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipInfo

from worker.codes import ErrorCode
from worker.errors import ClipError

ARCHIVE_IMAGES: Final = (".png", ".jpg", ".jpeg", ".bmp")
"""Suffixes of frames, in either case."""
_BYSTANDERS: Final = {"thumbs.db", "desktop.ini"}
_BYSTANDING_FOLDER: Final = "__MACOSX"
_ENCRYPTED: Final = 0x1
_DIGITS: Final = re.compile(r"[0-9]+")
_MOST_DIGITS: Final = 15
_GAPS_NAMED: Final = 8


@dataclass(frozen=True, slots=True)
class Numbered:
    """A frame of an archive and the last number in its name."""

    number: int
    member: ZipInfo


def number_frames(members: Sequence[ZipInfo]) -> list[Numbered]:
    """The frames of an archive by rising number.

    Raises:
        ClipError: BAD_ARCHIVE where it holds anything else, NO_FRAMES where it holds nothing.
    """
    frames = [
        (path, member)
        for member in members
        if not _is_folder(member) and not _is_bystander(path := _path(member))
    ]
    for path, member in frames:
        _check(path, member)
    if not frames:
        raise ClipError(ErrorCode.NO_FRAMES, "the archive holds no frames")
    if len({path.parent for path, _ in frames}) > 1:
        raise ClipError(ErrorCode.BAD_ARCHIVE, "the archive holds frames in more than one folder")
    numbered = [Numbered(_number(path), member) for path, member in frames]
    numbered.sort(key=lambda frame: frame.number)
    for frame, following in pairwise(numbered):
        if frame.number == following.number:
            raise ClipError(
                ErrorCode.BAD_ARCHIVE, f"the archive holds frame {frame.number} more than once"
            )
    return numbered


def gap_warnings(numbers: Sequence[int]) -> tuple[str, ...]:
    """A sentence that names the numbers missing from a rising sequence, or nothing."""
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    if not missing:
        return ()
    named = list(islice(_gaps(numbers), _GAPS_NAMED + 1))
    more = ", …" * (len(named) > _GAPS_NAMED)
    return (f"{missing} frame numbers are missing: {', '.join(named[:_GAPS_NAMED])}{more}",)


def _gaps(numbers: Sequence[int]) -> Iterator[str]:
    for number, following in pairwise(numbers):
        first, last = number + 1, following - 1
        if first <= last:
            yield str(first) if first == last else f"{first}-{last}"


def _is_folder(member: ZipInfo) -> bool:
    return member.filename.endswith("/")  # `is_dir` fails where the name is empty


def _path(member: ZipInfo) -> PurePosixPath:
    """Nothing is ever written there; but a name that leads elsewhere was made to harm."""
    name = member.filename.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise ClipError(ErrorCode.BAD_ARCHIVE, "the archive holds a path that leads out of it")
    return path


def _is_bystander(path: PurePosixPath) -> bool:
    """Whether an operating system left it there."""
    return (
        _BYSTANDING_FOLDER in path.parts
        or any(part.startswith(".") for part in path.parts)
        or path.name.lower() in _BYSTANDERS
    )


def _check(path: PurePosixPath, member: ZipInfo) -> None:
    if path.suffix.lower() not in ARCHIVE_IMAGES or stat.S_ISLNK(member.external_attr >> 16):
        kinds = ", ".join(ARCHIVE_IMAGES)
        raise ClipError(
            ErrorCode.BAD_ARCHIVE, f"the archive holds something that is none of {kinds}"
        )
    if member.flag_bits & _ENCRYPTED:
        raise ClipError(ErrorCode.BAD_ARCHIVE, "the archive is encrypted")
    if member.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise ClipError(
            ErrorCode.BAD_ARCHIVE, "the archive is compressed otherwise than by deflate"
        )


def _number(path: PurePosixPath) -> int:
    numbers = _DIGITS.findall(path.stem)
    if not numbers:
        raise ClipError(ErrorCode.BAD_ARCHIVE, "the archive holds a frame without a number")
    if len(digits := numbers[-1].lstrip("0")) > _MOST_DIGITS:
        raise ClipError(ErrorCode.BAD_ARCHIVE, "the archive holds a frame with too long a number")
    return int(digits or "0")
