"""A backend in one file: stores every verdict of a fleet once, and keeps a ledger of what was sold.

    python examples/consumer.py --host broker.store.example --ca ca.pem --cert backend.1.pem --key backend.1.key

With `--client-id backend.1 --group ledger --database verdicts.db` it is one of several.

Several, each with a client id of its own, may run on one database: they share the work. Kill them as you like: the
ledger's rows are written in the transaction that stores the verdict, and the stations are told of nothing else.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import sqlite3
from pathlib import Path

from station.client import Client, ClientError, LinkOptions, Options, Received, SqliteStore, Tls
from station.signing_keys import SigningError, Verifier, public_keys

SCHEMA = """CREATE TABLE IF NOT EXISTS ledger (
  transaction_id TEXT NOT NULL, store TEXT NOT NULL, verdict_no INTEGER NOT NULL, decision TEXT NOT NULL,
  verdicts INTEGER NOT NULL, PRIMARY KEY (store, transaction_id))"""
ENTER = """INSERT INTO ledger VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET verdicts = verdicts + 1,
  decision = CASE WHEN excluded.verdict_no > verdict_no THEN excluded.decision ELSE decision END,
  verdict_no = max(verdict_no, excluded.verdict_no)"""


def enter(database: sqlite3.Connection, received: Received) -> None:
    """Keep the last decision on each transaction, and how many there were."""
    verdict = received.verdict
    if verdict.transaction_id is not None:
        row = (verdict.transaction_id, received.station.store, verdict.verdict_no, verdict.decision)
        database.execute(ENTER, row)


async def consume(options: Options, store: SqliteStore, verifier: Verifier | None) -> None:
    """Store verdicts, and show each, until somebody says stop."""
    async with Client(options, store, verifier) as client:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - we run in one
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        async for received in client.verdicts():
            verdict = received.verdict
            who = f"{received.station.store}/{received.station.id} {received.epoch} {received.seq}"
            print(who, verdict.transaction_id, verdict.decision, f"{verdict.p_as_claimed}", flush=True)


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description="Store the verdicts of a fleet in SQLite, each once.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=None, help="default: 8883 with --ca, else 1883")
    parser.add_argument("--ca", type=Path, help="who signed the broker's certificate; absent: plain TCP, loopback only")
    parser.add_argument("--cert", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--client-id", default="backend.1", help="one of its own for each consumer")
    parser.add_argument("--group", help="share the verdicts with the other consumers of this name")
    parser.add_argument("--keys", type=Path, help="public keys in PEM; what none of them signed is refused")
    parser.add_argument("--database", type=Path, default=Path("verdicts.db"))
    return parser.parse_args()


def main() -> int:
    """Run until a signal ends it."""
    given = arguments()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    tls = Tls(ca=given.ca, cert=given.cert, key=given.key) if given.ca else None
    port = given.port or (8883 if tls else 1883)
    try:
        link = LinkOptions(host=given.host, port=port, client_id=given.client_id, tls=tls)
        verifier = Verifier(public_keys(given.keys)) if given.keys else None
        with contextlib.suppress(asyncio.CancelledError):
            store = SqliteStore(given.database, enter, SCHEMA)
            asyncio.run(consume(Options(link=link, group=given.group), store, verifier))
    except (ClientError, SigningError, ValueError) as error:
        logging.error("%s", error)  # noqa: TRY400, LOG015 - one line for people
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
