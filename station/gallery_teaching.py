"""`station gallery enrol`: pictures of a product from files or, with guidance, from one of the station's cameras."""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from station import clitools
from station.core import gtin as gtins

if TYPE_CHECKING:
    from drivers.base import CameraDriver
    from station.vision.conflicts import Conflict
    from station.vision.detect import Reference
    from station.vision.embedding import Rows
    from station.vision.gallery import Gallery
    from station.vision.gallery_store import GalleryStore
    from station.vision.interpreter import Embedder
    from station.vision.model_store import Loaded
    from station.vision.picture import Pixels

CAPTURE_S = 2.0
PUT_S = 60.0  # so long somebody may take to put the item there
LINE = 78

Say = Callable[[str], None]


def enrol(given: argparse.Namespace, folder: Path, model: "Loaded", options: clitools.Options) -> int:
    """Add pictures of a product and tell what is odd about them; a contradiction adds nothing unless `--anyway`."""
    from station.vision import conflicts
    from station.vision.gallery_store import GalleryStore

    number, head, embedder = gtins.normalise(given.gtin), model.embedding, model.embedder
    store = GalleryStore(folder)
    names, crops = _pictures(given, embedder, options)
    known = conflicts.known_pictures(number, names, crops, _thumbnails(store))
    if not given.anyway and any(each.kind == "contradiction" for each in known.values()):
        raise clitools.CommandError("\n".join(each.text for each in known.values() if each.kind == "contradiction"))
    kept = [place for place in range(len(crops)) if place not in known or known[place].kind == "contradiction"]
    before = store.load(embedder, head).gallery
    doubts = _doubts(before, number, [names[place] for place in kept], [crops[place] for place in kept], embedder)
    added = store.enrol(number, [crops[place] for place in kept])
    loaded = store.load(embedder, head)
    found = [*known.values(), *doubts, *conflicts.look_alikes(loaded.gallery, number)]
    total = len(store.products().get(number, ()))
    if given.json:
        clitools.print_json(
            {"gtin": number, "added": added, "pictures": total, "products": len(loaded.gallery.gtins),
             "problems": loaded.problems, "model": embedder.identity,
             "conflicts": [{"kind": each.kind, "gtin": each.other, "text": each.text} for each in found]}
        )  # fmt: skip
        return clitools.OK
    print(f"{number}: {added} new, {total} pictures in all; the gallery knows {len(loaded.gallery.gtins)} products")
    for line in (*(each.text for each in found), *(f"left out: {problem}" for problem in loaded.problems)):
        clitools.complain(line)
    return clitools.OK


def from_files(images: Sequence[Path], empty: Path | None, embedder: "Embedder") -> "list[Pixels]":
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


def _pictures(
    given: argparse.Namespace, embedder: "Embedder", options: clitools.Options
) -> "tuple[list[str], list[Pixels]]":
    """Return the names and crops of what is to be enrolled."""
    if bool(given.images) == bool(given.camera):
        raise clitools.CommandError("give pictures, or --camera NAME to take them now", clitools.USAGE)
    if given.images:
        return [str(image) for image in given.images], from_files(given.images, given.empty, embedder)
    crops = _from_camera(given, embedder.side_px, options)
    return [f"picture {number} of {len(crops)}" for number in range(1, len(crops) + 1)], crops


def _thumbnails(store: "GalleryStore") -> "dict[str, list[Rows]]":
    from station.vision import conflicts

    return {gtin: [conflicts.thumbnail(crop) for crop in crops] for gtin, crops in store.pictures().items()}


def _doubts(
    gallery: "Gallery", gtin: str, names: list[str], crops: "list[Pixels]", embedder: "Embedder"
) -> "list[Conflict]":
    import numpy as np

    from station.vision import conflicts

    if not crops:
        return []
    return conflicts.doubtful(gallery, gtin, names, gallery.embedding.project(embedder.embed(np.stack(crops))))


def _from_camera(given: argparse.Namespace, side_px: int, options: clitools.Options) -> "list[Pixels]":
    """Take pictures with one of the configured cameras; a running station lets go of it for so long."""
    from calibration.control_client import OutOfReachError
    from drivers.base import SensorError

    say: Say = clitools.complain if given.json else print
    try:
        with _camera(given, options) as camera:
            return _guided(camera, _reference(camera, given.empty, say), side_px, say)
    except SensorError as error:
        raise clitools.CommandError(f"camera {given.camera}: {error.message}; {error.remedy}") from error
    except OutOfReachError as error:
        raise clitools.CommandError(str(error)) from error


@contextmanager
def _camera(given: argparse.Namespace, options: clitools.Options) -> "Iterator[CameraDriver]":
    from calibration.control_client import out_of_service, socket_path
    from station import wiring

    config = clitools.configuration(given, options)
    chosen = next((camera for camera in config.cameras if camera.name == given.camera), None)
    if chosen is None:
        there = ", ".join(camera.name for camera in config.cameras) or "none"
        raise clitools.CommandError(f"no camera {given.camera} in {config.source} (cameras: {there})", clitools.USAGE)
    where = socket_path(Path(config.station.state_dir), config.control.socket)
    with out_of_service(where, who="station gallery"):
        camera = wiring.camera(chosen)
        camera.open()
        try:
            yield camera
        finally:
            camera.close()


def _reference(camera: "CameraDriver", empty: Path | None, say: Say) -> "Reference":
    from station.vision import detect, picture

    if empty is not None:
        return detect.reference(picture.read(empty))
    say("Take everything off the platform, then press Enter.")
    try:
        input()
    except EOFError as error:
        problem = "nobody presses Enter here; give --empty IMAGE, a picture of the empty platform"
        raise clitools.CommandError(problem, clitools.USAGE) from error
    return detect.reference(camera.capture(CAPTURE_S).pixels)


def _guided(camera: "CameraDriver", reference: "Reference", side_px: int, say: Say) -> "list[Pixels]":
    """Let somebody turn the product until there are pictures enough; each change of what to do is a line."""
    from station.vision import detect, pipeline
    from station.vision.guide import ENOUGH, WANTED, Guide

    guide, told = Guide(), ""
    give_up_s = time.monotonic() + PUT_S
    while not guide.ended(now_ns := time.monotonic_ns()) and (guide.kept or time.monotonic() < give_up_s):
        pixels = camera.capture(CAPTURE_S).pixels
        if not detect.fits(reference, pixels):
            raise clitools.CommandError("the picture of the empty platform has another size; leave --empty out")
        things = detect.find(reference, pixels)
        wish = guide.show(now_ns, pipeline.cropped(pixels, things, side_px), len(things))
        line = f"{len(guide.kept)} of {WANTED}: {wish}"
        if line != told and not guide.ended(now_ns):
            say(line[:LINE])
            told = line
    if len(guide.kept) < ENOUGH:
        raise clitools.CommandError(
            f"only {len(guide.kept)} pictures could be taken; put one item in the middle, hands away, and try again"
        )
    say(f"{len(guide.kept)} of {WANTED}: done")
    return guide.kept
