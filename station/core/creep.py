"""How far a load cell may have crept, from what lay on it.

Theory: a loaded cell goes on yielding by a small share of the load, and takes as long to come back. METROLOGY's usual
form is a sum of two relaxations, here with 20 s and 300 s, the slow one twice as large. The size differs from cell to
cell and in sign and is not known: its standard deviation is taken as 0.05 % of the load, between the limit of class C3
(OIML R 60: 0.0245 % of capacity in half an hour) and the cheap bars that shop platforms are built of. So within the
first second a load is off by a hundred-thousandth, after a minute by some ten times more, and the same states tell
what is left when it has gone.
"""

SHARES = ((1 / 3, 20.0), (2 / 3, 300.0))  # (share of the whole, time constant in s)
CREEP_REL_SD = 5e-4


class Creep:
    """The standard deviation of one platform's creep, with its course in time."""

    def __init__(self) -> None:
        self._states_g = [0.0] * len(SHARES)

    def advance(self, load_g: float, elapsed_s: float) -> None:
        """Let this load lie for a while that is short beside the time constants."""
        for number, (share, tau_s) in enumerate(SHARES):
            crept_g = self._states_g[number]
            self._states_g[number] = crept_g + (share * load_g - crept_g) * min(elapsed_s / tau_s, 1.0)

    @property
    def sd_g(self) -> float:
        """Return it with the load's sign, so that a difference of two instants can be taken."""
        return CREEP_REL_SD * sum(self._states_g)
