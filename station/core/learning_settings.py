"""What the station learns about weights, and how carefully: the `[learning]` table of the configuration."""

from typing import Annotated

import msgspec
from msgspec import Meta


class LearningSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[learning]` table: what the station learns about weights, and how carefully."""

    enabled: Annotated[bool, Meta(description="learn weights from baskets that were let go and from feedback")] = True
    from_questioned: Annotated[
        bool, Meta(description="learn, doubtfully, also from baskets that were questioned and then let go")
    ] = True
    kept_lessons: Annotated[
        int, Meta(ge=500, le=100_000, description="baskets that are weighed against each other; older ones are summed")
    ] = 20_000
    refine_every: Annotated[
        int, Meta(ge=20, le=10_000, description="baskets between two thorough solutions of all that is kept")
    ] = 500
    distinct_shoppers: Annotated[
        int, Meta(ge=2, le=50, description="different shoppers that must bear out a product's new weight")
    ] = 5
    half_life_days: Annotated[float, Meta(ge=7, le=36_500, description="after which a basket counts half")] = 730.0
    shopper_share: Annotated[
        float, Meta(ge=0.05, le=0.49, description="how far one shopper may move a weight, in sd of one unit")
    ] = 0.25
    first_voices: Annotated[
        int, Meta(ge=2, le=50, description="different shoppers from whom on a weight leaves its label freely")
    ] = 3
    feedback_per_hour: Annotated[int, Meta(ge=1, le=10_000, description="more are refused")] = 120
