"""The table of a visit: complete, closed, and true to the words of the contract."""

import itertools

import pytest

from station.core.course import Course
from station.core.transaction import REFUSED, TABLE, Fork, Go, Input, RefusedError, State, step


def leaves(entry: Go | Fork) -> list[Go]:
    return [entry] if isinstance(entry, Go) else leaves(entry.yes) + leaves(entry.no)


def questions(entry: Go | Fork) -> set[str]:
    return set() if isinstance(entry, Go) else {entry.question} | questions(entry.yes) | questions(entry.no)


@pytest.mark.parametrize(("state", "what"), list(itertools.product(State, Input)))
def test_every_pair_is_defined_or_refused_and_never_both(state: State, what: Input) -> None:
    assert ((state, what) in TABLE) != (what in REFUSED[state])


@pytest.mark.parametrize(("state", "what"), [(s, i) for s in State for i in Input if i in REFUSED[s]])
def test_a_refused_pair_raises_and_names_both(state: State, what: Input) -> None:
    with pytest.raises(RefusedError, match=f"{what.value}.*{state.value}"):
        step(state, what, lambda _: True)


def test_every_action_and_question_has_a_meaning_and_none_is_left_over() -> None:
    actions = {action for entry in TABLE.values() for leaf in leaves(entry) for action in leaf.actions}
    asked = set().union(*(questions(entry) for entry in TABLE.values()))
    meant = {name for name, member in vars(Course).items() if callable(member) and not name.startswith("_")}
    assert actions | asked == meant - {"begin_event", "put", "run", "heed", "look_ahead"}


def test_every_state_can_be_reached_and_left() -> None:
    edges = {(state, leaf.state) for (state, _), entry in TABLE.items() for leaf in leaves(entry)}
    for state in State:
        assert any(to is state and start is not state for start, to in edges), f"{state} is never reached"
        assert any(start is state and to is not state for start, to in edges), f"{state} is never left"


@pytest.mark.parametrize("state", State)
def test_a_broken_scale_leads_out_of_order_from_everywhere(state: State) -> None:
    assert step(state, Input.TROUBLE, lambda _: False).state is State.OUT_OF_ORDER


@pytest.mark.parametrize("state", [s for s in State if (s, Input.UNLOADED) in TABLE])
@pytest.mark.parametrize("answer", [True, False])
def test_an_empty_platform_leaves_no_load_behind(state: State, answer: bool) -> None:
    assert step(state, Input.UNLOADED, lambda _: answer).state in {State.IDLE, State.CLAIMED}
