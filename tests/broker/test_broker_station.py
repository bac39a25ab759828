"""The whole daemon over mutual TLS to the shipped broker: a verdict arrives, the backend confirms it."""

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.sim.live import LiveWorld
from drivers.sim.scale_emulator import ScaleEmulator
from drivers.sim.toledo_device import ToledoSpec
from drivers.sim.toledo_emulator import ToledoEmulator
from drivers.sim.world import World
from station.outbox import Outbox
from tests.broker.lab import ROOT, Lab, Shipped, TlsBackend, terms
from tests.support.rig import CHEESE, MILK, Rig, Station, import_products, wait_until


@contextlib.contextmanager
def lab_rig(folder: Path, broker: Shipped, lab: Lab) -> Iterator[Rig]:
    """Yield a station as it was provisioned; only the scale's port, the state and the broker's port are filled in."""
    config = lab.station() / "station.toml"
    text = config.read_text(encoding="utf-8")
    for given, wanted in (
        ('"/dev/serial/by-id/DECIDE"\ncap', f'"{folder / "scale"}"\ncap'),
        ("/var/lib/validation-station", str(folder / "state")),
        ("port = 8883", f"port = {broker.port}\nbackoff_min_s = 0.2\nbackoff_max_s = 1.0"),
    ):
        assert given in text
        text = text.replace(given, wanted, 1)
    config.write_text(text, encoding="utf-8")
    import_products(config)
    world = LiveWorld(World(seed=7))
    scale: ScaleEmulator = ToledoEmulator(world, folder / "scale", ToledoSpec(capacity_g=15_000.0, division_g=5.0))
    rig = Rig(folder, broker, world, Station(config), scale)
    scale.start()
    try:
        with broker, TlsBackend(broker.port, ROOT, lab.backend()) as rig.backend:
            rig.station.start()
            yield rig
    finally:
        rig.station.kill()
        scale.stop()


def ups(rig: Rig) -> int:
    """Return how often the station said by itself that it is there."""
    heard = [message for message in rig.backend.heard("st/conn") if not message.retain]
    return sum(message.event["data"] == {"state": "online"} for message in heard)


def test_a_verdict_is_delivered_over_mutual_tls_and_confirmed(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    with lab_rig(tmp_path, lab.broker(), lab) as rig:
        rig.wait_idle()
        rig.claim(CHEESE, MILK)
        rig.put(411, 1033)
        [verdict] = rig.wait_verdicts(1)
        assert (verdict["decision"], verdict["transaction_id"]) == ("accept", "T-1")
        before = ups(rig)
        rig.broker.stop()
        rig.broker.start()  # with what it has saved
        rig.wait(lambda: ups(rig) > before)
        heard = rig.backend.heard("evt/verdict")[0].event
        rig.backend.acknowledge(heard["epoch"], heard["seq"])
        rig.claim(CHEESE, transaction_id="T-2")
        rig.wait(lambda: len(rig.answers("claim")) == 2)  # which it answers after it has read the acknowledgement
        assert rig.station.stop() == 0
        rig.wait(lambda: rig.backend.heard("st/conn")[-1].event["data"] == {"state": "offline"})
    assert Outbox(tmp_path / "state" / "outbox.db").confirmed() == 1
    assert len(rig.verdicts()) == 1


def raised(backend: TlsBackend) -> list[dict[str, Any]]:
    """Return the alarms that say that the broker could not be reached."""
    alarms = [heard.event["data"] for heard in backend.heard("evt/alarm")]
    return [one for one in alarms if (one["code"], one["state"]) == ("BROKER_UNREACHABLE", "raised")]


@pytest.mark.slow
@pytest.mark.timeout(90)
def test_a_wrong_clock_is_alarmed_in_plain_words_and_heals_by_itself(tmp_path: Path) -> None:
    """The broker's certificate begins in 12 s, which a station whose clock is behind cannot tell from its own fault."""
    lab = Lab(tmp_path / "lab")
    broker = lab.broker(terms(start_s=12))
    begins_s = time.time() + 12
    config = lab.station() / "station.toml"
    text = config.read_text(encoding="utf-8").replace("/var/lib/validation-station", str(tmp_path / "state"))
    text = text.replace("port = 8883", f"port = {broker.port}\nbackoff_min_s = 0.2\nbackoff_max_s = 1.0")
    config.write_text(text, encoding="utf-8")
    station = Station(config)
    with broker:
        station.start()
        try:
            wait_until(lambda: time.time() > begins_s, 30.0)
            with TlsBackend(broker.port, ROOT, lab.backend()) as backend:
                backend.wait(lambda: bool(raised(backend)))  # what came before the backend did is published again
                alarm = raised(backend)[0]
        finally:
            station.kill()
    assert re.search(r"certificate is valid from .* UTC, this station's clock says .* UTC", alarm["message"])
    assert "check the clock" in alarm["remedy"]
