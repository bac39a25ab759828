"""A disk that keeps what was synced, and of the rest what chance will: played from recorded system calls.

The model, harsher than the usual file systems in their usual settings:
- `fsync` and `fdatasync` put a file's bytes and length on disk, nothing else: not its name, no other file.
- A name (made, removed, renamed, linked) is on disk when its folder was synced. A rename is whole or not at all.
- What was written since is kept or lost in sectors of 512 bytes, in any order, over files and names alike: the last
  write may be there and the first not, half a page may be there. `Fate` says how chance draws.
- A sector is atomic, and its neighbours are not harmed by it; where the fate is `NOISE`, one that was on its way may
  hold anything. A file that grew without its bytes reads zeros, or noise.
- Shared memory (`-shm`) is not on disk: after a cut it is absent, or noise.
- The device keeps its word: what it says is synced is there. (That is what `lies` takes away: the control.)
"""

import enum
import itertools
import random
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from benchmarks.power_calls import Call

SECTOR = 512
SHARED_MEMORY = "-shm"
UNKNOWN = frozenset({
    "writev", "pwritev", "pwritev2", "truncate", "fallocate", "copy_file_range", "sendfile", "dup", "dup2", "dup3",
})  # fmt: skip


class Fate(enum.Enum):
    """What becomes of all that was not synced."""

    LOST = "all of it is lost"
    EARLIER = "kept up to some moment, torn there"
    LATER = "kept from some moment on, lost before"
    SOME = "some sectors are kept"
    NOISE = "some are kept, some hold noise"


class Change(msgspec.Struct):
    """A write (`data`) or a new length (`data` None) that is not synced."""

    order: int
    at: int
    data: bytes | None


class File(msgspec.Struct):
    """One file, whatever its names are; a folder has no content that matters."""

    folder: bool = False
    size: int = 0
    synced: bytearray = msgspec.field(default_factory=bytearray)
    pending: list[Change] = msgspec.field(default_factory=list)


class Name(msgspec.Struct):
    """A change of names that is not synced: one goes, one comes, or both."""

    order: int
    folder: str
    gone: str | None = None
    come: str | None = None
    file: File | None = None


class Handle(msgspec.Struct):
    """An open file."""

    path: str
    file: File
    position: int = 0


Keep = Callable[[int, int], bool]  # order, sector: whether chance keeps it


class Disk:
    """What lies below `root`, at first `begin`. `take` plays a call; `after_cut` returns what a cut would leave now."""

    def __init__(self, root: Path, begin: Mapping[str, bytes | None] | None = None, *, lies: bool = False) -> None:
        self._root = str(root)
        self._lies = lies
        self._now: dict[str, File] = {}
        self._synced: dict[str, File] = {}
        self._names: list[Name] = []
        self._handles: dict[int, Handle] = {}
        self._order = 0
        for path, content in (begin or {}).items():
            file = File(content is None, len(content or b""), bytearray(content or b""))
            self._now[f"{root}/{path}"] = self._synced[f"{root}/{path}"] = file

    def take(self, call: Call) -> None:
        """Play one call; what has no effect on the disk is passed over, what is not understood raises `ValueError`."""
        if call.result is not None and call.result < 0:
            return
        self._order += 1
        if (play := getattr(self, f"_{call.name}", None)) is not None:
            play(call)
        elif call.name in {"sync", "syncfs"} or (call.name in UNKNOWN and self._touched(call)):
            raise ValueError(f"the model does not know {call.name}({call.arguments[:80]})")

    def end_process(self) -> None:
        """All is closed; what was written stays on its way."""
        self._handles.clear()

    @property
    def pending(self) -> int:
        """How many changes a cut could take."""
        return len(self._names) + sum(len(file.pending) for file in self._now.values())

    def after_cut(self, fate: Fate, draw: random.Random) -> dict[str, bytes | None]:
        """Return what is found after a cut, by path below the root; None for a folder."""
        keep = _chance(fate, draw, self._order, [change.order for change in self._all_pending()])
        names = dict(self._synced)
        for name in self._names:
            if keep(name.order, 0):
                _rename(names, name)
        found: dict[str, bytes | None] = {}
        for path, file in sorted(names.items()):
            if not self._reachable(path, names):
                continue
            if path.endswith(SHARED_MEMORY):
                if draw.random() < 0.5:
                    found[path[len(self._root) + 1 :]] = draw.randbytes(32768)
                continue
            content = None if file.folder else _remains(file, keep, draw if fate is Fate.NOISE else None)
            found[path[len(self._root) + 1 :]] = content
        return found

    # -- the calls

    def _open(self, call: Call) -> None:
        path = call.texts()[0].decode()
        if call.result is None or not (path == self._root or path.startswith(self._root + "/")):
            return
        flags = call.arguments.rpartition('"')[2]
        file = self._now.get(path)
        if file is None:
            file = File(folder="O_DIRECTORY" in flags)
            if not file.folder:
                self._name(Name(self._order, _folder(path), come=path, file=file))
        elif "O_TRUNC" in flags:
            self._resize(file, 0)
        self._handles[call.result] = Handle(path, file, file.size if "O_APPEND" in flags else 0)

    _openat = _creat = _open

    def _close(self, call: Call) -> None:
        self._handles.pop(call.number, None)

    def _lseek(self, call: Call) -> None:
        if (handle := self._handles.get(call.number)) is not None and call.result is not None:
            handle.position = call.result

    def _write(self, call: Call) -> None:
        if (handle := self._handles.get(call.number)) is not None:
            data = _written(call)
            self._put(handle.file, handle.position, data)
            handle.position += len(data)

    def _pwrite64(self, call: Call) -> None:
        handle = self._handles.get(call.number)
        if handle is None:  # only SQLite writes so, and below the root
            raise ValueError(f"pwrite64 to descriptor {call.number}, which nobody opened")
        self._put(handle.file, int(call.numbers()[1]), _written(call))

    def _ftruncate(self, call: Call) -> None:
        if (handle := self._handles.get(call.number)) is not None:
            self._resize(handle.file, int(call.arguments.rpartition(",")[2]))

    def _fsync(self, call: Call) -> None:
        handle = self._handles.get(call.number)
        if handle is None or self._lies:
            return
        for change in handle.file.pending:
            _apply(handle.file.synced, change)
        handle.file.pending.clear()
        if handle.file.folder or handle.path == self._root:
            for name in self._names:
                if name.folder == handle.path:
                    _rename(self._synced, name)
            self._names = [name for name in self._names if name.folder != handle.path]

    _fdatasync = _fsync

    def _rename(self, call: Call) -> None:
        gone, come = (text.decode() for text in call.texts())
        if (file := self._now.get(gone)) is not None:
            self._name(Name(self._order, _folder(come), gone=gone, come=come, file=file))

    _renameat = _renameat2 = _rename

    def _link(self, call: Call) -> None:
        old, come = (text.decode() for text in call.texts())
        if (file := self._now.get(old)) is not None:
            self._name(Name(self._order, _folder(come), come=come, file=file))

    _linkat = _link

    def _unlink(self, call: Call) -> None:
        path = call.texts()[0].decode()
        if path in self._now:
            self._name(Name(self._order, _folder(path), gone=path))

    _unlinkat = _rmdir = _unlink

    def _mkdir(self, call: Call) -> None:
        path = call.texts()[0].decode()
        if path.startswith(self._root + "/"):
            self._name(Name(self._order, _folder(path), come=path, file=File(folder=True)))

    _mkdirat = _mkdir

    def _mmap(self, call: Call) -> None:
        parts = [part.strip() for part in call.arguments.split(",")]
        handle = self._handles.get(int(parts[4])) if parts[4].isdigit() else None
        if handle is None or handle.path.endswith(SHARED_MEMORY):
            return
        if "PROT_WRITE" in parts[2] and "MAP_SHARED" in parts[3]:
            raise ValueError(f"{handle.path} is written through memory, which leaves no calls")

    # -- inside

    def _touched(self, call: Call) -> bool:
        first = call.arguments.partition(",")[0]
        return self._root in call.arguments or (first.isdigit() and int(first) in self._handles)

    def _name(self, name: Name) -> None:
        _rename(self._now, name)
        self._names.append(name)

    def _put(self, file: File, at: int, data: bytes) -> None:
        file.size = max(file.size, at + len(data))
        file.pending.append(Change(self._order, at, data))

    def _resize(self, file: File, length: int) -> None:
        file.size = length
        file.pending.append(Change(self._order, length, None))

    def _all_pending(self) -> list[Name | Change]:
        changes: list[Name | Change] = [*self._names]
        for file in {id(file): file for file in (*self._now.values(), *self._synced.values())}.values():
            changes += file.pending
        return changes

    def _reachable(self, path: str, names: dict[str, File]) -> bool:
        folder = _folder(path)
        return folder == self._root or (folder in names and self._reachable(folder, names))


def _chance(fate: Fate, draw: random.Random, now: int, orders: list[int]) -> Keep:
    moment = draw.choice(orders) if orders else now
    share = draw.choice((0.1, 0.5, 0.9))
    match fate:
        case Fate.LOST:
            return lambda _order, _sector: False
        case Fate.EARLIER:
            return lambda order, _sector: order < moment or (order == moment and draw.random() < share)
        case Fate.LATER:
            return lambda order, _sector: order > moment
        case _:
            return lambda _order, _sector: draw.random() < share


def _remains(file: File, keep: Keep, noise: random.Random | None) -> bytes:
    """Return what is left of a file: the synced bytes, and of each change those sectors that chance keeps."""
    content = bytearray(file.synced)
    for change in file.pending:
        if change.data is None:
            if keep(change.order, 0):
                _apply(content, change)
            continue
        for at, data in _sectors(change.at, change.data):
            if keep(change.order, at // SECTOR):
                _apply(content, Change(0, at, data))
            elif noise is not None and noise.random() < 0.3:
                _apply(content, Change(0, at, noise.choice((bytes(len(data)), noise.randbytes(len(data))))))
    return bytes(content)


def _sectors(at: int, data: bytes) -> list[tuple[int, bytes]]:
    cuts = [0, *range(SECTOR - at % SECTOR, len(data), SECTOR), len(data)]
    return [(at + begin, data[begin:end]) for begin, end in itertools.pairwise(cuts)]


def _apply(content: bytearray, change: Change) -> None:
    end = change.at + len(change.data or b"")
    if len(content) < end:
        content += bytes(end - len(content))
    if change.data is None:
        del content[change.at :]
    else:
        content[change.at : end] = change.data


def _rename(names: dict[str, File], name: Name) -> None:
    if name.gone is not None:
        names.pop(name.gone, None)
    if name.come is not None and name.file is not None:
        names[name.come] = name.file


def _written(call: Call) -> bytes:
    data = call.texts()[0]
    return data if call.result is None else data[: call.result]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
