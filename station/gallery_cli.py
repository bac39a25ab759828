"""`station gallery`: teach the camera products from pictures, list and forget them, measure how well it knows them."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from station import clitools
from station.core import gtin as gtins

if TYPE_CHECKING:
    from station.vision.gallery_store import GalleryStore
    from station.vision.interpreter import Embedder
    from station.vision.picture import Pixels

FOLDER = "gallery"  # within the state directory


def path_in(state_dir: Path) -> Path:
    """Return the gallery's folder within the state directory."""
    return state_dir / FOLDER


def add_commands(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `gallery enrol`, `list`, `remove` and `evaluate`; `options` yields the drivers there are."""
    group = commands.add_parser("gallery", help="the products the cameras know")
    verbs = group.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, work: Callable[[argparse.Namespace, Path], int], summary: str) -> argparse.ArgumentParser:
        run = lambda given: _guarded(work, given, options)  # noqa: E731  it carries this command's work
        parser = clitools.add_command(verbs, name, run, summary)
        clitools.add_config_option(parser)
        parser.add_argument("--state", metavar="DIR", help="state directory (default: that of the configuration)")
        clitools.add_json_option(parser)
        return parser

    teach = add("enrol", _enrol, "teach a product from pictures")
    teach.add_argument("gtin", metavar="GTIN")
    teach.add_argument("images", metavar="IMAGE", nargs="+", type=Path)
    add("list", _list, "print the products and their pictures")
    add("remove", _remove, "forget a product").add_argument("gtin", metavar="GTIN")
    judge = add("evaluate", _evaluate, "measure recognition on pictures of known products")
    judge.add_argument("folder", metavar="DIR", type=Path, help="one folder a GTIN with its pictures")
    for parser in (teach, judge):
        parser.add_argument(
            "--empty", metavar="IMAGE", type=Path,
            help="the empty platform; the pictures are then taken by the same camera, each with one object on it",
        )  # fmt: skip


def _guarded(
    work: Callable[[argparse.Namespace, Path], int], given: argparse.Namespace, options: clitools.Options
) -> int:
    """Run a command on the gallery's folder; what it cannot do becomes one line."""
    from station.vision.gallery_store import GalleryError
    from station.vision.interpreter import ModelError
    from station.vision.picture import PictureError

    try:
        return work(given, path_in(clitools.state_dir(given, options)))
    except gtins.GtinError as error:
        raise clitools.CommandError(str(error), clitools.USAGE) from error
    except (GalleryError, ModelError, PictureError) as error:
        raise clitools.CommandError(str(error)) from error


def _enrol(given: argparse.Namespace, folder: Path) -> int:
    number = gtins.normalise(given.gtin)
    from station.vision import embedding

    store, embedder = _store(folder), _embedder()
    crops = _crops(given.images, given.empty, embedder)
    added = store.enrol(number, crops)
    loaded = store.load(embedder, embedding.load())
    total = len(store.products()[number])
    if given.json:
        clitools.print_json(
            {"gtin": number, "added": added, "pictures": total, "products": len(loaded.gallery.gtins),
             "problems": loaded.problems, "model": embedder.identity}
        )  # fmt: skip
    else:
        print(f"{number}: {added} new, {total} pictures in all; the gallery knows {len(loaded.gallery.gtins)} products")
        _warn(loaded.problems)
    return clitools.OK


def _list(given: argparse.Namespace, folder: Path) -> int:
    counts = {number: len(crops) for number, crops in _store(folder).products().items()}
    if given.json:
        clitools.print_json({"products": [{"gtin": number, "pictures": count} for number, count in counts.items()]})
        return clitools.OK
    for number, count in counts.items():
        print(f"{number}  {count} pictures")
    if not counts:
        print("the gallery is empty; teach it with: station gallery enrol GTIN IMAGE...")
    return clitools.OK


def _remove(given: argparse.Namespace, folder: Path) -> int:
    number = gtins.normalise(given.gtin)
    removed = _store(folder).remove(number)
    if not removed:
        raise clitools.CommandError(f"{number} is not in the gallery {folder}")
    if given.json:
        clitools.print_json({"gtin": number, "removed": removed})
    else:
        print(f"{number}: {removed} pictures removed")
    return clitools.OK


def _evaluate(given: argparse.Namespace, folder: Path) -> int:
    from station.vision import embedding, evaluation

    embedder = _embedder()
    loaded = _store(folder).load(embedder, embedding.load())
    if not loaded.gallery.gtins:
        raise clitools.CommandError(
            f"the gallery {folder} is empty; teach it with: station gallery enrol GTIN IMAGE..."
        )
    shown = {number: _crops(images, given.empty, embedder) for number, images in _folders(given.folder).items()}
    figures = evaluation.evaluate(loaded.gallery, embedder, shown)
    if given.json:
        clitools.print_json({**figures, "model": embedder.identity, "problems": loaded.problems})
    else:
        _tell(figures)
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


def _crops(images: Sequence[Path], empty: Path | None, embedder: "Embedder") -> "list[Pixels]":
    """Return every picture as the model's square: the whole of it, or the one object against the empty platform."""
    from station.vision import detect, picture, pipeline

    if empty is None:
        return [picture.fit(picture.read(image), embedder.side_px) for image in images]
    background = picture.read(empty)
    reference = detect.reference(background)
    crops = []
    for image in images:
        pixels = picture.read(image)
        if pixels.shape[:2] != background.shape[:2]:
            raise picture.PictureError(f"picture {image} has another size than {empty}; use the same camera for both")
        crop = pipeline.single(reference, pixels, embedder.side_px)
        if crop is None:
            raise picture.PictureError(f"picture {image} does not show exactly one object against {empty}")
        crops.append(crop)
    return crops


def _store(folder: Path) -> "GalleryStore":
    from station.vision.gallery_store import GalleryStore

    return GalleryStore(folder)


def _embedder() -> "Embedder":
    from station.vision.interpreter import Embedder

    return Embedder()


def _warn(problems: Sequence[str]) -> None:
    for problem in problems:
        clitools.complain(f"left out: {problem}")
