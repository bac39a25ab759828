"""The configuration of mosquitto that is shipped, with a lab's paths and port in it."""

from importlib import resources
from pathlib import Path

from station.provision.folder import FolderError, NewFile

CONFIGURATION, ACCESS, DATA = "mosquitto.conf", "mosquitto.acl", "data"
_FOLDER, _STORE, _PORT = "/etc/mosquitto/validation-station/", "/var/lib/mosquitto/validation-station/", "listener 8883"


def shipped(name: str) -> str:
    """Return a shipped file: `CONFIGURATION` or `ACCESS`."""
    return resources.files("station.provision").joinpath(name).read_text(encoding="utf-8")


def files(folder: Path, port: int) -> list[NewFile]:
    """Return the broker's configuration and access list for a folder that holds its certificates, too."""
    if any(sign.isspace() for sign in str(folder)):
        raise FolderError(f"{folder}: mosquitto cannot read a path with blanks; name another folder")
    text = shipped(CONFIGURATION).replace(_FOLDER, f"{folder}/").replace(_STORE, f"{folder / DATA}/")
    text = text.replace(_PORT, f"listener {port}")
    return [NewFile(CONFIGURATION, text.encode()), NewFile(ACCESS, shipped(ACCESS).encode())]
