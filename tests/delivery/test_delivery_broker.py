"""Delivery against a real mosquitto."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from station.link_values import LinkDown, LinkOptions, LinkUp, Tls
from station.pump import PumpOptions
from tests.support.backend import Backend, cloud_event
from tests.support.consumer import STATION, Consumer, link_options
from tests.support.mosquitto import Mosquitto

ROOT = STATION.root


def first_trouble(station: Consumer) -> LinkDown:
    """Return the first report of a missing connection."""
    station.until(lambda: station.down() is not None)
    return next(event for event in station.events if isinstance(event, LinkDown))


def test_a_verdict_reaches_the_backend_and_is_confirmed(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(tmp_path / "o", link_options(broker.port)) as station,
    ):
        station.until(lambda: station.ups() == 1)
        station.verdict()
        station.until(lambda: len(backend.heard("evt/verdict")) == 1)
        heard = backend.heard("evt/verdict")[0]
        assert not heard.late
        assert (heard.event["seq"], heard.event["epoch"]) == (1, station.outbox.epoch)
        assert (heard.event["subject"], heard.event["type"]) == ("T-1", "station.verdict.v1")
        backend.acknowledge(heard.event["epoch"], 1)
        station.until(lambda: station.outbox.confirmed() == 1)
        assert station.conditions() == {}


def test_a_broker_that_comes_late_gets_everything_in_order_and_marked_late(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    with Consumer(tmp_path / "o", link_options(broker.port)) as station:
        for number in range(1, 301):
            station.verdict(number)
        down = first_trouble(station)
        assert "connection refused" in down.reason
        assert "start the broker" in down.remedy
        with broker, Backend(broker.port, ROOT) as backend:
            station.until(lambda: len(backend.heard("evt/verdict")) >= 300)
            heard = backend.heard("evt/verdict")
            assert [message.event["seq"] for message in heard] == list(range(1, 301))
            assert all(message.late for message in heard)


def test_retained_state_is_said_again_at_every_connect_and_the_end_is_announced(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        with Consumer(tmp_path / "o", link_options(broker.port)) as station:
            station.delivery.state("info", {"software": "0.1"})
            station.until(lambda: station.delivery.counters.get("brokered", 0) == 2)
            broker.kill()
            broker.start()  # it has forgotten everything
            station.until(lambda: station.ups() == 2 and station.delivery.counters["brokered"] == 4)
            with Backend(broker.port, ROOT) as backend:
                station.until(lambda: len(backend.messages) == 2)
                states = {message.topic: message.event["data"] for message in backend.messages}
                assert states == {ROOT + "st/conn": {"state": "online"}, ROOT + "st/info": {"software": "0.1"}}
                assert all(message.retain for message in backend.messages)
        with Backend(broker.port, ROOT, client_id="other") as backend:
            backend.wait(lambda: len(backend.messages) == 2)
            assert backend.heard("st/conn")[0].event["data"] == {"state": "offline"}


def test_nobody_listening_is_told_and_ends_with_the_first_listener(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        Consumer(tmp_path / "o", link_options(broker.port)) as station,
    ):
        station.until(lambda: station.ups() == 1)
        station.verdict()
        station.until(lambda: "NOBODY_LISTENING" in station.conditions())
        assert station.outbox.brokered_seqs() == []
        with Backend(broker.port, ROOT) as backend:
            station.until(lambda: len(backend.heard("evt/verdict")) == 1)
            station.until(lambda: station.conditions() == {})
            assert backend.heard("evt/verdict")[0].late


def test_a_wrong_password_is_told_with_a_remedy_and_the_right_one_heals(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "vs-03", "right"], check=True, capture_output=True)
    with Mosquitto(tmp_path, f"password_file {passwords}", anonymous=False) as broker:
        wrong = link_options(broker.port, username="vs-03", password=lambda: "wrong")
        with Consumer(tmp_path / "o", wrong) as station:
            station.verdict()
            down = first_trouble(station)
            assert "reason code 13" in down.reason
            assert "check user name and password" in down.remedy
        right = link_options(broker.port, username="vs-03", password=lambda: "right")
        with Consumer(tmp_path / "o", right) as station:
            station.until(lambda: station.delivery.counters.get("published", 0) >= 2)


def test_an_access_list_that_denies_topics_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite #\npattern deny vs/1/+/+/evt/verdict\n", encoding="utf-8")
    rules.write_text("topic read #\ntopic write vs/1/0815/vs-03/st/#\n", encoding="utf-8")
    with (
        Mosquitto(tmp_path, f"acl_file {rules}") as broker,
        Consumer(tmp_path / "o", link_options(broker.port)) as station,
    ):
        station.until(lambda: station.ups() == 1)
        station.verdict()
        station.until(lambda: "PUBLISH_REFUSED" in station.conditions())
        assert "evt/verdict (reason code 135)" in station.conditions()["PUBLISH_REFUSED"]
        assert "access list" in station.conditions()["PUBLISH_REFUSED"]
        assert station.outbox.depth().unconfirmed == 1
        assert station.outbox.brokered_seqs() == []


def test_a_port_that_speaks_something_else_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with Consumer(tmp_path / "o", link_options(port, connect_s=0.3)) as station:
            assert "no answer to MQTT's CONNECT" in first_trouble(station).reason


def test_a_server_of_another_kind_is_told(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        Consumer(tmp_path / "o", link_options(server.getsockname()[1])) as station,
    ):
        other, _address = server.accept()
        with other:
            other.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert "closed the connection before its CONNACK" in first_trouble(station).reason


def test_a_second_client_with_the_same_id_is_told(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        options = link_options(broker.port, backoff_min_s=0.5, backoff_max_s=60.0)
        with Consumer(tmp_path / "a", options) as first, Consumer(tmp_path / "b", options):
            assert "another client" in first_trouble(first).remedy


def test_a_claim_is_answered_where_it_asked(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(tmp_path / "o", link_options(broker.port)) as station,
    ):
        station.until(lambda: station.ups() == 1)
        mine = ROOT + "res/mine"
        backend.command("claim", {"transaction_id": "T"}, event_id="c-7", ResponseTopic=mine, CorrelationData=b"\x01")
        station.until(lambda: len(backend.heard("res/mine")) == 1)
        answer = backend.heard("res/mine")[0]
        assert (answer.event["data"], answer.correlation) == ({"status": "ok"}, b"\x01")
        assert (answer.event["commandid"], answer.expiry_s) == ("c-7", 3600)
        backend.command("claim", {"transaction_id": "T"}, event_id="c-7")  # the very same again
        station.until(lambda: len(backend.heard("res/claim")) == 1)
        assert backend.heard("res/claim")[0].event["data"] == {"status": "ok"}
        assert [command.id for command in station.commands] == ["c-7"]


def test_what_is_no_command_is_answered_with_a_code(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(tmp_path / "o", link_options(broker.port)) as station,
    ):
        station.until(lambda: station.ups() == 1)
        backend.send("cmd/claim", b"\xff")
        backend.send("cmd/claim", b"{")
        backend.send("cmd/claim", b"{}")
        backend.send("cmd/claim", b"[" * 300_000)
        backend.send("cmd/dance", cloud_event({}))
        backend.command("zero", {}, event_id="z", retain=True)
        backend.command("zero", {}, event_id="y", ResponseTopic=ROOT + "evt/verdict")
        station.until(lambda: len([m for m in backend.messages if "/res/" in m.topic]) == 7)
        answers = [
            (m.topic.removeprefix(ROOT), m.event["data"]["code"]) for m in backend.messages if "/res/" in m.topic
        ]
        assert answers == [
            ("res/claim", "bad_encoding"),
            ("res/claim", "not_json"),
            ("res/claim", "not_cloudevent"),
            ("res/claim", "too_large"),
            ("res/dance", "unsupported"),
            ("res/zero", "retained"),
            ("res/zero", "bad_response_topic"),
        ]
        assert station.commands == []


def test_commands_sent_during_a_short_absence_arrive(tmp_path: Path) -> None:
    options = link_options(0)
    with Mosquitto(tmp_path) as broker, Backend(broker.port, ROOT) as backend:
        options = link_options(broker.port)
        with Consumer(tmp_path / "o", options) as station:
            station.until(lambda: station.ups() == 1)
        backend.command("claim", {"transaction_id": "T"})
        with Consumer(tmp_path / "o", options) as station:
            station.until(lambda: len(station.commands) == 1)
            station.until(lambda: len(backend.heard("res/claim")) == 1)
            assert any(isinstance(event, LinkUp) and event.session_present for event in station.events)


def test_a_receive_maximum_of_one_is_kept(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path, "max_inflight_messages 1") as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(tmp_path / "o", link_options(broker.port)) as station,
    ):
        for number in range(40):
            station.verdict(number)
        station.until(lambda: len(backend.heard("evt/verdict")) == 40)
        assert station.ups() == 1
        assert [message.event["seq"] for message in backend.heard("evt/verdict")] == list(range(1, 41))


def test_a_large_backlog_and_a_live_verdict_the_live_one_first(tmp_path: Path) -> None:
    slow = PumpOptions(backlog_per_s=20, resend_after_s=60)
    with Mosquitto(tmp_path) as broker, Backend(broker.port, ROOT) as backend:
        station = Consumer(tmp_path / "o", link_options(broker.port), slow)
        for number in range(1, 61):
            station.verdict(number)
        with station:
            station.until(lambda: len(backend.heard("evt/verdict")) >= 20)
            station.verdict(61)
            station.until(lambda: any(m.event["seq"] == 61 for m in backend.heard("evt/verdict")))
            heard = [(m.event["seq"], m.late) for m in backend.heard("evt/verdict")]
            before = heard.index((61, False))  # some of the backlog may have come behind it by now
            assert before < 60
            assert heard[:before] == [(seq, True) for seq in range(1, before + 1)]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small authority, a broker's and a station's certificate, and an authority nobody knows."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    for authority in ("ca", "other"):
        files = ["-keyout", f"{authority}.key", "-out", f"{authority}.pem", "-subj", f"/CN={authority}"]
        subprocess.run(["openssl", "req", "-x509", *curve, *files], cwd=folder, check=True, capture_output=True)
    for name, alternative in (("localhost", "DNS:localhost"), ("vs-03", "DNS:vs-03")):
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}"]
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName={alternative}"]
        subprocess.run(
            ["openssl", "req", "-x509", *curve, *files, *signed], cwd=folder, check=True, capture_output=True
        )
    return folder


def tls_options(port: int, folder: Path, ca: str, **more: object) -> LinkOptions:
    tls = Tls(ca=folder / ca, cert=folder / "vs-03.pem", key=folder / "vs-03.key")
    return link_options(port, tls=tls, **({"host": "localhost"} | more))


@pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning")  # paho, failed handshakes
def test_mutual_tls_and_its_mistakes(tmp_path: Path, certificates: Path) -> None:
    lines = [f"cafile {certificates}/ca.pem", f"certfile {certificates}/localhost.pem"]
    lines += [f"keyfile {certificates}/localhost.key", "require_certificate true"]
    with Mosquitto(tmp_path, *lines) as broker:
        with Consumer(tmp_path / "o", tls_options(broker.port, certificates, "ca.pem")) as station:
            station.until(lambda: station.ups() == 1)
        for ca, host, words in (
            ("other.pem", "localhost", "authority that signed"),
            ("ca.pem", "127.0.0.1", "must carry the address"),
            ("absent.pem", "localhost", "check the files named in `mqtt.tls`"),
        ):
            with Consumer(tmp_path / "o", tls_options(broker.port, certificates, ca, host=host)) as station:
                assert words in first_trouble(station).remedy
        with Consumer(tmp_path / "o", link_options(broker.port, connect_s=1.0)) as station:  # TLS forgotten
            station.until(lambda: station.down() is not None)


def test_plain_tcp_is_for_loopback_only() -> None:
    with pytest.raises(ValueError, match="plain TCP is for loopback only"):
        link_options(1883, host="broker.example")
    assert link_options(1883, host="::1").host == "::1"


def test_an_answer_that_the_broker_would_not_take_is_a_coded_error(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path, "max_packet_size 3000") as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(tmp_path / "o", link_options(broker.port)) as station,
    ):
        station.answering = False
        station.until(lambda: station.ups() == 1)
        backend.command("claim", {"transaction_id": "T-1"}, event_id="c-1")
        station.until(lambda: bool(station.commands))
        station.delivery.answer(station.commands[-1], {"status": "ok", "picture": "x" * 5000})
        station.until(lambda: len(backend.heard("res/claim")) == 1)
        told = backend.heard("res/claim")[0].event["data"]
        assert (told["status"], told["code"]) == ("error", "answer_too_large")
