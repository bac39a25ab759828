"""Which pictures of a product to keep while somebody turns it under the camera: pure, the clock is the caller's.

Theory of operation. A picture is worth keeping when one object lies still on the platform and looks unlike what was
kept of it: its little thumbnail (the object upright, all else grey) differs from every one kept. Things that look the
same from all sides would never get there, so after `PATIENCE_NS` any still view will do. Five pictures at most
`PATIENCE_NS` apart, and an end at `LIMIT_NS` with what there is, keep the whole within half a minute.
"""

from dataclasses import dataclass, field

import numpy as np

from station.vision.conflicts import thumbnail
from station.vision.embedding import Rows
from station.vision.picture import Pixels

SECOND_NS = 10**9
WANTED, ENOUGH = 5, 3
LIMIT_NS, PATIENCE_NS = 30 * SECOND_NS, 4 * SECOND_NS
STILL_STEPS = 5.0  # mean difference of two thumbnails in a row below which nothing moves
NEW_STEPS = 12.0  # and from every kept one above which it is another view

TURN = (
    "turn it over to its back", "stand it up, or lay it on its side", "turn it half round", "move it to another place",
)  # fmt: skip


@dataclass(slots=True)
class Guide:
    """Chooses; `kept` are the pictures so far."""

    kept: list[Pixels] = field(default_factory=list)
    _thumbs: list[Rows] = field(default_factory=list)
    _before: Rows | None = None
    _began_ns: int | None = None
    _since_ns: int = 0

    def show(self, t_ns: int, crop: Pixels | None, objects: int) -> str:
        """Take the object in a frame, None where there is not exactly one; return what to do now.

        The half minute begins with the first object.
        """
        if crop is None:
            self._before = None
            return "put the item on the platform" if objects == 0 else "leave one item, and take your hands away"
        thumb = thumbnail(crop)
        still = self._before is not None and float(np.abs(thumb - self._before).mean()) < STILL_STEPS
        self._before = thumb
        if self._began_ns is None:
            self._began_ns = self._since_ns = t_ns
        if still and (self._new(thumb) or t_ns - self._since_ns >= PATIENCE_NS):
            self.kept.append(crop)
            self._thumbs.append(thumb)
            self._since_ns = t_ns
        return self._wish(still=still)

    def ended(self, t_ns: int) -> bool:
        """Tell whether there are pictures enough, or the time is over."""
        late = self._began_ns is not None and t_ns - self._began_ns >= LIMIT_NS
        return len(self.kept) >= WANTED or late

    def _new(self, thumb: Rows) -> bool:
        return all(float(np.abs(thumb - kept).mean()) > NEW_STEPS for kept in self._thumbs)

    def _wish(self, *, still: bool) -> str:
        if not self.kept:
            return "hold still" if not still else "keep it there"
        return TURN[(len(self.kept) - 1) % len(TURN)]
