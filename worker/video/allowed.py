"""What may touch a stranger's bytes: of FFmpeg's hundreds of demuxers and decoders, these alone."""

from collections.abc import Mapping
from typing import Final

CODECS: Final = ("h264", "hevc", "vp8", "vp9", "av1", "mjpeg", "mpeg4")
"""By the names users know."""
DECODERS: Final = ("h264", "hevc", "vp8", "vp9", "libdav1d", "mjpeg", "mpeg4")
"""What FFmpeg calls the decoders of these."""
PICTURE_DECODERS: Final[Mapping[str, str]] = {"jpeg": "mjpeg", "png": "png", "bmp": "bmp"}
"""Of frames in an archive, by kind of picture."""
DEMUXERS: Final = ("mov", "matroska", "avi")

CONTAINER_OPTIONS: Final[Mapping[str, str]] = {
    # Without it FFmpeg opens a decoder for every stream, wanted or not, to learn about it.
    "codec_whitelist": ",".join(DECODERS),
    # By any of the names a demuxer has: a container that holds another container ends there.
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi",
    # Bytes come from a file that is open already; whatever a clip refers to is not followed.
    "protocol_whitelist": "none",
    "max_streams": "32",
}
"""FFmpeg enforces these itself, wherever in it a name turns up."""
