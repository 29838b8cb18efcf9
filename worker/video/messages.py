"""What the decoder's process says, checked: it may have been taken over by what it decodes."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from worker.codes import ErrorCode
from worker.video.wire import Kind

_MOST_WORDS: Final = 2000
_ROW_PADDING: Final = 1024

Words = Annotated[str, Field(max_length=_MOST_WORDS)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=1 << 31)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Opened(_Message):
    """The file is open: frames follow."""

    kind: Literal[Kind.OPENED]
    frames_total: int | None
    rate: tuple[int, Annotated[int, Field(gt=0)]]
    ffmpeg: Annotated[str, Field(max_length=200)]


class ImageFacts(_Message):
    """See `worker.video.raw.RawImage`."""

    width: Annotated[int, Field(gt=0, lt=1 << 16)]
    height: Annotated[int, Field(gt=0, lt=1 << 16)]
    line_bytes: Count
    matrix: Annotated[tuple[int, ...], Field(min_length=9, max_length=9)] | None
    turned_degrees: Annotated[int, Field(ge=-360, le=360)]

    @property
    def is_sound(self) -> bool:
        """Whether rows are as long as their pixels."""
        return 3 * self.width <= self.line_bytes <= 3 * self.width + _ROW_PADDING


class Picture(_Message):
    """A frame, in the order in which frames decode; its pixels follow."""

    kind: Literal[Kind.PICTURE]
    pts_s: Finite | None
    image: ImageFacts | None


class Ended(_Message):
    """There are no more frames."""

    kind: Literal[Kind.ENDED]
    codec: Annotated[str, Field(max_length=100)]
    warnings: Annotated[tuple[Words, ...], Field(max_length=20)]


class Refused(_Message):
    """The clip cannot be used."""

    kind: Literal[Kind.REFUSED]
    code: ErrorCode
    detail: Words
    limit: Finite | None
    measured: Finite | None


class Broken(_Message):
    """A defect of the decoding code, or of the machine."""

    kind: Literal[Kind.BROKEN]
    is_machines: bool
    """Whether another try may meet a better machine; a defect of the code it would meet again."""
    traceback: Annotated[str, Field(max_length=10_000)]


Message = Opened | Picture | Ended | Refused | Broken
MESSAGES: Final[TypeAdapter[Message]] = TypeAdapter(Annotated[Message, Field(discriminator="kind")])
