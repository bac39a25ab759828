"""Class III limits of a weighing instrument, used as acceptance criteria and as a measure of trust, not as approval.

Source: OIML R 76-1:2006 table 6 (initial verification): 0.5 e up to 500 e, 1 e up to 2 000 e, 1.5 e above.
"""

BANDS = ((500, 0.5), (2_000, 1.0))  # load in intervals up to and including which the factor of e holds
BEYOND = 1.5
MILLI = 1_000  # compared in whole milligrams: 0.3 / 0.1 is not 3


def class_iii_mpe_g(load_g: float, interval_g: float) -> float:
    """Return the maximum permissible error at `load_g` for verification interval `interval_g`, both in grams."""
    load_mg, interval_mg = round(abs(load_g) * MILLI), round(interval_g * MILLI)
    factor = next((factor for limit, factor in BANDS if load_mg <= limit * interval_mg), BEYOND)
    return factor * interval_g
