"""What the doctor finds of the broker: certificates, sign-in, access list; and that it disturbs nobody."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.probing.places import Host
from station import config, signing_keys, wiring
from station.doctor import broker, examining
from station.doctor.findings import Finding, Severity
from station.wire import Station
from tests.broker.lab import STATION, STORE, Lab, Peer, Shipped, options, terms
from tests.support.consumer import link_options
from tests.support.mosquitto import Mosquitto, free_port

WHO = Station(STORE, STATION)
NOW = datetime.now(UTC)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "lab")


def found(lab: Lab, made: Shipped, running: list[str] | None = None) -> dict[str, Finding]:
    findings = broker.sign_in(options(lab.folder / STATION, made.port), WHO, running or [])
    return {finding.part.split()[0]: finding for finding in findings}


def test_a_station_that_may_all_it_must_is_told_so(lab: Lab) -> None:
    lab.station()
    with lab.broker() as made:
        findings = found(lab, made)
        assert {part: f.severity for part, f in findings.items()} == {
            "broker": Severity.OK, "access": Severity.OK, "backend": Severity.WARNING,
        }  # fmt: skip
        assert findings["broker"].evidence == "lets this station in (mutual TLS)"
        with Peer(made.port, lab.backend(), "backend.1") as backend:
            backend.subscribe("vs/1/+/+/evt/+")
            assert "backend" not in found(lab, made)


def test_a_forbidden_group_is_named(lab: Lab) -> None:
    lab.station()
    made = lab.broker()
    rules = made.folder / "mosquitto.acl"
    rules.write_text(rules.read_text(encoding="utf-8").replace("pattern write vs/1/+/%u/tel/+\n", ""), encoding="utf-8")
    with made:
        finding = found(lab, made)["access"]
    assert finding.severity is Severity.ERROR
    assert finding.evidence == "the broker forbids this station to publish below tel/ (reason code 135)"
    assert "vs/1/0815/vs-03/tel/+" in finding.remedy


def test_commands_that_wait_for_the_station_still_wait_afterwards(lab: Lab) -> None:
    folder, command = lab.station(), f"{WHO.root}cmd/zero"
    with lab.broker() as made:
        found(lab, made)  # the session begins
        with Peer(made.port, lab.backend(), "backend.1") as backend:
            assert backend.publish(command) == 0
        assert found(lab, made)["access"].severity is Severity.OK
        heard: list[str] = []
        talk = broker._Talk(options(folder, made.port), WHO)  # noqa: SLF001 - as the station connects
        talk.session._emit = lambda event: heard.append(getattr(event, "topic", ""))  # noqa: SLF001
        talk.run()
    assert command in heard


def test_while_the_station_runs_its_connection_is_left_alone(lab: Lab) -> None:
    folder = lab.station()
    with lab.broker() as made, Peer(made.port, folder, STATION) as station:
        finding = found(lab, made, ["station (pid 7)"])["broker"]
        assert (finding.severity, finding.evidence) == (Severity.INFO, "reachable; station (pid 7) uses the sign-in")
        assert not station.lost.is_set()


@pytest.mark.parametrize("running", [[], ["station (pid 7)"]])
def test_a_foreign_authority_is_an_error_with_and_without_sign_in(tmp_path: Path, lab: Lab, running: list[str]) -> None:
    lab.station()
    other = Lab(tmp_path / "other")
    with other.broker() as made:
        finding = found(lab, made, running)["broker"]
    assert finding.severity is Severity.ERROR
    assert "certificate" in finding.evidence
    assert "mqtt.tls.ca" in finding.remedy


def test_a_broker_that_is_not_there_and_plain_tcp(tmp_path: Path) -> None:
    [finding] = broker.sign_in(link_options(free_port()), WHO, [])
    assert (finding.severity, finding.evidence) == (Severity.ERROR, "connection refused")
    with Mosquitto(tmp_path) as made:
        first, *_ = broker.sign_in(link_options(made.port), WHO, [])
        assert first.evidence == "lets this station in (plain TCP)"


@pytest.mark.parametrize(
    ("start_s", "days", "severity", "words"),
    [
        (-3600, 200, Severity.OK, "valid until"),
        (-3600, 20, Severity.WARNING, "valid until"),
        (86_400, 20, Severity.ERROR, "this machine's clock says"),
        (-86_400 * 20, 10, Severity.ERROR, "was valid until"),
    ],
)  # fmt: skip
def test_dates_of_certificates(tmp_path: Path, start_s: float, days: float, severity: Severity, words: str) -> None:
    from station.provision import acts
    from station.provision.authority import Authority

    lab = Lab(tmp_path / "lab")
    lab.authority = Authority.create(tmp_path / "ca", "Lab", acts.validity(NOW - timedelta(days=30), 3650))
    folder = lab.station(given=terms(start_s, days))
    own, authority = broker.certificates(options(folder, 1), NOW)
    assert (own.part, own.severity) == (f"certificate {STATION}.pem", severity)
    assert words in own.evidence
    assert bool(own.remedy) == (severity is not Severity.OK)
    assert (authority.part, authority.severity) == ("certificate ca.pem", Severity.OK)


def test_a_certificate_that_is_none_is_an_error(lab: Lab) -> None:
    folder = lab.station()
    (folder / "ca.pem").write_text("nothing")
    (folder / f"{STATION}.pem").unlink()
    own, authority = broker.certificates(options(folder, 1), NOW)
    assert "No such file" in own.evidence
    assert authority.evidence.endswith("ca.pem: holds no certificate in PEM")
    assert {own.severity, authority.severity} == {Severity.ERROR}


def test_keys_are_looked_at(lab: Lab, tmp_path: Path) -> None:
    folder = lab.station()
    file, state = folder / "station.toml", tmp_path / "state"
    text = file.read_text(encoding="utf-8").replace("/var/lib/validation-station", str(state))
    file.write_text(text.replace("port = 8883", f"port = {free_port()}"), encoding="utf-8")

    def keys() -> dict[str, Finding]:
        made = config.load(file, wiring.driver_options())
        case = examining.Case(made, (False,), wiring.link_options(made), Host())
        return {finding.part: finding for finding in examining.examine(case)}

    assert keys()["signing key"].severity is Severity.INFO
    assert keys()["orders"].severity is Severity.INFO
    ring = signing_keys.ready(None, state)
    file.write_text(f'{text.replace("port = 8883", "port = 1")}\n[trust]\nkey = "orders.pub"\n', encoding="utf-8")
    (folder / "orders.pub").write_text(ring.pair.public.pem)
    assert ring.pair.key_id in keys()["signing key"].evidence
    assert keys()["orders"].evidence == f"those signed with {ring.pair.key_id}"
    (state / "keys" / "signing.pem").chmod(0o644)
    (folder / "orders.pub").write_text("none")
    assert "is open to others" in keys()["signing key"].evidence
    assert (keys()["orders"].severity, keys()["orders"].remedy) == (
        Severity.ERROR, "export it with `station keys show`",
    )  # fmt: skip
