"""`python confine.py PROFILE COMMAND...`: a command under a seccomp profile, as Docker applies it.

Docker hands a profile to libseccomp, and so does this.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyseccomp

_COMPARISONS = {"SCMP_CMP_EQ": pyseccomp.EQ, "SCMP_CMP_MASKED_EQ": pyseccomp.MASKED_EQ}


def confine(profile: dict[str, Any]) -> None:
    """Put this process, and all that come of it, under a profile."""
    if profile["defaultAction"] != "SCMP_ACT_ERRNO":
        raise ValueError(f"not known here: {profile['defaultAction']}")
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(profile["defaultErrnoRet"]))
    for rule in profile["syscalls"]:
        conditions = [_condition(argument) for argument in rule.get("args", ())]
        for name in rule["names"]:
            _allow(rules, name, conditions)
    rules.load()


def _condition(argument: dict[str, Any]) -> pyseccomp.Arg:
    value, more = argument["value"], argument.get("valueTwo", 0)
    return pyseccomp.Arg(argument["index"], _COMPARISONS[argument["op"]], value, more)


def _allow(rules: pyseccomp.SyscallFilter, name: str, conditions: list[pyseccomp.Arg]) -> None:
    # A newer call than this libseccomp knows is passed over, as Docker does.
    with suppress(OSError, ValueError):
        rules.add_rule(pyseccomp.ALLOW, name, *conditions)


if __name__ == "__main__":
    confine(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # becoming the command is the point
