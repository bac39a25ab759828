"""Certificates for a fleet, by a lab's authority: one for each station, one for the backend.

They stay in their folder and are used again, so that a fleet that comes back does not fill the authority's register.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from station.config_keys import Station
from station.fleet.options import FleetOptions
from station.provision import acts, issuing
from station.provision.authority import CERTIFICATE, Authority
from station.provision.folder import SECRET, NewFile, write_new

DAYS = 14
EARLIER = timedelta(hours=1)


def provide(authority: Authority, folder: Path, options: FleetOptions, told: Callable[[int], None]) -> None:
    """Make what is lacking; raise `IssueError` or `FolderError`."""
    if not (folder / CERTIFICATE).exists():
        write_new(folder, [NewFile(CERTIFICATE, authority.certificate_pem)])
    period = acts.validity(datetime.now(UTC) - EARLIER, DAYS)
    for number in range(options.stations):
        who = options.station(number)
        if not (folder / f"{who.id}.pem").exists():
            key = issuing.new_key("p256")
            made = authority.station(Station(store=who.store, id=who.id), key.public_key(), period, renew=True)
            _write(folder, who.id, key, issuing.pem(made))
        told(number + 1)
    name = options.backend
    if not (folder / f"{name}.pem").exists():
        key = issuing.new_key("p256")
        _write(folder, name, key, issuing.pem(authority.backend(name, key.public_key(), period, renew=True)))


def _write(folder: Path, name: str, key: issuing.PrivateKey, certificate: bytes) -> None:
    write_new(folder, [NewFile(f"{name}.key", issuing.key_pem(key), SECRET), NewFile(f"{name}.pem", certificate)])
