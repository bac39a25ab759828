"""`station catalogue`: import the store's products, write them out again, look one up."""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from station import catalogue, catalogue_rows, clitools, learned_view
from station.core import gtin
from station.core.product import Product
from station.lessons import LessonsError

BAD_SHARE_MAX = 0.01
_ERRORS_SHOWN = 20


def add_commands(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `catalogue import`, `export` and `show`; `options` yields the drivers there are."""
    group = commands.add_parser("catalogue", help="the local product database")
    verbs = group.add_subparsers(metavar="COMMAND", required=True)
    take = clitools.add_command(verbs, "import", lambda given: _import(given, options), "replace the catalogue")
    take.add_argument("file", metavar="FILE", type=Path, help="CSV with a header, or JSON Lines")
    take.add_argument("--force", action="store_true", help="even if more than 1 %% of the rows cannot be used")
    give = clitools.add_command(verbs, "export", lambda given: _export(given, options), "write the catalogue as CSV")
    give.add_argument("file", metavar="FILE", type=Path, nargs="?", help="default: standard output")
    give.add_argument(
        "--learned", action="store_true",
        help="with the weights that the station has learned in the catalogue's place, and where they come from",
    )  # fmt: skip
    show = clitools.add_command(verbs, "show", lambda given: _show(given, options), "print one product")
    show.add_argument("gtin", metavar="GTIN")
    for parser in (take, give, show):
        clitools.add_config_option(parser)
        parser.add_argument("--state", metavar="DIR", help="state directory (default: that of the configuration)")
        clitools.add_json_option(parser)


def _path(arguments: argparse.Namespace, options: clitools.Options) -> Path:
    return catalogue.path_in(clitools.state_dir(arguments, options))


def _import(arguments: argparse.Namespace, options: clitools.Options) -> int:
    path = _path(arguments, options)
    try:
        found = catalogue_rows.read(arguments.file)
        refusal = _refusal(found, forced=arguments.force)
        version = catalogue.store(path, found.products) if refusal is None else None
    except catalogue_rows.CatalogueError as error:
        raise clitools.CommandError(str(error)) from error
    if arguments.json:
        clitools.print_json(
            {"imported": len(found.products) if version else 0, "version": version, "errors": found.errors,
             "ignored_columns": found.ignored, "refused": refusal}
        )  # fmt: skip
    else:
        _tell(arguments.file, found, version)
    if refusal is not None:
        raise clitools.CommandError(refusal)
    return clitools.OK


def _refusal(found: catalogue_rows.ProductList, *, forced: bool) -> str | None:
    """Return why a list must not replace the catalogue; None if it may."""
    if not found.products:
        return "no row can be used; nothing was changed"
    if found.bad_share > BAD_SHARE_MAX and not forced:
        return f"{found.bad_share:.1%} of the rows cannot be used; nothing was changed, --force imports the others"
    return None


def _tell(file: Path, found: catalogue_rows.ProductList, version: str | None) -> None:
    for error in found.errors[:_ERRORS_SHOWN]:
        clitools.complain(f"{file}:{error.line}: {error.text}")
    if len(found.errors) > _ERRORS_SHOWN:
        clitools.complain(
            f"{file}: {len(found.errors) - _ERRORS_SHOWN} more rows cannot be used; --json lists them all"
        )
    if found.ignored:
        clitools.complain(f"{file}: columns not used: {', '.join(found.ignored)}")
    if version:
        print(f"{len(found.products)} products imported, {len(found.errors)} rows left out, version {version}")


def _export(arguments: argparse.Namespace, options: clitools.Options) -> int:
    products = _loaded(_path(arguments, options)).products
    view = _view(arguments, options, products) if arguments.learned else None
    rows = [_row(product, view) for product in products]
    names = (*catalogue_rows.COLUMNS, *(f"learned_{name}" for name in learned_view.PROVENANCE if view is not None))

    def write(file: TextIO) -> None:
        if arguments.json:
            file.writelines(msgspec.json.encode(row).decode() + "\n" for row in rows)
        else:
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    if arguments.file is None:
        write(sys.stdout)
        return clitools.OK
    try:
        with arguments.file.open("w", encoding="utf-8", newline="") as file:
            write(file)
    except OSError as error:
        raise clitools.CommandError(f"{arguments.file} cannot be written: {error.strerror}") from error
    return clitools.OK


def _row(product: Product, view: learned_view.View | None) -> dict[str, object]:
    """Return the columns of one product, those that were learned behind the catalogue's."""
    given, provenance = (product, {}) if view is None else view.as_catalogue(product)
    return msgspec.structs.asdict(given) | provenance


def _view(arguments: argparse.Namespace, options: clitools.Options, products: Sequence[Product]) -> learned_view.View:
    try:
        return learned_view.View(clitools.state_dir(arguments, options), products)
    except LessonsError as error:
        raise clitools.CommandError(str(error)) from error


def _show(arguments: argparse.Namespace, options: clitools.Options) -> int:
    try:
        wanted = gtin.normalise(arguments.gtin)
    except gtin.GtinError as error:
        raise clitools.CommandError(str(error), clitools.USAGE) from error
    try:
        product = catalogue.find(_path(arguments, options), wanted)
    except catalogue_rows.CatalogueError as error:
        raise clitools.CommandError(str(error)) from error
    if product is None:
        raise clitools.CommandError(f"GTIN {wanted} is not in the catalogue")
    view = _view(arguments, options, _loaded(_path(arguments, options)).products)
    learned, history = view.learned(wanted), view.history(wanted)
    if arguments.json:
        clitools.print_json(msgspec.structs.asdict(product) | {"learned": learned, "history": history})
    else:
        known = {name: value for name, value in msgspec.structs.asdict(product).items() if value not in (None, "")}
        print("\n".join(f"{name:<16} {value}" for name, value in known.items()))
        print("\n".join(learned_view.told(learned, history) if learned else [f"{'learned':<16} nothing yet"]))
    return clitools.OK


def _loaded(path: Path) -> catalogue.Catalogue:
    try:
        return catalogue.load(path)
    except catalogue_rows.CatalogueError as error:
        raise clitools.CommandError(str(error)) from error
