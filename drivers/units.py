"""The units that scales are set to, and what they are in grams."""

import enum


class Unit(enum.StrEnum):
    """The unit a retail scale is set to."""

    KG = "kg"
    LB = "lb"


GRAMS = {"kg": 1000.0, "g": 1.0, "lb": 453.59237}  # all exact, by definition
