"""The course of a visit as a literal table: in which state, on which input, what is done and what comes next.

Every pair of state and input is either in `TABLE` or in `REFUSED`; a test enumerates them. A pair that is refused
cannot happen unless the code that feeds the machine has a bug, so `step` raises. Actions are names; the engine knows
what they mean. A `Fork` asks the engine one yes-or-no question about the visit before it chooses.
"""

import enum
from collections.abc import Callable
from typing import NamedTuple


class State(enum.Enum):
    """Where the visit stands."""

    IDLE = "idle"  # nothing there, nothing claimed
    LOADED = "loaded"  # a load without a claim
    CLAIMED = "claimed"  # a claim without a load
    SETTLING = "settling"  # both; the load is not still yet
    JUDGING = "judging"  # both, settled; waiting for the cameras and the checker
    DECIDED = "decided"  # a verdict stands
    CHANGED = "changed"  # the load differs from what the verdict was about
    CLEARING = "clearing"  # the claim is settled; waiting for the load to go
    OUT_OF_ORDER = "out_of_order"  # a scale cannot be read


class Input(enum.Enum):
    """What can happen to a visit."""

    PLACED = "placed"
    SETTLED = "settled"
    MOVED = "moved"
    UNLOADED = "unloaded"
    TROUBLE = "trouble"
    CLAIM = "claim"  # the first one, or a higher revision
    OTHER_CLAIM = "other_claim"  # of another transaction, while one is open
    CANCEL = "cancel"
    RELEASE = "release"
    TOKEN = "token"  # noqa: S105 - a phone's code, no password
    CORRECTION = "correction"  # lines changed at the station
    EVIDENCE = "evidence"  # the cameras have answered, or their deadline has passed
    JUDGED = "judged"
    NO_CLAIM = "no_claim"  # deadline
    NOT_SETTLED = "not_settled"  # deadline
    EXPIRED = "expired"  # deadline of a claim without a load


class Go(NamedTuple):
    """Do these actions, in order, and be in this state."""

    state: State
    actions: tuple[str, ...] = ()


class Fork(NamedTuple):
    """Ask the question; go one way or the other."""

    question: str
    yes: "Go | Fork"
    no: "Go | Fork"


class RefusedError(RuntimeError):
    """An input that cannot happen in this state: a bug in what feeds the machine."""


def _go(state: State, *actions: str) -> Go:
    return Go(state, actions)


S, I = State, Input  # noqa: E741 - the table is read by these letters

TABLE: dict[tuple[State, Input], Go | Fork] = {
    (S.IDLE, I.PLACED): _go(S.LOADED, "begin", "announce_placed", "await_claim", "await_stillness"),
    (S.IDLE, I.UNLOADED): _go(S.IDLE),
    (S.IDLE, I.CLAIM): _go(S.CLAIMED, "begin", "take_claim", "await_load"),
    (S.IDLE, I.RELEASE): _go(S.IDLE, "close"),  # of a visit that a phone's code has opened
    (S.IDLE, I.TOKEN): _go(S.IDLE, "begin", "hand_over_token", "await_load"),
    (S.IDLE, I.EXPIRED): _go(S.IDLE, "close"),
    (S.IDLE, I.TROUBLE): _go(S.OUT_OF_ORDER),
    # ----
    (S.LOADED, I.SETTLED): _go(S.LOADED, "take_reading", "announce_stable"),
    (S.LOADED, I.MOVED): _go(S.LOADED, "drop_reading", "await_stillness"),
    (S.LOADED, I.UNLOADED): _go(S.IDLE, "announce_removed", "close"),
    (S.LOADED, I.CLAIM): _go(S.SETTLING, "take_claim", "expect_stillness", "settle_again"),
    (S.LOADED, I.NO_CLAIM): _go(S.LOADED, "abstain_no_claim"),
    (S.LOADED, I.NOT_SETTLED): _go(S.LOADED, "abstain_not_settled"),
    (S.LOADED, I.RELEASE): _go(S.CLEARING, "settle_claim"),
    (S.LOADED, I.TOKEN): _go(S.LOADED, "hand_over_token"),
    (S.LOADED, I.TROUBLE): _go(S.OUT_OF_ORDER, "drop_reading", "abstain_fault"),
    # ----
    (S.CLAIMED, I.PLACED): _go(S.SETTLING, "announce_placed", "await_stillness"),
    (S.CLAIMED, I.UNLOADED): _go(S.CLAIMED),
    (S.CLAIMED, I.CLAIM): _go(S.CLAIMED, "take_claim", "await_load"),
    (S.CLAIMED, I.OTHER_CLAIM): _go(S.CLAIMED, "give_up", "begin", "take_claim", "await_load"),
    (S.CLAIMED, I.CORRECTION): _go(S.CLAIMED, "take_claim", "await_load"),
    (S.CLAIMED, I.CANCEL): _go(S.IDLE, "close"),
    (S.CLAIMED, I.RELEASE): _go(S.IDLE, "settle_claim", "close"),
    (S.CLAIMED, I.EXPIRED): _go(S.IDLE, "close"),
    (S.CLAIMED, I.TOKEN): _go(S.CLAIMED, "hand_over_token"),
    (S.CLAIMED, I.TROUBLE): _go(S.OUT_OF_ORDER, "abstain_fault"),
    # ----
    (S.SETTLING, I.SETTLED): _go(S.JUDGING, "take_reading", "announce_stable", "look"),
    (S.SETTLING, I.MOVED): _go(S.SETTLING, "await_stillness"),
    (S.SETTLING, I.UNLOADED): _go(S.CLAIMED, "announce_removed", "await_load"),
    (S.SETTLING, I.CLAIM): _go(S.SETTLING, "take_claim", "expect_stillness"),
    (S.SETTLING, I.OTHER_CLAIM): _go(S.SETTLING, "hand_on", "take_claim", "expect_stillness"),
    (S.SETTLING, I.CORRECTION): _go(S.SETTLING, "take_claim", "expect_stillness"),
    (S.SETTLING, I.CANCEL): _go(S.LOADED, "drop_claim", "await_claim", "expect_stillness"),
    (S.SETTLING, I.RELEASE): _go(S.CLEARING, "settle_claim"),
    (S.SETTLING, I.NOT_SETTLED): _go(S.SETTLING, "abstain_not_settled"),
    (S.SETTLING, I.TOKEN): _go(S.SETTLING, "hand_over_token"),
    (S.SETTLING, I.TROUBLE): _go(S.OUT_OF_ORDER, "abstain_fault"),
    # ----
    (S.JUDGING, I.EVIDENCE): _go(S.JUDGING, "ask_checker"),
    (S.JUDGING, I.JUDGED): _go(S.DECIDED, "deliver"),
    (S.JUDGING, I.MOVED): _go(S.SETTLING, "drop_reading", "await_stillness"),
    (S.JUDGING, I.UNLOADED): _go(S.CLAIMED, "drop_reading", "announce_removed", "await_load"),
    (S.JUDGING, I.CLAIM): _go(S.JUDGING, "take_claim"),
    (S.JUDGING, I.OTHER_CLAIM): _go(S.SETTLING, "hand_on", "take_claim", "settle_again"),
    (S.JUDGING, I.CORRECTION): _go(S.JUDGING, "take_claim"),
    (S.JUDGING, I.CANCEL): _go(S.LOADED, "drop_claim", "await_claim"),
    (S.JUDGING, I.RELEASE): _go(S.CLEARING, "settle_claim"),
    (S.JUDGING, I.TOKEN): _go(S.JUDGING, "hand_over_token"),
    (S.JUDGING, I.TROUBLE): _go(S.OUT_OF_ORDER, "drop_reading", "abstain_fault"),
    # ----
    (S.DECIDED, I.MOVED): _go(S.CHANGED, "await_stillness"),
    (S.DECIDED, I.UNLOADED): Fork(
        "visit_is_over",
        yes=_go(S.IDLE, "announce_removed", "close"),
        no=_go(S.CLAIMED, "announce_removed", "await_load"),
    ),
    (S.DECIDED, I.CLAIM): _go(S.JUDGING, "take_claim", "look_again"),
    (S.DECIDED, I.OTHER_CLAIM): Fork(
        "claim_is_settled",
        yes=_go(S.DECIDED, "hold_claim"),
        no=_go(S.SETTLING, "hand_on", "take_claim", "expect_stillness", "settle_again"),
    ),
    (S.DECIDED, I.CORRECTION): _go(S.JUDGING, "take_claim", "look_again"),
    (S.DECIDED, I.CANCEL): _go(S.LOADED, "drop_claim", "await_claim"),
    (S.DECIDED, I.RELEASE): _go(S.CLEARING, "settle_claim"),
    (S.DECIDED, I.TOKEN): _go(S.DECIDED, "hand_over_token"),
    (S.DECIDED, I.TROUBLE): _go(S.OUT_OF_ORDER),
    # ----
    (S.CHANGED, I.SETTLED): Fork(
        "same_load",
        yes=_go(S.DECIDED),
        no=_go(S.JUDGING, "take_reading", "announce_changed", "look"),
    ),
    (S.CHANGED, I.MOVED): _go(S.CHANGED, "await_stillness"),
    (S.CHANGED, I.UNLOADED): Fork(
        "visit_is_over",
        yes=_go(S.IDLE, "announce_removed", "close"),
        no=_go(S.CLAIMED, "announce_removed", "await_load"),
    ),
    (S.CHANGED, I.CLAIM): _go(S.SETTLING, "take_claim", "expect_stillness"),
    (S.CHANGED, I.OTHER_CLAIM): Fork(
        "claim_is_settled",
        yes=_go(S.CHANGED, "hold_claim"),
        no=_go(S.SETTLING, "hand_on", "take_claim", "expect_stillness"),
    ),
    (S.CHANGED, I.CORRECTION): _go(S.SETTLING, "take_claim", "expect_stillness"),
    (S.CHANGED, I.CANCEL): _go(S.LOADED, "drop_claim", "drop_reading", "await_claim", "expect_stillness"),
    (S.CHANGED, I.RELEASE): _go(S.CLEARING, "settle_claim"),
    (S.CHANGED, I.NOT_SETTLED): _go(S.CHANGED, "abstain_not_settled"),
    (S.CHANGED, I.TOKEN): _go(S.CHANGED, "hand_over_token"),
    (S.CHANGED, I.TROUBLE): _go(S.OUT_OF_ORDER, "abstain_fault"),
    # ----
    (S.CLEARING, I.UNLOADED): _go(S.IDLE, "announce_removed", "close"),
    (S.CLEARING, I.SETTLED): _go(S.CLEARING),
    (S.CLEARING, I.MOVED): _go(S.CLEARING),
    (S.CLEARING, I.CLAIM): _go(S.CLEARING, "hold_claim"),
    (S.CLEARING, I.OTHER_CLAIM): _go(S.CLEARING, "hold_claim"),
    (S.CLEARING, I.CANCEL): _go(S.CLEARING),
    (S.CLEARING, I.CORRECTION): _go(S.CLEARING),
    (S.CLEARING, I.RELEASE): _go(S.CLEARING),
    (S.CLEARING, I.TOKEN): _go(S.CLEARING, "hand_over_token"),
    (S.CLEARING, I.TROUBLE): _go(S.OUT_OF_ORDER),
    # ----
    (S.OUT_OF_ORDER, I.TROUBLE): _go(S.OUT_OF_ORDER, "abstain_fault"),
    (S.OUT_OF_ORDER, I.UNLOADED): Fork(
        "visit_is_open",
        yes=Fork(
            "claim_is_open",
            yes=_go(S.CLAIMED, "announce_removed", "await_load"),
            no=_go(S.IDLE, "announce_removed", "close"),
        ),
        no=_go(S.IDLE),
    ),
    (S.OUT_OF_ORDER, I.SETTLED): Fork(
        "visit_is_open",
        yes=Fork(
            "has_claim",
            yes=Fork(
                "settled_elsewhere",
                yes=_go(S.CLEARING),
                no=Fork("same_load", yes=_go(S.DECIDED), no=_go(S.SETTLING, "settle_again")),
            ),
            no=_go(S.LOADED, "announce_placed", "take_reading", "announce_stable", "await_claim"),
        ),
        no=_go(S.LOADED, "begin", "announce_placed", "take_reading", "announce_stable", "await_claim"),
    ),
    (S.OUT_OF_ORDER, I.CLAIM): Fork(
        "visit_is_open",
        yes=_go(S.OUT_OF_ORDER, "take_claim", "await_load", "abstain_fault"),
        no=_go(S.OUT_OF_ORDER, "begin", "take_claim", "await_load", "abstain_fault"),
    ),
    (S.OUT_OF_ORDER, I.OTHER_CLAIM): _go(
        S.OUT_OF_ORDER, "give_up", "begin", "take_claim", "await_load", "abstain_fault"
    ),
    (S.OUT_OF_ORDER, I.CORRECTION): _go(S.OUT_OF_ORDER, "take_claim"),
    (S.OUT_OF_ORDER, I.CANCEL): _go(S.OUT_OF_ORDER, "drop_claim"),
    (S.OUT_OF_ORDER, I.RELEASE): _go(S.OUT_OF_ORDER, "settle_claim"),
    (S.OUT_OF_ORDER, I.EXPIRED): _go(S.OUT_OF_ORDER, "close"),
    (S.OUT_OF_ORDER, I.NOT_SETTLED): _go(S.OUT_OF_ORDER, "abstain_unsteady"),
    (S.OUT_OF_ORDER, I.TOKEN): _go(S.OUT_OF_ORDER, "begin", "hand_over_token"),
}

# Why a pair cannot happen: deadlines run only in the states that set them; the platform reports a load only once; the
# engine answers commands that name no open transaction itself.
REFUSED: dict[State, frozenset[Input]] = {
    S.IDLE: frozenset(
        {I.SETTLED, I.MOVED, I.OTHER_CLAIM, I.CANCEL, I.CORRECTION, I.EVIDENCE, I.JUDGED, I.NO_CLAIM, I.NOT_SETTLED}
    ),
    S.LOADED: frozenset({I.PLACED, I.OTHER_CLAIM, I.CANCEL, I.CORRECTION, I.EVIDENCE, I.JUDGED, I.EXPIRED}),
    S.CLAIMED: frozenset({I.SETTLED, I.MOVED, I.EVIDENCE, I.JUDGED, I.NO_CLAIM, I.NOT_SETTLED}),
    S.SETTLING: frozenset({I.PLACED, I.EVIDENCE, I.JUDGED, I.NO_CLAIM, I.EXPIRED}),
    S.JUDGING: frozenset({I.PLACED, I.SETTLED, I.NO_CLAIM, I.NOT_SETTLED, I.EXPIRED}),
    S.DECIDED: frozenset({I.PLACED, I.SETTLED, I.EVIDENCE, I.JUDGED, I.NO_CLAIM, I.NOT_SETTLED, I.EXPIRED}),
    S.CHANGED: frozenset({I.PLACED, I.EVIDENCE, I.JUDGED, I.NO_CLAIM, I.EXPIRED}),
    S.CLEARING: frozenset({I.PLACED, I.EVIDENCE, I.JUDGED, I.NO_CLAIM, I.NOT_SETTLED, I.EXPIRED}),
    S.OUT_OF_ORDER: frozenset({I.PLACED, I.MOVED, I.EVIDENCE, I.JUDGED, I.NO_CLAIM}),
}


def step(state: State, what: Input, ask: Callable[[str], bool]) -> Go:
    """Return what to do; `ask` answers the questions of forks. Raise `RefusedError` for a pair that cannot happen."""
    entry = TABLE.get((state, what))
    if entry is None:
        raise RefusedError(f"input {what.value!r} cannot happen in state {state.value!r}")
    while isinstance(entry, Fork):
        entry = entry.yes if ask(entry.question) else entry.no
    return entry
