"""How clips are compressed: as phones and players do it, or frame by frame as laboratories do."""

from typing import Final

import numpy as np

from worker.video.encode import Encoding

_H264_FACTORS: Final = (15, 18, 21, 24, 27)
"""Constant rate factors of H.264, from clean to visibly compressed."""
_JPEG_SHARE: Final = 0.3
_JPEG_QUANTISERS: Final = (2, 3, 5, 7, 10)
"""Of Motion JPEG, from the best there is to about JPEG quality 60."""


def draw_encoding(rng: np.random.Generator) -> Encoding:
    """Codec and quality of one clip.

    H.264 carries what hardly moves over from frame to frame, so that small motion arrives late and
    diminished; JPEG knows one frame at a time.
    """
    quality = int(rng.integers(len(_H264_FACTORS)))
    if rng.random() < _JPEG_SHARE:
        quantiser = str(_JPEG_QUANTISERS[quality])
        options = {"qmin": quantiser, "qmax": quantiser}
        return Encoding("mjpeg", pixel_format="yuvj420p", options=options)
    return Encoding(options={"crf": str(_H264_FACTORS[quality]), "preset": "veryfast"})
