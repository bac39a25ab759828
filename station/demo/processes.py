"""The demo's child processes: the broker and the daemon, each in a group of its own so that Ctrl-C is ours alone."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from station.demo.errors import DemoError

END_S = 6.0  # an orderly end takes a second or two
BROKER_START_S = 10.0
POLL_S = 0.02
ALSO_IN = "/usr/sbin:/usr/local/sbin"  # where distributions put daemons, off a user's path
ATTEMPTS = 3  # a free port may be taken by somebody else before the broker has it
LAST_LINES = 5
RUN_CLI = "import sys; from station.cli import main; sys.exit(main())"


class Child:
    """A process that writes its log into a file; `name` is what people call it."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )

    @property
    def running(self) -> bool:
        """Return whether it still runs."""
        return self.process.poll() is None

    def require(self) -> None:
        """Raise `DemoError` with the last words of the process if it has ended."""
        if not self.running:
            status, words = self.process.returncode, last_lines(self.log)
            raise DemoError(f"{self.name} ended with status {status}; its log is {self.log}{words}")

    def stop(self) -> None:
        """End it in an orderly way, or by force when it takes too long."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


def last_lines(log: Path) -> str:
    """Return the end of a log, indented, to go below an error."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return "".join(f"\n  {line}" for line in lines)


def find_broker() -> str:
    """Return the path of mosquitto; raise `DemoError` where there is none."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:{ALSO_IN}")
    if found is None:
        raise DemoError("the demo needs the MQTT broker mosquitto; install it: sudo apt-get install mosquitto")
    return found


def start_broker(program: str, folder: Path) -> tuple[Child, int]:
    """Start a broker that only this machine can reach; return it and its port."""
    for attempt in range(ATTEMPTS):
        port = _free_port()
        settings = folder / "mosquitto.conf"
        lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "log_dest stderr", "log_type all"]
        if os.geteuid() == 0:
            lines.append("user root")  # it would become a user that may not read its own configuration here
        settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
        broker = Child("the broker", [program, "-c", str(settings)], folder / "mosquitto.log")
        if _answers(broker, port):
            return broker, port
        broker.stop()
        if attempt == ATTEMPTS - 1:
            broker.require()
    raise DemoError(f"the broker does not answer; its log is {folder / 'mosquitto.log'}")


def start_station(config: Path, folder: Path) -> Child:
    """Start the daemon as everybody does."""
    script = Path(sys.executable).with_name("station")
    program = [str(script)] if script.exists() else [sys.executable, "-c", RUN_CLI]
    return Child("the station", [*program, "run", "--config", str(config)], folder / "station.log")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _answers(broker: Child, port: int) -> bool:
    """Wait until the broker takes connections; return whether it ever did."""
    deadline_s = time.monotonic() + BROKER_START_S
    while broker.running and time.monotonic() < deadline_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(POLL_S)
        else:
            return True
    return False
