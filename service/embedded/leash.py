"""`python -m service.embedded.leash SIGNAL PARENT COMMAND...`: a command that dies with its parent.

Asks the kernel to send SIGNAL when the parent thread ends, however it ends, then becomes COMMAND.
A process of its own, because Python code between fork and exec is unsafe beside threads.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Put on the leash, become the command."""
    signal_number, parent, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal_number))
        if os.getppid() != int(parent):
            sys.exit("the parent is gone")
    os.execvp(command[0], command)  # noqa: S606  # becoming the command is the point


if __name__ == "__main__":
    main(sys.argv[1:])
