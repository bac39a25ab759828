"""A minimal Debian 12 under its own systemd, in a container that forgets everything; and what is done in it."""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "other")
IMAGE = ROOT / "build" / "appliance" / f"root-{ARCHITECTURE}"
BOOT_S = 60.0
POLL_S = 0.2
UNSEEN = ("/proc", "/sys", "/run", "/dev", "/var/log", "/var/cache", "/mnt", "/root", "/tmp", "/var/tmp")  # noqa: S108 - in there


def absent() -> str | None:
    """Say what is missing for a machine; None where nothing is."""
    if os.geteuid() != 0:
        return "needs root for systemd-nspawn"
    if shutil.which("systemd-nspawn") is None:
        return "systemd-nspawn is not installed: apt-get install systemd-container"
    return None if any(IMAGE.glob(".made-of-*")) else f"no {IMAGE.relative_to(ROOT)}: run `make test-appliance`"


class Machine:
    """A booted one."""

    def __init__(self, leader: int) -> None:
        self._leader = str(leader)

    def run(self, command: str, *, check: bool = True, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run a shell's command as root in there."""
        inside = [
            "nsenter",
            "-t",
            self._leader,
            "-m",
            "-u",
            "-i",
            "-n",
            "-p",
            "-r",
            "-w",
            "--",
            "/bin/sh",
            "-c",
            command,
        ]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8"}
        done = subprocess.run(
            inside, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s,
            check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def show(self, what: str) -> str:
        """Return a property of the station's unit."""
        return self.run(f"systemctl show --value -p {what} validation-station").stdout.strip()

    def journal(self) -> str:
        """Return what the unit has written."""
        return self.run("journalctl -u validation-station -o cat --no-pager").stdout

    def wait(self, done: Callable[[], bool], limit_s: float, what: str) -> float:
        """Wait for something; return the seconds it took."""
        began_s = time.monotonic()
        pause = threading.Event()
        while not done():
            assert time.monotonic() - began_s < limit_s, f"{what}: not within {limit_s:g} s\n{self.journal()[-4000:]}"
            pause.wait(POLL_S)
        return time.monotonic() - began_s

    def retained(self, topic: str) -> dict[str, Any]:
        """Return the data of a retained message; empty where there is none."""
        heard = self.run(
            f"mosquitto_sub -h 127.0.0.1 -V mqttv5 -W 2 -C 1 -t vs/1/0815/vs-03/{topic}", check=False
        ).stdout
        data: dict[str, Any] = json.loads(heard)["data"] if heard else {}
        return data

    def online(self) -> bool:
        """Whether the station has told the broker that it is online, and is."""
        return self.retained("st/conn").get("state") == "online" and self.show("ActiveState") == "active"

    def tree(self) -> set[str]:
        """Return every file and folder outside of what changes by itself, and every user and group."""
        pruned = " -o ".join(f"-path {path}" for path in UNSEEN)
        files = self.run(f"find / -xdev \\( {pruned} \\) -prune -o -print").stdout.splitlines()
        people = self.run("cut -d: -f1 /etc/passwd /etc/group /etc/shadow /etc/gshadow").stdout.splitlines()
        return {*files, *(f"account {name}" for name in people)}


@contextlib.contextmanager
def booted(*shared: str) -> Iterator[Machine]:
    """Boot a machine that forgets everything at its end; `shared` are arguments such as `--bind-ro=HERE:THERE`."""
    command = [
        "systemd-nspawn", "-q", "--register=no", "--keep-unit", "--private-network", "--volatile=overlay",
        "--console=pipe", f"--directory={IMAGE}", *shared, "--boot",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        machine = Machine(_leader(process))
        machine.run("systemctl is-system-running --wait", check=False, timeout_s=BOOT_S)
        yield machine
    finally:
        process.terminate()
        try:
            process.wait(BOOT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stderr is not None
        process.stderr.close()


def _leader(process: "subprocess.Popen[bytes]") -> int:
    """Return the process that is the machine's first, as soon as its systemd can be asked."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    end_s, pause = time.monotonic() + BOOT_S, threading.Event()
    while time.monotonic() < end_s and process.poll() is None:
        for child in children.read_text().split():
            asked = ["nsenter", "-t", child, "-m", "-p", "-r", "--", "systemctl", "is-system-running"]
            answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
            if answer in {"initializing", "starting", "running", "degraded"}:
                return int(child)
        pause.wait(POLL_S)
    assert process.stderr is not None
    problem = process.stderr.read().decode() if process.poll() is not None else "its systemd does not answer"
    raise AssertionError(f"the machine does not boot: {problem}")
