"""The eyes of all cameras: one thread with one model and one gallery turns pictures into sightings.

A picture of the empty platform is each camera's reference; until it has one it is blind, and says so. The gallery is
read again when products were enrolled or removed, which its folder's time stamps tell. Where the model or the
gallery cannot be used, every camera is blind, with an alarm, and it is tried again with the next empty platform.
"""

import contextlib
import queue
import time
from pathlib import Path

import msgspec

from station.core import events
from station.sensing import READ_S, CameraTrouble, CameraWell, Emit, Picture, Worker
from station.vision import embedding, gallery
from station.vision.gallery_store import GalleryError, GalleryStore
from station.vision.interpreter import Embedder, ModelError
from station.vision.pipeline import Eye, NoReferenceError

VISION = "vision"  # the part named in alarms about the model and the gallery


class EyesReady(msgspec.Struct, frozen=True):
    """The model runs; how it is named in verdicts, and how many products it can name."""

    model: str
    runtime: str
    products: int


class EyeWorker(Worker):
    """Serves the pictures of all cameras, one after the other."""

    def __init__(self, cameras: tuple[str, ...], folder: Path, visibility: float, emit: Emit) -> None:
        super().__init__("eye", emit)
        self.pictures: queue.SimpleQueue[Picture] = queue.SimpleQueue()
        self._cameras = cameras
        self._store = GalleryStore(folder)
        self._visibility = visibility
        self._embedder: Embedder | None = None
        self._eyes: dict[str, Eye] = {}
        self._gallery = gallery.empty(embedding.load())
        self._stamps: tuple[int, ...] | None = None

    def run(self) -> None:
        """Load the model, then serve pictures until asked to end."""
        self._refresh()
        while not self.stopping.is_set():
            try:
                picture = self.pictures.get(timeout=READ_S)
            except queue.Empty:
                continue
            if picture.capture_no is None:
                self._learn(picture)
            else:
                self.emit(self._look(picture, picture.capture_no))

    def _refresh(self) -> None:
        """Load what is not loaded yet, and the gallery if it has changed."""
        stamps = _stamps(self._store.folder)
        if self._embedder is not None and stamps == self._stamps:
            return
        try:
            self._load()
        except (ModelError, GalleryError) as error:
            self.emit(CameraTrouble(VISION, str(error), "see `station gallery list`, or install the package again"))
            return
        self._stamps = _stamps(self._store.folder)

    def _load(self) -> None:
        embedder = self._embedder or Embedder()
        loaded = self._store.load(embedder, embedding.load())
        self._embedder, self._gallery = embedder, loaded.gallery
        for name in self._cameras:
            reference = self._eyes[name].reference if name in self._eyes else None
            self._eyes[name] = Eye(name, embedder, loaded.gallery, reference=reference)
        if loaded.problems:
            self.emit(CameraTrouble(VISION, loaded.problems[0], "enrol that product again: station gallery enrol"))
        else:
            self.emit(CameraWell(VISION))
        self.emit(EyesReady(embedder.model_hash, embedder.runtime, len(loaded.gallery.gtins)))

    def _learn(self, picture: Picture) -> None:
        self._refresh()
        if picture.camera in self._eyes:
            self._eyes[picture.camera].see_empty(picture.frame.pixels)
            self.emit(CameraWell(picture.camera))

    def _look(self, picture: Picture, capture_no: int) -> events.Seen | events.Blind:
        began_ns = time.monotonic_ns()
        try:
            look = self._eyes[picture.camera].look(picture.frame.pixels, time.monotonic_ns)
        except KeyError:  # the model could not be loaded; its own alarm says why
            return events.Blind(t_ns=time.monotonic_ns(), capture_no=capture_no, camera=picture.camera)
        except NoReferenceError as error:
            remedy = "take everything off the platform once while the station runs"
            self.emit(CameraTrouble(picture.camera, str(error), remedy))
            return events.Blind(t_ns=time.monotonic_ns(), capture_no=capture_no, camera=picture.camera)
        now_ns = time.monotonic_ns()
        return events.Seen(
            t_ns=now_ns,
            capture_no=capture_no,
            camera=picture.camera,
            sightings=look.sightings,
            visibility=self._visibility,
            gallery_size=len(self._gallery.gtins),
            gallery=frozenset(self._gallery.gtins),
            capture_ms=picture.capture_ms,
            vision_ms=(now_ns - began_ns) / 1e6,
            inference_ms=look.timing_ms["inference"],
        )


def _stamps(folder: Path) -> tuple[int, ...]:
    """Return the times at which the gallery's folders last changed."""
    times: list[int] = []
    for path in [folder / "crops", *sorted((folder / "crops").glob("*"))]:
        with contextlib.suppress(OSError):  # it may be removed at this very moment
            times.append(path.stat().st_mtime_ns)
    return tuple(times)
