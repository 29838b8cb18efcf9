"""Redis answers in bytes; its types say text or bytes."""


def text(value: object) -> str:
    """What Redis answered, as text."""
    return value.decode() if isinstance(value, bytes) else str(value)
