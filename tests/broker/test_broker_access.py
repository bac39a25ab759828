"""The shipped access list on a real mosquitto: who may write and read what, and who is who."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from station.provision import issuing
from tests.broker.lab import OTHER, OTHER_ROOT, ROOT, STATION, Lab, Peer, Shipped, terms

NOT_AUTHORISED, NO_SUBSCRIBER = 135, 16


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = Lab(tmp_path_factory.mktemp("lab"))
    for identity in (STATION, OTHER):
        made.station(identity)
    for name in ("backend.1", "backend.2", "monitor.1"):
        made.backend(name)
    return made


@pytest.fixture(scope="module")
def broker(lab: Lab) -> Iterator[Shipped]:
    with lab.broker() as made:
        yield made


def peer(lab: Lab, broker: Shipped, identity: str, client_id: str | None = None) -> Peer:
    return Peer(broker.port, lab.folder / identity, identity, client_id)


OWN = ("evt/verdict", "evt/alarm", "st/conn", "tel/metrics", "res/claim", "res/deep/er")
TOPICS = ("evt/verdict", "st/conn", "tel/metrics", "res/claim", "cmd/zero", "ack/verdict")
FOREIGN = [OTHER_ROOT + name for name in TOPICS]
NEVER = ["cmd/zero", "ack/verdict", "evt", "evt/a/b", "other/x"]


@pytest.mark.parametrize("name", OWN)
def test_a_station_writes_its_own_topics(lab: Lab, broker: Shipped, name: str) -> None:
    with peer(lab, broker, STATION) as station:
        assert station.publish(ROOT + name) in {0, NO_SUBSCRIBER}


@pytest.mark.parametrize(
    "topic", [*FOREIGN, *(ROOT + name for name in NEVER), "vs/1/evt/verdict", f"{STATION}/evt/x", "$SYS/broker/x", "x"]
)
def test_a_station_writes_nothing_else(lab: Lab, broker: Shipped, topic: str) -> None:
    with peer(lab, broker, STATION) as station:
        assert station.publish(topic) == NOT_AUTHORISED


def test_a_station_reads_its_commands_and_acknowledgements_alone(lab: Lab, broker: Shipped) -> None:
    """Both ask for everything; one message each tells that all before it would have come, too."""
    topics = [f"{root}{name}" for root in (OTHER_ROOT, ROOT) for name in ("cmd/zero", "ack/verdict")]
    with (
        peer(lab, broker, "backend.1") as backend,
        peer(lab, broker, "monitor.1") as monitor,
        peer(lab, broker, STATION) as station,
        peer(lab, broker, OTHER) as other,
    ):
        station.subscribe("#", "$SYS/#", "$share/g/#", f"{OTHER_ROOT}cmd/+", f"{OTHER_ROOT}+/+", "vs/1/+/+/evt/+")
        backend.subscribe("vs/1/+/+/evt/+")
        monitor.subscribe("$SYS/broker/version")
        assert other.publish(f"{OTHER_ROOT}evt/verdict") == 0
        backend.wait_heard(f"{OTHER_ROOT}evt/verdict")
        for topic in topics:
            assert backend.publish(topic) in {0, NO_SUBSCRIBER}
        monitor.wait_heard("$SYS/broker/version")
        station.wait_heard(f"{ROOT}ack/verdict")
    assert set(station.heard) == {f"{ROOT}cmd/zero", f"{ROOT}ack/verdict"}


def test_a_retained_message_is_read_by_whom_it_is_for(lab: Lab, broker: Shipped) -> None:
    with peer(lab, broker, "backend.1") as backend:
        for root in (OTHER_ROOT, ROOT):
            backend.publish(f"{root}ack/verdict", retain=True)
    with peer(lab, broker, STATION) as station:
        station.subscribe("vs/1/+/+/ack/verdict")
        station.wait_heard(f"{ROOT}ack/verdict")
    assert set(station.heard) == {f"{ROOT}ack/verdict"}


def test_a_backend_commands_and_acknowledges_and_is_no_station(lab: Lab, broker: Shipped) -> None:
    with peer(lab, broker, "backend.2") as backend:
        assert backend.publish(f"{ROOT}cmd/claim") in {0, NO_SUBSCRIBER}
        assert backend.publish(f"{ROOT}ack/verdict") in {0, NO_SUBSCRIBER}
        for topic in (f"{ROOT}evt/verdict", f"{ROOT}st/conn", f"{ROOT}res/claim", f"{ROOT}cmd/a/b", "$SYS/x"):
            assert backend.publish(topic) == NOT_AUTHORISED, topic


def test_two_backends_share_the_verdicts(lab: Lab, broker: Shipped) -> None:
    shared = "$share/store/vs/1/+/+/evt/verdict"
    with (
        peer(lab, broker, "backend.1") as one,
        peer(lab, broker, "backend.2") as two,
        peer(lab, broker, STATION) as station,
    ):
        one.subscribe(shared, f"{ROOT}evt/alarm")
        two.subscribe(shared, f"{ROOT}evt/alarm")
        for _ in range(20):
            assert station.publish(f"{ROOT}evt/verdict") == 0
        station.publish(f"{ROOT}evt/alarm")
        one.wait_heard(f"{ROOT}evt/alarm")
        two.wait_heard(f"{ROOT}evt/alarm")
    counts = [len([topic for topic in each.heard if topic.endswith("verdict")]) for each in (one, two)]
    assert sum(counts) == 20
    assert min(counts) > 0


def test_another_certificate_with_the_same_client_id_takes_no_session(lab: Lab, broker: Shipped) -> None:
    with peer(lab, broker, OTHER) as victim:
        with peer(lab, broker, STATION, client_id=OTHER) as intruder:
            assert intruder.publish(f"{OTHER_ROOT}evt/verdict") == NOT_AUTHORISED
            assert intruder.publish(f"{ROOT}evt/verdict") in {0, NO_SUBSCRIBER}  # it is who its certificate says
        victim.subscribe(f"{OTHER_ROOT}cmd/+")
        assert not victim.lost.is_set()


def test_one_certificate_twice_takes_its_own_session(lab: Lab, broker: Shipped) -> None:
    with peer(lab, broker, OTHER) as first, peer(lab, broker, OTHER):
        assert first.lost.wait(10.0)


@pytest.mark.parametrize("name", ["+", "#", "+/x"])
def test_a_name_with_a_wildcard_opens_nothing(lab: Lab, broker: Shipped, name: str, tmp_path: Path) -> None:
    """Provisioning never signs such a name; should another authority do it, the broker lets it do nothing."""
    key = issuing.new_key("p256")
    opened = lab.authority._issuer  # noqa: SLF001 - the act of an authority gone bad
    certificate = issuing.client(opened, issuing.name(name), key.public_key(), terms().period)
    (tmp_path / "bad.key").write_bytes(issuing.key_pem(key))
    (tmp_path / "bad.pem").write_bytes(issuing.pem(certificate))
    (tmp_path / "ca.pem").write_bytes(lab.authority.certificate_pem)
    with Peer(broker.port, tmp_path, "bad") as intruder, peer(lab, broker, "backend.1") as backend:
        intruder.subscribe("#", f"{ROOT}cmd/+")
        for topic in (f"{ROOT}evt/verdict", f"vs/1/0815/{name}/evt/verdict".replace("+", "a").replace("#", "a")):
            assert intruder.publish(topic) == NOT_AUTHORISED
        backend.publish(f"{ROOT}cmd/zero")
        with peer(lab, broker, STATION) as station:
            station.subscribe(f"{ROOT}cmd/+")
            backend.publish(f"{ROOT}cmd/zero")
            station.wait_heard(f"{ROOT}cmd/zero")
        intruder.subscribe("nothing")  # a round trip: what was to come has come
    assert intruder.heard == []
