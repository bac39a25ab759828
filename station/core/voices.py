"""How much of what was learned is let out: what different shoppers say, and no more.

The solution of all lessons follows whoever speaks. The mean that the checker believes follows the solution only as far
as it would be the same without any one shopper; what it does not follow is held back, and widens its uncertainty by as
much (the second moment about a mean that stayed behind: too wide for a first shopper who is right by chance, never too
narrow). So

- a shopper is heard as one voice, however often. Each voice lets a mean leave its anchor, which is the catalogue's
  weight or what staff saw, by `shopper_share` standard deviations of one unit; from `first_voices` of them on it is
  free.
- free or not, a mean never goes further than every solution without one of the voices does, by `shopper_share` again.
- whose pseudonym is not told is nobody: each stretch of `NOBODYS` of nobody's lessons is half a voice, while a store
  that tells no pseudonyms learns all the same, slower. What a mean would be without a stretch is asked of stretches
  that begin in the middle of these, too, so that half as many lessons in a row are always within one of them.
- staff count as enough voices by themselves, and are held back by nobody.

A mean is not believed to be better known than one unit of each voice could tell.

The solution without a voice is the linear one: the voice's gradient over the precision that is left without it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.core.density import Floats
from station.core.leaving_out import apart
from station.core.lesson import ANONYMOUS
from station.core.solving import Equations

Places = NDArray[np.int64]

ATTENDANT = -1  # in a shopper's place
NOBODYS = 500  # lessons
HALF = 0.5


@dataclass(frozen=True, eq=False)
class Heard:
    """Of each product: its voices, and the ends of the solutions without one of them (infinite where nobody spoke)."""

    voices: Floats
    low_g: Floats
    high_g: Floats


def speakers(shopper: Places, number: Places, later: int = 0) -> Places:
    """Return who speaks in each lesson of these numbers: shoppers, staff, or a stretch of nobody's (the lowest).

    `later`: by how many lessons the stretches begin later.
    """
    number = number + NOBODYS - later
    return np.where(shopper == ANONYMOUS, ATTENDANT - 1 - number // NOBODYS, shopper)


def listened(
    system: Equations, lessons: tuple[Places, Places], solved: tuple[Floats, Floats], prior_g2: Floats, enough: float
) -> Heard:  # fmt: skip
    """Listen to a solution (means and variances); `lessons`: shopper and number of each row; see `heard`."""
    found = heard(system, speakers(*lessons), solved, prior_g2, enough)
    if not (lessons[0] == ANONYMOUS).any():
        return found
    again = heard(system, speakers(*lessons, NOBODYS // 2), solved, prior_g2, enough)
    return Heard(found.voices, np.minimum(found.low_g, again.low_g), np.maximum(found.high_g, again.high_g))


def heard(system: Equations, speaker: Places, solved: tuple[Floats, Floats], prior_g2: Floats, enough: float) -> Heard:
    """Listen to a solution (means and variances); `speaker` of each row; `enough` voices are staff's."""
    mean_g, size = solved[0], solved[0].size
    each = apart(system, speaker, *solved, prior_g2)
    at, who, without_g = each.at, each.who, mean_g[each.at] - each.moved_g
    low_g, high_g = np.full(size, np.inf), np.full(size, -np.inf)
    bound = who != ATTENDANT
    np.minimum.at(low_g, at[bound], without_g[bound])
    np.maximum.at(high_g, at[bound], without_g[bound])
    voice = np.where(who == ATTENDANT, enough, np.where(who < ATTENDANT, HALF, 1.0))
    voices = np.bincount(at, voice, size).astype(np.float64)
    alone = np.isinf(low_g) & (voices > 0)  # staff's word only
    return Heard(voices, np.where(alone, mean_g, low_g), np.where(alone, mean_g, high_g))


def let_out(was_g: Floats, mean_g: Floats, found: Heard, most_g: Floats, leash: tuple[Floats, Floats]) -> Floats:
    """Return the means to be believed: from `was_g` toward `mean_g`, as far as the voices go.

    `most_g`: what one voice may move; `leash`: the anchors, and how far from them a mean may be.
    """
    up_g = np.maximum(was_g, np.minimum(mean_g, found.low_g + most_g))
    down_g = np.minimum(was_g, np.maximum(mean_g, found.high_g - most_g))
    toward_g = np.where(found.voices > 0, np.where(mean_g > was_g, up_g, down_g), was_g)
    anchor_g, far_g = leash
    return np.asarray(anchor_g + np.clip(toward_g - anchor_g, -far_g, far_g), dtype=np.float64)
