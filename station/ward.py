"""The diagnosis across transactions at work: kept with the lessons, told of by alarms and in the station's health."""

from collections.abc import Callable

import msgspec

from station.core import diagnosis_words
from station.core.diagnosis import Diagnosis, State
from station.core.effects import Alarm
from station.core.evidence import Reading
from station.core.learned import Note
from station.core.lesson import Innovation
from station.lessons import LessonStore

CHANGED = "changed"  # so begins a note that a product has become another one
Do = Callable[[Callable[[], None]], None]


class Ward:
    """The running diagnosis, and what was told of it. `do` changes the store and bears its refusal."""

    def __init__(self, store: LessonStore | None, do: Do) -> None:
        self.diagnosis = Diagnosis()
        self._store, self._do = store, do
        self._told: dict[tuple[str, str], Alarm] = {}

    def restore(self) -> None:
        """Go on where the last run ended; what cannot be read begins anew."""
        if self._store is None:
            return
        state, rows = self._store.diagnosis()
        try:
            if state is not None:
                self.diagnosis = Diagnosis(msgspec.msgpack.decode(state, type=State))
            for number, row in rows:
                self.diagnosis.restore(number, msgspec.msgpack.decode(row, type=Innovation))
        except (msgspec.DecodeError, msgspec.ValidationError):
            self.diagnosis = Diagnosis()

    def saw(self, seen: Innovation | None) -> None:
        """Take the innovation of a settled transaction."""
        number = None if seen is None else self.diagnosis.observe(seen)
        if self._store is None or number is None:
            self.diagnosis.gone.clear()
            return
        store, state, row = self._store, msgspec.msgpack.encode(self.diagnosis.state), msgspec.msgpack.encode(seen)
        gone = self.diagnosis.gone.copy()
        self.diagnosis.gone.clear()
        self._do(lambda: store.put_diagnosis(state, number, row, gone))

    def learned(self, notes: list[Note], stated_g: Callable[[str], float | None]) -> None:
        """Take what the learner noted: a product may have become another one than the catalogue says."""
        for note in notes:
            said_g = stated_g(note.gtin)
            if note.why.startswith(CHANGED) and said_g is not None:
                self.diagnosis.changed(note, said_g)

    def doubted(self, reading: Reading) -> Reading:
        """Return a reading with the uncertainty that a scale under suspicion has: wider, never corrected."""
        doubt_g = self.diagnosis.doubt_g(reading.gross_g)
        if doubt_g <= 0:
            return reading
        return msgspec.structs.replace(reading, sd_g=(reading.sd_g**2 + doubt_g**2) ** 0.5)

    def alarms(self, name_of: Callable[[str], str]) -> list[Alarm]:
        """Return the alarms that stand, and those that have ended since the last call."""
        standing = diagnosis_words.alarms(list(self.diagnosis.state.conditions.values()), name_of)
        now = {(alarm.code, alarm.part): alarm for alarm in standing}
        ended = [Alarm(code=code, part=part, raised=False) for code, part in self._told if (code, part) not in now]
        self._told = now
        return [*now.values(), *ended]
