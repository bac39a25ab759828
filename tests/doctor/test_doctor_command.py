"""`station doctor` as a command: what it prints, what it exits with, and what it finds of a configured station."""

import json
import socket
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calibration import store
from calibration.model import Calibration, Cell
from drivers.probing.places import Host
from drivers.probing.serial_probe import Limits
from drivers.serial_port import LineSettings, SerialPort
from drivers.sim.toledo_device import ToledoDevice
from station import cli, wiring
from station.config import Config, parse
from station.doctor import command, examining, telling
from station.doctor.findings import Finding, Severity, failed, line
from station.doctor.probing import Bench, probe
from tests.doctor.bench import HEAD, LIMITS, Machine, configured, machine
from tests.drivers.wire import Peer
from tests.support.mosquitto import Mosquitto


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    with Mosquitto(tmp_path) as made:
        yield made.port


def config(tmp_path: Path, scale: str, port: int = 1) -> Config:
    head = HEAD.replace('"localhost"', f'"127.0.0.1"\nport = {port}')
    head = head.replace("[mqtt]", f'state_dir = "{tmp_path}/state"\n[mqtt]')
    return parse((head + f"[[scale]]\n{scale}\n").encode(), tmp_path / "station.toml", wiring.driver_options())


def examined(made: Config, host: Host | None = None) -> dict[str, Finding]:
    counts = tuple(wiring.SCALES[scale.driver].counts for scale in made.scales)
    case = examining.Case(made, counts, wiring.link_options(made), host or Host())
    return {finding.part: finding for finding in examining.examine(case)}


def test_a_probe_prints_findings_and_toml_that_can_be_pasted(
    bench: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    port, _ = bench.scale(ToledoDevice())
    assert command.run_probe(Bench(host=bench.host, ask=True, limits=LIMITS), as_json=False) == 0
    out, err = capsys.readouterr()
    assert err == ""  # it is no terminal
    assert out.startswith(f"ok      serial port {port}: toledo-8217: a weight of 5000 g: ")
    assert "decide dialect (below)" in out
    tables = tomllib.loads(out[out.index("[[scale]]") :])
    assert tables["scale"][0] | {"port": port, "dialect": "8217"} == tables["scale"][0]


def test_a_probe_speaks_json(bench: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    port, _ = bench.scale(ToledoDevice())
    assert command.run_probe(Bench(host=bench.host, ask=True, limits=LIMITS), as_json=True) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    [find] = report["found"]["serial"]
    assert find["place"]["port"] == port
    assert find["candidates"][0]["driver"] == "toledo-8217"
    [suggestion] = report["suggestions"]
    assert tomllib.loads(suggestion["toml"])["scale"] == [suggestion["table"]]
    assert set(suggestion["decide"]) == {"dialect", "capacity_g", "division_g"}


def test_a_probe_that_finds_nothing_says_where_it_looked_and_fails(
    bench: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run_probe(Bench(host=bench.host), as_json=False) == 1
    out = capsys.readouterr().out
    for hint in ("serial/by-id", "i2c-dev", "dtparam=spi=on", "the kernel drives no HX711", "no scale"):
        assert hint in out


def test_a_held_port_is_a_warning(bench: Machine) -> None:
    with Peer() as peer:
        port = bench.link(peer.path)
        holder = SerialPort(port, LineSettings())
        holder.open()
        report = probe(Bench(host=bench.host, limits=LIMITS), lambda _: None)
        holder.close()
    [finding] = [finding for finding in report.findings if finding.part == f"serial port {port}"]
    assert finding.severity is Severity.WARNING
    assert "in use" in finding.evidence


def test_only_the_named_port_is_looked_into(bench: Machine) -> None:
    with Peer() as one, Peer() as other:
        bench.link(one.path)
        port = bench.link(other.path)
        told: list[str] = []
        limits = Limits(listen_s=0.1, answer_s=0.02)
        report = probe(Bench(host=bench.host, ports=[port], limits=limits), told.append)
    assert [find.place.port for find in report.serial] == [port]
    assert told == [f"{port}: listening at 115200"]


def test_possible_places_are_printed_as_comments(bench: Machine) -> None:
    (bench.dev / "spidev0.0").touch()
    report = probe(Bench(host=bench.host), lambda _: None)
    text = telling.report_text(report)
    assert '# driver = "hx711-spi"\n' in text
    assert tomllib.loads(text[text.index("\n# only if") :]) == {}
    assert configured(report.suggestions[0]).scales[0].driver == "hx711-spi"


@pytest.mark.parametrize("wrong", [["--ask"], ["--port", "/dev/x"]])
def test_options_of_the_probe_alone_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", *wrong]) == 2
    assert capsys.readouterr().err == "station: --ask and --port belong to --probe\n"


@pytest.mark.parametrize("seconds", ["0", "nan", "soon"])
def test_a_time_without_bounds_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["doctor", "--probe", "--seconds", seconds])
    assert f"{seconds} is no number from 5 to 600" in capsys.readouterr().err


def test_without_a_configuration_the_doctor_points_to_the_probe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor", "--config", str(tmp_path / "none.toml"), "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert "station doctor --probe" in report["findings"][0]["remedy"]


def test_a_station_in_order_has_no_finding_to_act_on(
    tmp_path: Path, broker: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with Peer() as peer:
        made = config(tmp_path, f'driver = "cas"\nport = "{peer.path}"', broker)
        (tmp_path / "station.toml").write_text(made.text)
        (tmp_path / "state").mkdir()
        assert cli.main(["doctor", "--config", str(tmp_path / "station.toml")]) == 0
    rows = capsys.readouterr().out.splitlines()
    rows = [row.replace("ok ", "info ", 1) if " clock: " in row else row for row in rows]  # of this machine
    words = ["ok", "ok", "ok", "warning", "info", "info", "info", "ok", "ok", "warning"]
    assert [row.split()[0] for row in rows] == words
    assert "station catalogue import" in rows[3]
    assert "nobody subscribes to events" in rows[-1]


def test_an_absent_device_and_an_absent_broker_are_errors(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = examined(config(tmp_path, 'driver = "cas"\nport = "/dev/absent"', port))
    assert found["scale scale-1"].evidence == "/dev/absent does not exist"
    assert found[f"broker 127.0.0.1:{port}"].severity is Severity.ERROR
    assert failed(found.values())


def test_a_forbidden_device_names_its_group(tmp_path: Path) -> None:
    with Peer() as peer:
        made = config(tmp_path, f'driver = "cas"\nport = "{peer.path}"')
        finding = examined(made, Host(may_open=lambda _: False))["scale scale-1"]
        assert finding.severity is Severity.ERROR
        assert finding.remedy == Host().admission(Path(peer.path), "dialout")


def test_every_device_of_a_driver_is_looked_for(tmp_path: Path) -> None:
    cells = "cells = [{ bus = 1, mux = 0x70 }, { bus = 1, mux = 0x71 }, { bus = 3 }]"
    [scale] = config(tmp_path, f'driver = "nau7802"\n{cells}').scales
    assert examining.paths_of(scale) == [Path("/dev/i2c-1"), Path("/dev/i2c-3")]
    [scale] = config(tmp_path, 'driver = "hx711-text"\nport = "/dev/a"\nmore_ports = ["/dev/b"]').scales
    assert examining.paths_of(scale) == [Path("/dev/a"), Path("/dev/b")]
    [scale] = config(tmp_path, 'driver = "hx711-spi"\ncells = [{ device = "/dev/spidev0.0" }]').scales
    assert examining.paths_of(scale) == [Path("/dev/spidev0.0")]


def test_calibrations_are_missed_damaged_or_told(tmp_path: Path) -> None:
    made = config(tmp_path, 'driver = "hx711-bridge"\nport = "/dev/absent"')
    part = "calibration of scale-1"
    assert examined(made)[part].evidence == "there is none"
    cells = (Cell(zero_counts=84210.0, counts_per_g=21.5),)
    record = store.new_record(Calibration(cells=cells), "factory", datetime(2024, 1, 1, tzinfo=UTC))
    path = store.save(tmp_path / "state", 1, record)
    assert examined(made)[part].severity is Severity.OK
    path.write_text("{}")
    assert examined(made)[part].severity is Severity.ERROR
    assert part not in examined(config(tmp_path, 'driver = "cas"\nport = "/dev/absent"'))


def test_a_finding_is_one_line() -> None:
    finding = Finding(part="a", severity=Severity.WARNING, evidence="b\nc", remedy="d")
    assert line(finding) == "warning a: b c -> d"
