"""`station model`: install, list and roll back the cameras' model; make and sign packages of models."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from station import clitools
from station.config import Config

if TYPE_CHECKING:
    from station.vision.model_store import ModelStore

SIGNATURE_BYTES_MAX = 1000

Work = Callable[[argparse.Namespace, clitools.Options], int]


def add_commands(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `model install`, `list`, `rollback`, `pack` and `sign`; `options` yields the drivers there are."""
    verbs = commands.add_parser("model", help="the cameras' model").add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, work: Work, summary: str) -> argparse.ArgumentParser:
        parser = clitools.add_command(verbs, name, lambda given: _guarded(work, given, options), summary)
        clitools.add_json_option(parser)
        return parser

    install = add("install", _install, "put a signed model in force; FILE.sig must lie beside it")
    install.add_argument("file", metavar="FILE", type=Path)
    for parser in (install, add("list", _list, "print the models"), add("rollback", _rollback, "go back to the last")):
        clitools.add_config_option(parser)
    pack = add("pack", _pack, "make a package of a folder with embedder.tflite and embedding.npz")
    pack.add_argument("file", metavar="FILE", type=Path)
    pack.add_argument("--from", dest="folder", metavar="DIR", type=Path, help="default: the shipped model")
    pack.add_argument("--name", default="", help="how the model is called; default: the file's name")
    sign = add("sign", _sign, "sign a package with the key that stations obey")
    sign.add_argument("file", metavar="FILE", type=Path)
    sign.add_argument("--key", metavar="FILE", type=Path, required=True, help="private key, Ed25519 in PEM")


def _guarded(work: Work, given: argparse.Namespace, options: clitools.Options) -> int:
    from station.signing_keys import SigningError
    from station.vision.interpreter import ModelError

    try:
        return work(given, options)
    except (ModelError, SigningError) as error:
        raise clitools.CommandError(str(error)) from error


def _install(given: argparse.Namespace, options: clitools.Options) -> int:
    from station import wiring

    config = clitools.configuration(given, options)
    package = _bytes(given.file)
    _prove(config, given.file, package)
    model = _store(config).install(package, str(given.file), wiring.running(config))
    return _tell(given, model.name, model.digest, "in force; a running station takes it at the next empty platform")


def _rollback(given: argparse.Namespace, options: clitools.Options) -> int:
    model = _store(clitools.configuration(given, options)).rollback()
    return _tell(given, model.name, model.digest, "in force again")


def _list(given: argparse.Namespace, options: clitools.Options) -> int:
    from station import wiring
    from station.vision.model_store import try_out

    config = clitools.configuration(given, options)
    models = _store(config).models()
    found = [
        {"name": model.name, "digest": model.digest, "in_force": not place,
         "problem": (try_out(model.folder, wiring.running(config)) or "") if not place else ""}
        for place, model in enumerate(models)
    ]  # fmt: skip
    if given.json:
        clitools.print_json({"models": found})
    else:
        for each in found:
            state = "in force" if each["in_force"] else "kept"
            print(f"{each['digest'] or 'shipped':16}  {state:8}  {each['name']}  {each['problem']}".rstrip())
    if found[0]["problem"]:
        raise clitools.CommandError("the model in force cannot be used: install it again, or roll back")
    return clitools.OK


def _pack(given: argparse.Namespace, _options: clitools.Options) -> int:
    from calibration.files import replace_file
    from station.vision import model_package
    from station.vision.model_store import SHIPPED

    folder = given.folder or SHIPPED.folder
    names = sorted(path.name for path in folder.glob("*") if path.suffix in {".tflite", ".npz"})
    package = model_package.pack(given.name or given.file.stem, {name: _bytes(folder / name) for name in names})
    contents, parts = model_package.unpack(package, str(folder))
    try:
        replace_file(given.file, package)
    except OSError as error:
        raise clitools.CommandError(f"{given.file} cannot be written: {error.strerror}") from error
    return _tell(given, contents.name, "", f"{len(parts)} parts, {len(package)} bytes; sign it: station model sign")


def _sign(given: argparse.Namespace, _options: clitools.Options) -> int:
    from calibration.files import replace_file
    from station.signing_keys import load_order_key

    pair = load_order_key(given.key)
    beside = _beside(given.file)
    line = f"{pair.sign(_bytes(given.file)).hex()} {pair.key_id}\n"
    try:
        replace_file(beside, line.encode("ascii"))
    except OSError as error:
        raise clitools.CommandError(f"{beside} cannot be written: {error.strerror}") from error
    return _tell(given, given.file.name, "", f"signed by {pair.key_id} in {beside}")


def _prove(config: Config, file: Path, package: bytes) -> None:
    """Refuse a package that the station's orders key has not signed."""
    from station.command_trust import trust_in
    from station.signing import KEY_ID, SIGNATURE

    words = _bytes(_beside(file), SIGNATURE_BYTES_MAX).decode("ascii", "replace").split()
    user = list(zip((SIGNATURE, KEY_ID), words, strict=False))
    refusal = trust_in(config.trust.key).refusal("model", package, user)
    if refusal is not None:
        raise clitools.CommandError(f"{file}: {refusal[1]}")


def _bytes(path: Path, most: int | None = None) -> bytes:
    from station.vision.model_package import PACKAGE_BYTES_MAX

    try:
        with path.open("rb") as file:
            return file.read(PACKAGE_BYTES_MAX + 1 if most is None else most)
    except OSError as error:
        raise clitools.CommandError(f"{path} cannot be read: {error.strerror}") from error


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.sig")


def _store(config: Config) -> "ModelStore":
    from station.vision import model_store

    return model_store.ModelStore(Path(config.station.state_dir) / model_store.FOLDER)


def _tell(given: argparse.Namespace, name: str, digest: str, text: str) -> int:
    if given.json:
        clitools.print_json({"name": name, "digest": digest, "told": text})
    else:
        print(f"{name}: {text}")
    return clitools.OK
