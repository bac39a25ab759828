"""Delivery against a broker that withholds, reorders and refuses acknowledgements, and a backend that lies."""

from pathlib import Path

from station.link_values import LinkDown
from tests.support.backend import cloud_event
from tests.support.consumer import STATION, Consumer, link_options
from tests.support.scripted_broker import Got, ScriptedBroker

VERDICT = STATION.root + "evt/verdict"
ACK = STATION.root + "ack/verdict"


class Case:
    """A station, the broker, and what came so far, retained state apart (which is acknowledged at once)."""

    def __init__(self, station: Consumer, broker: ScriptedBroker) -> None:
        self.station, self.broker = station, broker
        self.verdicts: list[Got] = []
        self.most = 0

    def look(self) -> None:
        for got in self.broker.waiting():
            if got.topic == VERDICT:
                self.verdicts.append(got)
            else:
                self.broker.acknowledge(got)

    def until_verdicts(self, count: int) -> list[Got]:
        def done() -> bool:
            self.look()
            return len(self.verdicts) >= count

        self.station.until(done)
        return self.verdicts

    def turns(self, count: int) -> None:
        for _ in range(count):
            self.station.turn()
            self.look()


def connected(station: Consumer, broker: ScriptedBroker) -> Case:
    case = Case(station, broker)
    station.until(lambda: station.ups() == 1)
    case.turns(3)
    return case


def test_the_connect_packet_asks_for_what_the_contract_says(tmp_path: Path) -> None:
    with ScriptedBroker() as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        connected(station, broker)
        packet = broker.connects[0]
        assert packet[:7] == b"\x00\x04MQTT\x05"
        assert packet[7] == 0b0010_1100  # will retained, QoS 1; not a clean start
        assert b"\x11\x00\x00\x01\x2c" in packet  # session expiry 300 s
        assert b"\x00\x05vs-03" in packet
        assert b"\x18\x00\x00\x00\x1e" in packet  # will delay 30 s
        assert b"vs/1/0815/vs-03/st/conn" in packet
        assert b'"data":{"state":"lost"}' in packet


def test_no_more_than_the_receive_maximum_is_on_its_way(tmp_path: Path) -> None:
    with ScriptedBroker(receive_maximum=1) as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        case = connected(station, broker)
        for number in range(3):
            station.verdict(number)
        for count in (1, 2, 3):
            case.until_verdicts(count)
            case.turns(5)
            assert len(case.verdicts) == count
            broker.acknowledge(case.verdicts[-1])


def test_the_window_is_ten_and_acknowledgements_may_come_in_any_order(tmp_path: Path) -> None:
    with ScriptedBroker() as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        case = connected(station, broker)
        for number in range(20):
            station.verdict(number)
        case.until_verdicts(10)
        case.turns(5)
        assert len(case.verdicts) == 10
        for got in reversed(case.verdicts[1:10]):
            broker.acknowledge(got)
        case.until_verdicts(19)
        assert station.outbox.brokered_seqs() == list(range(2, 11))
        broker.acknowledge(case.verdicts[0])
        case.until_verdicts(20)
        assert station.outbox.brokered_seqs() == list(range(1, 11))
        assert len({got.payload for got in case.verdicts}) == 20


def test_a_withheld_acknowledgement_ends_the_connection_and_the_bytes_come_again(tmp_path: Path) -> None:
    with ScriptedBroker() as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        case = connected(station, broker)
        station.verdict()
        case.until_verdicts(2)
        first, again = case.verdicts
        assert (first.late, again.late) == (False, True)
        assert first.payload == again.payload
        assert any(isinstance(e, LinkDown) and "does not acknowledge" in e.reason for e in station.events)


def test_a_lost_connection_brings_the_bytes_again(tmp_path: Path) -> None:
    with ScriptedBroker() as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        case = connected(station, broker)
        station.verdict()
        case.until_verdicts(1)
        broker.drop()
        case.until_verdicts(2)
        assert case.verdicts[0].payload == case.verdicts[1].payload
        assert case.verdicts[1].late


def test_a_refused_verdict_stays_and_is_tried_again(tmp_path: Path) -> None:
    with ScriptedBroker() as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        case = connected(station, broker)
        station.verdict()
        case.until_verdicts(1)
        broker.acknowledge(case.verdicts[0], 151)
        case.until_verdicts(2)
        assert "reason code 151" in station.conditions()["PUBLISH_REFUSED"]
        broker.acknowledge(case.verdicts[1])
        station.until(lambda: station.outbox.brokered_seqs() == [1])
        assert station.conditions() == {}
        assert case.verdicts[0].payload == case.verdicts[1].payload


def test_only_a_true_acknowledgement_is_believed(tmp_path: Path) -> None:
    with ScriptedBroker() as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        case = connected(station, broker)
        for number in range(3):
            station.verdict(number)
        case.until_verdicts(3)
        epoch = station.outbox.epoch

        def told(epoch: str, seq: int) -> int:
            seen = station.delivery.counters.get("acks", 0) + station.delivery.counters.get("acks_ignored", 0)
            broker.publish(ACK, cloud_event({"epoch": epoch, "seq": seq}))
            station.until(
                lambda: (
                    station.delivery.counters.get("acks", 0) + station.delivery.counters.get("acks_ignored", 0) > seen
                )
            )
            return station.outbox.confirmed()

        assert told(epoch, 1) == 0  # not brokered yet
        for got in (case.verdicts[0], case.verdicts[2]):
            broker.acknowledge(got)
        station.until(lambda: station.outbox.brokered_seqs() == [1, 3])
        assert told(epoch, 3) == 0  # 2 was never brokered
        assert told("another", 1) == 0
        assert told(epoch, 1000) == 0
        assert told(epoch, 1) == 1
        assert told(epoch, 0) == 1  # a step back
        broker.publish(ACK, b"nonsense")
        broker.publish(ACK, cloud_event({"epoch": epoch, "seq": "2"}))
        station.until(lambda: station.delivery.counters.get("acks_unreadable", 0) == 2)
        broker.acknowledge(case.verdicts[1])
        station.until(lambda: station.outbox.brokered_seqs() == [2, 3])
        assert told(epoch, 3) == 3


def test_a_verdict_nobody_acknowledges_comes_again_after_asking(tmp_path: Path) -> None:
    with ScriptedBroker() as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        case = connected(station, broker)
        while not broker.subscribes.empty():
            broker.subscribes.get()
        station.verdict()
        case.until_verdicts(1)
        broker.acknowledge(case.verdicts[0])
        case.until_verdicts(2)
        assert case.verdicts[1].payload == case.verdicts[0].payload
        assert case.verdicts[1].late
        asked = broker.subscribes.get(timeout=5)
        assert ACK.encode() in asked  # the retained acknowledgement was read again first
        assert station.ups() == 1
        broker.acknowledge(case.verdicts[1])
        broker.publish(ACK, cloud_event({"epoch": station.outbox.epoch, "seq": 1}))
        station.until(lambda: station.outbox.confirmed() == 1)
        case.turns(80)
        assert len(case.verdicts) == 2


def test_a_refused_connection_names_the_reason(tmp_path: Path) -> None:
    with ScriptedBroker(connack=b"\x00\x8a") as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        station.until(lambda: station.down() is not None)
        down = station.down()
        assert down is not None
        assert "reason code 138" in down.reason
        assert "banned" in down.remedy


def test_being_thrown_out_by_a_namesake_is_told(tmp_path: Path) -> None:
    with ScriptedBroker() as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        connected(station, broker)
        broker.send(0xE0, b"\x8e\x00")
        station.until(lambda: station.down() is not None)
        down = station.down()
        assert down is not None
        assert "reason code 142" in down.reason
        assert "unique over the whole fleet" in down.remedy


def test_a_denied_subscription_is_told(tmp_path: Path) -> None:
    class Denying(ScriptedBroker):
        def send(self, first: int, body: bytes) -> None:
            super().send(first, body[:-1] + b"\x87" if first == 0x90 else body)

    with Denying() as broker, Consumer(tmp_path / "o", link_options(broker.port)) as station:
        station.until(lambda: station.down() is not None)
        down = station.down()
        assert down is not None
        assert f"refuses to let this station read {ACK}" in down.reason
        assert station.ups() == 0
