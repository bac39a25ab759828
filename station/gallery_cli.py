"""`station gallery`: teach the camera products from pictures, list and forget them, measure how well it knows them."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from station import clitools
from station.core import gtin as gtins

if TYPE_CHECKING:
    from station.vision.evaluation import Shown
    from station.vision.gallery_store import GalleryStore
    from station.vision.model_store import Loaded

FOLDER = "gallery"  # within the state directory

Work = Callable[[argparse.Namespace, Path, clitools.Options], int]


def path_in(state_dir: Path) -> Path:
    """Return the gallery's folder within the state directory."""
    return state_dir / FOLDER


def add_commands(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `gallery enrol`, `list`, `remove` and `evaluate`; `options` yields the drivers there are."""
    group = commands.add_parser("gallery", help="the products the cameras know")
    verbs = group.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, work: Work, summary: str) -> argparse.ArgumentParser:
        run = lambda given: _guarded(work, given, options)  # noqa: E731  it carries this command's work
        parser = clitools.add_command(verbs, name, run, summary)
        clitools.add_config_option(parser)
        parser.add_argument("--state", metavar="DIR", help="state directory (default: that of the configuration)")
        clitools.add_json_option(parser)
        return parser

    teach = add("enrol", _enrol, "teach a product from pictures")
    teach.add_argument("gtin", metavar="GTIN")
    teach.add_argument("images", metavar="IMAGE", nargs="*", type=Path)
    teach.add_argument("--camera", metavar="NAME", help="take the pictures now, with this camera of the configuration")
    teach.add_argument("--anyway", action="store_true", help="also where a picture is enrolled as another product")
    add("list", _list, "print the products and their pictures")
    add("remove", _remove, "forget a product").add_argument("gtin", metavar="GTIN")
    judge = add("evaluate", _evaluate, "measure recognition on pictures of known products")
    judge.add_argument("folder", metavar="DIR", type=Path, help="one folder a GTIN with its pictures")
    judge.add_argument("--page", metavar="FILE", type=Path, help="write an HTML page with the worst mistakes")
    add("export", _export, "write the gallery into one file").add_argument("file", metavar="FILE", type=Path)
    take = add("import", _import, "add the products of such a file")
    take.add_argument("file", metavar="FILE", type=Path)
    take.add_argument("--replace", action="store_true", help="forget what the file does not have")
    for parser in (teach, judge):
        parser.add_argument(
            "--empty", metavar="IMAGE", type=Path,
            help="the empty platform; the pictures are then taken by the same camera, each with one object on it",
        )  # fmt: skip


def _guarded(work: Work, given: argparse.Namespace, options: clitools.Options) -> int:
    """Run a command on the gallery's folder; what it cannot do becomes one line."""
    from station.vision.gallery_store import GalleryError
    from station.vision.interpreter import ModelError
    from station.vision.picture import PictureError

    try:
        return work(given, path_in(clitools.state_dir(given, options)), options)
    except gtins.GtinError as error:
        raise clitools.CommandError(str(error), clitools.USAGE) from error
    except (GalleryError, ModelError, PictureError) as error:
        raise clitools.CommandError(str(error)) from error


def _enrol(given: argparse.Namespace, folder: Path, options: clitools.Options) -> int:
    from station import gallery_teaching

    return gallery_teaching.enrol(given, folder, _model(given, folder, options), options)


def _list(given: argparse.Namespace, folder: Path, _options: clitools.Options) -> int:
    counts = {number: len(crops) for number, crops in _store(folder).products().items()}
    if given.json:
        clitools.print_json({"products": [{"gtin": number, "pictures": count} for number, count in counts.items()]})
        return clitools.OK
    for number, count in counts.items():
        print(f"{number}  {count} pictures")
    if not counts:
        print("the gallery is empty; teach it with: station gallery enrol GTIN IMAGE...")
    return clitools.OK


def _remove(given: argparse.Namespace, folder: Path, _options: clitools.Options) -> int:
    number = gtins.normalise(given.gtin)
    removed = _store(folder).remove(number)
    if not removed:
        raise clitools.CommandError(f"{number} is not in the gallery {folder}")
    if given.json:
        clitools.print_json({"gtin": number, "removed": removed})
    else:
        print(f"{number}: {removed} pictures removed")
    return clitools.OK


def _evaluate(given: argparse.Namespace, folder: Path, options: clitools.Options) -> int:
    from station.gallery_teaching import from_files
    from station.vision import evaluation

    model = _model(given, folder, options)
    embedder = model.embedder
    loaded = _store(folder).load(embedder, model.embedding)
    if not loaded.gallery.gtins:
        raise clitools.CommandError(
            f"the gallery {folder} is empty; teach it with: station gallery enrol GTIN IMAGE..."
        )
    pictures = {number: from_files(images, given.empty, embedder) for number, images in _folders(given.folder).items()}
    shown = list(evaluation.show(loaded.gallery, embedder, pictures))
    figures = evaluation.summary(shown, len(loaded.gallery.gtins))
    if given.page is not None:
        _write_page(given.page, figures, shown, embedder.identity, folder)
    if given.json:
        clitools.print_json({**figures, "model": embedder.identity, "problems": loaded.problems})
    else:
        _tell(figures)
        _warn(loaded.problems)
    return clitools.OK


def _write_page(path: Path, figures: dict[str, Any], shown: "list[Shown]", model: str, folder: Path) -> None:
    from station.vision import evaluation_page

    page = evaluation_page.page(figures, shown, model, _names(folder.parent, {each.gtin for each in shown}))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise clitools.CommandError(f"{path} cannot be written: {error.strerror}") from error


def _names(state_dir: Path, products: set[str]) -> dict[str, str]:
    """Return the names of products that the catalogue beside the gallery knows, if there is one."""
    from station import catalogue
    from station.catalogue_rows import CatalogueError

    try:
        found = [catalogue.find(catalogue.path_in(state_dir), product) for product in sorted(products)]
    except CatalogueError:
        return {}
    return {product.gtin: product.name for product in found if product is not None}


def _export(given: argparse.Namespace, folder: Path, options: clitools.Options) -> int:
    from station.vision import gallery_bundle

    store = _store(folder)
    if not store.products():
        raise clitools.CommandError(f"the gallery {folder} is empty; there is nothing to export")
    made = gallery_bundle.export(store, _model(given, folder, options).embedder.identity, given.file)
    if given.json:
        clitools.print_json({"file": str(given.file), "products": made.products, "pictures": made.pictures})
    else:
        print(f"{made.products} products with {made.pictures} pictures written to {given.file}")
    return clitools.OK


def _import(given: argparse.Namespace, folder: Path, options: clitools.Options) -> int:
    from station.vision import conflicts, gallery_bundle

    store, model = _store(folder), _model(given, folder, options)
    embedder = model.embedder
    taken = gallery_bundle.take_in(store, given.file, replace=given.replace)
    loaded = store.load(embedder, model.embedding)
    alike = [each.text for each in conflicts.look_alikes(loaded.gallery)]
    if given.json:
        clitools.print_json(
            {"products": taken.products, "pictures": taken.pictures, "added": taken.added,
             "embedded": loaded.embedded, "gallery": len(loaded.gallery.gtins), "made_with": taken.identity,
             "model": embedder.identity, "problems": loaded.problems, "conflicts": alike}
        )  # fmt: skip
        return clitools.OK
    print(
        f"{taken.added} of {taken.pictures} pictures are new; the gallery knows {len(loaded.gallery.gtins)} products"
        + ("" if taken.identity == embedder.identity else "; made with another model, embedded anew")
    )
    for line in alike:
        clitools.complain(line)
    _warn(loaded.problems)
    return clitools.OK


def _tell(figures: dict[str, Any]) -> None:
    print(f"{figures['n']} pictures of {figures['products']} enrolled products, {figures['n_unknown']} of others")
    print(f"first candidate right  {figures['top1']:.1%}\ncalibration error      {figures['ece']:.1%}")
    if figures["auroc_unknown"] is not None:
        print(f"strangers told apart   {figures['auroc_unknown']:.3f} (area under the curve; 0.5 is chance)")


def _folders(folder: Path) -> dict[str, list[Path]]:
    """Return the pictures of each product in a folder of folders."""
    if not folder.is_dir():
        raise clitools.CommandError(f"{folder} is no folder; it must hold one folder a GTIN", clitools.USAGE)
    homes = sorted(home for home in folder.iterdir() if home.is_dir())
    found = {gtins.normalise(home.name): sorted(path for path in home.iterdir() if path.is_file()) for home in homes}
    if not any(found.values()):
        raise clitools.CommandError(f"{folder} holds no pictures; it must hold one folder a GTIN", clitools.USAGE)
    return found


def _store(folder: Path) -> "GalleryStore":
    from station.vision.gallery_store import GalleryStore

    return GalleryStore(folder)


def _model(given: argparse.Namespace, folder: Path, options: clitools.Options) -> "Loaded":
    """Return the model in force, as the station runs it; with `--state` alone, as it is run by default."""
    from station import wiring
    from station.vision import model_store
    from station.vision.interpreter import Running

    running = Running() if given.state else wiring.running(clitools.configuration(given, options))
    loaded = model_store.ModelStore(folder.parent / model_store.FOLDER).load(running)
    if loaded.problem:
        clitools.complain(loaded.problem)
    return loaded


def _warn(problems: Sequence[str]) -> None:
    for problem in problems:
        clitools.complain(f"left out: {problem}")
