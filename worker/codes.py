"""Codes of what can be wrong with a clip: a leaf that is loaded in no time.

The decoder runs in a process of its own for every clip, which should not have to load pydantic.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable codes of everything that can be wrong with a clip or befall its job."""

    EMPTY_FILE = "empty-file"
    TOO_LARGE = "too-large"
    NOT_A_VIDEO = "not-a-video"
    UNSUPPORTED_CODEC = "unsupported-codec"
    NO_VIDEO_STREAM = "no-video-stream"
    DAMAGED_VIDEO = "damaged-video"
    NO_FRAMES = "no-frames"
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    TOO_MANY_FRAMES = "too-many-frames"
    TOO_MANY_PIXELS = "too-many-pixels"
    BAD_ARCHIVE = "bad-archive"
    NO_FACE = "no-face"
    DEADLINE_EXCEEDED = "deadline-exceeded"
    INTERNAL = "internal"
