"""How a shopper's visit goes: hands, cart and plugs at the platform, a phone that claims, verdicts awaited.

Physics is never hurried; only the hands are quicker and the pauses shorter when the demo is `fast`.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from drivers.sim.world import PlacedObject
from station.demo.backend import Backend
from station.demo.setting import Setting
from station.demo.shoppers import CART_G, CART_SD_G, CART_SHIFT_M, Shopper

RAMP_S = 0.25  # a thing's weight arrives within
NOTICED_S = 0.15  # until the station has noticed the last thing: then a claim finds a load that moves
VERDICT_S = 30.0
CLOSED_S = 20.0
ROLL_S, RUMBLE_G = 1.4, 400.0
PLUG = 2  # which load cell's plug comes off

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between two things put down, to read a verdict, and between two shoppers."""

    hands_s: tuple[float, float]
    reading_s: float
    between_s: float


CALM = Pace(hands_s=(0.35, 0.8), reading_s=1.5, between_s=1.5)
FAST = Pace(hands_s=(0.1, 0.2), reading_s=0.0, between_s=0.6)


@dataclass(frozen=True, slots=True)
class Told:
    """A verdict as it came, and when (monotonic) the platform was last touched before it."""

    event: Event
    touched_ns: int


class Visit:
    """One shopper at the station; iterate `verdicts` to let it happen."""

    def __init__(self, shopper: Shopper, setting: Setting, backend: Backend, pace: Pace, seed: int) -> None:
        self._shopper = shopper
        self._world = setting.world
        self._backend = backend
        self._pace = pace
        self._chance = random.Random(f"{seed} {shopper.number}")
        self._handles: list[int] = []
        self._touched_ns = 0
        self._heard = 0

    def first(self) -> Told:
        """Come, put everything down, and return the first verdict."""
        _SCENES.get(self._shopper.kind, Visit._shop)(self)
        return self._verdict()

    def second(self) -> Told:
        """Mend what kept the station from judging, and return the next verdict."""
        time.sleep(self._pace.reading_s)
        with self._world.now() as world:
            if self._shopper.kind == "unplugged":
                world.plug(PLUG)
            else:
                world.remove(self._handles[-1])
        self._touched_ns = time.monotonic_ns() + int(RAMP_S * 1e9)
        return self._verdict()

    def leave(self, told: Told) -> None:
        """Take everything away once staff has settled what is open; return when the visit is closed."""
        time.sleep(self._pace.reading_s)
        data = told.event["data"]
        if data["decision"] != "accept":
            self._backend.release(self._shopper.transaction_id)
        with self._world.now() as world:
            world.clear()
        visit_id = data["visit_id"]
        self._backend.wait(lambda: self._backend.closed(visit_id), f"the end of visit {visit_id}", CLOSED_S)
        time.sleep(self._pace.between_s)

    # scenes

    def _shop(self) -> None:
        """Claim and put the whole basket down at once, or put things down one by one and then claim."""
        shopper = self._shopper
        things = [*shopper.things, *([shopper.extra] if shopper.extra else [])]
        if shopper.claims_first:
            self._claim()
            self._put(things)
            return
        for thing in things:
            self._put([thing])
            time.sleep(self._chance.uniform(*self._pace.hands_s))
        time.sleep(NOTICED_S)
        self._claim()

    def _roll(self) -> None:
        """Roll a cart onto the platform, and on while it is weighed."""
        cart = PlacedObject("", "cart", self._shopper.cart_g, hidden=True)  # of wire: the camera looks through it
        things = [replace(thing, x_m=thing.x_m - CART_SHIFT_M / 2) for thing in (cart, *self._shopper.things)]
        self._claim(tare={"kind": "cart", "weight_g": CART_G, "sd_g": CART_SD_G})
        self._put(things)
        time.sleep(RAMP_S)
        with self._world.now() as world:
            for handle, thing in zip(self._handles, things, strict=True):
                rumble_g = RUMBLE_G if thing is things[0] else 0.0
                world.move(handle, thing.x_m + CART_SHIFT_M, thing.y_m, duration_s=ROLL_S, rumble_g=rumble_g)
        self._touched_ns = time.monotonic_ns() + int(ROLL_S * 1e9)

    def _lose_a_plug(self) -> None:
        """Put the basket down; a plug comes off before it lies still."""
        self._shop()
        time.sleep(RAMP_S)
        with self._world.now() as world:
            world.unplug(PLUG)
        self._touched_ns = time.monotonic_ns()

    # what scenes are made of

    def _put(self, things: list[PlacedObject]) -> None:
        with self._world.now() as world:
            self._handles += [world.place(thing, ramp_s=RAMP_S) for thing in things]
        self._touched_ns = time.monotonic_ns() + int(RAMP_S * 1e9)

    def _claim(self, **more: Any) -> None:
        lines = [
            {"line": line, "gtin": gtin, "quantity": quantity}
            for line, (gtin, quantity) in enumerate(self._shopper.claimed.items(), 1)
        ]
        self._backend.claim(self._shopper.transaction_id, lines, **more)

    def _verdict(self) -> Told:
        """Wait for the next verdict about this shopper."""
        name = self._shopper.transaction_id
        self._heard += 1
        self._backend.wait(
            lambda: len(self._backend.verdicts(name)) >= self._heard, f"verdict {self._heard} of {name}", VERDICT_S
        )
        return Told(self._backend.verdicts(name)[self._heard - 1], self._touched_ns)


_SCENES: dict[str, Callable[[Visit], None]] = {"cart": Visit._roll, "unplugged": Visit._lose_a_plug}  # noqa: SLF001
