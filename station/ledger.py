"""Which verdicts the broker has, and up to where the backend has acknowledged them.

Pure. An acknowledgement (epoch, seq) is believed only if it is of this epoch, goes forward, and covers nothing but
verdicts that the broker has taken: a backend cannot have stored what was never brokered. Anything else is ignored,
not remembered; the broker retains the backend's word, and it is read again once the missing ones are through.
"""

from collections.abc import Iterable


class Ledger:
    """The state of one epoch. `confirmed` never falls."""

    def __init__(self, epoch: str, confirmed: int, brokered: Iterable[int]) -> None:
        self.epoch = epoch
        self.confirmed = confirmed
        self.prefix = confirmed  # the broker has all up to here ...
        self._beyond: set[int] = set()  # ... and these, behind at least one that it does not have
        self.highest = confirmed
        for seq in brokered:
            self.brokered(seq)

    def brokered(self, seq: int) -> None:
        """Note that the broker has taken verdict `seq`."""
        self.highest = max(self.highest, seq)
        if seq > self.prefix:
            self._beyond.add(seq)
        while self.prefix + 1 in self._beyond:
            self.prefix += 1
            self._beyond.remove(self.prefix)

    def acknowledge(self, epoch: str, seq: int) -> bool:
        """Take the backend's word that it has 1 to `seq`; say whether it was believed."""
        if epoch != self.epoch or not self.confirmed < seq <= self.prefix:
            return False
        self.confirmed = seq
        return True

    def outstanding(self, upto: int, limit: int) -> list[int]:
        """Return the first verdicts, in order, that the broker took and the backend did not acknowledge."""
        numbers = list(range(self.confirmed + 1, min(upto, self.prefix, self.confirmed + limit) + 1))
        if len(numbers) < limit:
            numbers += sorted(seq for seq in self._beyond if seq <= upto)[: limit - len(numbers)]
        return numbers
