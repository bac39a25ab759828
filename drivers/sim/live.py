"""The world running in real time, shared between the threads that weigh it, see it and move things in it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from drivers.sim.world import PlacedObject, World


class LiveWorld:
    """One `World` behind a lock, its time following `clock` (seconds, monotonic) from the moment of creation."""

    def __init__(self, world: World, clock: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._clock = clock
        self._start_s = clock() - world.t_s
        self._lock = threading.Lock()

    def elapsed_s(self) -> float:
        """Return the world's time now."""
        return self._clock() - self._start_s

    @contextmanager
    def now(self) -> Iterator[World]:
        """Hold the world, advanced to now, to change or ask it; for a short moment only."""
        with self._lock:
            self._world.advance_to(self.elapsed_s())
            yield self._world

    def counts_at(self, t_s: float) -> tuple[int, ...]:
        """Return a conversion at `t_s`, or now where the world has gone further already."""
        with self._lock:
            self._world.advance_to(t_s)
            return self._world.counts()

    def load_at(self, t_s: float) -> float:
        """Return the load in grams that an instrument feels at `t_s`, or now where the world has gone further."""
        with self._lock:
            self._world.advance_to(t_s)
            return self._world.load_g()

    def snapshot(self) -> tuple[PlacedObject, ...]:
        """Return what lies on the platform now."""
        with self.now() as world:
            return world.objects
