"""Signed orders: catalogues and configurations, as the stations that trust this key take them.

An order says itself for which store it is, and carries a serial that rises: by default the time in milliseconds. A
catalogue goes out in parts; its version, the hash of the whole, is computed here, and the station puts it in force only
if its own computation agrees.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec
from msgspec import UnsetType

from station.client.asking import Asking
from station.client.values import ClientError
from station.core import gtin
from station.core.product import Product, version_of
from station.messages import PARTS_MAX, Adopted, CataloguePart, NewConfig, Transfer
from station.signing import Signer
from station.wire import Station

PART_BYTES = 180 * 1024  # of rows; a command holds 256 KiB
ORDER_S = 30.0
NS_PER_MS = 1_000_000

Told = TypeVar("Told")


class Orders:
    """See the module; `client.orders`. `signer` is the key that provisioning installed at the stations.

    Raises `CommandRefusedError` (codes in docs/MESSAGES.md) and `NoAnswerError`, as all commands.
    """

    def __init__(self, asking: Asking, signer: Signer) -> None:
        self._asking = asking
        self._signer = signer

    async def config(
        self, station: Station, toml: str, *, serial: int | None = None, timeout_s: float = ORDER_S
    ) -> Adopted:
        """Have a station adopt a whole configuration file, once nobody is served; return what becomes of it.

        `st/config` tells the `hash` in force afterwards. A station answers `trial` first, and starts anew.
        """
        order = NewConfig(serial=serial or _serial(), toml=toml)
        result = await self._asking.ask(station, "config", order, timeout_s, self._signer)
        return told(result.config, station)

    async def catalogue(
        self,
        station: Station,
        products: Iterable[Product],
        *,
        base: Iterable[Product] | None = None,
        serial: int | None = None,
        timeout_s: float = ORDER_S,
    ) -> Transfer:
        """Put a catalogue in force, part by part; return the last answer, whose `complete` is true.

        With `base`, the products that are in force there, only the differences travel. `timeout_s` is for each part.
        A transfer that broke off goes on when it is ordered again with the same `serial` and the same products.
        """
        header, contents = prepare(station.store, products, base, serial or _serial())
        answer = Transfer(present=None)
        for number, (rows, delete) in enumerate(contents, 1):
            part = msgspec.structs.replace(header, part=number, rows=rows, delete=delete)
            result = await self._asking.ask(station, "catalogue", part, timeout_s, self._signer)
            answer = told(result.catalogue, station)
            if answer.complete:
                return answer
        raise ClientError(f"{station.id} lacks parts {answer.missing} of catalogue {header.version}; order it again")


def prepare(
    store: str, products: Iterable[Product], base: Iterable[Product] | None, serial: int
) -> tuple[CataloguePart, list[tuple[tuple[Product, ...], tuple[str, ...]]]]:
    """Return the header of a transfer and the content of each of its parts; raise `ClientError`."""
    wanted, known = _by_gtin(products), None if base is None else _by_gtin(base)
    rows = [row for row in wanted.values() if known is None or known.get(row.gtin) != row]
    delete = [] if known is None else [key for key in known if key not in wanted]
    contents = [*((part, ()) for part in _chunks(rows)), *(((), part) for part in _pieces(delete))] or [((), ())]
    if len(contents) > PARTS_MAX:
        raise ClientError(f"the catalogue needs {len(contents)} parts; at most {PARTS_MAX} are possible")
    header = CataloguePart(
        store=store, serial=serial, mode="snapshot" if known is None else "delta",
        version=version_of(wanted.values()), base=None if known is None else version_of(known.values()),
        part=1, parts=len(contents),
    )  # fmt: skip
    return header, contents


def _by_gtin(products: Iterable[Product]) -> dict[str, Product]:
    """Return products as stations know them: sorted, GTINs of fourteen digits, weights with a decimal point."""
    try:
        given = [msgspec.convert(msgspec.to_builtins(product), Product) for product in products]
        found = {key: msgspec.structs.replace(row, gtin=key) for row in given if (key := gtin.normalise(row.gtin))}
    except (msgspec.ValidationError, gtin.GtinError) as error:
        raise ClientError(f"the catalogue holds a product that cannot be: {error}") from error
    return dict(sorted(found.items()))


def _chunks(rows: Sequence[Product]) -> Iterator[tuple[Product, ...]]:
    """Yield rows in parts that fit into a command."""
    part: list[Product] = []
    size = 0
    for row in rows:
        grown = len(msgspec.json.encode(row)) + 1
        if part and size + grown > PART_BYTES:
            yield tuple(part)
            part, size = [], 0
        part.append(row)
        size += grown
    if part:
        yield tuple(part)


def _pieces(texts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    each = PART_BYTES // 20  # a GTIN in quotes, and a comma
    for start in range(0, len(texts), each):
        yield tuple(texts[start : start + each])


def _serial() -> int:
    return time.time_ns() // NS_PER_MS


def told(value: Told | UnsetType, station: Station) -> Told:
    """Return what an answer tells beside `ok`; raise `ClientError` where it tells nothing."""
    if isinstance(value, UnsetType):
        raise ClientError(f"{station.id} said ok and nothing else; is its software older?")
    return value
