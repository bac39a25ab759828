"""Certificates that are wrong, too early, too late or revoked: refused by a real broker, explained by the station."""

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from station.link_values import LinkDown, LinkOptions
from station.provision import acts, issuing
from tests.broker.lab import HOSTS, STATION, Lab, Peer, options, terms, who
from tests.support.consumer import Consumer, link_options
from tests.support.rig import wait_until

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
DAY_S = 86_400.0


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "lab")


def trouble(folder: Path, given: LinkOptions) -> str:
    """Return what the station says of its first attempt."""
    with Consumer(folder / f"outbox-{id(given)}", given) as station:
        station.until(lambda: station.down() is not None)
        down = next(event for event in station.events if isinstance(event, LinkDown))
        assert station.ups() == 0
    return f"{down.reason}; {down.remedy}"


@contextlib.contextmanager
def connected(folder: Path, given: LinkOptions) -> Iterator[Consumer]:
    with Consumer(folder / "outbox", given) as station:
        station.until(lambda: station.ups() == 1)
        yield station


@pytest.mark.parametrize("kind", ["p256", "ed25519"])
def test_both_kinds_of_keys_work_on_both_sides(tmp_path: Path, kind: issuing.KeyType) -> None:
    lab = Lab(tmp_path / "lab", kind)
    with lab.broker() as broker, connected(tmp_path, options(lab.station(), broker.port)) as station:
        station.verdict()
        station.until(lambda: station.delivery.counters.get("published", 0) >= 2)


def test_a_broker_certificate_from_the_future_is_explained_and_heals_with_the_clock(tmp_path: Path, lab: Lab) -> None:
    """A station's clock that is behind sees the same as this: a certificate that begins seconds from now."""
    folder = lab.station()
    with lab.broker(terms(start_s=3)) as broker, Consumer(tmp_path / "o", options(folder, broker.port)) as station:
        station.verdict()
        station.until(lambda: station.down() is not None)
        down = next(event for event in station.events if isinstance(event, LinkDown))
        words = rf"the broker's certificate is valid from ({STAMP}), this station's clock says ({STAMP})$"
        told = re.search(words, down.reason)
        assert told is not None, down.reason
        assert told[2] < told[1]
        assert down.remedy.startswith("check the clock")
        station.until(lambda: station.ups() == 1)
        station.until(lambda: station.delivery.counters.get("published", 0) >= 2)


def test_an_expired_broker_certificate_is_explained_and_a_new_one_heals(tmp_path: Path, lab: Lab) -> None:
    folder = lab.station()
    broker = lab.broker(terms(start_s=-3600, days=0.04))
    with broker, Consumer(tmp_path / "o", options(folder, broker.port)) as station:
        station.until(lambda: station.down() is not None)
        down = station.down()
        assert down is not None
        assert re.search(rf"the broker's certificate was valid until {STAMP}, this station's clock says", down.reason)
        assert "renew it" in down.remedy
        broker.again(lab, terms())
        broker.reload()
        station.until(lambda: station.ups() == 1)


def test_an_authority_from_the_future_is_named(tmp_path: Path, lab: Lab) -> None:
    """As a clock at the beginning of its count sees it: the chain is refused at its authority."""
    later = issuing.new_key("p256")
    start = terms(start_s=DAY_S, days=20).period
    ahead = issuing.authority(later, issuing.name("Later"), start)
    issuer = issuing.Issuer(ahead, later)
    key = issuing.new_key("p256")
    leaf = issuing.server(issuer, HOSTS, key.public_key(), terms().period)
    folder = lab.station()
    broker = lab.broker()
    (broker.folder / "broker.key").write_bytes(issuing.key_pem(key))
    (broker.folder / "broker.pem").write_bytes(issuing.pem(leaf))
    with broker:
        (folder / "ca.pem").write_bytes(issuing.pem(ahead))
        told = trouble(tmp_path, options(folder, broker.port))
    assert re.search(rf"an authority in {folder}/ca.pem is valid from {STAMP}, this station's clock says {STAMP}", told)


@pytest.mark.parametrize(
    ("hosts", "host", "words"),
    [
        (["broker.elsewhere"], "localhost", "must carry the name in `mqtt.host`"),
        (["localhost"], "127.0.0.1", "must carry the address in `mqtt.host`"),
    ],
)
def test_a_wrong_host_name_is_refused(tmp_path: Path, lab: Lab, hosts: list[str], host: str, words: str) -> None:
    folder = lab.station()
    with lab.broker(hosts=hosts) as broker:
        assert words in trouble(tmp_path, options(folder, broker.port, host=host))


def test_a_broker_of_another_authority_is_refused(tmp_path: Path, lab: Lab) -> None:
    stranger = Lab(tmp_path / "stranger")
    folder = lab.station()
    with stranger.broker() as broker:
        assert "authority that signed" in trouble(tmp_path, options(folder, broker.port))


def test_a_station_with_a_stolen_key_cannot_play_the_broker(tmp_path: Path, lab: Lab) -> None:
    """Its certificate is for clients alone."""
    thief, victim = lab.station("vs-09"), lab.station()
    broker = lab.broker()
    for end in ("key", "pem"):
        (broker.folder / f"broker.{end}").write_bytes((thief / f"vs-09.{end}").read_bytes())
    with broker:
        told = trouble(tmp_path, options(victim, broker.port))
    assert "unsuitable certificate purpose" in told


@pytest.mark.parametrize(
    ("start_s", "days", "words"),
    [
        (3600.0, 1.0, rf"this station's certificate .*/vs-03.pem is valid from {STAMP}, this station's clock"),
        (-3600.0, 0.04, rf"this station's certificate .*/vs-03.pem was valid until {STAMP}, .*; renew it"),
    ],
)
def test_a_station_certificate_of_another_time_is_explained(
    tmp_path: Path, lab: Lab, start_s: float, days: float, words: str
) -> None:
    folder = lab.station(given=terms(start_s=start_s, days=days))
    with lab.broker() as broker:
        told = trouble(tmp_path, options(folder, broker.port))
    assert re.search(words, told), told


def test_a_station_of_another_authority_is_refused(tmp_path: Path, lab: Lab) -> None:
    folder = Lab(tmp_path / "stranger").station()
    (folder / "ca.pem").write_bytes(lab.authority.certificate_pem)
    with lab.broker() as broker:
        told = trouble(tmp_path, options(folder, broker.port))
        assert "refuses this station's certificate" in told
        broker.stop()
    assert any("unknown" in line or "unable to get" in line or "ertificate" in line for line in broker.log), broker.log


def test_a_client_without_a_certificate_is_refused(tmp_path: Path, lab: Lab) -> None:
    with lab.broker() as broker:
        full = options(lab.station(), broker.port)
        assert full.tls is not None
        bare = link_options(broker.port, host="localhost", tls=type(full.tls)(ca=full.tls.ca))
        told = trouble(tmp_path, bare)
        assert "refuses this station's certificate" in told
        told = trouble(tmp_path, link_options(broker.port, host="localhost", connect_s=1.0))
        assert "closed the connection" in told or "no answer" in told


def test_a_broker_certificate_does_not_serve_as_a_client(tmp_path: Path, lab: Lab) -> None:
    folder = lab.station()
    with lab.broker() as broker:
        for end in ("key", "pem"):
            (folder / f"vs-03.{end}").write_bytes((broker.folder / f"broker.{end}").read_bytes())
        assert "refuses this station's certificate" in trouble(tmp_path, options(folder, broker.port))


def test_a_revoked_station_is_refused_and_others_are_not(tmp_path: Path, lab: Lab) -> None:
    folder, other = lab.station(), lab.station("vs-04")
    lab.authority.revoke(STATION, datetime.now(UTC))
    with lab.broker() as broker:  # which is given the list of now
        assert "refuses this station's certificate" in trouble(tmp_path, options(folder, broker.port))
        with Peer(broker.port, other, "vs-04") as station:
            assert station.publish("vs/1/0815/vs-04/evt/verdict") in {0, 16}


def test_a_revocation_holds_from_the_reload_on_for_new_connections(tmp_path: Path, lab: Lab) -> None:
    """`systemctl reload` is enough for the list; it does not end a connection that stands: a restart does."""
    folder = lab.station()
    with lab.broker() as broker, Peer(broker.port, folder, STATION) as standing:
        lab.authority.revoke(STATION, datetime.now(UTC))
        (broker.folder / "crl.pem").write_bytes(lab.authority.revocations_pem)
        broker.reload()
        wait_until(lambda: any("Reloading config" in line for line in broker.log))
        assert standing.publish("vs/1/0815/vs-03/evt/verdict") in {0, 16}  # it has read them by now
        assert "refuses this station's certificate" in trouble(tmp_path, options(folder, broker.port))
        assert not standing.lost.is_set()


def test_after_a_revocation_the_id_may_be_given_again(tmp_path: Path, lab: Lab) -> None:
    lab.station()
    lab.authority.revoke(STATION, datetime.now(UTC))
    key = issuing.new_key("p256")
    with lab.broker() as broker:
        folder = tmp_path / "again"
        folder.mkdir()
        signed = lab.authority.station(who(), key.public_key(), terms().period)
        for name, content in (
            ("vs-03.pem", issuing.pem(signed)),
            ("vs-03.key", issuing.key_pem(key)),
            ("ca.pem", lab.authority.certificate_pem),
        ):
            (folder / name).write_bytes(content)
        with connected(tmp_path, options(folder, broker.port)):
            pass


def test_a_list_of_revocations_past_its_end_refuses_everybody(tmp_path: Path, lab: Lab) -> None:
    folder = lab.station()
    long_ago = acts.validity(datetime.now(UTC), -1).start
    lab.authority.write_list(long_ago, days=0)
    with lab.broker() as broker:
        assert "list of revocations" in trouble(tmp_path, options(folder, broker.port))


def test_new_files_are_used_at_the_next_connection_without_a_restart(tmp_path: Path, lab: Lab) -> None:
    """Rotation: the station's key and certificate are replaced while it runs; the old one is revoked."""
    folder = lab.station()
    broker = lab.broker()
    with broker, connected(tmp_path, options(folder, broker.port)) as station:
        [old] = [entry.serial for entry in lab.authority.entries() if entry.id == STATION]
        key = issuing.new_key("ed25519")
        signed = lab.authority.station(who(), key.public_key(), terms().period, renew=True)
        (folder / "vs-03.key").write_bytes(issuing.key_pem(key))
        (folder / "vs-03.pem").write_bytes(issuing.pem(signed))
        lab.authority.revoke(STATION, datetime.now(UTC), old)
        (broker.folder / "crl.pem").write_bytes(lab.authority.revocations_pem)
        broker.stop()
        broker.start()
        station.until(lambda: station.ups() == 2)
        station.verdict()
        station.until(lambda: station.delivery.counters.get("published", 0) >= 2)


@pytest.mark.parametrize(
    ("name", "words"),
    [("ca.pem", "holds no certificates in PEM"), ("vs-03.key", "are not a certificate and its key, in PEM")],
)
def test_files_with_something_else_in_them_are_named(tmp_path: Path, lab: Lab, name: str, words: str) -> None:
    folder = lab.station()
    (folder / name).write_text("something else\n", encoding="utf-8")
    told = trouble(tmp_path, options(folder, 1))
    assert str(folder / name) in told
    assert words in told


def test_a_key_that_is_not_the_certificates_is_named(tmp_path: Path, lab: Lab) -> None:
    folder = lab.station()
    (folder / "vs-03.key").write_bytes(issuing.key_pem(issuing.new_key("p256")))
    assert "are not a certificate and its key" in trouble(tmp_path, options(folder, 1))
