"""A station of one retail scale and one broker, played against from outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rig import CHEESE, MILK, Rig, toledo_rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with toledo_rig(tmp_path) as made:
        made.wait_idle()
        yield made


def test_an_honest_basket_is_accepted_and_the_visit_closes(rig: Rig) -> None:
    rig.claim(CHEESE, MILK)
    rig.put(411, 1033)
    [verdict] = rig.wait_verdicts(1)
    assert verdict["decision"] == "accept"
    assert verdict["action"] == "release"
    assert verdict["transaction_id"] == "T-1"
    assert verdict["verdict_no"] == 1
    assert verdict["weight"]["gross_g"] == pytest.approx(1445, abs=5)
    rig.clear()
    rig.wait(lambda: "closed" in rig.phases())
    assert rig.phases() == ["placed", "stable", "removed", "closed"]
    assert rig.answers("claim") == [{"status": "ok"}]
