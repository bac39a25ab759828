"""Words toward people: three languages, neutral, no placeholder left, and sane costs."""

import itertools
import re
from typing import get_args

import pytest

from station.core import wording
from station.core.phrases import Texts
from station.core.policy_costs import costs
from station.core.store_policy import Policy
from station.core.verdict import Action, Cause, Kind, Reason

ACCUSING = (
    "steal", "stole", "theft", "thief", "fraud", "cheat", "dishonest", "suspicious", "suspect", "unpaid", "forgot",
    "lie ",
    "diebstahl", "dieb", "betrug", "betrüg", "verdacht", "verdächtig", "gestohlen", "vergessen", "unbezahlt",
    "vol ", "voleur", "fraude", "triche", "suspect", "oublié", "impayé", "malhonnête",
)  # fmt: skip
ACTIONS: tuple[Action, ...] = ("sight_check", "rescan_items", "rescan_all", "call_staff")
KINDS: tuple[Kind | Cause, ...] = (*get_args(Kind), *get_args(Cause))
NAMES: tuple[list[str], ...] = ([], ["cheese"], ["cheese", "milk"], ["cheese", "milk", "bread", "salt"])


def all_texts() -> list[Texts]:
    texts = [wording.released()]
    reasons: tuple[Reason | None, ...] = ("NO_CLAIM", "NOT_SETTLED", "SCALE_FAULT", None)
    stops: tuple[Action, ...] = ("wait", "call_staff")
    texts += [wording.waiting(reason, action) for reason in reasons for action in stops]  # fmt: skip
    texts += [
        wording.asking(action, kind, names, wanted, residual_g, over=over)
        for action, kind, names, wanted, residual_g, over in itertools.product(
            ACTIONS, KINDS, NAMES, NAMES, (None, 398.0, -2250.0), (False, True)
        )
    ]
    return texts


def test_every_text_is_whole_and_neutral_in_three_languages() -> None:
    for texts in all_texts():
        assert set(texts) == {"en", "de", "fr"}
        for text in texts.values():
            assert text.endswith(".")
            assert not re.search(r"[{}]|  |nan|inf\b", text), text
            assert not [word for word in ACCUSING if word in text.lower() + " "], text


def test_the_sentence_of_the_cheese() -> None:
    texts = wording.asking("sight_check", "unscanned", [], ["cheese"], 398.2, over=False)
    assert texts["en"] == "Please show the cheese: the basket is 398 g heavier than the receipt."
    assert texts["de"] == "Bitte zeigen Sie cheese: Der Korb ist 398 g schwerer als der Beleg."
    light = wording.asking("rescan_items", "swapped", ["a", "b"], [], -1250.0, over=False)
    assert light["fr"] == "Veuillez montrer a et b : le panier pèse 1,25 kg de moins que le ticket."


def test_products_that_nobody_claimed_are_asked_for_as_one_or_the_other() -> None:
    texts = wording.asking("sight_check", "unscanned", [], ["cheese", "milk", "bread"], 398.2, over=False)
    assert texts["en"] == "Please check for cheese, milk or bread: the basket is 398 g heavier than the receipt."
    assert texts["de"].startswith("Bitte prüfen Sie, ob cheese, milk oder bread im Korb liegt: Der Korb")
    both = wording.asking("rescan_items", "quantity", ["tea"], ["cheese", "milk"], 398.2, over=False)
    assert both["en"].startswith("Please show the tea and check for cheese or milk: ")


def test_a_lifted_basket_is_to_be_let_go_and_a_pressed_one_to_be_left_alone() -> None:
    lifted, pressed = (wording.asking("sight_check", "foreign_load", [], [], g, over=False) for g in (-900.0, 900.0))
    assert lifted["en"] == (
        "Please put all of the shopping on the platform and let go of it: the basket is 900 g lighter than the receipt."
    )
    assert pressed["en"].startswith("Please make sure that only the shopping is on the platform: ")


def test_reasons_for_staff_are_neutral_too() -> None:
    for kind in get_args(Kind):
        assert not [word for word in ACCUSING if word in wording.why(kind, 1, 50.0) and word != "lie "]


def test_a_product_without_a_name_is_called_by_its_number() -> None:
    texts = wording.asking("rescan_items", "missing", ["04006381333931"], [], None, over=True)
    assert texts["en"] == "Please check the item 04006381333931: you may be paying for more than you have."
    assert "Artikel 04006381333931" in texts["de"]


def test_a_wrong_carrier_asks_for_the_carrier_and_no_goods() -> None:
    texts = wording.asking("sight_check", "tare", ["cheese"], [], -2250.0, over=False)
    assert "cart or basket: the basket is 2.25 kg lighter" in texts["en"]
    assert all("cheese" not in text for text in texts.values())


def test_a_greater_appetite_for_risk_lets_more_pass() -> None:
    assert costs(Policy(risk_appetite=1.0), 0.5, 40.0).decision == "review"
    assert costs(Policy(risk_appetite=2.0), 0.5, 40.0).decision == "accept"
    assert costs(Policy(risk_appetite=0.5), 0.5, 15.0).decision == "review"
    assert costs(Policy(risk_appetite=1.0), 0.5, 15.0).decision == "accept"


@pytest.mark.parametrize(
    ("p", "loss", "settled", "decision"),
    [
        (0.99, 3.0, 0.0, "accept"),
        (0.1, 300.0, 300.0, "review"),
        (0.0, 10.0, 10.0, "accept"),  # the goods are worth less than a check
        (0.0, 2000.0, 0.0, "reject"),  # nothing that a short look would settle
        (0.0, 2000.0, 2000.0, "review"),
    ],
)
def test_the_cheapest_way_is_taken(p: float, loss: float, settled: float, decision: str) -> None:
    assert costs(Policy(), p, loss, settled).decision == decision


def test_dearer_checks_let_more_pass() -> None:
    dear = Policy(small_check_minor=500, full_check_minor=900)
    assert costs(dear, 0.3, 300.0).decision == "accept"
    assert costs(Policy(), 0.3, 300.0).decision != "accept"
