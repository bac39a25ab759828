"""The eyes of all cameras: one thread with one model and one gallery turns pictures into sightings.

A picture of the empty platform is each camera's reference; until it has one it is blind, and says so. The gallery is
read again when products were enrolled or removed, which its folder's time stamps tell. Where the model or the
gallery cannot be used, every camera is blind, with an alarm, and it is tried again with the next empty platform.
"""

import contextlib
import queue
import threading
import time
from pathlib import Path

import msgspec

from calibration.record import Verifier
from station.core import events
from station.core.effects import Alarm
from station.sensing import READ_S, CameraTrouble, CameraWell, Emit, Picture, Worker
from station.vision import detect, view_check
from station.vision.gallery_store import GalleryError, GalleryStore
from station.vision.interpreter import ModelError, Running
from station.vision.model_store import Loaded, ModelStore
from station.vision.mounting import AGAIN, Mounting
from station.vision.pipeline import Eye, NoReferenceError
from station.vision.view_check import WELL, Health
from station.vision.watch import Watch

VISION = "vision"  # the part named in alarms about the model and the gallery


class EyesReady(msgspec.Struct, frozen=True):
    """The model runs; how it is named in verdicts, and how many products it can name."""

    model: str
    runtime: str
    products: int


class EyeWorker(Worker):
    """Serves the pictures of all cameras, one after the other."""

    patience_s = 120.0  # a large gallery is read in one turn

    def __init__(
        self,
        cameras: tuple[str, ...],
        state_dir: Path,
        visibility: float,
        emit: Emit,
        running: Running | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        super().__init__("eye", emit)
        self.ready = threading.Event()  # loaded and warm, or its alarm has said why not
        self.pictures: queue.SimpleQueue[Picture] = queue.SimpleQueue()
        self._cameras = cameras
        self._store = GalleryStore(state_dir / "gallery")
        self._models = ModelStore(state_dir / "models")
        self._running = running or Running()
        self._visibility = visibility
        self._loaded: Loaded | None = None
        self._watches = {name: Watch() for name in cameras}
        self._mountings = {name: Mounting(state_dir, name, verifier) for name in cameras}
        self._told: set[tuple[str, str]] = set()  # alarms of mountings: code and part
        self._troubled: set[str] = set()  # cameras whose pictures could not be believed last time
        self._eyes: dict[str, Eye] = {}
        self._stamps: tuple[int, ...] | None = None
        self._model_stamps: tuple[int, ...] | None = None

    def run(self) -> None:
        """Load the model, then serve pictures until asked to end."""
        self._refresh()
        self.ready.set()
        while self.going:
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
        for name in self._cameras:
            self._mount(name)
        crops = self._store.folder / "crops"
        stamps, model_stamps = _stamps(crops, *_inside(crops)), _stamps(self._models.mark)
        if self._eyes and stamps == self._stamps and model_stamps == self._model_stamps:
            return
        try:
            if self._loaded is None or model_stamps != self._model_stamps:
                self._loaded = self._models.load(self._running)
                self._model_stamps = model_stamps
            self._see(self._loaded)
        except (ModelError, GalleryError) as error:
            self.emit(CameraTrouble(VISION, str(error), "see `station model list` and `station gallery list`"))
            return
        self._stamps = _stamps(crops, *_inside(crops))

    def _see(self, model: Loaded) -> None:
        """Give every eye the model and the gallery as that model sees it."""
        loaded = self._store.load(model.embedder, model.embedding)
        for name in self._cameras:
            reference = self._eyes[name].reference if name in self._eyes else None
            self._eyes[name] = Eye(name, model.embedder, loaded.gallery, reference=reference)
            self._mount(name)
        if model.problem:
            self.emit(CameraTrouble(VISION, model.problem, "install it again: station model install FILE"))
        elif loaded.problems:
            self.emit(CameraTrouble(VISION, loaded.problems[0], "enrol that product again: station gallery enrol"))
        else:
            self.emit(CameraWell(VISION))
        self.emit(EyesReady(model.embedder.model_hash, model.embedder.runtime, len(loaded.gallery.gtins)))

    def _mount(self, name: str) -> None:
        """Take up the camera's calibration, also one that was made just now."""
        mounting, eye = self._mountings[name], self._eyes.get(name)
        mounting.refresh()
        if eye is not None:
            eye.region = mounting.outline
            if mounting.first is not None:
                eye.reference, mounting.first = detect.reference(mounting.first), None
        self._warn(name, mounting)

    def _hang(self, picture: Picture, *, empty: bool) -> Health:
        """Return whether the camera hangs where it was calibrated."""
        pixels, mounting = picture.frame.pixels, self._mountings[picture.camera]
        if view_check.alone(pixels).fault:  # others tell
            return WELL
        health = mounting.check(pixels, empty=empty)
        self._mount(picture.camera)
        return health

    def _warn(self, name: str, mounting: Mounting) -> None:
        """Raise or clear what is to be said of a camera's calibration."""
        part, misfit = f"camera-{name}", mounting.misfit
        said = {("CAMERA_MOVED", part): mounting.warning(), (misfit.code, part): misfit.text}
        for key in {(code, place) for code, place in self._told if place == part} - said.keys():
            said[key] = ""
        for (code, place), text in said.items():
            if bool(text) != ((code, place) in self._told):
                self._told ^= {(code, place)}
                self.emit(
                    Alarm(code=code, part=place, raised=bool(text), severity="warning", message=text, remedy=AGAIN)
                )

    def _learn(self, picture: Picture) -> None:
        """Take a picture of the empty platform for the reference, if it can be believed."""
        self._refresh()
        eye, watch = self._eyes.get(picture.camera), self._watches[picture.camera]
        health, learns = self._fresh(picture), False
        if eye is not None and not health.fault:
            health = self._hang(picture, empty=True)
        if eye is not None and not health.fault:
            if self._mountings[picture.camera].relearn():
                eye.reference = None
            health, learns = watch.learn(eye.reference, picture.frame.pixels)
            if learns:
                if health.fault:  # the view has changed for good
                    eye.reference = None
                eye.see_empty(picture.frame.pixels)
        self._tell(picture.camera, health, seen=learns)

    def _fresh(self, picture: Picture) -> Health:
        frame, watch = picture.frame, self._watches[picture.camera]
        return watch.fresh(frame.pixels, frame.t_ns, picture.asked_ns, time.monotonic_ns())

    def _tell(self, camera: str, health: Health, *, seen: bool) -> None:
        """Raise or clear the camera's alarm; a good picture clears what a bad one raised."""
        if health.fault:
            self._troubled.add(camera)
            self.emit(CameraTrouble(camera, health.fault, health.remedy))
        elif seen or camera in self._troubled:
            self._troubled.discard(camera)
            self.emit(CameraWell(camera))

    def _look(self, picture: Picture, capture_no: int) -> events.Seen | events.Blind:
        began_ns = time.monotonic_ns()
        health = self._fresh(picture)
        try:
            eye = self._eyes[picture.camera]
            health = health if health.fault else self._hang(picture, empty=False)
            trust = health.trust
            if not health.fault and eye.reference is not None and detect.fits(eye.reference, picture.frame.pixels):
                health = self._watches[picture.camera].look(eye.reference, picture.frame.pixels)
            if health.fault:
                self._tell(picture.camera, health, seen=False)
                return events.Blind(t_ns=time.monotonic_ns(), capture_no=capture_no, camera=picture.camera)
            look = eye.look(picture.frame.pixels, time.monotonic_ns)
        except KeyError:  # the model could not be loaded; its own alarm says why
            return events.Blind(t_ns=time.monotonic_ns(), capture_no=capture_no, camera=picture.camera)
        except NoReferenceError as error:
            remedy = "take everything off the platform once while the station runs"
            self.emit(CameraTrouble(picture.camera, str(error), remedy))
            return events.Blind(t_ns=time.monotonic_ns(), capture_no=capture_no, camera=picture.camera)
        now_ns = time.monotonic_ns()
        self._tell(picture.camera, health, seen=False)
        return events.Seen(
            t_ns=now_ns,
            capture_no=capture_no,
            camera=picture.camera,
            sightings=look.sightings,
            visibility=self._visibility * health.trust * trust,
            gallery_size=len(eye.gallery.gtins),
            gallery=frozenset(eye.gallery.gtins),
            capture_ms=picture.capture_ms,
            vision_ms=(now_ns - began_ns) / 1e6,
            inference_ms=look.timing_ms["inference"],
        )


def _inside(folder: Path) -> list[Path]:
    """Return what is in a folder, nothing where it cannot be read."""
    return sorted(folder.glob("*"))


def _stamps(*paths: Path) -> tuple[int, ...]:
    """Return the times at which files and folders last changed, those that are there."""
    times: list[int] = []
    for path in paths:
        with contextlib.suppress(OSError):  # it may be removed at this very moment
            times.append(path.stat().st_mtime_ns)
    return tuple(times)
