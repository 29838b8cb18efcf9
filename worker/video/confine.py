"""What a process that decodes a stranger's file gives up before it reads the first byte of it.

A decoder needs to read what is open already, to write to a pipe that is open already, and memory.
Everything else goes: sockets, files, processes, threads, executable memory.
"""

import ctypes
import functools
import math
import os
import sys
from pathlib import Path
from typing import Final

from worker.video.limits import DecodeLimits

ALLOWED: Final = (
    "read", "readv", "pread64", "write", "writev", "lseek", "fstat", "newfstatat", "close",
    "poll", "ppoll",
    "brk", "munmap", "mremap", "madvise",
    "futex", "sched_yield", "sched_getaffinity", "getpid", "gettid", "getcpu",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday",
    "getrandom", "getrusage", "sysinfo", "uname", "restart_syscall",
    "exit", "exit_group",
)  # fmt: skip
"""System calls of a decoder at work."""
MAPPING: Final = ("mmap", "mprotect")
"""Allowed too, but never for memory that can be executed."""
FATAL: Final = (
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg",
    "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
    "memfd_create", "open_by_handle_at", "mount", "unshare", "setns", "bpf", "keyctl",
    "io_uring_setup", "userfaultfd", "perf_event_open",
)  # fmt: skip
"""No decoder calls these by mistake: whoever does dies of it. All others fail with EPERM."""
_PROT_EXEC: Final = 4
_PROT_ARGUMENT: Final = 2
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_INSTRUCTION_BYTES: Final = 8
_OPEN_FILES: Final = 16
_CPU_MARGIN_S: Final = 2


class _Program(ctypes.Structure):
    """`struct sock_fprog` of the kernel."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


@functools.cache
def filter_program() -> bytes:
    """The filter of system calls as the kernel takes it, empty where it cannot be made.

    libseccomp knows the numbers of system calls on every kind of machine; compiling is for the
    parent, once, because loading it takes longer than most clips to decode.
    """
    if sys.platform != "linux":
        return b""
    try:
        import pyseccomp  # noqa: PLC0415  # fails to load where the system has no libseccomp
    except RuntimeError:
        return b""
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(1))
    for name in ALLOWED:
        rules.add_rule(pyseccomp.ALLOW, name)
    for name in MAPPING:
        is_data = pyseccomp.Arg(_PROT_ARGUMENT, pyseccomp.MASKED_EQ, _PROT_EXEC, 0)
        rules.add_rule(pyseccomp.ALLOW, name, is_data)
    for name in FATAL:
        rules.add_rule(pyseccomp.KILL_PROCESS, name)
    with open(os.memfd_create("filter"), "w+b") as file:  # noqa: PTH123  # a descriptor, no path
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def confine(limits: DecodeLimits, program: bytes) -> None:
    """Give up what decoding does not need, for good. Load everything before.

    Args:
        limits: What the decode may cost.
        program: From `filter_program`; empty for no filter.

    Raises:
        OSError: The kernel refuses.
    """
    if sys.platform != "linux":
        return
    _limit_resources(limits)
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_DUMPABLE, 0)
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    if program:
        size = len(program) // _INSTRUCTION_BYTES
        _prctl(libc, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(_Program(size, program)))


def _limit_resources(limits: DecodeLimits) -> None:
    import resource  # noqa: PLC0415  # exists on Unix alone

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    address_space = pages * resource.getpagesize() + limits.max_decoder_bytes
    cpu_s = math.ceil(limits.timeout_s) + _CPU_MARGIN_S
    for kind, soft, hard in (
        (resource.RLIMIT_AS, address_space, address_space),
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))


def _prctl(libc: ctypes.CDLL, option: int, *arguments: object) -> None:
    rest = [*arguments, *(0,) * (4 - len(arguments))]
    widened = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in rest]
    if libc.prctl(option, *widened) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")
