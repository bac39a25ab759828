"""`station keys`: make the signing key, show what a backend needs of it, replace it."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from station import clitools, signing_keys
from station.signing_keys import KeyFile, KeyPair, PublicKey, SigningError


class _Place(NamedTuple):
    """Where the private key is, and the folder of the public ones."""

    file: KeyFile
    folder: Path


class _Shown(NamedTuple):
    """The key in force, and those of the past."""

    place: _Place
    pair: KeyPair
    note: str = ""


def add_commands(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `keys init`, `show` and `rotate`; `options` yields the drivers there are."""
    group = commands.add_parser("keys", help="the key that signs verdicts")
    verbs = group.add_subparsers(metavar="COMMAND", required=True)
    make = _add(verbs, "init", _init, "make a signing key", options)
    make.add_argument("file", metavar="FILE", type=Path, nargs="?", help="default: where the station looks for it")
    _add(verbs, "show", _show, "print the public key, and those of the past", options)
    _add(verbs, "rotate", _rotate, "replace the station's own signing key", options)


def _add(
    verbs: clitools.Subparsers, name: str, act: Callable[[argparse.Namespace, clitools.Options], _Shown], summary: str,
    options: clitools.Options,
) -> argparse.ArgumentParser:  # fmt: skip
    def run(given: argparse.Namespace) -> int:
        try:
            return _print(act(given, options), as_json=given.json)
        except SigningError as error:
            raise clitools.CommandError(str(error)) from error

    parser = clitools.add_command(verbs, name, run, summary)
    clitools.add_config_option(parser)
    parser.add_argument("--state", metavar="DIR", help="state directory (default: that of the configuration)")
    clitools.add_json_option(parser)
    return parser


def _place(arguments: argparse.Namespace, options: clitools.Options) -> _Place:
    if arguments.state:
        configured, state_dir = None, Path(arguments.state)
    else:
        station = clitools.configuration(arguments, options).station
        configured, state_dir = station.signing_key, Path(station.state_dir)
    return _Place(signing_keys.find(configured, state_dir), state_dir / signing_keys.FOLDER)


def _init(arguments: argparse.Namespace, options: clitools.Options) -> _Shown:
    if arguments.file is not None:  # for another place, such as a credential's: no station need be here
        place = _Place(KeyFile(arguments.file, "configured"), arguments.file.parent)
        signing_keys.make(place.file.path)
        return _Shown(place, signing_keys.load(place.file))
    place = _place(arguments, options)
    signing_keys.make(place.file.path)
    return _remembered(place)


def _show(arguments: argparse.Namespace, options: clitools.Options) -> _Shown:
    place = _place(arguments, options)
    return _Shown(place, signing_keys.load(place.file))


def _rotate(arguments: argparse.Namespace, options: clitools.Options) -> _Shown:
    place = _place(arguments, options)
    if place.file.origin != "own":
        problem = f"the signing key is {place.file.path}, which others put there; replace it there, then restart"
        raise clitools.CommandError(problem)
    _remembered(place)
    signing_keys.make(place.file.path, replace=True)
    return _remembered(place)._replace(note="in force when the station is started again")


def _remembered(place: _Place) -> _Shown:
    pair = signing_keys.load(place.file)
    signing_keys.remember(place.folder, pair.public)
    return _Shown(place, pair)


def _print(shown: _Shown, *, as_json: bool) -> int:
    former = _former(shown)
    if as_json:
        clitools.print_json(
            {"key_id": shown.pair.key_id, "public_key": shown.pair.public.pem, "file": str(shown.place.file.path),
             "former_keys": [{"key_id": key.key_id, "public_key": key.pem} for key in former]}
        )  # fmt: skip
        return clitools.OK
    print(f"key {shown.pair.key_id} in {shown.place.file.path}")
    if shown.note:
        print(shown.note)
    print(shown.pair.public.pem, end="")
    for key in former:
        print(f"former key {key.key_id}\n{key.pem}", end="")
    return clitools.OK


def _former(shown: _Shown) -> list[PublicKey]:
    return [key for key in signing_keys.known(shown.place.folder) if key.key_id != shown.pair.key_id]
