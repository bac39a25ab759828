"""A leg of the network that can be made bad: a TCP forwarder on loopback, in a thread of its own.

It cuts connections, lets nothing pass, delays, throttles, or resets each connection in the middle of a packet. What
the kernel can do to packets themselves (loss, queues that overflow, a link that is down) is done elsewhere.
"""

import asyncio
import random
import threading
from typing import Literal

import msgspec

CHUNK = 4096

Mode = Literal["good", "cut", "stall", "delay", "throttle", "torn"]


class Weather(msgspec.Struct):
    """How the leg is now. `delay_s` and `bytes_per_s` belong to the modes of these names."""

    mode: Mode = "good"
    delay_s: float = 0.0
    bytes_per_s: float = 0.0


class Leg:
    """Forwards connections to `port` of the loopback to the broker. `weather` may be set by any thread."""

    def __init__(self, target: int, seed: int) -> None:
        self.port = 0
        self._target = target
        self._weather = Weather()
        self._draw = random.Random(seed)
        self._writers: set[asyncio.StreamWriter] = set()
        self._moving = asyncio.Event()
        self._moving.set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def set(self, weather: Weather) -> None:
        """Change the weather; a cut resets what is connected."""
        self._loop.call_soon_threadsafe(self._change, weather)

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._reset()
        server.close()

    def _change(self, weather: Weather) -> None:
        self._weather = weather
        (self._moving.clear if weather.mode == "stall" else self._moving.set)()
        if weather.mode == "cut":
            self._reset()

    def _reset(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._weather.mode == "cut":
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        await asyncio.gather(self._forward(reader, far_writer), self._forward(far_reader, writer))
        self._writers -= both

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self._draw.randrange(200, 8000)  # until a torn connection ends
        try:
            while data := await reader.read(CHUNK):
                weather = self._weather
                if weather.mode == "torn":
                    data, left = data[:left], left - len(data)
                await self._hold(weather, len(data))
                writer.write(data)
                await writer.drain()
                if left <= 0:
                    break
        except OSError:
            pass
        writer.transport.abort()

    async def _hold(self, weather: Weather, count: int) -> None:
        if weather.mode == "delay":
            await asyncio.sleep(self._draw.uniform(0.5, 1.5) * weather.delay_s)
        elif weather.mode == "throttle":
            await asyncio.sleep(count / weather.bytes_per_s)
        await self._moving.wait()
