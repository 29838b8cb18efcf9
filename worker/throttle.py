"""How often something may be said."""

import time


class Throttle:
    """Lets one call through per interval, the first at once."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._due_s = time.monotonic()

    def is_due(self) -> bool:
        """Whether the interval since the last True has passed; if so, the next one begins."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return False
        self._due_s = now_s + self._interval_s
        return True
