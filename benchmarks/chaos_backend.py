"""A backend of the product: `station.client` stores every verdict into SQLite and acknowledges what is contiguous.

    python -m benchmarks.chaos_backend DATABASE PORT KEYS SLOW

It stores slowly while the file SLOW is there, and writes the client's counts to stdout whenever they change. KEYS are
the public keys that it trusts.
"""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path

import msgspec

from station.client import Client, LinkOptions, Options, Received, SqliteStore
from station.signing_keys import Verifier, public_keys

NAME = "backend.1"
SLOW_S = 0.05  # for each verdict
TELL_S = 0.2


async def consume(database: Path, port: int, keys: Path, slow: Path) -> None:
    """Store until a signal ends it."""
    pause = threading.Event()  # `time.sleep` fails under libfaketime

    def dawdle(_database: sqlite3.Connection, _received: Received) -> None:
        if slow.exists():
            pause.wait(SLOW_S)

    link = LinkOptions(
        host="127.0.0.1", port=port, client_id=NAME, session_expiry_s=3600, connect_s=3.0, keepalive_s=5,
        backoff_min_s=0.1, backoff_max_s=2.0,
    )  # fmt: skip
    options = Options(link=link, gap_s=3.0)
    async with Client(options, SqliteStore(database, dawdle), Verifier(public_keys(keys))) as client:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await asyncio.gather(_tell(client), _read(client))


async def _read(client: Client) -> None:
    async for _ in client.verdicts():
        pass  # it is stored already; only a reader is wanted here


async def _tell(client: Client) -> None:
    told: dict[str, int] = {}
    while True:
        if client.counts != told:
            told = dict(client.counts)
            os.write(sys.stdout.fileno(), b"counts " + msgspec.json.encode(told) + b"\n")
        await asyncio.sleep(TELL_S)


def main() -> None:
    """Run until a signal ends it."""
    database, port, keys, slow = sys.argv[1:]
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(consume(Path(database), int(port), Path(keys), Path(slow)))


if __name__ == "__main__":
    main()
