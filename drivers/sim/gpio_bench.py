"""GPIO lines with emulated HX711 on them, in the terms of libgpiod 2: levels, edge events, and a host that is busy."""

import errno
import os
import random
from dataclasses import dataclass, field

from drivers.sim.hx711_wires import WiredChip
from drivers.sim.virtual_pace import VirtualPace

_CALL_NS = 2_500  # a system call on one line
_EVENTS_KEPT = 64


@dataclass(slots=True)
class GpioBench:
    """Chips by their (PD_SCK, DOUT) lines. The host is held up for `held_ns` after a rise of PD_SCK, by chance."""

    pace: VirtualPace
    wires: dict[tuple[int, int], WiredChip] = field(default_factory=dict)
    held: float = 0.0
    held_ns: int = 80_000
    gone: bool = False
    interrupts: bool = True  # False: a GPIO chip that tells of no edges
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    held_times: int = 0
    watches: list["EdgeWatch"] = field(default_factory=list)

    def look(self) -> None:
        """Notice the edges until now, for those who clock a watched chip by other lines."""
        for watch in self.watches:
            watch.look()

    def on_line(self, line: int) -> WiredChip:
        """Return the chip on `line`."""
        found = [wires for lines, wires in self.wires.items() if line in lines]
        if self.gone or not found:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return found[0]

    def set_sck(self, line: int, *, high: bool) -> None:
        """Drive PD_SCK; afterwards the kernel may run something else."""
        self.pace.advance(_CALL_NS)
        self.on_line(line).set_sck(self.pace.t_ns, high=high)
        if high and self.held > 0 and self.chance.random() < self.held:
            self.held_times += 1
            self.pace.advance(self.held_ns)

    def dout(self, line: int) -> bool:
        """Return the level of DOUT."""
        self.pace.advance(_CALL_NS)
        return self.on_line(line).dout(self.pace.t_ns)


class EdgeWatch:
    """The falls of one DOUT line, queued as the kernel does: the oldest are kept, what does not fit is lost."""

    def __init__(self, bench: GpioBench, line: int) -> None:
        self._bench = bench
        self._line = line
        self._queue: list[int] = []
        self._was_high = True
        self._converted_ns = 0
        bench.watches.append(self)

    def look(self) -> None:
        """Notice what happened since the last look; call it at least at each change of PD_SCK."""
        wires, t_ns = self._bench.on_line(self._line), self._bench.pace.t_ns
        high, converted_ns = wires.dout(t_ns), wires.chip.converted_ns
        if not high and converted_ns > self._converted_ns:
            self._queue.append(converted_ns)
        elif self._was_high and not high:
            self._queue.append(t_ns)
        self._was_high, self._converted_ns = high, converted_ns
        del self._queue[_EVENTS_KEPT:]

    def take(self) -> list[int]:
        """Return the times of the falls, and forget them."""
        falls, self._queue = self._queue, []
        return falls

    @property
    def waiting(self) -> bool:
        """Whether there are falls to take."""
        self.look()
        return bool(self._queue)
