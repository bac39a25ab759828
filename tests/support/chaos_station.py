"""A station that only delivers: stores numbered verdicts and publishes them, until it is killed or all is confirmed.

    python -m tests.support.chaos_station OUTBOX PORT JOURNAL TOTAL

Each verdict that was stored is announced with its bytes' hash in the JOURNAL, after `store` has returned. The process
may be killed at any moment and started again; it goes on until TOTAL verdicts are stored and confirmed.
"""

import hashlib
import os
import sys
from pathlib import Path

from station import signing_keys
from tests.support.consumer import Consumer, link_options


def main(outbox: str, port: str, journal: str, total: str) -> None:
    descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    signer = signing_keys.ready(None, Path(outbox).parent).pair
    with Consumer(Path(outbox), link_options(int(port)), signer=signer) as station:
        while station.outbox.confirmed() < int(total):
            seq = station.outbox.last_seq()
            if seq < int(total):
                for ref in station.verdict(seq + 1):
                    row = station.outbox.read(ref)
                    assert row is not None
                    os.write(descriptor, f"{ref.number} {hashlib.sha256(row.payload).hexdigest()}\n".encode())
            station.turn()


if __name__ == "__main__":
    main(*sys.argv[1:])
