"""The system calls of a process, as strace wrote them down: what it asked of the disk, and what it told whom.

In order: a call stands where it began; what it wrote may have been on its way from then on, what it sent may have been
heard. A sync counts where it ended, and so does what gives a descriptor. Strings are complete, in hexadecimal digits.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

DISK = (
    "open", "openat", "creat", "close", "lseek", "write", "pwrite64", "writev", "pwritev", "pwritev2", "truncate",
    "ftruncate", "fallocate", "fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "rename", "renameat",
    "renameat2", "unlink", "unlinkat", "link", "linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "rmdir", "dup",
    "dup2", "dup3", "mmap", "copy_file_range", "sendfile",
)  # fmt: skip
WIRE = ("socket", "connect", "sendto", "sendmsg", "recvfrom", "recvmsg")
SYNCS = frozenset({"fsync", "fdatasync", "sync", "syncfs"})
AT_END = SYNCS | {"open", "openat", "creat", "socket"}  # a descriptor is free again before somebody else gets it

_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)(?: .*)?$")
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*) <(?:unfinished|detached) \.\.\.>(?:\) += \?)?$")
_ENDED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+|0x[0-9a-f]+|\?)(?: .*)?$")
_OTHER = re.compile(r" (\+\+\+|---) |\?\?\?")  # ends, signals, calls that a kill left without a name
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


class Call(msgspec.Struct):
    """One call. `result` is None for one that the end of the process cut off."""

    name: str
    arguments: str
    result: int | None

    @property
    def number(self) -> int:
        """Its first argument."""
        return int(self.arguments.partition(",")[0])

    def numbers(self) -> list[str]:
        """Return the arguments behind the last text."""
        return [part.strip() for part in self.arguments.rpartition('"')[2].split(",") if part.strip()]

    def texts(self) -> list[bytes]:
        """Return the texts among its arguments."""
        found = []
        for digits, cut in _TEXT.findall(self.arguments):
            if cut:
                raise ValueError(f"{self.name}: strace cut a text off")
            found.append(bytes.fromhex(digits.replace("\\x", "")))
        return found


def command(log: Path, program: list[str]) -> list[str]:
    """Return the command that runs a program and notes its calls; raise `FileNotFoundError` without strace."""
    strace = shutil.which("strace")
    if strace is None:
        raise FileNotFoundError("strace is not installed: apt-get install strace")
    traced = "trace=" + ",".join(f"?{name}" for name in DISK + WIRE)
    return [strace, "-f", "--seccomp-bpf", "-xx", "-s", "4000000", "-e", traced, "-e", "signal=none", "-o", str(log),
            "--", *program]  # fmt: skip


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Yield the calls of one process in order. All of it is held until the last line was read."""
    found: list[Call] = []
    open_: dict[tuple[str, str], Call] = {}
    for line in lines:
        text = line.rstrip("\n")
        if match := _ENDED.match(text):
            call = open_.pop((match[1], match[2]))
            call.arguments, call.result = call.arguments + match[3], _result(match[4])
            if call.name in AT_END:
                found.append(call)
        elif match := _BEGUN.match(text):  # some of these are never ended: the process was
            call = open_[match[1], match[2]] = Call(match[2], match[3], None)
            if call.name not in AT_END:
                found.append(call)
        elif match := _WHOLE.match(text):
            if match[4] != "?" or match[2] not in SYNCS:
                found.append(Call(match[2], match[3], _result(match[4])))
        elif not _OTHER.search(text):
            raise ValueError(f"strace wrote {text[:120]!r}")
    yield from found


def _result(text: str) -> int | None:
    return None if text == "?" else int(text, 0)
