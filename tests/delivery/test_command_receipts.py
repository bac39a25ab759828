"""Commands are acknowledged to the broker in order, once each, and not before they are done."""

from hypothesis import given
from hypothesis import strategies as st

from station.command_receipts import Receipt, Receipts


def test_a_slow_command_holds_back_the_receipts_of_later_ones() -> None:
    book = Receipts()
    one, two, three = (Receipt(1, mid) for mid in (7, 8, 9))
    for receipt in (one, two, three):
        book.came(receipt)
    assert book.done(two) == []
    assert book.done(one) == [one, two]
    assert book.done(one) == []
    assert book.give_up() == [three]
    assert book.done(three) == []


def test_a_new_connection_makes_the_old_ones_receipts_void() -> None:
    book = Receipts()
    book.came(Receipt(1, 7))
    book.came(Receipt(2, 7))
    assert book.done(Receipt(1, 7)) == []
    assert book.done(Receipt(2, 7)) == [Receipt(2, 7)]


@given(order=st.permutations(range(8)))
def test_every_receipt_goes_out_once_and_in_order(order: list[int]) -> None:
    book, out = Receipts(), []
    for mid in range(8):
        book.came(Receipt(1, mid))
    for number, mid in enumerate(order):
        out += book.done(Receipt(1, mid))
        assert set(range(len(out))) <= set(order[: number + 1])
    assert [receipt.mid for receipt in out] == list(range(8))
