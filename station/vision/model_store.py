"""The models of a station: those that were installed, which is in force, and the shipped one as the last resort.

    FOLDER/<digest>/     the parts of one package, unpacked
    FOLDER/in-force      the digests of the model in force and of those before it, newest first; empty: the shipped one

A model is put in force by replacing that one small file, after a trial of it in a process of its own: a runtime that
crashes on a bad model must not take the station with it. Whoever loads takes the first of the list that can be used.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from calibration.files import replace_file, sync_folder
from station.vision import embedding, model_package
from station.vision.embedding import Embedding
from station.vision.interpreter import MODEL_PATH, Embedder, ModelError, Running

FOLDER = "models"  # within the state directory
IN_FORCE = "in-force"
DIGITS = 16
KEPT_MOST = 4  # models besides the shipped one; a fifth pushes the oldest out
TRIAL_S = 120.0

Trial = Callable[[Path, Running], str | None]


@dataclass(frozen=True, slots=True)
class Model:
    """One model on disk; `digest` is empty for the shipped one."""

    digest: str
    name: str
    folder: Path

    @property
    def network(self) -> Path:
        """The file of the network."""
        return self.folder / model_package.NETWORK

    @property
    def head(self) -> Path:
        """The file of what is done outside it."""
        return self.folder / model_package.HEAD


SHIPPED = Model("", "shipped", MODEL_PATH.parent)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model at work; `problem` says why it is not the one that should be, empty where it is."""

    model: Model
    embedder: Embedder
    embedding: Embedding
    problem: str = ""


class ModelStore:
    """See the module; one process writes at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def mark(self) -> Path:
        """The file that changes whenever another model is put in force."""
        return self.folder / IN_FORCE

    def models(self) -> tuple[Model, ...]:
        """Return the model in force and those to fall back on, in that order; the shipped one is always last."""
        try:
            digests = self.mark.read_text(encoding="ascii").split()
        except (OSError, UnicodeDecodeError):
            digests = []
        installed = (self.folder / digest for digest in digests if digest.isalnum())
        return (*(Model(home.name, _name(home), home) for home in installed), SHIPPED)

    def install(self, package: bytes, source: str, running: Running, trial: Trial | None = None) -> Model:
        """Put a package in force; raise `ModelError`, and leave the one in force, where it is not fit for use."""
        contents, parts = model_package.unpack(package, source)
        digest = hashlib.sha256(package).hexdigest()[:DIGITS]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=self.folder, prefix=".new-"))
            try:
                _unpack(fresh, contents, parts)
                problem = (trial or try_out)(fresh, running)
                if problem is not None:
                    raise ModelError(f"model {source} is refused: {problem}; the one in force stays")
                home = self._settle(fresh, digest)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
            earlier = [model.digest for model in self.models() if model.digest not in {"", digest}]
            self._put_in_force([digest, *earlier[: KEPT_MOST - 1]])
        except OSError as error:
            raise ModelError(f"models {self.folder} cannot be written: {error.strerror}") from error
        return Model(digest, contents.name, home)

    def rollback(self) -> Model:
        """Put the model before the one in force back; raise `ModelError` where the shipped one is in force."""
        before = self.models()[1:]
        if not before:
            raise ModelError("the shipped model is in force; there is none before it")
        try:
            self._put_in_force([model.digest for model in before if model.digest])
        except OSError as error:
            raise ModelError(f"models {self.folder} cannot be written: {error.strerror}") from error
        return before[0]

    def load(self, running: Running) -> Loaded:
        """Return the model in force, warmed up, or the next one that can be used; raise `ModelError` if none can.

        What is wrong with the machine (no runtime, no accelerator) is wrong with every model, and raised as well.
        """
        problems = []
        for model in self.models():
            try:
                loaded = open_model(model.folder, running)
            except ModelError as error:
                problems.append(str(error))
                continue
            told = f"{problems[0]}; the model {model.name} is used instead" if problems else ""
            return Loaded(model, *loaded, told)
        raise ModelError(problems[-1])

    def _settle(self, fresh: Path, digest: str) -> Path:
        """Give a tried model its place; one that lay there (damaged since, maybe) makes room."""
        home = self.folder / digest
        if os.geteuid() == 0:
            owner = self.folder.stat()
            os.chown(fresh, owner.st_uid, owner.st_gid)
        fresh.chmod(0o755)
        shutil.rmtree(home, ignore_errors=True)
        fresh.rename(home)
        sync_folder(self.folder)
        return home

    def _put_in_force(self, digests: list[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_file(self.mark, "".join(f"{digest}\n" for digest in digests).encode())
        for home in self._strangers(set(digests)):
            shutil.rmtree(home, ignore_errors=True)

    def _strangers(self, kept: set[str]) -> Iterator[Path]:
        return (home for home in self.folder.iterdir() if home.is_dir() and home.name not in kept)


def _unpack(folder: Path, contents: model_package.Contents, parts: Mapping[str, bytes]) -> None:
    for name, content in parts.items():
        replace_file(folder / name, content)
        if name.endswith(".tflite"):
            replace_file(folder / f"{name}.sha256", f"{contents.files[name]}  {name}\n".encode())
    replace_file(folder / model_package.LIST, msgspec.json.encode(contents))


def open_model(folder: Path, running: Running) -> tuple[Embedder, Embedding]:
    """Return the network and the embedding of a folder, run once and found to belong together."""
    embedder = Embedder(folder / model_package.NETWORK, running=running)
    head = embedding.load(folder / model_package.HEAD)
    head.belongs_to(embedder.model_hash)
    if head.whitening.shape[0] != embedder.features:
        raise ModelError(f"the embedding is for {head.whitening.shape[0]} features; the model has {embedder.features}")
    embedder.warm()
    return embedder, head


def try_out(folder: Path, running: Running) -> str | None:
    """Open a model in a process of its own; return what is wrong with it, None if it can be used."""
    command = [sys.executable, "-m", "station.vision.model_trial", str(folder), msgspec.json.encode(running).decode()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TRIAL_S)
    except subprocess.TimeoutExpired:
        return f"it does not run within {TRIAL_S:g} s"
    if done.returncode == 0:
        return None
    return done.stderr.strip().splitlines()[-1] if done.returncode == 1 and done.stderr else "it crashes the runtime"


def _name(home: Path) -> str:
    try:
        return msgspec.json.decode((home / model_package.LIST).read_bytes(), type=model_package.Contents).name
    except (OSError, msgspec.MsgspecError):
        return home.name
