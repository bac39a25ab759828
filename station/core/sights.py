"""What the pictures say for and against contents, as ratios to the basket as claimed.

Model. Every object of the contents is seen by a camera with probability v and then gives one sighting; besides there
is clutter, a Poisson number of sightings per camera. A sighting's candidate probability times the size of the gallery
is its likelihood ratio l(object); `unknown` over its prior is that of a stranger, an object outside the gallery. Which
sighting belongs to which object is unknown: the likelihood of contents is a sum over all assignments (`groups`). With
the room those leave, one object j more than claimed has the ratio (1 - v) (1 + sum_s odds_s(j) left_s), and so on
(`views`). Cameras multiply: given the contents, and what strangers look like, they err independently.

Strangers look the same to every camera. Which of the claimed products are strangers is known where the evidence brings
the gallery. Where it does not, what is named anywhere is in the gallery; of the others a share is outside that follows
from the gallery's size, but is at least the policy's `outside`; and what one camera saw of them counts for the next
one. Strangers that look like a product of the gallery are weighed by `alikes`.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from station.core import alikes
from station.core.alikes import Assumed, Strangers, weighed
from station.core.basket import Basket
from station.core.beliefs import Beliefs
from station.core.density import Floats
from station.core.evidence import Evidence
from station.core.store_policy import Sights
from station.core.views import Account, Places, Use, View

UNITS_MAX = 100  # of one line that take part; more of the same look alike anyway
SIGHTINGS_MAX = 120  # of one camera
NAMED_MAX = 200  # products told apart by what sightings say of them; the others share what is left
CAMERAS_MAX = 16
FOREIGN_OUTSIDE = 0.5  # how likely a product that the catalogue does not have is a stranger


@dataclass(frozen=True, eq=False)
class Seen:
    """Ratios of the sightings' likelihood, contents changed over contents as claimed."""

    named: NDArray[np.int64]  # catalogue places that some sighting names
    named_more: Floats  # (named,) one of them more
    other_more: float  # one product more that no sighting names
    unknown_more: float  # one object more from outside the gallery
    line_more: Floats  # (k, lines) k + 1 units more of each line
    line_less: Floats  # (downs, lines) 1, 2, … units less; as without any where the line has no more
    swap_named: Floats  # (lines, named) one unit less of the line and one named more
    swap_other: Floats  # (lines,) … and one unnamed more
    pair_named: Floats  # (named, named) both more
    log_replaced: float = 0.0  # nothing of the claim, but other goods
    uses: tuple[Use, ...] = ()

    def less(self, units: NDArray[np.int64]) -> Floats:
        """Return (…, lines) the ratios of so many `units` (…, lines) less."""
        rows = np.minimum(units, self.line_less.shape[0]) - 1
        return np.asarray(self.line_less[rows, np.arange(self.line_less.shape[1])], dtype=np.float64)


def nothing_seen(lines: int, ups: int) -> Seen:
    """Return the ratios of a station without a camera: all one."""
    return Seen(
        named=np.zeros(0, dtype=np.int64), named_more=np.ones(0), other_more=1.0, unknown_more=1.0,
        line_more=np.ones((ups, lines)), line_less=np.ones((1, lines)),
        swap_named=np.ones((lines, 0)), swap_other=np.ones(lines), pair_named=np.ones((0, 0)),
    )  # fmt: skip


def look(evidence: Evidence | None, basket: Basket, beliefs: Beliefs, policy: Sights, ups: int) -> Seen:
    """Return the ratios of all changes to the basket; `ups` bounds the extra units of a line."""
    if evidence is None:
        return nothing_seen(len(basket.lines), ups)
    named = _named(evidence, beliefs)
    policy = replace(policy, gallery_size=policy.gallery_size or evidence.gallery_size or len(beliefs))
    visibility = min(max(evidence.visibility or policy.visibility, 0.01), 0.99)
    views = _views(evidence, named, basket.place, beliefs, policy, visibility)
    share = share_outside(evidence, beliefs, policy)
    strangers = Strangers(_outside(evidence, basket, named, share), policy.alike, policy.gallery_size)
    units = np.minimum(basket.quantity, UNITS_MAX)
    certain = evidence.gallery is not None

    def work(assumed: Assumed) -> Account:
        return _account(views, strangers.outside, units, ups, assumed, learn=not certain)

    account = weighed(strangers, views, units, work)
    prior = beliefs.prior[named]
    # Somebody else's goods: a Poisson number of products by their sales.
    others = sum(view.log_strangers(prior, share, policy.other_basket_items) for view in views)
    log_replaced = others - account.log_total - float(units.sum()) * len(views) * math.log(1 - visibility)
    return _seen(account, named, share, strangers.share(), log_replaced)


def _views(
    evidence: Evidence, named: Places, place: Places, beliefs: Beliefs, policy: Sights, visibility: float
) -> list[View]:
    cameras = sorted({sighting.camera for sighting in evidence.sightings})
    seen = [[s for s in evidence.sightings if s.camera == name][:SIGHTINGS_MAX] for name in cameras]
    seen += [[] for _ in range(min(max(evidence.cameras, 1), CAMERAS_MAX) - len(seen))]
    return [View(each, named, place, beliefs, policy, visibility) for each in seen]


def _account(views: list[View], outside: Floats, units: Places, ups: int, assumed: Assumed, *, learn: bool) -> Account:
    """Return the account of all cameras where these lines look like these named products."""
    accounts = []
    for view in views:
        alike = {line: alikes.alike_ratios(view, column) for line, column in assumed.items()}
        ratios = view.of_lines(outside, alike)
        account, given = view.account(ratios, units, ups)
        if learn:  # what one camera cannot name, the next one cannot either
            outside = view.learned(outside, ratios, given, units)
        accounts.append(account)
    return functools.reduce(Account.and_also, accounts)


def _seen(account: Account, named: Places, share: float, alike: float, log_replaced: float) -> Seen:
    """Return the ratios where one product in so many is a stranger; a stranger may look like any named product."""
    ratios = account.ratios
    like_named = alike * ratios["named"].sum() - alike * named.size * ratios["unknown"]
    unknown = float(ratios["unknown"] + like_named)
    swap_unknown = ratios["swap_unknown"] * (1 - alike * named.size) + alike * ratios["swap_named"].sum(axis=1)
    swap_inside = ratios["swap_inside"]
    inside = float(ratios["inside"])
    return Seen(
        named=named, named_more=ratios["named"], other_more=inside + share * (unknown - inside), unknown_more=unknown,
        line_more=ratios["more"], line_less=ratios["less"], swap_named=ratios["swap_named"],
        swap_other=swap_inside + share * (swap_unknown - swap_inside), pair_named=ratios["pairs"],
        log_replaced=log_replaced, uses=account.uses,
    )  # fmt: skip


def _outside(evidence: Evidence, basket: Basket, named: Places, share: float) -> Floats:
    """Return (lines,) how likely no camera can name the line's product, before they saw anything."""
    if evidence.gallery is not None:
        return np.array([0.0 if line.gtin in evidence.gallery else 1.0 for line in basket.lines])
    outside = np.full(basket.place.size, share)
    outside[basket.place < 0] = FOREIGN_OUTSIDE
    outside[np.isin(basket.place, named)] = 0.0
    return outside


def share_outside(evidence: Evidence, beliefs: Beliefs, policy: Sights) -> float:
    """Return the share of products that cameras cannot name."""
    if evidence.gallery is not None:
        return _sold_outside(evidence.gallery, beliefs)
    return max(1 - policy.gallery_size / max(len(beliefs), 1), policy.outside)


@functools.lru_cache(maxsize=1)
def _sold_outside(gallery: frozenset[str], beliefs: Beliefs) -> float:
    """Return the share of what may lie unscanned that is not in the gallery, which is the same for a long time."""
    inside = [beliefs.index[gtin] for gtin in gallery if gtin in beliefs.index]
    return min(max(1 - float(beliefs.prior[inside].sum()), 0.0), 1.0)


def _named(evidence: Evidence, beliefs: Beliefs) -> NDArray[np.int64]:
    """Return the catalogue places that sightings name, the surest where there are too many."""
    surest: dict[int, float] = {}
    for sighting in evidence.sightings:
        for gtin, p in sighting.candidates:
            if (place := beliefs.index.get(gtin)) is not None:
                surest[place] = max(surest.get(place, 0.0), p)
    kept = sorted(surest, key=lambda place: -surest[place])[:NAMED_MAX]
    return np.array(sorted(kept), dtype=np.int64)
