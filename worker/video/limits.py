"""What a clip may cost. Headers lie, so everything here is checked while decoding."""

from dataclasses import dataclass

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Upper bounds; passing one ends the decode with its own error code."""

    max_bytes: int = 200 * _MIB
    """Size of the file."""
    max_pixels: int = 3840 * 2160
    """Width times height of a frame."""
    max_frames: int = 3000
    max_duration_s: float = 60.0
    max_decoded_bytes: int = 2048 * _MIB
    """All frames of a clip as RGB where they are held at once; all files of an archive."""
    window_bytes: int = 512 * _MIB
    """Frames as RGB that are held at a time: a longer clip is analysed in parts."""
    window_frames: int = 600
    max_decoder_bytes: int = 2048 * _MIB
    """Address space the decoder itself may take, enforced by the kernel on Linux."""
    timeout_s: float = 60.0
    """Wall clock of the whole decode, without what the decoder waits for the analysis."""
