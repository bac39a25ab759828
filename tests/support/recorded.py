"""A station in virtual time whose visits are recorded: the real core, platform, checker and learner, and a shelf."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from station import catalogue
from station.core import events
from station.core.beliefs import Beliefs
from station.core.claim import Claim, Line
from station.core.effects import Deliver, Judge
from station.core.evidence import Reading
from station.core.learning_settings import LearningSettings
from station.core.policy import judge
from station.core.product import Product
from station.core.store_policy import Policy
from station.core.verdict_data import to_wire
from station.records.book import read
from station.records.entries import AnyEntry
from station.records.recorder import Finished, Place, Recorder
from station.records.shelf import Shelf
from station.school import School
from tests.support.four_cells import FourCells

POLICY = Policy()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRODUCTS = tuple(
    Product(gtin=f"{number:013d}{(10 - sum(int(d) * (3, 1)[i % 2] for i, d in enumerate(f'{number:013d}'))) % 10}",
            name=f"product {number}", unit_price_minor=100 + number, net_g=100.0 + 37.0 * number)
    for number in range(1, 41)
)  # fmt: skip


def claim(transaction_id: str, places: Sequence[int], revision: int = 1) -> Claim:
    """Return a claim of these products, a line each."""
    lines = tuple(Line(line=n, gtin=PRODUCTS[at].gtin, quantity=1) for n, at in enumerate(places, 1))
    return Claim(transaction_id=transaction_id, revision=revision, lines=lines, shopper="shopper-7")


class Recorded(FourCells):
    """Feeds the core as the daemon does, with a recorder beside it."""

    def __init__(self, folder: Path, *, recording: bool = True) -> None:
        self.catalogue = folder / "catalogue.db"
        self.version = catalogue.store(self.catalogue, PRODUCTS)
        self.shelf = Shelf(folder / "records", 10**9, 30.0)
        self.finished: list[Finished] = []
        self.told: list[dict[str, object]] = []
        place = Place(store="0815", station="vs-03", software="1.0", policy=POLICY)
        self.recorder = Recorder(place, self._utc, self._keep)
        self.school = School(POLICY, LearningSettings())
        self.school.open(Beliefs.of(PRODUCTS, POLICY.departments))
        self.recording = recording
        self.sd_factor = 1.0  # how far the scale is doubted
        super().__init__()
        self.wait(2)

    def feed(self, event: events.AnyEvent) -> None:
        if self.recording:
            self.recorder.before(event, self.engine)
        for effect in self.engine.handle(event):
            self.effects.append(effect)
            if isinstance(effect, Judge):
                self.feed(self._judged(effect))
            elif isinstance(effect, Deliver):
                self.told.append(to_wire(effect.verdict))
                self.recorder.told(self.told[-1])
        if self.recording:
            self.recorder.after(self.engine)

    def _judged(self, question: Judge) -> events.Judged:
        reading = question.reading
        trusted = Reading(t_ns=reading.t_ns, gross_g=reading.gross_g, sd_g=reading.sd_g * self.sd_factor)
        self.recorder.asked(question, trusted, self.school.beliefs, self.version)
        judgement = judge(question.claim, trusted, question.evidence, self.school.beliefs, POLICY)
        self.school.judged(question.claim, reading, judgement, 1.0)
        return events.Judged(t_ns=self.t_ns, judge_no=question.judge_no, judgement=judgement, fusion_ms=1.5)

    def _utc(self) -> str:
        return (NOON + timedelta(seconds=self.t_ns / 1e9)).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _keep(self, record: Finished) -> None:
        self.finished.append(record)
        if record.catalogue is not None:
            self.shelf.share_catalogue(record.catalogue, self.catalogue)
        for name, data in record.learned.items():
            self.shelf.share(name, data)
        self.shelf.put(record.record_id, record.time, record.data)

    def feed_claim(self, given: Claim) -> None:
        """Hand over a claim."""
        self.t_ns += 1_000_000
        self.feed(events.Claimed(t_ns=self.t_ns, claim=given, command=1))

    def shop(self, transaction_id: str, places: Sequence[int], *, also_g: float = 0.0) -> None:
        """Let a shopper come with these products, be judged, and go; what is accepted teaches."""
        self.feed_claim(claim(transaction_id, places))
        self.put(sum(PRODUCTS[at].net_g or 0.0 for at in places) * 1.05 + 10.0 + also_g)
        self.wait(3)
        self.world.clear()
        self.wait(3)
        if self.told[-1]["decision"] == "accept":
            self.school.left(transaction_id, 1, 1.0)
        else:
            self.feed(events.Released(t_ns=self.t_ns, transaction_id=transaction_id, command=2))

    def entries(self, number: int = -1) -> list[AnyEntry]:
        """Return what one of the records says."""
        return read(self.finished[number].data)
