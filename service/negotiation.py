"""Choosing a media type by the Accept header (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence


def best_of(accept: str, offered: Sequence[str]) -> str | None:
    """The offered type the caller likes best, ties to the first; None where none will do."""
    ranges = [_parse(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    ranked = [(_quality(media_type, ranges), media_type) for media_type in offered]
    quality, media_type = max(ranked, key=lambda choice: choice[0])
    return media_type if quality > 0 else None


def _parse(part: str) -> tuple[str, float]:
    """Media range and its quality; a quality that is no number counts as 0."""
    media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media_range, _number(value)
    return media_range, 1.0


def _number(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The quality of the most specific range that covers the type."""
    main_type = media_type.partition("/")[0]
    for pattern in (media_type, f"{main_type}/*", "*/*"):
        qualities = [quality for media_range, quality in ranges if media_range == pattern]
        if qualities:
            return max(qualities)
    return 0.0
