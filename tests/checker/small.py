"""Small worlds for the checker's tests: products, claims, readings in few words; densities by plain sums."""

import math

from station.core.claim import Claim, Line, Tare
from station.core.evidence import Reading
from station.core.gtin import check_digit
from station.core.product import Product


def gtin(number: int) -> str:
    digits = f"{number:013d}"
    return digits + str(check_digit(digits))


def product(number: int, weight_g: float, sd_g: float = 2.0, n: int = 50, **more: object) -> Product:
    fields = {"unit_price_minor": 100 + 10 * number, "weight_n": n, "net_g": weight_g / 1.05} | more
    return Product(gtin=gtin(number), name=f"Product {number}", weight_g=weight_g, weight_sd_g=sd_g, **fields)  # type: ignore[arg-type]


def claim(*lines: tuple[int, int], trust: float | None = 0.9, tare: Tare | None = None) -> Claim:
    """Claim (product, quantity) pairs."""
    made = tuple(Line(line=at, gtin=gtin(number), quantity=units) for at, (number, units) in enumerate(lines, start=1))
    return Claim(transaction_id="T-1", revision=1, lines=made, trust=trust, tare=tare)


def reading(gross_g: float, sd_g: float = 2.0) -> Reading:
    return Reading(t_ns=0, gross_g=gross_g, sd_g=sd_g)


def student(x_g: float, variance: float, freedom: float) -> float:
    log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi * variance)
    return math.exp(log - (freedom + 1) / 2 * math.log1p(x_g * x_g / (freedom * variance)))


def normal(x_g: float, variance: float) -> float:
    return math.exp(-0.5 * x_g * x_g / variance) / math.sqrt(2 * math.pi * variance)


def lognormal(x_g: float, median_g: float, spread: float, variance: float, most: float = 6.0) -> float:
    """A log-normal smoothed by a Gaussian, by plain summation; `most` standard deviations up."""
    total, share, steps = 0.0, 0.0, 4000
    for step in range(steps):
        z = -6 + 12 * (step + 0.5) / steps
        if z <= most:
            share += normal(z, 1.0) * 12 / steps
            total += normal(z, 1.0) * 12 / steps * normal(x_g - median_g * math.exp(spread * z), variance)
    return total / share
