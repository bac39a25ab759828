"""`station provision`: an authority for a lab, and keys, certificates and first configurations made with it."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from station import clitools
from station.config_check import Problem, build
from station.config_keys import DEFAULT_STATE_DIR, Mqtt, Station
from station.provision import acts, skeleton
from station.provision.acts import Done, Terms
from station.provision.authority import REVOKED_DAYS, Authority, Entry
from station.provision.folder import FolderError
from station.provision.issuing import IssueError

AUTHORITY_DAYS, BROKER_DAYS, CLIENT_DAYS = 3650, 397, 730
EARLIER = timedelta(hours=1)  # clocks of a lab differ
BROKER = "broker.example"

T = TypeVar("T", bound=msgspec.Struct)
Act = Callable[[argparse.Namespace], Done]


def add_commands(commands: clitools.Subparsers) -> None:
    """Add `provision` and its commands."""
    group = commands.add_parser("provision", help="certificates and first configurations")
    verbs = group.add_subparsers(metavar="COMMAND", required=True)
    _add_lab_ca(verbs)
    _add_broker(verbs)
    _add_backend(verbs)
    _add_station(verbs)
    _add_sign(verbs)
    _add_register(verbs)


def _add_lab_ca(verbs: clitools.Subparsers) -> None:
    parser = _act(verbs, "lab-ca", _lab_ca, "make an authority for a lab", AUTHORITY_DAYS)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--name", default="Validation stations (lab)", help="its common name")
    _add_key_type(parser)


def _add_broker(verbs: clitools.Subparsers) -> None:
    parser = _act(verbs, "broker", _broker, "make a broker's certificate and mosquitto's configuration", BROKER_DAYS)
    _add_places(parser)
    what = "name or address that stations connect to; may be given several times"
    parser.add_argument("--host", metavar="HOST", action="append", required=True, help=what)
    parser.add_argument("--port", type=_port, default=8883)
    _add_key_type(parser)


def _add_backend(verbs: clitools.Subparsers) -> None:
    parser = _act(verbs, "backend", _backend, "make a backend's key and certificate", CLIENT_DAYS)
    _add_places(parser)
    parser.add_argument("--name", required=True, help="backend.NAME or monitor.NAME, as in the access list")
    _add_renew(parser)
    _add_key_type(parser)


def _add_station(verbs: clitools.Subparsers) -> None:
    parser = _act(verbs, "station", _station, "make a station's key, certificate, configuration", CLIENT_DAYS)
    parser.add_argument("--ca", metavar="DIR", type=Path, help="the lab's authority; without it a request is made")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="where to write")
    _add_who(parser)
    parser.add_argument("--broker", metavar="HOST", default=BROKER, help="default: %(default)s, to be replaced")
    parser.add_argument("--port", type=_port, default=8883)
    parser.add_argument("--driver", choices=list(skeleton.CHOICES), default=skeleton.DEFAULT_DRIVER)
    parser.add_argument("--state-dir", metavar="DIR", default=DEFAULT_STATE_DIR)
    told = "public keys whose catalogues and configurations it obeys (default: the lab's orders.pub)"
    parser.add_argument("--trust", metavar="PUBKEY", type=Path, help=told)
    _add_renew(parser)
    _add_key_type(parser)


def _add_sign(verbs: clitools.Subparsers) -> None:
    parser = _act(verbs, "sign", _sign, "sign a station's request: its key never leaves it", CLIENT_DAYS)
    parser.add_argument("request", metavar="CSR", type=Path)
    _add_places(parser)
    _add_who(parser)
    _add_renew(parser)


def _add_register(verbs: clitools.Subparsers) -> None:
    told = "end a certificate before its time; brokers need the new list"
    revoke = clitools.add_command(verbs, "revoke", _wrapped(_revoke), told)
    revoke.add_argument("identity", metavar="ID")
    revoke.add_argument("--serial", help="only this certificate, not all of the identity")
    crl = clitools.add_command(verbs, "crl", _wrapped(_crl), "write the list of revocations anew, before it ends")
    crl.add_argument("--days", type=_days, default=REVOKED_DAYS)
    listing = clitools.add_command(verbs, "list", _wrapped(_list), "print what the authority has signed")
    for parser in (revoke, crl, listing):
        parser.add_argument("--ca", metavar="DIR", type=Path, required=True)
        clitools.add_json_option(parser)


def _act(verbs: clitools.Subparsers, name: str, act: Act, summary: str, days: int) -> argparse.ArgumentParser:
    """Add a command that makes files, with what all of those have."""
    parser = clitools.add_command(verbs, name, _wrapped(lambda given: _tell(act(given), given)), summary)
    parser.add_argument("--days", type=_days, default=days, help="how long it holds (default: %(default)s)")
    parser.add_argument(
        "--valid-from", metavar="TIME", type=_time, help="RFC 3339 (default: an hour ago, since clocks differ)"
    )
    clitools.add_json_option(parser)
    return parser


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ca", metavar="DIR", type=Path, required=True, help="the lab's authority")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="where to write")


def _add_who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", required=True)
    parser.add_argument("--id", required=True, help="unique over the whole fleet")


def _add_renew(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--renew", action="store_true", help="although there is a certificate that still holds")


def _add_key_type(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key-type", choices=("p256", "ed25519"), default="p256")


def _lab_ca(given: argparse.Namespace) -> Done:
    return acts.lab_ca(given.folder, given.name, _terms(given))


def _broker(given: argparse.Namespace) -> Done:
    return acts.broker(Authority(given.ca), given.out, given.host, given.port, _terms(given))


def _backend(given: argparse.Namespace) -> Done:
    return acts.backend(Authority(given.ca), given.out, given.name, _terms(given))


def _station(given: argparse.Namespace) -> Done:
    who = _who(given, given.state_dir)
    tls = {"ca": "ca.pem", "cert": "station.pem", "key": "station.key"}  # the files are named when they are made
    mqtt = _checked(Mqtt, {"host": given.broker, "port": given.port, "tls": tls})
    authority = None if given.ca is None else Authority(given.ca)
    orders = acts.orders_of(authority, given.trust)
    return acts.station(authority, given.out, who, mqtt, given.driver, _terms(given), orders)


def _sign(given: argparse.Namespace) -> Done:
    who = _who(given, DEFAULT_STATE_DIR)
    return acts.sign(Authority(given.ca), given.request, given.out, who, _terms(given))


def _revoke(given: argparse.Namespace) -> int:
    authority = Authority(given.ca)
    revoked = authority.revoke(given.identity, datetime.now(UTC), given.serial)
    _tell_entries(revoked, given)
    if not given.json:
        print(f"next: give {authority.folder / 'crl.pem'} to every broker, and restart it or have it read the list")
    return clitools.OK


def _crl(given: argparse.Namespace) -> int:
    path = Authority(given.ca).write_list(datetime.now(UTC), given.days)
    steps = ["give it to every broker, and restart it or have it read the list"]
    return _tell(Done(files=[str(path)], next=steps), given)


def _list(given: argparse.Namespace) -> int:
    _tell_entries(Authority(given.ca).entries(), given)
    return clitools.OK


def _tell(done: Done, given: argparse.Namespace) -> int:
    if given.json:
        clitools.print_json(done)
        return clitools.OK
    for file in done.files:
        print(file)
    if done.valid_from is not None and done.valid_until is not None:
        print(f"valid from {done.valid_from:%Y-%m-%d %H:%M} to {done.valid_until:%Y-%m-%d %H:%M} UTC")
    for step in done.next:
        print(f"next: {step}")
    return clitools.OK


def _tell_entries(entries: list[Entry], given: argparse.Namespace) -> None:
    if given.json:
        clitools.print_json(entries)
        return
    for entry in entries:
        state = "" if entry.revoked is None else f", revoked {entry.revoked:%Y-%m-%d}"
        store = "" if entry.store is None else f" in store {entry.store}"
        print(f"{entry.id}{store}: {entry.role}, until {entry.not_after:%Y-%m-%d}{state}, serial {entry.serial}")


def _wrapped(run: clitools.Run) -> clitools.Run:
    """Let the errors of provisioning end the command with their one line."""

    def wrapped(given: argparse.Namespace) -> int:
        try:
            return run(given)
        except (FolderError, IssueError) as error:
            raise clitools.CommandError(str(error)) from error

    return wrapped


def _who(given: argparse.Namespace, state_dir: str) -> Station:
    return _checked(Station, {"store": given.store, "id": given.id, "state_dir": state_dir})


def _checked(kind: type[T], table: dict[str, object]) -> T:
    problems: list[Problem] = []
    made = build(kind, table, (), problems)
    if made is None:
        told = "; ".join(f"{'.'.join(str(part) for part in problem.path)} {problem.text}" for problem in problems)
        raise clitools.CommandError(told, clitools.USAGE)
    return made


def _terms(given: argparse.Namespace) -> Terms:
    period = acts.validity(given.valid_from or datetime.now(UTC) - EARLIER, given.days)
    return Terms(period, getattr(given, "key_type", "p256"), getattr(given, "renew", False))


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 36_500:  # noqa: PLR2004 - a hundred years
        raise argparse.ArgumentTypeError("must be 1 to 36500")
    return days


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_535:  # noqa: PLR2004 - TCP's
        raise argparse.ArgumentTypeError("must be 1 to 65535")
    return port


def _time(text: str) -> datetime:
    made = datetime.fromisoformat(text)
    return made if made.tzinfo else made.replace(tzinfo=UTC)
