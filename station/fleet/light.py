"""A light station: claims in, verdicts out, with the product's own delivery and an outbox on disk."""

import platform
import random
from collections import Counter, deque
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from station import __version__, messages
from station.clock import Clock
from station.command_refusals import CommandRefusedError, answer_error, answer_ok
from station.commands import Command, ok
from station.core import claim
from station.core.verdict import EvidenceSummary, Versions, Weight
from station.delivery import Batch, Connect, Delivery, DeliveryOptions, Outgoing
from station.link_values import LinkDown, LinkEvent, LinkOptions, LinkUp
from station.outbox import Outbox, OutboxError
from station.signing_keys import KeyPair
from station.wire import Station

COMMANDS = frozenset({"claim", "release", "resend", "zero"})
HEALTH_NS = 60 * 10**9
HEALTH_EXPIRY_S = 180
SECOND_NS = 10**9
STAY_S = (1.0, 4.0)  # how long goods lie there after their verdict
ACCEPTED = 0.97
ITEM_G = (50.0, 1500.0)
VERSIONS = Versions(software=__version__, model="light", catalogue="light", policy="light")


class LightStation:
    """One station; `up_ns` is when its present connection stood, None while it has none. Used in one thread."""

    def __init__(
        self, who: Station, path: Path, link: LinkOptions, connect: Connect, clock: Clock, seed: int, *, lean: bool
    ) -> None:
        self.up_ns: int | None = None
        self.troubles: Counter[str] = Counter()
        self._clock = clock
        self._chance = random.Random(f"{seed} {who.id}")
        self._lean = lean
        self._pair = KeyPair(Ed25519PrivateKey.generate())
        self._outbox = Outbox(path, signer=self._pair)
        self._queue: deque[LinkEvent] = deque()
        options = DeliveryOptions(link=link, commands=COMMANDS, connect=connect)
        self._delivery = Delivery(self._outbox, who, options, clock, self._handle)
        self._leaving: deque[tuple[int, dict[str, Any]]] = deque()
        self._healthy_ns = 0

    def start(self) -> None:
        """Say who is there, and begin to connect."""
        self._outbox.epoch  # noqa: B018 - opens it now, so that the storm measures connecting
        self._delivery.state("info", _info(self._pair))
        self._health(self._clock.monotonic_ns())
        self._delivery.start()

    def tick(self) -> None:
        """Let time pass; once a second."""
        now_ns = self._clock.monotonic_ns()
        while self._leaving and self._leaving[0][0] <= now_ns:
            _, visit = self._leaving.popleft()
            self._store(self._phase(visit, "removed"), self._phase(visit, "closed"))
        if now_ns - self._healthy_ns >= HEALTH_NS:
            self._health(now_ns)
        self._delivery.tick(now_ns)

    @property
    def counters(self) -> dict[str, int]:
        """What was published, refused, answered so far."""
        return self._delivery.counters

    def unconfirmed(self) -> int:
        """Return how many verdicts the backend has not acknowledged."""
        return self._outbox.depth().unconfirmed

    def close(self) -> None:
        """Say goodbye, and end."""
        self._delivery.close(0.0)

    # -- inside

    def _handle(self, event: LinkEvent) -> None:
        now_ns = self._clock.monotonic_ns()
        if isinstance(event, LinkUp):
            self.up_ns = now_ns
        elif isinstance(event, LinkDown):
            self.up_ns = None
            self.troubles[event.reason] += 1
        for command in self._delivery.handle(event, now_ns):
            try:
                self._delivery.answer(command, self._carry_out(command))
            except CommandRefusedError as refusal:
                self._delivery.answer(command, answer_error(refusal))

    def _carry_out(self, command: Command) -> dict[str, Any]:
        if command.name == "claim" and command.data.get("cancel") is not True:
            return self._judge(command)
        if command.name == "resend":
            return self._again(command)
        return ok()

    def _judge(self, command: Command) -> dict[str, Any]:
        try:
            claimed = claim.parse(command.data)
        except claim.ClaimError as error:
            raise CommandRefusedError("bad_claim", str(error)) from error
        made = self._verdict(claimed)
        visit = {"visit_id": made.visit_id, "transaction_id": claimed.transaction_id}
        shown = [] if self._lean else [self._phase({**visit, "transaction_id": None}, "placed")]
        shown += [] if self._lean else [self._phase(visit, "stable")]
        verdict = Outgoing(name="verdict", data=msgspec.to_builtins(made))
        if not self._store(*shown, verdict):
            raise CommandRefusedError("disk_failed", "the verdict cannot be stored")
        if not self._lean:
            stay_ns = round(self._chance.uniform(*STAY_S) * SECOND_NS)
            self._leaving.append((self._clock.monotonic_ns() + stay_ns, visit))
        return ok()

    def _verdict(self, claimed: claim.Claim) -> messages.Verdict:
        expected_g = sum(self._chance.uniform(*ITEM_G) * line.quantity for line in claimed.lines)
        residual_g = self._chance.gauss(0.0, 4.0)
        accepted = self._chance.random() < ACCEPTED
        p = 0.99 if accepted else 0.6
        number = self._outbox.max_verdict_no(claimed.transaction_id) + 1
        return messages.Verdict(
            visit_id=self._clock.new_id(), transaction_id=claimed.transaction_id, revision=claimed.revision,
            verdict_no=number, decision="accept" if accepted else "review",
            action="release" if accepted else "sight_check", p_as_claimed=p,
            expected_loss_minor=round(100 * (1 - p), 1), currency=claimed.currency,
            weight=Weight(
                gross_g=round(expected_g + residual_g, 1), sd_g=2.0, expected_g=round(expected_g, 1),
                expected_sd_g=6.0, tare_g=0.0, residual_g=round(residual_g, 1),
            ),
            explanations=(
                messages.Explanation(kind="as_claimed", p=p),
                messages.Explanation(kind="unknown_object", p=round(1 - p, 2), value_minor=100),
            ),
            recheck=(), look_for=(), requirements=(), smallest_visible=None,
            reasons=() if accepted else ("UNKNOWN_ITEM",),
            message={"en": "Thank you." if accepted else "Please let a colleague have a look.", "de": "Danke."},
            evidence=EvidenceSummary(), versions=VERSIONS,
            timing_ms=messages.Timing(settle=0, capture=0, vision=0, fusion=0, total=0),
        )  # fmt: skip

    def _again(self, command: Command) -> dict[str, Any]:
        try:
            wish = msgspec.convert(command.data, messages.Resend)
            found = self._delivery.again(wish.epoch, wish.from_seq)
        except (msgspec.ValidationError, OutboxError) as error:
            code = "disk_failed" if isinstance(error, OutboxError) else "bad_data"
            raise CommandRefusedError(code, str(error)) from error
        if found is None or found[0] > found[1]:
            code = "wrong_epoch" if found is None else "unknown_seq"
            raise CommandRefusedError(code, "there are no such verdicts here")
        return answer_ok(resend=messages.Again(epoch=wish.epoch, first_seq=found[0], last_seq=found[1]))

    def _store(self, *events: Outgoing) -> bool:
        try:
            self._delivery.store(Batch(events=events))
        except OutboxError as error:
            self.troubles[error.message] += 1
            return False
        return True

    @staticmethod
    def _phase(visit: dict[str, Any], phase: str) -> Outgoing:
        return Outgoing(name="transaction", data={**visit, "phase": phase, "gross_g": None, "sd_g": None})

    def _health(self, now_ns: int) -> None:
        self._healthy_ns = now_ns
        self._delivery.state("health", _health(self._outbox, self._clock), expiry_s=HEALTH_EXPIRY_S)


def _info(pair: KeyPair) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(
        messages.Info(
            **msgspec.to_builtins(VERSIONS), python=platform.python_version(), machine=platform.machine(),
            scales=(messages.ScaleInfo(name="scale-1", driver="light", capacity_g=50_000.0, division_g=5.0),),
            cameras=(), public_key=pair.public.pem, key_id=pair.key_id, former_keys=(),
        )
    )  # fmt: skip
    return told


def _health(outbox: Outbox, clock: Clock) -> dict[str, Any]:
    try:
        depth = outbox.depth()
        shown = messages.OutboxDepth(
            unconfirmed=depth.unconfirmed, events=depth.events, used_bytes=depth.used_bytes, unwritten=0
        )
    except OutboxError:
        shown = messages.OutboxDepth(unconfirmed=None, events=None, used_bytes=None, unwritten=0)
    told: dict[str, Any] = msgspec.to_builtins(
        messages.Health(
            state="idle", parts={"scale-1": "ok"}, alarms=(), rejected_samples={}, cells={}, gross_g=0.0, zero_g=0.0,
            clock=clock.stamp().clock, disk_free_bytes=None, outbox=shown,
            diagnosis=messages.Suspicions(errors={}, slips=0),
        )
    )  # fmt: skip
    return told
