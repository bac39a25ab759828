"""The pump and its parts, under virtual time and arbitrary brokers and backends."""

import itertools
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.backoff import Backoff
from station.lane import Send
from station.ledger import Ledger
from station.outbox import Ref
from station.pump import Post, Pump, PumpOptions

SECOND_NS = 10**9
VERDICT, ALARM = "evt/verdict", "evt/alarm"


# -- the ledger against the words of the contract


class Words:
    """The rules of the acknowledgement, written as naively as possible."""

    def __init__(self) -> None:
        self.brokered: set[int] = set()
        self.confirmed = 0

    def acknowledge(self, epoch: str, seq: int) -> bool:
        if epoch != "mine" or seq <= self.confirmed or any(n not in self.brokered for n in range(1, seq + 1)):
            return False
        self.confirmed = seq
        return True


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("brokered"), st.integers(1, 12)),
        st.tuples(st.sampled_from(["mine", "mine", "mine", "other"]), st.integers(-2, 14)),
    ),
    max_size=60,
)


@given(steps=STEPS, restart=st.integers(0, 60))
def test_the_ledger_obeys_the_contract(steps: list[tuple[str, int]], restart: int) -> None:
    words, ledger = Words(), Ledger("mine", 0, [])
    for number, (what, seq) in enumerate(steps):
        if number == restart:
            ledger = Ledger("mine", ledger.confirmed, sorted(words.brokered - set(range(1, ledger.confirmed + 1))))
        if what == "brokered":
            words.brokered.add(seq)
            ledger.brokered(seq)
        else:
            assert ledger.acknowledge(what, seq) == words.acknowledge(what, seq)
        assert ledger.confirmed == words.confirmed
        outstanding = sorted(seq for seq in words.brokered if seq > words.confirmed)
        assert ledger.outstanding(99, 99) == outstanding
        assert ledger.outstanding(7, 3) == [seq for seq in outstanding if seq <= 7][:3]


# -- the backoff


def reconnects(seconds: float, lasted: Callable[[float], float], *, seed: int) -> int:
    """Two clients with one identity: each connect throws the other out. Return how often they connect."""
    uniform = random.Random(seed).uniform
    backoffs = [Backoff(0.5, 60.0, uniform), Backoff(0.5, 60.0, uniform)]
    now_s, since_s, connected, connects = 0.0, 0.0, 0, 0
    while now_s < seconds:
        other = 1 - connected  # waits, comes back, throws the connected one out
        now_s += backoffs[other].delay_s(lasted(now_s - since_s), proven=True) + 0.01
        since_s, connected, connects = now_s, other, connects + 1
    return connects


@pytest.mark.parametrize("seed", range(5))
def test_two_clients_with_one_identity_calm_down(seed: int) -> None:
    assert reconnects(1800, lambda lasted_s: lasted_s, seed=seed) < 150
    assert reconnects(1800, lambda _: 1e9, seed=seed) > 3000  # if every hello counted as success


def test_the_backoff_doubles_is_bounded_and_starts_anew_after_a_useful_connection() -> None:
    backoff = Backoff(0.5, 60.0, lambda _low, high: high)
    assert [backoff.delay_s(0.0, proven=False) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.delay_s(119.0, proven=True) == 60
    assert backoff.delay_s(120.0, proven=False) == 0.5
    assert backoff.delay_s(3.0, proven=False) == 1.0
    assert backoff.delay_s(3.0, proven=True) == 0.5


# -- the pump and a model of outbox, broker and backend


class World:
    """An outbox in memory, a broker that answers as it likes, and the pump between."""

    def __init__(self, options: PumpOptions) -> None:
        self.pump = Pump([VERDICT, ALARM], Ledger("mine", 0, []), options)
        self.options = options
        self.now_ns = 0
        self.receive_maximum = 10
        self.pending: dict[str, list[Ref]] = {VERDICT: [], ALARM: []}
        self.flying: dict[int, Ref | Post] = {}
        self.sends: list[Send] = []
        self.mid = 0
        self.numbers = {VERDICT: 0, ALARM: 0}

    def store(self, topic: str) -> Ref:
        self.numbers[topic] += 1
        ref = Ref("verdict" if topic == VERDICT else "event", self.numbers[topic], topic)
        self.pending[topic].append(ref)
        self.pump.stored(ref)
        return ref

    def up(self, receive_maximum: int) -> None:
        self.receive_maximum = receive_maximum
        self.flying.clear()
        self.pump.link_up(receive_maximum, self.now_ns)

    def down(self) -> None:
        self.flying.clear()
        self.pump.link_down()

    def advance(self) -> None:
        self.pump.asks_for_acknowledgement(self.now_ns)
        while True:
            while want := self.pump.want(self.now_ns):
                rows = [ref for ref in self.pending[want.topic] if ref.number > want.after][: want.limit]
                self.pump.refill(want, rows)
            item = self.pump.next(self.now_ns)
            if item is None:
                return
            ref = item if isinstance(item, Post) else item.ref
            assert isinstance(ref, Post) or ref not in self.flying.values(), "twice on its way at once"
            self.mid += 1
            self.flying[self.mid] = ref
            self.pump.sent(ref, self.mid, self.now_ns)
            if isinstance(item, Send):
                self.sends.append(item)
            assert len(self.flying) <= min(self.options.window, self.receive_maximum)

    def answer(self, index: int, reason_code: int) -> None:
        if not self.flying:
            return
        mid = list(self.flying)[index % len(self.flying)]
        self.flying.pop(mid)
        outcome = self.pump.published(mid, reason_code, self.now_ns)
        assert outcome is not None
        if outcome.accepted and isinstance(outcome.item, Ref) and outcome.item in self.pending[outcome.item.topic]:
            self.pending[outcome.item.topic].remove(outcome.item)

    def settle(self, rounds: int = 400) -> None:
        """Let an obliging broker answer everything, with time passing."""
        for _ in range(rounds):
            self.advance()
            while self.flying:
                self.answer(0, 0)
                self.advance()
            self.now_ns += SECOND_NS


def script() -> st.SearchStrategy[list[tuple[str, int, int]]]:
    return st.lists(
        st.one_of(
            st.tuples(st.just("verdict"), st.just(0), st.just(0)),
            st.tuples(st.just("alarm"), st.just(0), st.just(0)),
            st.tuples(st.just("answer"), st.integers(0, 9), st.sampled_from([0, 0, 0, 16, 135, 151])),
            st.tuples(st.just("wait"), st.integers(1, 90_000), st.just(0)),
            st.tuples(st.just("up"), st.integers(1, 20), st.just(0)),
            st.tuples(st.just("down"), st.just(0), st.just(0)),
            st.tuples(st.just("state"), st.integers(0, 2), st.just(0)),
            st.tuples(st.just("ack"), st.integers(0, 20), st.just(0)),
        ),
        max_size=120,
    )


@given(steps=script())
def test_whatever_the_broker_does_all_is_published_in_the_end_and_the_window_kept(
    steps: list[tuple[str, int, int]],
) -> None:
    world = World(PumpOptions(window=10, backlog_per_s=50))
    for what, number, code in steps:
        match what:
            case "verdict":
                world.store(VERDICT)
            case "alarm":
                world.store(ALARM)
            case "answer":
                world.answer(number, code)
            case "wait":
                world.now_ns += number * 1_000_000
            case "up":
                world.up(number)
            case "down":
                world.down()
            case "state":
                world.pump.post(Post("state", 0, f"st/{number}"))
            case "ack":
                world.pump.acknowledge("mine", number, world.now_ns)
        world.advance()
    world.down()
    world.up(10)
    world.settle()
    assert world.pending == {VERDICT: [], ALARM: []}
    sent = {send.ref for send in world.sends}
    assert len(sent) == world.numbers[VERDICT] + world.numbers[ALARM]


def seqs(sends: list[Send]) -> Iterator[int]:
    return (send.ref.number for send in sends)


def test_the_backlog_goes_in_order_late_and_no_faster_than_allowed() -> None:
    world = World(PumpOptions(backlog_per_s=20))
    for _ in range(250):
        world.store(VERDICT)
    world.up(10)
    counts = []
    for _ in range(12):
        before = len(world.sends)
        world.advance()
        while world.flying:
            world.answer(0, 0)
            world.advance()
        counts.append(len(world.sends) - before)
        world.now_ns += SECOND_NS
    assert counts == [20] * 12
    assert list(seqs(world.sends)) == list(range(1, 241))
    assert all(send.late for send in world.sends)


def test_a_live_message_overtakes_the_backlog_and_is_not_late() -> None:
    world = World(PumpOptions(window=2))
    for _ in range(50):
        world.store(VERDICT)
    world.up(10)
    world.advance()
    live = world.store(VERDICT)
    world.answer(0, 0)
    world.advance()
    assert world.sends[-1] == Send(live, late=False)
    world.settle(3)
    assert world.pending[VERDICT] == []
    assert sorted(seqs(world.sends)) == list(range(1, 52))


def test_a_topic_without_listeners_costs_little_and_holds_up_no_other() -> None:
    world = World(PumpOptions(retry_min_s=1, retry_max_s=60))
    for _ in range(300):
        world.store(VERDICT)
    world.up(10)
    for _ in range(3600):
        world.advance()
        while world.flying:
            world.answer(0, 16)
        world.now_ns += SECOND_NS
    assert len(world.sends) < 100
    assert world.pump.lanes[VERDICT].reason_code == 16
    alarm = world.store(ALARM)
    world.advance()
    assert world.sends[-1] == Send(alarm, late=False)
    world.settle(70)
    assert world.pending == {VERDICT: [], ALARM: []}
    assert world.pump.lanes[VERDICT].reason_code == 0


def test_one_message_that_no_broker_takes_does_not_hold_up_the_rest() -> None:
    world = World(PumpOptions())
    poison = world.store(ALARM)
    for _ in range(100):
        world.store(ALARM)
    world.up(10)
    for _ in range(60):
        world.advance()
        for mid, ref in list(world.flying.items()):
            world.answer(list(world.flying).index(mid), 153 if ref == poison else 0)
        world.now_ns += SECOND_NS
    assert world.pending[ALARM] == [poison]
    assert 2 <= list(seqs(world.sends)).count(poison.number) <= 8


def test_what_the_backend_never_acknowledges_comes_again_ever_more_rarely() -> None:
    world = World(PumpOptions(resend_after_s=60, resend_max_s=3600, resend_reconnect_s=5))
    world.up(10)
    for _ in range(3):
        world.store(VERDICT)
    at_s = []
    for second in range(20_000):
        before = len(world.sends)
        world.advance()
        while world.flying:
            world.answer(0, 0)
        at_s += [second] * (len(world.sends) - before)
        world.now_ns += SECOND_NS
    again = sorted(set(at_s[3:]))
    gaps = [late - early for early, late in itertools.pairwise(again)]
    assert again[0] >= 60
    assert all(later >= earlier for earlier, later in itertools.pairwise(gaps))
    assert len(again) < 14
    assert all(send.late for send in world.sends[3:])


def test_a_backend_that_lost_many_gets_them_round_by_round_without_waiting() -> None:
    world = World(PumpOptions(backlog_per_s=1000, resend_after_s=60, resend_reconnect_s=5))
    for _ in range(2000):
        world.store(VERDICT)
    world.up(10)
    world.settle(6)
    assert len(world.sends) >= 2000
    del world.sends[:]
    world.up(10)
    prefix = 0
    for _ in range(60):
        world.advance()
        while world.flying:
            world.answer(0, 0)
            world.advance()
        for seq in seqs(world.sends):
            prefix = max(prefix, seq) if seq == prefix + 1 else prefix
        world.pump.acknowledge("mine", prefix, world.now_ns)
        world.now_ns += SECOND_NS
    assert prefix == 2000
    assert list(seqs(world.sends)) == list(range(1, 2001))


def test_a_broker_that_never_answers_is_noticed() -> None:
    world = World(PumpOptions(acknowledge_s=30))
    world.up(10)
    world.store(VERDICT)
    world.advance()
    world.now_ns += 30 * SECOND_NS
    assert not world.pump.stalled(world.now_ns)
    assert world.pump.stalled(world.now_ns + 1)


def test_what_could_not_be_read_is_given_out_again_before_the_backlog() -> None:
    pump = Pump([VERDICT, ALARM], Ledger("mine", 0, []), PumpOptions())
    pump.link_up(1, 0)
    verdicts = [Ref("verdict", seq, VERDICT) for seq in (1, 2, 3)]
    want = pump.want(0)
    assert want is not None
    pump.refill(want, verdicts)
    given_out = pump.next(0)
    assert given_out == Send(verdicts[0], late=True)
    pump.put_back(verdicts[0], 0)
    for mid, ref in enumerate(verdicts, 1):
        assert pump.next(0) == Send(ref, late=True)
        pump.sent(ref, mid, 0)
        pump.published(mid, 0, 0)
    assert pump.ledger.prefix == 3


def test_without_the_outbox_only_posts_are_given_out() -> None:
    pump = Pump([VERDICT, ALARM], Ledger("mine", 0, []), PumpOptions())
    pump.link_up(1, 0)
    pump.stored(Ref("verdict", 1, VERDICT))
    posts = [Post("state", 0, "st/health"), Post("answer", 1, "res/zero")]
    for post in posts:
        pump.post(post)
    assert pump.next_post() == posts[0]
    pump.sent(posts[0], 1, 0)
    assert pump.next_post() is None  # the window is full
    pump.published(1, 0, 0)
    assert (pump.next_post(), pump.next_post()) == (posts[1], None)
