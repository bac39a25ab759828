"""The table of steps: what is done, in which order, with which loads, on which kind of scale."""

import pytest

from calibration import arguments, certificate
from calibration.captures import TestWeight
from calibration.loads import weight_set
from calibration.procedure import (
    FLOWS,
    NEEDED,
    OPTIONS,
    Kind,
    Options,
    Platform,
    WeightsError,
    actions,
    choose_loads,
    plan,
)

WEIGHTS = weight_set("4x10kg M1; 2x5kg M1")
FOUR = Platform(capacity_g=50_000, division_g=5, channels=4, gives_counts=True, calibrated=True)


def table(
    kind: Kind, platform: Platform = FOUR, weights: tuple[TestWeight, ...] = WEIGHTS
) -> list[tuple[str, str, str | None, float]]:
    made = plan(kind, platform, choose_loads(platform, weights), OPTIONS[kind])
    return [(action.step, action.do, action.position, action.load_g) for action in made]


@pytest.mark.parametrize("kind", ["full", "routine"])
def test_the_order_of_steps_is_that_of_the_flow(kind: Kind) -> None:
    steps = list(dict.fromkeys(row[0] for row in table(kind)))
    assert steps == [step for step in FLOWS[kind] if step != "discrimination"]


@pytest.mark.parametrize("kind", ["full", "routine"])
def test_every_load_has_the_empty_platform_before_and_after(kind: Kind) -> None:
    rows = [row for row in table(kind) if row[0] not in {"diagnose", "exercise", "creep"}]
    for before, row, after in zip(rows, rows[1:], rows[2:], strict=False):
        if row[1] == "load":
            assert before[1] == after[1] == "empty"


def test_corners_are_a_round_trip() -> None:
    made = [row[2] for row in table("full") if row[0] == "corners" and row[1] == "load"]
    assert made == ["C", "FL", "FR", "BR", "BL", "C"]


def test_names_are_unique_so_that_a_session_can_be_taken_up() -> None:
    made = plan("full", FOUR, choose_loads(FOUR, WEIGHTS), OPTIONS["full"])
    assert len({action.key for action in made}) == len(made)


def test_loads_are_those_of_the_limits() -> None:
    loads = choose_loads(FOUR, WEIGHTS)
    assert loads.most.grams == 50_000
    assert 0.25 * 50_000 <= loads.corner.grams <= 0.4 * 50_000
    assert [load.grams for load in loads.parts] == [10_000, 25_000, 40_000, 50_000]
    assert 0.45 * 50_000 <= loads.repeat.grams <= 50_000


def test_no_corner_is_loaded_beyond_a_cells_rating() -> None:
    weak = Platform(
        capacity_g=50_000, division_g=5, channels=4, gives_counts=True, calibrated=True, cell_rating_g=12_500
    )
    assert choose_loads(weak, WEIGHTS).corner.grams <= 12_500
    with pytest.raises(WeightsError, match="one corner may carry"):
        choose_loads(weak, weight_set("2x20kg"))


def test_light_weights_are_used_all_the_same() -> None:
    loads = choose_loads(FOUR, weight_set("1x2kg"))
    assert loads.most.grams == loads.corner.grams == loads.repeat.grams == 2000
    with pytest.raises(WeightsError, match="no weight fits"):
        choose_loads(FOUR, weight_set("1x100kg"))


def test_an_instrument_with_its_own_calibration_is_proved_not_adjusted() -> None:
    grams = Platform(capacity_g=15_000, division_g=5, channels=1, gives_counts=False, calibrated=True)
    rows = table("full", grams, weight_set("3x5kg"))
    assert not any(row[0] == "corners" or row[1] == "press" for row in rows)
    assert {"as-found", "span", "linearity", "eccentricity", "repeatability", "creep"} <= {row[0] for row in rows}


def test_what_was_never_calibrated_is_not_taken_as_found() -> None:
    fresh = Platform(capacity_g=50_000, division_g=5, channels=4, gives_counts=True, calibrated=False)
    assert not any(row[0] == "as-found" for row in table("full", fresh))


def test_what_a_calibration_is_made_from_cannot_be_skipped() -> None:
    made = plan("full", FOUR, choose_loads(FOUR, WEIGHTS), OPTIONS["full"])
    assert {action.step for action in made if not action.may_skip} == NEEDED


def test_loads_coming_down_stay_on() -> None:
    loads = choose_loads(FOUR, WEIGHTS)
    made = actions("linearity", FOUR, loads, Options(down=True))
    assert [(action.direction, action.load_g) for action in made] == [
        (None, 0), ("up", 10_000), ("up", 25_000), ("up", 40_000), ("up", 50_000),
        ("down", 40_000), ("down", 25_000), ("down", 10_000), (None, 0),
    ]  # fmt: skip


def test_small_weights_bring_the_test_of_discrimination() -> None:
    with_small = weight_set("4x10kg M1; 2x5kg M1; 1x5g; 1x2g")
    rows = [row for row in table("full", FOUR, with_small) if row[0] == "discrimination"]
    assert [row[3] for row in rows] == [0, 25_000, 25_007]


def test_creep_is_looked_at_again_and_again() -> None:
    made = actions("creep", FOUR, choose_loads(FOUR, WEIGHTS), OPTIONS["full"])
    assert [action.after_s for action in made if action.do == "hold"][-1] == 1800
    assert made[-1].do == "empty"
    assert actions("creep", FOUR, choose_loads(FOUR, WEIGHTS), Options(creep_min=0)) == ()


def test_little_creep_makes_the_rest_no_less_thorough() -> None:
    loads = choose_loads(FOUR, WEIGHTS)
    made = plan("full", FOUR, loads, Options(creep_min=5.0))
    assert [action.position for action in made if action.do == "press"] == ["FL", "FR", "BR", "BL"]
    assert sum(action.step == "exercise" and action.do == "load" for action in made) == 3


def test_the_command_line_offers_every_certificate() -> None:
    assert arguments.FORMATS == certificate.FORMATS
