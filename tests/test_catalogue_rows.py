"""Product lists as they come from stores: what is understood, and what is said of the rest."""

import csv
import io
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from station import catalogue_rows
from station.catalogue_rows import CatalogueError, ProductList, RowError
from station.core import gtin
from station.core.product import Product

BREAD, MILK, CHEESE = "04006381333931", "00000096385074", "00036000291452"


def read(tmp_path: Path, content: str | bytes) -> ProductList:
    path = tmp_path / "products"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return catalogue_rows.read(path)


def test_a_csv_with_all_columns(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        ",".join(catalogue_rows.COLUMNS) + "\n4006381333931,Bread,bakery,unit,199,500,512.5,2.25,40,1.5,16\n",
    )
    assert found == ProductList(
        [
            Product(
                gtin=BREAD, name="Bread", department="bakery", sold_by="unit", unit_price_minor=199, net_g=500.0,
                weight_g=512.5, weight_sd_g=2.25, weight_n=40, sales_per_1000=1.5, min_age=16,
            )
        ],
        [],
    )  # fmt: skip


VARIANTS = [
    "gtin,name,net_g\n4006381333931,Bread,500.5\n96385074,Milk,\n",
    "\ufeffgtin,name,net_g\r\n4006381333931,Bread,500.5\r\n96385074,Milk,0\r\n",
    "gtin;name;net_g\n4006381333931;Bread;500,5\n96385074;Milk;\n",
    "gtin\tname\tnet_g\n4006381333931\tBread\t500.5\n96385074\tMilk\t\n",
    'NAME, "Gtin" ,net_g\n"Bread", 4006381333931 ,500.5\n\nMilk,96385074,""',
    '{"gtin": "4006381333931", "name": "Bread", "net_g": 500.5}\n{"gtin": "96385074", "name": "Milk", "net_g": null}\n',
    '\ufeff{"gtin": "4006381333931", "name": "Bread", "net_g": 500.5}\r\n\r\n{"name": "Milk", "gtin": "96385074"}',
]


@pytest.mark.parametrize("content", VARIANTS)
def test_every_way_of_writing_gives_the_same_products(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content) == ProductList(
        [Product(gtin=BREAD, name="Bread", net_g=500.5), Product(gtin=MILK, name="Milk")], []
    )


def test_quoted_fields_may_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    found = read(tmp_path, 'gtin,name\n96385074,"Milk, ""fresh""\n1 l"\n4006381333930,x\n')
    assert found.products[0].name == 'Milk, "fresh"\n1 l'
    assert [error.line for error in found.errors] == [4]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("4006381333930,x,", "GTIN '4006381333930' ends in 0, but its check digit is 1"),
        ("123,x,", "GTIN '123' has 3 digits; 8, 12, 13 or 14 are possible"),
        (",x,", "has no gtin"),
        ("96385074,,", "has no name"),
        ("96385074,x", "has 2 fields, the header has 3"),
        ("96385074,x,1,2", "has 4 fields, the header has 3"),
        ("96385074,x,-3", "weight_g = '-3': expected float > 0.0"),
        ("96385074,x,heavy", "weight_g = 'heavy': expected float | null, got str"),
        ("96385074,x,nan", "weight_g = 'nan': expected float > 0.0"),
        ("96385074,x,600000", "weight_g = '600000': expected float <= 500000.0"),
        ("4006381333931,x,", f"GTIN {BREAD} is also in line 2"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_the_others_count(tmp_path: Path, row: str, complaint: str) -> None:
    found = read(tmp_path, f"gtin,name,weight_g\n4006381333931,Bread,\n{row}\n036000291452,Cheese,\n")
    assert found.errors == [RowError(3, complaint)]
    assert [product.gtin for product in found.products] == [BREAD, CHEESE]


@pytest.mark.parametrize(
    "line", [b"{", b"[1]", b'{"gtin": "96385074"}', b'{"gtin": 96385074, "name": "x"}', b'{"name": "\xff"}', b"null"]
)
def test_a_bad_json_line_is_told_with_its_number(tmp_path: Path, line: bytes) -> None:
    found = read(tmp_path, b'{"gtin": "4006381333931", "name": "Bread"}\n' + line + b"\n")
    assert [error.line for error in found.errors] == [2]
    assert len(found.products) == 1


def test_bytes_that_are_no_text_spoil_only_their_row(tmp_path: Path) -> None:
    found = read(tmp_path, b"gtin,name\n96385074,M\xfcsli\n4006381333931,Bread\n")
    assert found.errors == [RowError(2, "has characters that are no UTF-8")]
    assert len(found.products) == 1


def test_a_quote_that_nobody_closed_counts_as_all_the_rows_it_swallowed(tmp_path: Path) -> None:
    found = read(tmp_path, 'gtin,name\n4006381333931,Bread\n96385074,"Milk\n' + "036000291452,Cheese\n" * 98)
    assert found.errors == [RowError(3, "runs over 99 lines; a quote is not closed", 99)]
    assert found.bad_share == 0.99


def test_unknown_columns_are_named(tmp_path: Path) -> None:
    assert read(tmp_path, "gtin,name,wieght_g\n96385074,Milk,5\n").ignored == ("wieght_g",)
    assert read(tmp_path, '{"gtin": "96385074", "name": "Milk", "colour": 1}').ignored == ("colour",)


@pytest.mark.parametrize("content", ["", "\n", "name,price\nx,1\n", "\x00", b"\xff\xfeg\x00t\x00", "[]"])
def test_a_file_without_the_two_columns_is_no_product_list(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(CatalogueError, match="products:1: the header has no column gtin"):
        read(tmp_path, content)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none cannot be read: No such file or directory; give a readable file"):
        catalogue_rows.read(tmp_path / "none")


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Z"]), min_size=1, max_size=20)
grams = st.none() | st.floats(0.001, 500_000)
products = st.builds(
    Product,
    gtin=st.integers(0, 10**13 - 1).map(lambda n: f"{n:013}").map(lambda text: text + str(gtin.check_digit(text))),
    name=names,
    department=st.just("") | names,
    sold_by=st.sampled_from(["unit", "weight"]),
    unit_price_minor=st.none() | st.integers(0, 10**9),
    net_g=grams,
    weight_g=grams,
    weight_sd_g=st.none() | st.floats(0, 100_000),
    weight_n=st.none() | st.integers(1, 10**9),
    sales_per_1000=st.none() | st.floats(0, 1000),
    min_age=st.none() | st.integers(0, 150),
)
lists = st.lists(products, max_size=8, unique_by=lambda product: product.gtin)


@given(lists)
def test_csv_and_json_lines_are_read_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, some: list[Product]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(catalogue_rows.COLUMNS)
    writer.writerows(msgspec.structs.astuple(product) for product in some)
    assert read(folder, text.getvalue()) == ProductList(some, [])
    if some:
        assert read(folder, b"\n".join(msgspec.json.encode(product) for product in some)) == ProductList(some, [])


@given(st.binary(max_size=200), st.sampled_from([b"", b"gtin,name,weight_g\n", b"gtin;name\n", b'{"gtin": "96385074"']))
def test_any_bytes_give_products_or_complaints(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
) -> None:
    try:
        found = read(tmp_path_factory.getbasetemp(), start + content)
    except CatalogueError:
        return
    lines = [error.line for error in found.errors]
    assert lines == sorted(set(lines))
    assert all(gtin.normalise(product.gtin) == product.gtin for product in found.products)
