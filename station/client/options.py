"""Where the broker is, who we are there, and what to listen to."""

import re

import msgspec

from station.link_values import LinkOptions

CLIENT_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
LEVEL = re.compile(r"\+|[a-z0-9][a-z0-9-]{0,31}")
GROUP = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How one consumer takes part.

    `link` holds host, port, TLS and the client id, which must be this consumer's own and the same after a restart.
    `group` names a shared subscription: the consumers of a group divide the verdicts among themselves, and must all
    store into the same database. `store` and `station` narrow what is listened to.
    """

    link: LinkOptions
    group: str | None = None
    store: str = "+"
    station: str = "+"
    gap_s: float = 5.0  # how long a missing verdict may still be on its way before it is asked for
    repeat_s: float = 5.0  # an unanswered command is sent again, with the same bytes

    def __post_init__(self) -> None:
        for name, value, form in (
            ("client_id", self.link.client_id, CLIENT_ID),
            ("group", self.group or "x", GROUP),
            ("store", self.store, LEVEL),
            ("station", self.station, LEVEL),
        ):
            if not form.fullmatch(value):
                raise ValueError(f"{name} {value!r} cannot be part of a topic; it must match {form.pattern}")

    @property
    def subscriptions(self) -> list[str]:
        """The topics to listen to: verdicts, and answers to this consumer's own commands."""
        share = "" if self.group is None else f"$share/{self.group}/"
        below = f"vs/1/{self.store}/{self.station}"
        return [f"{share}{below}/evt/verdict", f"{below}/res/{self.link.client_id}"]
