"""What the station uses of libgpiod 2, on the simulated bench that the test plugs in."""

import errno
import os
from dataclasses import dataclass

from drivers.sim.gpio_bench import EdgeWatch, GpioBench
from gpiod.line import Direction, Edge, Value

plugged: list[GpioBench] = []
CHIP = "/dev/gpiochip7"


@dataclass
class LineSettings:
    direction: Direction = Direction.AS_IS
    edge_detection: Edge = Edge.NONE
    output_value: Value = Value.INACTIVE


@dataclass
class EdgeEvent:
    timestamp_ns: int


class LineRequest:
    def __init__(self, config: dict[int, LineSettings]) -> None:
        self._config = config
        self._watches = [EdgeWatch(plugged[0], line) for line, s in config.items() if s.edge_detection is Edge.FALLING]
        self.fd = 0
        for line, settings in config.items():
            if settings.direction is Direction.OUTPUT:
                plugged[0].set_sck(line, high=settings.output_value is Value.ACTIVE)

    def set_value(self, line: int, value: Value) -> None:
        assert self._config[line].direction is Direction.OUTPUT
        plugged[0].set_sck(line, high=value is Value.ACTIVE)
        for watch in self._watches:
            watch.look()

    def get_value(self, line: int) -> Value:
        return Value.ACTIVE if plugged[0].dout(line) else Value.INACTIVE

    def wait_edge_events(self, timeout: float) -> bool:
        assert timeout == 0
        return any(watch.waiting for watch in self._watches)

    def read_edge_events(self) -> list[EdgeEvent]:
        return [EdgeEvent(t_ns) for watch in self._watches for t_ns in watch.take()]

    def release(self) -> None:
        self._config = {}


def request_lines(path: str, consumer: str, config: dict[int, LineSettings], event_buffer_size: int) -> LineRequest:
    assert consumer
    assert event_buffer_size >= 25
    if path != CHIP:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    for line, settings in config.items():
        plugged[0].on_line(line)
        if settings.edge_detection is not Edge.NONE and not plugged[0].interrupts:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
    return LineRequest(config)
