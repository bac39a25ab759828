"""A backend's side of the interface: verdicts stored once and acknowledged, commands with their answers.

    async with Client(options, SqliteStore("verdicts.db")) as client:
        async for received in client.verdicts():
            print(received.station.id, received.seq, received.verdict.decision)

A library for programs of the retailer: it knows the messages and the link, and nothing of the daemon.
"""

from station.client.client import Client
from station.client.options import Options
from station.client.orders import Orders
from station.client.sqlite_store import SqliteStore
from station.client.store import ApplyError, Gap, Prefix, Store, Stored, StoreError
from station.client.values import ClientError, CommandRefusedError, NoAnswerError, Received
from station.core.claim import Claim, Line, Tare
from station.core.feedback import Content, Feedback
from station.core.product import Product
from station.link_values import LinkOptions, Tls
from station.messages import Adopted, Diagnosis, Result, Snapshot, Transfer, Verdict
from station.wire import Station

__all__ = [
    "Adopted", "ApplyError", "Claim", "Client", "ClientError", "CommandRefusedError", "Content", "Diagnosis",
    "Feedback", "Gap", "Line", "LinkOptions", "NoAnswerError", "Options", "Orders", "Prefix", "Product",
    "Received", "Result", "Snapshot", "SqliteStore", "Station", "Store", "StoreError", "Stored", "Tare", "Tls",
    "Transfer", "Verdict",
]  # fmt: skip
