"""Plain TCP goes to this machine and nowhere else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from station import cli
from tests.support.consumer import link_options

FILE = """[station]
store = "0815"
id = "vs-03"
[mqtt]
host = "{host}"
[[scale]]
driver = "toledo-8217"
port = "/dev/scale"
capacity_g = 15000
division_g = 5
"""
HERE = ["localhost", "127.0.0.1", "127.8.9.10", "::1"]
ELSEWHERE = [
    "broker.example", "192.168.1.5", "10.0.0.1", "0.0.0.0", "::", "fe80::1", "2001:db8::1", "localhost.example",
    "127.0.0.1.example", "::ffff:10.0.0.1", "127.1", "2130706433", "ip6-localhost", "localhost.localdomain", "",
]  # fmt: skip


@pytest.mark.parametrize("host", HERE)
def test_plain_tcp_to_this_machine_is_allowed(tmp_path: Path, host: str) -> None:
    file = tmp_path / "station.toml"
    file.write_text(FILE.format(host=host), encoding="utf-8")
    assert cli.main(["config", "check", str(file)]) == 0
    assert link_options(1883, host=host).host == host


@pytest.mark.parametrize("host", ELSEWHERE)
def test_plain_tcp_to_elsewhere_is_a_bad_configuration(
    tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names are not looked up, for what they mean may change: only `localhost` and loopback addresses count."""
    file = tmp_path / "station.toml"
    file.write_text(FILE.format(host=host), encoding="utf-8")
    assert cli.main(["config", "check", str(file)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{file}:")
    assert "mqtt" in line
    with pytest.raises(ValueError, match="plain TCP is for loopback only"):
        link_options(1883, host=host)


def test_a_localhost_that_is_another_machine_is_refused(tmp_path: Path) -> None:
    """In a mount namespace of its own, so that /etc/hosts may say something else."""
    unshare = shutil.which("unshare")
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.7 localhost\n", encoding="utf-8")
    bind = f"mount --bind {hosts} /etc/hosts"
    if (
        unshare is None
        or subprocess.run([unshare, "-m", "sh", "-c", bind], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs unshare and the right to mount")
    code = "from station.link_tls import require_loopback; require_loopback('localhost', 1883)"
    command = [unshare, "-m", "sh", "-c", f'{bind} && exec "$0" -c "{code}"', sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert "localhost is 192.0.2.7 here, which is not this machine" in done.stderr
