"""How the decoder's process speaks: messages of JSON, each with bytes behind it where it has any.

JSON and not pickle, because a decoder that has been taken over may say whatever it likes.
"""

import json
import struct
from collections.abc import Mapping
from enum import StrEnum
from typing import BinaryIO, Final

LENGTHS: Final = struct.Struct("<II")
"""Of the JSON and of the bytes."""
MOST_JSON_BYTES: Final = 1 << 16


class Kind(StrEnum):
    """What a message tells."""

    OPENED = "opened"
    """The file is open: frames follow."""
    PICTURE = "picture"
    """A frame, its pixels behind it."""
    ENDED = "ended"
    """There are no more."""
    REFUSED = "refused"
    """The clip cannot be used, and why."""
    BROKEN = "broken"
    """A defect of this code, or of the machine."""


def send(
    pipe: BinaryIO, kind: Kind, facts: Mapping[str, object], pixels: memoryview | bytes = b""
) -> None:
    """Write a message. Waits where the reader has not kept up."""
    text = json.dumps({"kind": kind, **facts}).encode()
    pipe.write(LENGTHS.pack(len(text), len(pixels)))
    pipe.write(text)
    pipe.write(pixels)
    pipe.flush()
