"""Signed orders of the backend client: catalogues in parts and as differences, configurations, against a station."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from station import signing_keys
from station.catalogue import version_of
from station.client import Client, ClientError, CommandRefusedError, Product, SqliteStore, Station
from station.client.orders import prepare
from station.signing_keys import KeyPair
from station.wire import MAX_COMMAND_BYTES
from tests.support.clients import options
from tests.support.rig import CHEESE, MILK, SWEET, Rig, toledo_rig

STATION = Station("0815", "vs-03")
GOODS = [
    Product(gtin=MILK, name="Milk", weight_g=1035), Product(gtin=CHEESE[1:], name="Cheese", weight_g=410.0),
]  # fmt: skip


@pytest.fixture
def pair(tmp_path: Path) -> KeyPair:
    path = tmp_path / "orders.pem"
    signing_keys.make(path)
    made = signing_keys.load_order_key(path)
    (tmp_path / "orders.pub").write_text(made.public.pem)
    return made


@pytest.fixture
def rig(tmp_path: Path, pair: KeyPair) -> Iterator[Rig]:
    with toledo_rig(tmp_path, more=f'[trust]\nkey = "{tmp_path}/orders.pub"') as made:
        assert pair.public.pem
        made.wait_idle()
        yield made


def act(rig: Rig, work: Callable[[Client], Awaitable[None]], pair: KeyPair | None) -> None:
    async def run() -> None:
        store = SqliteStore(rig.folder / "v.db")
        async with Client(options(rig.broker.port), store, signer=pair) as client:
            await work(client)

    asyncio.run(run())


def in_force(rig: Rig) -> str:
    told = rig.backend.heard("st/info")[-1].event["data"]["catalogue"]
    return str(told)


def test_a_catalogue_and_its_differences_are_put_in_force(rig: Rig, pair: KeyPair) -> None:
    changed = [GOODS[0], Product(gtin=SWEET, name="Chocolate", unit_price_minor=219)]

    async def work(client: Client) -> None:
        whole = await client.orders.catalogue(STATION, GOODS)
        assert whole.complete
        part = await client.orders.catalogue(STATION, changed, base=GOODS)
        assert (part.complete, part.parts) == (True, 2)
        assert part.present != whole.present
        with pytest.raises(CommandRefusedError) as refusal:
            await client.orders.catalogue(STATION, changed, base=GOODS)
        assert refusal.value.code == "wrong_base"
        diagnosis = await client.send_diagnose(STATION)
        assert diagnosis.versions.catalogue in {part.present, whole.present}
        rig.wait(lambda: in_force(rig) == part.present)

    act(rig, work, pair)


def test_a_configuration_is_adopted_and_comes_into_force(rig: Rig, pair: KeyPair) -> None:
    toml = rig.station.config.read_text(encoding="utf-8") + "\n[transaction]\nno_claim_s = 7\n"

    async def work(client: Client) -> None:
        with pytest.raises(CommandRefusedError) as refusal:
            await client.orders.config(STATION, "nonsense = 1")
        assert refusal.value.code == "bad_config"
        adopted = await client.orders.config(STATION, toml)
        assert adopted.state == "trial"
        rig.wait(lambda: rig.backend.heard("st/config")[-1].event["data"]["hash"] == adopted.hash)

    act(rig, work, pair)


def test_orders_of_anybody_else_are_refused(rig: Rig, tmp_path: Path) -> None:
    signing_keys.make(tmp_path / "other.pem")

    async def work(client: Client) -> None:
        with pytest.raises(CommandRefusedError) as refusal:
            await client.orders.catalogue(STATION, GOODS)
        assert refusal.value.code == "bad_signature"

    act(rig, work, signing_keys.load_order_key(tmp_path / "other.pem"))

    async def unsigned(client: Client) -> None:
        with pytest.raises(ClientError, match="give the client a signer"):
            await client.orders.catalogue(STATION, GOODS)

    act(rig, unsigned, None)


def goods(count: int) -> list[Product]:
    made = (f"{number:012}" for number in range(count))
    return [Product(gtin=code + str(-sum(int(d) * (1, 3)[i % 2] for i, d in enumerate(code)) % 10), name="x" * 180)
            for code in made]  # fmt: skip


def test_large_catalogues_go_out_in_parts_that_fit_into_commands() -> None:
    products = goods(3000)
    header, contents = prepare("0815", products, None, 7)
    assert (header.parts, header.mode, header.base, header.serial) == (len(contents), "snapshot", None, 7)
    assert len(contents) > 1
    sizes = [sum(len(row.name) + 260 for row in rows) for rows, _ in contents]
    assert max(sizes) < MAX_COMMAND_BYTES * 2
    rows = [row for part, _ in contents for row in part]
    assert version_of(rows) == header.version
    assert [row.gtin for row in rows] == sorted("0" + product.gtin for product in products)


def test_a_delta_names_only_what_differs_and_an_empty_one_is_one_part() -> None:
    products = goods(10)
    header, contents = prepare("0815", products[2:], products[:9], 7)
    assert [row.gtin[1:] for rows, _ in contents for row in rows] == [products[9].gtin]
    assert [key[1:] for _, gone in contents for key in gone] == [products[0].gtin, products[1].gtin]
    assert header.mode == "delta"
    header, contents = prepare("0815", products, products, 7)
    assert contents == [((), ())]
    assert header.version == header.base


def test_a_weight_without_a_decimal_point_is_the_same_product() -> None:
    one, _ = prepare("0815", [Product(gtin=CHEESE, name="Cheese", weight_g=410)], None, 1)
    other, _ = prepare("0815", [Product(gtin=CHEESE[1:], name="Cheese", weight_g=410.0)], None, 1)
    assert one.version == other.version


def test_products_that_cannot_be_are_refused_before_anything_is_sent() -> None:
    for wrong in (Product(gtin="4006381333930", name="x"), Product(gtin=CHEESE, name="")):
        with pytest.raises(ClientError, match="a product that cannot be"):
            prepare("0815", [wrong], None, 1)
