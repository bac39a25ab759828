"""What an instrument never changes by itself, such as its decimal point: a change must be said twice running."""


class Steady:
    """Follows one such property; the first value is taken as it comes."""

    def __init__(self) -> None:
        self._settled: int | None = None
        self._heard: int | None = None  # another one, said once

    def holds(self, value: int) -> bool:
        """Take the next answer's value; tell whether it is to be believed."""
        if self._settled is None or value in {self._settled, self._heard}:
            self._settled, self._heard = value, None
            return True
        self._heard = value
        return False
