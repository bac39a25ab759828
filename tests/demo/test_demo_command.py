"""The demo as a newcomer starts it: a program of its own, ended by itself or by Ctrl-C."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

STATION = str(Path(sys.executable).with_name("station"))
SLOW = importlib.util.find_spec("ai_edge_litert") is None  # the older runtime takes a minute to learn the gallery
END_S = 300.0 if SLOW else 100.0
pytestmark = pytest.mark.timeout(360 if SLOW else 120)
JUST = [
    ("honest", {"accept"}), ("forgotten", {"review", "reject"}), ("swapped", {"review", "reject"}),
    ("quantity", {"review", "reject"}), ("bag", {"review", "reject"}), ("bag", {"accept"}), ("cart", {"accept"}),
    ("unplugged", {"abstain"}), ("unplugged", {"accept"}),
]  # fmt: skip


@pytest.fixture
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return one whose temporary files are the test's own, and whose cache stays from run to run."""
    folder = tmp_path / "t"
    folder.mkdir()
    cache = request.config.cache.mkdir("demo")
    return {**os.environ, "TMPDIR": str(folder), "XDG_CACHE_HOME": str(cache)}


@pytest.fixture
def mosquitto() -> None:
    if shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin") is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")


def processes_in(folder: str) -> list[str]:
    """Return the command lines of all processes that were started for a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except OSError:  # it has just ended
            continue
        if folder.encode() in words:
            found.append(words.decode(errors="replace"))
    return found


@pytest.fixture
def demo(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [STATION, "demo", "--fast", "--seed", "1", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.usefixtures("mosquitto")
def test_seven_shoppers_are_judged_as_they_should_be(environment: dict[str, str], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    command = [STATION, "demo", "--shoppers", "7", "--fast", "--seed", "1", "--json", "--keep", str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=END_S, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["ready", *["verdict"] * len(JUST), "summary"]
    verdicts = lines[1:-1]
    for verdict, (kind, decisions) in zip(verdicts, JUST, strict=True):
        assert verdict["kind"] == kind
        assert verdict["verdict"]["decision"] in decisions, verdict
        assert verdict["right"]
    assert [verdict["named"] for verdict in verdicts[1:4]] == [True, True, True]
    assert verdicts[7]["verdict"]["reasons"] == ["SCALE_FAULT"]
    for verdict in verdicts:
        took = verdict["latency_ms"]
        assert took["total"] >= took["commit"] + took["publish"] > 0
    summary = lines[-1]
    assert (summary["verdicts"], summary["right"]) == (9, 9)
    assert (summary["acknowledged"], summary["unconfirmed"]) == (9, 0)
    assert summary["events"]["verdict"] == 9
    assert (kept / "station.toml").exists()
    assert processes_in(str(kept)) == []


@pytest.mark.usefixtures("mosquitto")
def test_ctrl_c_in_the_middle_leaves_nothing_behind(demo: subprocess.Popen[str], environment: dict[str, str]) -> None:
    assert demo.stdout is not None
    heard: list[str] = []
    for line in demo.stdout:
        heard.append(json.loads(line)["type"])
        if heard[-1] == "verdict":
            break
    assert processes_in(environment["TMPDIR"])
    demo.send_signal(signal.SIGINT)
    rest, errors = demo.communicate(timeout=END_S)
    assert (demo.returncode, errors) == (0, "")
    assert json.loads(rest.splitlines()[-1])["type"] == "summary"
    assert processes_in(environment["TMPDIR"]) == []
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


@pytest.mark.usefixtures("mosquitto")
def test_a_broker_that_dies_ends_the_demo_with_one_clear_message(
    demo: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    assert demo.stdout is not None
    assert json.loads(next(iter(demo.stdout)))["type"] == "ready"
    [config] = Path(environment["TMPDIR"]).glob("*/mosquitto.conf")
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        if str(config).encode() in entry.read_bytes():
            os.kill(int(entry.parent.name), signal.SIGKILL)
    _, errors = demo.communicate(timeout=END_S)
    assert demo.returncode == 1
    assert errors.splitlines()[0].startswith("station: the broker ended with status -9; its log is ")
    assert "Traceback" not in errors
    assert processes_in(environment["TMPDIR"]) == []


def test_a_missing_broker_is_one_clear_line(environment: dict[str, str]) -> None:
    hidden = "from station.demo import processes; processes.ALSO_IN = '/nowhere'"  # where this machine has it
    program = f"import sys; {hidden}; from station.cli import main; sys.exit(main(['demo', '--shoppers', '1']))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=END_S, env={**environment, "PATH": "/nowhere"}, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        "station: the demo needs the MQTT broker mosquitto; install it: sudo apt-get install mosquitto\n"
    )


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious", encoding="utf-8")
    command = [STATION, "demo", "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=END_S, check=False)
    assert done.returncode == 2
    assert done.stderr == f"station: --keep {tmp_path}: the folder is not empty; name a new one\n"
