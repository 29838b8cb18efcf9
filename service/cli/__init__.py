"""The `madv` command.

Exit codes: 0 done, 1 the clip was refused or failed (its code is shown) or the stack could not
run, 2 usage, 3 the service cannot be reached, 130 interrupted.
"""

from service.cli.commands import app, main

__all__ = ["app", "main"]
