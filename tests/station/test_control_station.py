"""A tool takes the running station out of service and back: politely, alone, and whatever becomes of the tool."""

import contextlib
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from calibration import control_client
from calibration.control import SOCKET_NAME, Told
from calibration.control_client import OutOfReachError, out_of_service, span_check, status
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
