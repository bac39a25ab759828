"""Read a store's product list: CSV with a header, or JSON Lines with the same names (contract, section 3.5).

Product lists come from spreadsheets and from tills of every age. A row that cannot be used is reported with its line;
the others count. Understood are: a byte order mark, both line ends, quoted fields, `,` `;` or tab between fields (with
`;` also the decimal comma that goes with it), columns in any order, and zero for a weight nobody knows.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import msgspec

from station.core import gtin
from station.core.product import Product

SIZE_MAX_BYTES = 500_000_000  # 67 000 real products are 10 MB
ROW_LINES_MAX = 10  # a quoted field may contain line ends; one that runs on is a quote nobody closed
COLUMNS = Product.__struct_fields__
_NUMBERS = frozenset(COLUMNS) - {"gtin", "name", "department", "sold_by"}
_ZERO_IS_UNKNOWN = ("net_g", "weight_g", "weight_n")


class CatalogueError(Exception):
    """The product list, or the catalogue made of it, cannot be used; `remedy` says what helps."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Say both in one line."""
        return f"{self.message}; {self.remedy}"


class RowError(msgspec.Struct, frozen=True):
    """A row that cannot be used: its first line, why, and how many lines it covers."""

    line: int
    text: str
    lines: int = 1


class ProductList(msgspec.Struct, frozen=True):
    """What a file holds; `ignored` are columns that mean nothing here."""

    products: list[Product]
    errors: list[RowError]
    ignored: tuple[str, ...] = ()

    @property
    def bad_share(self) -> float:
        """The share of rows that cannot be used."""
        bad = sum(error.lines for error in self.errors)
        return bad / max(bad + len(self.products), 1)


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """Why the present row cannot be used."""


Row = tuple[int, int, Mapping[str, Any] | _Refused]  # first line, lines, names and values (or why there are none)


def read(path: Path) -> ProductList:
    """Read a product list; raise `CatalogueError` when the file as a whole is none."""
    try:
        if path.stat().st_size > SIZE_MAX_BYTES:
            raise CatalogueError(f"{path} is larger than {SIZE_MAX_BYTES} bytes", "give a list of products")
        with path.open("rb") as file:
            return _read_json_lines(file) if _starts_with_brace(file) else _read_csv(path)
    except OSError as error:
        raise CatalogueError(f"{path} cannot be read: {error.strerror}", "give a readable file") from error


def _starts_with_brace(file: BinaryIO) -> bool:
    start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(0)
    return start.startswith(b"{")


def _read_json_lines(file: BinaryIO) -> ProductList:
    names: dict[str, None] = {}
    products, errors = _collect(_json_rows(file, names))
    return ProductList(products, errors, tuple(name for name in names if name not in COLUMNS))


def _json_rows(lines: Iterable[bytes], names: dict[str, None]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not text.strip():
            continue
        try:
            values = msgspec.json.decode(text, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield number, 1, _Refused(f"is no JSON object: {error}")
            continue
        names.update(dict.fromkeys(values))
        yield number, 1, {name: value for name, value in values.items() if value is not None}


def _read_csv(path: Path) -> ProductList:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        first = file.readline()
        separator = max(",;\t", key=first.count)
        header = [
            name.strip().lower() for name in next(csv.reader([first], delimiter=separator, skipinitialspace=True), [])
        ]
        missing = [name for name in ("gtin", "name") if name not in header]
        if missing:
            raise CatalogueError(
                f"{path}:1: the header has no column {' and no column '.join(missing)}",
                f"name the columns in the first line: {','.join(COLUMNS)}",
            )
        products, errors = _collect(_csv_rows(file, header, separator))
    return ProductList(products, errors, tuple(name for name in header if name not in COLUMNS))


def _csv_rows(file: TextIO, header: list[str], separator: str) -> Iterator[Row]:
    reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
    while True:
        before = reader.line_num
        try:
            cells = next(reader, None)
            found: Mapping[str, Any] | _Refused = _named(cells, header, separator) if cells else {}
        except csv.Error as error:
            cells, found = [""], _Refused(f"is no CSV: {error}")
        if cells is None:
            return
        lines = reader.line_num - before
        if lines > ROW_LINES_MAX:
            found = _Refused(f"runs over {lines} lines; a quote is not closed")
        if cells:
            yield before + 2, lines, found  # line 1 is the header


def _named(cells: list[str], header: list[str], separator: str) -> Mapping[str, Any] | _Refused:
    if len(cells) != len(header):
        return _Refused(f"has {len(cells)} fields, the header has {len(header)}")
    values = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell and not cell.isspace()}
    if separator == ";":
        values |= {name: values[name].replace(",", ".") for name in _NUMBERS & values.keys()}
    return values


def _collect(rows: Iterator[Row]) -> tuple[list[Product], list[RowError]]:
    """Turn rows into products; the first row of a GTIN stands, later ones are reported."""
    products: list[Product] = []
    errors: list[RowError] = []
    lines: dict[str, int] = {}
    for line, count, values in rows:
        try:
            product = _product(values)
        except _Refused as refused:
            errors.append(RowError(line, str(refused), count))
            continue
        first = lines.setdefault(product.gtin, line)
        if first == line:
            products.append(product)
        else:
            errors.append(RowError(line, f"GTIN {product.gtin} is also in line {first}", count))
    return products, errors


def _product(values: Mapping[str, Any] | _Refused) -> Product:
    if isinstance(values, _Refused):
        raise values
    known = {name: values[name] for name in COLUMNS if name in values}
    for name in _ZERO_IS_UNKNOWN:
        if known.get(name) in (0, "0", "0.0"):
            del known[name]
    try:
        product = msgspec.convert(known, Product, strict=False)
        product.name.encode()
        product.department.encode()
        return msgspec.structs.replace(product, gtin=gtin.normalise(product.gtin))
    except msgspec.ValidationError as error:
        raise _Refused(_in_words(str(error), known)) from error
    except UnicodeEncodeError as error:
        raise _Refused("has characters that are no UTF-8") from error
    except gtin.GtinError as error:
        raise _Refused(str(error)) from error


def _in_words(message: str, values: Mapping[str, Any]) -> str:
    """Return msgspec's message with the column first: `weight_g = "-3": expected …`."""
    reason, _, place = message.partition(" - at `$.")
    name = place.rstrip("`").partition("[")[0]
    if name not in values:
        return message.replace("Object missing required field", "has no").replace("`", "")
    return f"{name} = {values[name]!r:.80}: {reason[:1].lower()}{reason[1:]}".replace("`", "")
