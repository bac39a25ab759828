"""The one adapter through which the station runs its int8 model, on either of two runtimes.

`ai-edge-litert` is preferred (alive, and much faster on x86); `tflite-runtime` has the same interface and is what
stations in the field and 32-bit machines have. Their int8 kernels differ by a few steps on a share of the outputs,
so features are comparable only under the same `identity`: model and runtime.
"""

import ctypes
import hashlib
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

RuntimeChoice = Literal["auto", "ai-edge-litert", "tflite-runtime"]

# Beside a model stands its hash, as `sha256sum embedder.tflite > embedder.tflite.sha256` writes it.
MODEL_PATH = Path(__file__).parent / "models" / "embedder.tflite"
PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0  # what the network was trained with: (x - 127) / 128
MODULES: dict[str, str] = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}
FILE_MARK = b"TFL3"  # at byte 4 of every TFLite file


class ModelError(RuntimeError):
    """The model cannot be run; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Running:
    """How a model is run: on which runtime, with how many threads, with which accelerator."""

    runtime: RuntimeChoice = "auto"
    threads: int = 2
    xnnpack: bool = True  # the fast kernels of the runtime itself; without them results are those of its plain ones
    delegate: str = ""  # an accelerator's library, such as libedgetpu.so.1


class Embedder:
    """Turns square RGB crops into feature vectors; keep one for the life of the process, use it from one thread."""

    def __init__(
        self, model: Path = MODEL_PATH, *, runtime: RuntimeChoice = "auto", threads: int = 2,
        running: Running | None = None,
    ) -> None:  # fmt: skip
        how = running or Running(runtime, threads)
        content, self.model_hash = _content(model)
        module, self.runtime = _load(how.runtime)
        extra = _delegates(module, how)
        try:
            with _quiet():
                self._interpreter: Any = module.Interpreter(model_content=content, num_threads=how.threads, **extra)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"model {model} is damaged, or not for {self.runtime}: {error}") from error
        if how.delegate:
            self.runtime += f" with {Path(how.delegate).name}"
        elif not how.xnnpack:
            self.runtime += " without XNNPACK"
        self._input = _only(self._interpreter.get_input_details(), "input")
        self._output = _only(self._interpreter.get_output_details(), "output")
        shape = tuple(int(size) for size in self._input["shape"])
        if len(shape) != 4 or shape[0] != 1 or shape[1] != shape[2] or shape[3] != 3:  # noqa: PLR2004  one square RGB picture
            raise ModelError(f"model {model} wants an input of {shape}, not 1 x n x n x 3; install the right one")
        self.side_px = shape[1]
        self.features = int(self._output["shape"][-1])
        self._steps = _steps(*self._input["quantization"])

    @property
    def identity(self) -> str:
        """Model and runtime: features of different identities are not compared."""
        return f"{self.model_hash}/{self.runtime}"

    def warm(self) -> None:
        """Run once, so that the first shopper does not pay for what the runtime puts off; refuse what is no number."""
        features = self.embed(np.full((1, self.side_px, self.side_px, 3), int(PIXEL_MEAN), np.uint8))
        if not np.isfinite(features).all():
            raise ModelError(f"model {self.model_hash[:19]}... gives values that are no numbers; install another")

    def quantise(self, crops: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Return pixels as the int8 steps of the model's input."""
        return self._steps[crops]

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one row of features for each crop; `crops` is n x side_px x side_px x 3, RGB, uint8."""
        if crops.ndim != 4 or crops.shape[1:] != (self.side_px, self.side_px, 3) or crops.dtype != np.uint8:  # noqa: PLR2004
            raise ValueError(f"crops are {crops.dtype} {crops.shape}, not uint8 n x {self.side_px} x ... x 3")
        features = np.empty((len(crops), self.features), np.float32)
        scale, zero = self._output["quantization"]
        for row, steps in zip(features, self.quantise(crops), strict=True):
            self._interpreter.set_tensor(self._input["index"], steps[np.newaxis])
            self._interpreter.invoke()
            output = self._interpreter.get_tensor(self._output["index"])
            row[:] = (output.reshape(-1).astype(np.float32) - zero) * scale
        return features


def _content(model: Path) -> tuple[bytes, str]:
    """Return the model's bytes and hash; it must be that of the file beside it (tflite-runtime crashes on damage)."""
    beside = model.with_name(model.name + ".sha256")
    try:
        content, noted = model.read_bytes(), beside.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        missing = getattr(error, "filename", None) or beside
        raise ModelError(f"model {missing} cannot be read; install it again") from error
    if content[4:8] != FILE_MARK:
        raise ModelError(f"model {model} is no TFLite file; install it again")
    digest = hashlib.sha256(content).hexdigest()
    if noted[:1] != [digest]:
        raise ModelError(f"model {model} is damaged: its hash is not the one in {beside.name}; install it again")
    return content, f"sha256:{digest}"


def _load(runtime: RuntimeChoice) -> tuple[Any, str]:
    """Return the runtime's module and its name with version, in order of preference."""
    wanted = list(MODULES) if runtime == "auto" else [runtime]
    for name in wanted:
        try:
            return importlib.import_module(MODULES[name]), f"{name} {metadata.version(name)}"
        except ImportError:  # also a package without its metadata; the next one may be whole
            continue
    raise ModelError(f"no runtime for the model: {' or '.join(wanted)} is not installed; pip install {wanted[0]}")


def _delegates(module: Any, how: Running) -> dict[str, Any]:
    """Return what the interpreter must be told of accelerators; one that is configured must be there."""
    extra: dict[str, Any] = {}
    if not how.xnnpack:
        extra["experimental_op_resolver_type"] = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    if how.delegate:
        try:
            ctypes.CDLL(how.delegate)  # the runtime's own loader stumbles over an absent library once more later
            with _quiet():
                extra["experimental_delegates"] = [module.load_delegate(how.delegate)]
        except (ValueError, RuntimeError, OSError) as error:
            raise ModelError(
                f"the accelerator {how.delegate} cannot be used: install its library and plug it in, "
                "or leave `delegate` out of [vision]"
            ) from error
    return extra


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the runtime's remarks off stderr, where people look for errors; it has no switch for them."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _only(details: list[dict[str, Any]], what: str) -> dict[str, Any]:
    if len(details) != 1 or details[0]["dtype"] is not np.int8:
        kinds = ", ".join(f"{detail['dtype'].__name__} {tuple(detail['shape'])}" for detail in details)
        raise ModelError(f"model has {what}s {kinds}, not one of int8; install the right model")
    return details[0]


def _steps(scale: float, zero: int) -> NDArray[np.int8]:
    """Return the input step of each of the 256 pixel values."""
    real = (np.arange(256, dtype=np.float64) - PIXEL_MEAN) / PIXEL_SCALE
    return np.asarray(np.clip(np.rint(real / scale) + zero, -128, 127), np.int8)
