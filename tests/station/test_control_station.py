"""A tool takes the running station out of service and back: politely, alone, and whatever becomes of the tool."""

import contextlib
import signal
import socket
import stat
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from calibration import control_client, store
from calibration.captures import Hardware
from calibration.control import SOCKET_NAME, Told
from calibration.control_client import OutOfReachError, out_of_service, span_check, status
from station import signing_keys
from tests.support.rig import CHEESE, MILK, Rig, bridge_rig, wait_until

HOLD = """
import sys, threading
from pathlib import Path
from calibration.control_client import out_of_service
with out_of_service(Path(sys.argv[1]), 1, who="bench"):
    print("held", flush=True)
    threading.Event().wait()
"""


def state_dir(rig: Rig) -> Path:
    return rig.folder / "state"


def conn(rig: Rig) -> list[str]:
    return [heard.event["data"]["state"] for heard in rig.backend.heard("st/conn")]


def holders(port: Path) -> list[int]:
    """The processes that have this port open."""
    device = port.stat()
    found = []
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if entry.stat().st_rdev == device.st_rdev and stat.S_ISCHR(entry.stat().st_mode):
                found.append(int(entry.parts[2]))
    return found


def test_the_ports_are_ours_and_given_back(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.wait_idle()
        port = tmp_path / "bridge"
        assert rig.station.pid in holders(port)
        with out_of_service(state_dir(rig), 1) as hold:
            assert hold.running
            hold.check()
            assert rig.station.pid not in holders(port)
            told = status(state_dir(rig))
            assert told is not None
            assert told.state == "out_of_service"
            assert told.holder.startswith("calibrate (")
            rig.wait(lambda: ("OUT_OF_SERVICE", "raised") in rig.alarms())
            rig.wait(lambda: rig.health().get("service") == "out_of_service")
            with pytest.raises(OutOfReachError, match="has the station"), out_of_service(state_dir(rig), 1):
                pass
        rig.wait(lambda: ("OUT_OF_SERVICE", "cleared") in rig.alarms())
        rig.wait(lambda: conn(rig) == ["online", "draining", "online"])
        rig.wait(lambda: rig.health().get("service") == "in_service" and rig.health().get("state") == "idle")
        rig.claim(CHEESE, MILK)
        rig.put(411, 1033)
        assert rig.wait_verdicts(1)[0]["decision"] == "accept"


def test_a_shopper_is_served_first(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.wait_idle()
        rig.claim(CHEESE, MILK)
        rig.put(411, 1033)
        assert rig.wait_verdicts(1)[0]["decision"] == "accept"
        told: list[Told] = []

        def serve(waiting: Told) -> None:
            told.append(waiting)
            assert rig.health().get("service") != "out_of_service"
            rig.command("release", {"transaction_id": "T-1"})
            rig.clear()

        with out_of_service(state_dir(rig), 1, progress=serve):
            assert "closed" in rig.phases()
        assert [line.waiting for line in told] == [True]
        assert [verdict["decision"] for verdict in rig.verdicts()] == ["accept"]


def test_a_tool_that_dies_puts_the_station_back(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.wait_idle()
        command = [sys.executable, "-c", HOLD, str(state_dir(rig))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tool:
            assert tool.stdout is not None
            assert tool.stdout.readline() == "held\n"
            rig.wait(lambda: ("OUT_OF_SERVICE", "raised") in rig.alarms())
            tool.send_signal(signal.SIGKILL)
        rig.wait(lambda: ("OUT_OF_SERVICE", "cleared") in rig.alarms())
        rig.wait(lambda: conn(rig)[-1] == "online")


def test_a_claim_meanwhile_is_told_why_nothing_is_judged(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.wait_idle()
        with out_of_service(state_dir(rig), 1):
            rig.claim(CHEESE)
            [verdict] = rig.wait_verdicts(1)
            assert (verdict["decision"], verdict["reasons"]) == ("abstain", ["SCALE_FAULT"])


def test_the_socket_is_for_the_stations_people(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.wait_idle()
        path = state_dir(rig) / SOCKET_NAME
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        rig.station.stop()
        assert not path.exists()
        with out_of_service(state_dir(rig), 1) as hold:
            assert not hold.running
        assert status(state_dir(rig)) is None


def test_nonsense_ends_the_connection_and_nothing_else(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.wait_idle()
        for nonsense in (b"\xff\xfe\n", b'{"v": 2, "do": "take"}\n', b"x" * 5000):
            with socket.socket(socket.AF_UNIX) as link, control_client.short_path(state_dir(rig) / SOCKET_NAME) as name:
                link.connect(name)
                link.sendall(nonsense)
                answer = link.recv(4096)
                assert b'"error":"protocol"' in answer
                assert link.recv(4096) == b""
        told = status(state_dir(rig))
        assert told is not None
        assert told.state == "in_service"
        with pytest.raises(OutOfReachError, match="there is no scale 7"), out_of_service(state_dir(rig), 7):
            pass


def check(rig: Rig, grams: float, weight_g: float = 5000.0) -> Any:
    """Have the check weight weighed that `grams` stand for."""
    found: list[Any] = []
    asking = threading.Thread(target=lambda: found.append(span_check(state_dir(rig), weight_g, 30.0)))
    asking.start()
    before = len(rig.phases())
    rig.put(grams)
    asking.join()
    rig.clear()
    rig.wait(lambda: rig.phases()[before:][-1:] == ["closed"])
    return found[0]


def test_span_checks_are_judged_told_and_kept(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.wait_idle()
        good = check(rig, 5001.0)
        assert (good.outcome, good.weight_g) == ("pass", 5000.0)
        assert good.error_g == pytest.approx(1.0, abs=3.0)
        bad = check(rig, 5080.0)
        assert bad.outcome == "fail"
        rig.wait(lambda: ("SPAN_CHANGED", "raised") in rig.alarms())
        rig.wait(lambda: rig.health()["calibration"]["scale-1"]["span_check"]["outcome"] == "fail")
        assert not rig.verdicts()
        rig.station.kill()
        rig.station.start()
        rig.wait(lambda: rig.alarms().count(("SPAN_CHANGED", "raised")) == 2)
        rig.wait_idle()
        wait_until(lambda: check(rig, 5001.0).outcome == "pass")
        rig.wait(lambda: ("SPAN_CHANGED", "cleared") in rig.alarms())


def accept(rig: Rig, *, driver: str, due: date) -> str:
    """Put a signed calibration of the simulated cells into force, as the tool would; return its version."""
    factory = store.load(state_dir(rig), 1)
    assert factory is not None
    record = store.new_record(
        msgspec.structs.replace(factory.calibration, certified=True), "procedure", datetime.now(UTC),
        hardware=Hardware(driver=driver, part="scale-1", channels=4), due=due, operator="T. Weller",
        signer=signing_keys.ready(None, state_dir(rig)).pair,
    )  # fmt: skip
    store.save(state_dir(rig), 1, record)
    return record.version


def test_a_calibration_of_other_hardware_is_never_guessed_with(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.wait_idle()
        accept(rig, driver="nau7802", due=date(2099, 1, 1))
        rig.wait(lambda: {("CALIBRATION_MISFIT", "raised"), ("NOT_CALIBRATED", "raised")} <= set(rig.alarms()))
        rig.claim(CHEESE)
        rig.put(411)
        [verdict] = rig.wait_verdicts(1)
        assert (verdict["decision"], verdict["reasons"]) == ("abstain", ["NOT_CALIBRATED"])
        rig.wait(lambda: rig.health()["calibration"]["scale-1"]["state"] == "refused")
        [factory] = [kept.record for kept in store.history(state_dir(rig), 1) if not kept.in_force]
        assert factory is not None
        rig.clear()
        store.rollback(state_dir(rig), 1, factory.version)
        rig.wait(lambda: ("CALIBRATION_MISFIT", "cleared") in rig.alarms())
        rig.wait(lambda: rig.health().get("state") not in {None, "out_of_order"})
        rig.claim(CHEESE, MILK, transaction_id="T-2")
        rig.put(411, 1033)
        rig.wait(lambda: rig.verdicts()[-1]["transaction_id"] == "T-2")
        assert rig.verdicts()[-1]["decision"] == "accept"


def test_an_accepted_calibration_is_in_force_and_told(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.wait_idle()
        with out_of_service(state_dir(rig), 1):
            version = accept(rig, driver="hx711-bridge", due=date(2099, 1, 1))

        def told() -> list[Any]:
            return [info.event["data"]["calibrations"] for info in rig.backend.heard("st/info")]

        rig.wait(lambda: bool(told()[-1]) and told()[-1][0]["version"] == version)
        [now] = told()[-1]
        assert (now["source"], now["certified"], now["due"]) == ("procedure", True, "2099-01-01")
        rig.wait(lambda: rig.health().get("state") == "idle")
        rig.claim(CHEESE, MILK)
        rig.put(411, 1033)
        [verdict] = rig.wait_verdicts(1)
        assert (verdict["decision"], verdict["versions"]["calibration"]) == ("accept", version)
