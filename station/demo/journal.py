"""Reads the daemon's own account of its timing from its log."""

import time
from pathlib import Path
from typing import Any

import msgspec

ACKNOWLEDGED = b"verdict acknowledged by the broker"
WAIT_S = 2.0
POLL_S = 0.01


class Journal:
    """The log of one station, read as it grows."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = 0
        self._found: dict[int, dict[str, Any]] = {}

    def timing(self, seq: int) -> dict[str, Any] | None:
        """Return the line about the verdict of this number, None if it does not come soon."""
        deadline_s = time.monotonic() + WAIT_S
        while seq not in self._found and time.monotonic() < deadline_s:
            self._read()
            if seq not in self._found:
                time.sleep(POLL_S)
        return self._found.pop(seq, None)

    def _read(self) -> None:
        with self._log.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):  # still being written
                    return
                self._offset += len(line)
                if ACKNOWLEDGED in line:
                    entry = msgspec.json.decode(line)
                    self._found[entry["seq"]] = entry
