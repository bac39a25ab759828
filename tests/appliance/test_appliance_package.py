"""The package in a clean Debian 12: installed, running, killed, upgraded, not downgraded, removed, purged.

One story in one machine, in this order; each test is a chapter and leaves the machine to the next.
"""

import json
import time
from collections.abc import Iterator

import pytest

from tests.appliance.conftest import NEWER, Packages
from tests.appliance.machine import ROOT, Machine, booted
from tests.support.rig import CHEESE, PRODUCTS

pytestmark = [pytest.mark.hw, pytest.mark.timeout(900)]

CONFIGURATION = """[station]
store = "0815"
id = "vs-03"
[mqtt]
host = "127.0.0.1"
[[scale]]
driver = "toledo-8217"
port = "/run/scale/port"
capacity_g = 30000
division_g = 5
"""
PYTHON = "/opt/validation-station/bin/python"
CLAIM = {
    "specversion": "1.0", "id": "c-1", "source": "/backend", "type": "station.claim.v1", "subject": "T-1",
    "time": "2026-01-01T00:00:00.000Z", "datacontenttype": "application/json",
    "data": {
        "transaction_id": "T-1", "revision": 1, "lines": [{"line": 1, "gtin": CHEESE, "quantity": 1}],
    },
}  # fmt: skip
KEPT = "cd /var/lib/validation-station && sha256sum /etc/validation-station/station.toml catalogue.db keys/*"


@pytest.fixture(scope="module")
def machine(packages: Packages) -> Iterator[Machine]:
    shared = (f"--bind-ro={packages.folder}:/mnt/packages", f"--bind-ro={ROOT}/tests/appliance/guest:/mnt/guest")
    with booted(*shared) as made:
        yield made


@pytest.fixture(scope="module")
def before(machine: Machine) -> set[str]:
    """What there was before anything was installed."""
    return machine.tree()


def install(machine: Machine, package: str) -> float:
    """Install with no network; return the seconds."""
    began_s = time.monotonic()
    machine.run(f"dpkg -i /mnt/packages/{package}")
    return time.monotonic() - began_s


def test_a_fresh_install_is_enabled_and_waits_for_a_person(
    machine: Machine, before: set[str], packages: Packages, told: list[str]
) -> None:
    assert not any("validation-station" in path for path in before)
    told.append(f"dpkg -i on a clean system: {install(machine, packages.present):.1f} s")
    assert machine.run("station config check /etc/validation-station/station.toml").returncode == 0
    assert machine.run("systemctl is-enabled validation-station").stdout == "enabled\n"
    assert (machine.show("ActiveState"), machine.show("Result")) == ("inactive", "exec-condition")
    assert 'not started: the values "decide" in /etc/validation-station/station.toml (line 9 10 ' in machine.journal()
    assert machine.run("stat -c '%U %a' /var/lib/validation-station").stdout == "validation-station 700\n"
    assert machine.run("systemctl --failed --plain --no-legend").stdout == ""


def test_the_model_runs_on_debians_numpy(machine: Machine) -> None:
    program = "from station.vision.interpreter import Embedder as E; import numpy; print(E().runtime, numpy.__file__)"
    shown = machine.run(f"{PYTHON} -c '{program}'").stdout
    assert shown.startswith("ai-edge-litert ")
    assert "/usr/lib/python3/dist-packages/numpy" in shown


def test_configured_it_goes_online(machine: Machine, told: list[str]) -> None:
    machine.run("mkdir -p /run/scale /run/things /run/mosquitto")
    machine.run(f"systemd-run -q --unit scale {PYTHON} /mnt/guest/scale.py /run/scale/port /run/things")
    machine.wait(lambda: machine.run("test -c /run/scale/port", check=False).returncode == 0, 30, "the scale")
    machine.run(f"cat >/etc/validation-station/station.toml <<'END'\n{CONFIGURATION}END")
    machine.run(f"cat >/run/products.csv <<'END'\n{PRODUCTS}END")
    machine.run("chown :validation-station /run/products.csv && runuser -u validation-station -- "
                "station catalogue import /run/products.csv")  # fmt: skip
    machine.run("systemctl start mosquitto")
    began_s = time.monotonic()
    machine.run("systemctl restart validation-station")
    told.append(f"systemctl restart to ready: {time.monotonic() - began_s:.1f} s")
    machine.wait(machine.online, 30, "online")
    told.append(f"systemctl restart to online: {time.monotonic() - began_s:.1f} s")
    machine.wait(lambda: machine.show("StatusText") == "idle; online; no alarm", 30, "an idle station")


def test_a_basket_is_judged(machine: Machine) -> None:
    machine.run(f"cat >/run/claim.json <<'END'\n{json.dumps(CLAIM)}\nEND")
    machine.run("touch /run/things/410")
    heard = machine.run(
        "mosquitto_sub -h 127.0.0.1 -V mqttv5 -q 1 -W 30 -C 1 -t vs/1/0815/vs-03/evt/verdict & sleep 1; "
        "mosquitto_pub -h 127.0.0.1 -V mqttv5 -q 1 -t vs/1/0815/vs-03/cmd/claim -f /run/claim.json; wait"
    ).stdout
    assert json.loads(heard)["data"]["decision"] == "accept"
    machine.run("rm /run/things/410")


def test_the_journal_knows_how_grave_a_line_is(machine: Machine) -> None:
    last = machine.run("journalctl -u validation-station -o json -p 6..6 --no-pager | grep verdict | tail -1").stdout
    entry = json.loads(last)
    assert entry["PRIORITY"] == "6"
    assert json.loads(entry["MESSAGE"])["transaction"] == "T-1"


def test_the_station_needs_no_root_that_can_be_written(machine: Machine) -> None:
    """In the service's own view everything is read-only but its state, its runtime folder and private ones."""
    mounts = machine.run(f"cut -d' ' -f5,6 /proc/{machine.show('MainPID')}/mountinfo").stdout.splitlines()
    options = {where: what.split(",")[0] for where, what in (line.split(" ") for line in mounts)}
    assert (options["/"], options["/var/lib/validation-station"]) == ("ro", "rw")
    assert [w for w, o in options.items() if o == "rw" and w.startswith(("/etc", "/usr", "/opt", "/var/lib"))] == [
        "/var/lib/validation-station"
    ]


def test_a_station_that_stands_still_is_started_again(machine: Machine, told: list[str]) -> None:
    stopped = machine.show("MainPID")
    machine.run(f"kill -STOP {stopped}")
    waited_s = machine.wait(lambda: machine.show("NRestarts") == "1", 90, "the watchdog")
    machine.wait(machine.online, 30, "online again")
    told.append(f"standing still to started again: {waited_s:.0f} s (WatchdogSec 30, then SIGABRT, then SIGKILL)")
    assert machine.show("MainPID") != stopped
    assert "Watchdog timeout" in machine.journal()


def test_an_upgrade_keeps_configuration_and_state(machine: Machine, packages: Packages, told: list[str]) -> None:
    kept = machine.run(KEPT).stdout
    began_s = time.monotonic()
    install(machine, packages.newer)
    machine.wait(lambda: machine.retained("st/info").get("software") == NEWER, 60, "the new release")
    told.append(f"upgrade, dpkg -i to online: {time.monotonic() - began_s:.1f} s")
    assert machine.run(KEPT).stdout == kept
    machine.wait(machine.online, 30, "online")


def test_a_downgrade_is_refused_and_harms_nothing(machine: Machine, packages: Packages) -> None:
    refused = machine.run(f"dpkg -i /mnt/packages/{packages.present}", check=False)
    assert refused.returncode != 0
    assert f"is older than {NEWER}, whose state is in /var/lib/validation-station" in refused.stderr
    assert machine.run("dpkg-query -W -f '${Version} ${Status}' validation-station").stdout == (
        f"{NEWER} install ok installed"
    )
    machine.wait(machine.online, 30, "online")


def test_removed_it_keeps_configuration_and_state_and_comes_back(
    machine: Machine, packages: Packages, told: list[str]
) -> None:
    kept = machine.run(KEPT).stdout
    machine.run("systemctl stop scale; dpkg -r validation-station")
    assert machine.run("find /opt /usr/bin/station", check=False).stdout == "/opt\n"
    assert machine.run("pgrep -u validation-station", check=False).stdout == ""
    assert machine.retained("st/conn")["state"] == "offline"
    assert machine.run(KEPT).stdout == kept
    began_s = time.monotonic()
    install(machine, packages.newer)
    machine.wait(machine.online, 60, "online")
    told.append(f"dpkg -i to online, configuration there: {time.monotonic() - began_s:.1f} s")
    assert machine.run(KEPT).stdout == kept


def test_purged_nothing_is_left(machine: Machine, before: set[str]) -> None:
    machine.run("dpkg --purge validation-station")
    left = {path for path in machine.tree() - before if not path.startswith("/var/lib/mosquitto/")}
    assert left == set()
    assert before - machine.tree() == set()
