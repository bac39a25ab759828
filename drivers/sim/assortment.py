"""The products of the simulated store: what they are called, cost, weigh, measure and look like.

Invented brands; weights and sizes of everyday goods. Some pairs weigh the same and look different (a swap that only
the camera sees), some look alike and weigh differently (a swap that only the scale sees).
"""

from dataclasses import dataclass
from typing import Literal

Drawing = Literal["box", "can", "tub", "bag", "bottle", "jar", "carton", "loaf", "round_fruit", "long_fruit", "tray"]
Colour = tuple[int, int, int]

COMPANY = "4099200"  # a prefix for invented numbers; the product's place follows


@dataclass(frozen=True, slots=True)
class Article:
    """One product as it lies on the platform: `size_m` is width and height of its outline seen from above."""

    gtin: str
    name: str
    department: str
    price_minor: int
    weight_g: float
    sd_g: float
    size_m: tuple[float, float]
    drawing: Drawing
    colours: tuple[Colour, Colour]
    brand: str


def _gtin(place: int) -> str:
    """Return the GTIN-14 of the product at a place of the table."""
    body = f"{COMPANY}{place:05d}"
    total = sum(int(digit) * (3 if step % 2 == 0 else 1) for step, digit in enumerate(reversed(body)))
    return f"0{body}{-total % 10}"


RED, DEEP_RED, ORANGE, YELLOW, CREAM = (200, 32, 36), (130, 16, 32), (238, 122, 28), (244, 204, 40), (240, 228, 196)
GREEN, DARK_GREEN, LIME, TEAL = (44, 140, 62), (20, 78, 44), (150, 190, 60), (20, 130, 136)
BLUE, NAVY, SKY, PURPLE, PINK = (30, 92, 190), (22, 36, 96), (120, 184, 232), (112, 48, 140), (232, 120, 160)
BROWN, TAN, BLACK, WHITE, SILVER = (104, 62, 32), (196, 150, 96), (32, 30, 34), (244, 244, 240), (184, 188, 194)

# name, department, price, weight, scatter, width, height (m), drawing, two colours, brand
_ROWS: tuple[tuple[str, str, int, float, float, float, float, Drawing, Colour, Colour, str], ...] = (
    ("Whole milk 1 l", "dairy", 119, 1062.0, 4.0, 0.075, 0.195, "carton", BLUE, WHITE, "ALMHOF"),
    ("Semi-skimmed milk 1 l", "dairy", 109, 1064.0, 4.0, 0.075, 0.195, "carton", SKY, WHITE, "ALMHOF"),
    ("Oat drink 1 l", "dairy", 189, 1068.0, 5.0, 0.075, 0.195, "carton", TAN, CREAM, "HAVRA"),
    ("Orange juice 1 l", "drinks", 229, 1085.0, 5.0, 0.075, 0.195, "carton", ORANGE, YELLOW, "SOLARA"),
    ("Butter 250 g", "dairy", 229, 257.0, 1.2, 0.075, 0.110, "box", YELLOW, GREEN, "ALMHOF"),
    ("Margarine 500 g", "dairy", 179, 531.0, 2.5, 0.105, 0.135, "tub", YELLOW, RED, "SUNELLA"),
    ("Natural yoghurt 500 g", "dairy", 99, 521.0, 3.0, 0.095, 0.095, "tub", WHITE, BLUE, "ALMHOF"),
    ("Strawberry yoghurt 500 g", "dairy", 129, 521.0, 3.0, 0.095, 0.095, "tub", PINK, RED, "ALMHOF"),
    ("Cream cheese 200 g", "dairy", 149, 221.0, 1.5, 0.085, 0.110, "tub", WHITE, TEAL, "FJELL"),
    ("Gouda slices 200 g", "dairy", 219, 214.0, 3.5, 0.120, 0.165, "tray", YELLOW, NAVY, "FJELL"),
    ("Salami slices 100 g", "meat", 199, 114.0, 2.5, 0.120, 0.165, "tray", DEEP_RED, BLACK, "MONTE"),
    ("Salami family pack 200 g", "meat", 349, 216.0, 3.5, 0.120, 0.170, "tray", DEEP_RED, BLACK, "MONTE"),
    ("Chicken fillet 400 g", "meat", 549, 418.0, 9.0, 0.150, 0.195, "tray", PINK, SILVER, "HOFGUT"),
    ("Eggs, ten", "dairy", 279, 668.0, 14.0, 0.110, 0.250, "box", TAN, GREEN, "NESTLING"),
    ("Spaghetti 500 g", "dry", 99, 508.0, 3.0, 0.070, 0.265, "bag", BLUE, YELLOW, "PASTINO"),
    ("Wholegrain spaghetti 500 g", "dry", 129, 508.0, 3.0, 0.070, 0.265, "bag", BROWN, YELLOW, "PASTINO"),
    ("Penne 500 g", "dry", 99, 510.0, 3.5, 0.115, 0.200, "bag", BLUE, RED, "PASTINO"),
    ("Rice 1 kg", "dry", 199, 1014.0, 5.0, 0.120, 0.190, "bag", RED, CREAM, "ORYZA"),
    ("Flour 1 kg", "dry", 79, 1011.0, 4.0, 0.105, 0.165, "box", WHITE, NAVY, "MUEHLE"),
    ("Sugar 1 kg", "dry", 99, 1010.0, 3.0, 0.105, 0.165, "box", WHITE, PINK, "DOLCINA"),
    ("Muesli 750 g", "dry", 349, 808.0, 6.0, 0.160, 0.240, "box", ORANGE, BROWN, "KORNHAUS"),
    ("Corn flakes 375 g", "dry", 249, 452.0, 5.0, 0.190, 0.290, "box", YELLOW, GREEN, "KORNHAUS"),
    ("Chopped tomatoes 400 g", "tins", 79, 462.0, 3.0, 0.074, 0.074, "can", RED, GREEN, "PODERE"),
    ("Kidney beans 400 g", "tins", 89, 462.0, 3.0, 0.074, 0.074, "can", PURPLE, CREAM, "PODERE"),
    ("Sweetcorn 285 g", "tins", 109, 340.0, 2.5, 0.074, 0.074, "can", YELLOW, DARK_GREEN, "PODERE"),
    ("Tuna 160 g", "tins", 189, 196.0, 2.0, 0.086, 0.086, "can", NAVY, SILVER, "MAREA"),
    ("Cola 0.33 l", "drinks", 89, 359.0, 1.8, 0.066, 0.120, "bottle", BLACK, RED, "KOLBRI"),
    ("Mineral water 1.5 l", "drinks", 69, 1536.0, 6.0, 0.088, 0.315, "bottle", SKY, BLUE, "QUELL"),
    ("Lemonade 1.5 l", "drinks", 119, 1562.0, 6.0, 0.088, 0.315, "bottle", YELLOW, LIME, "QUELL"),
    ("Red wine 0.75 l", "drinks", 499, 1248.0, 16.0, 0.076, 0.300, "bottle", DARK_GREEN, DEEP_RED, "CASTELLO"),
    ("Olive oil 0.5 l", "dry", 649, 905.0, 9.0, 0.068, 0.255, "bottle", LIME, DARK_GREEN, "PODERE"),
    ("Strawberry jam 340 g", "spreads", 229, 565.0, 5.0, 0.078, 0.118, "jar", RED, CREAM, "GARTENGLUECK"),
    ("Apricot jam 340 g", "spreads", 229, 565.0, 5.0, 0.078, 0.118, "jar", ORANGE, CREAM, "GARTENGLUECK"),
    ("Hazelnut spread 400 g", "spreads", 299, 618.0, 5.0, 0.084, 0.125, "jar", BROWN, WHITE, "NOCELLA"),
    ("Coffee 500 g", "hot drinks", 649, 516.0, 3.0, 0.090, 0.150, "bag", DARK_GREEN, TAN, "MORENA"),
    ("Espresso 500 g", "hot drinks", 749, 516.0, 3.0, 0.090, 0.150, "bag", BLACK, TAN, "MORENA"),
    ("Milk chocolate 100 g", "sweets", 109, 104.0, 0.8, 0.078, 0.165, "box", PURPLE, WHITE, "CHALET"),
    ("Dark chocolate 100 g", "sweets", 129, 104.0, 0.8, 0.078, 0.165, "box", BLACK, TAN, "CHALET"),
    ("Crisps 175 g", "sweets", 179, 187.0, 2.5, 0.190, 0.270, "bag", RED, YELLOW, "KNACK"),
    ("Sliced bread 500 g", "bread", 159, 512.0, 6.0, 0.115, 0.230, "loaf", TAN, BLUE, "KORNHAUS"),
    ("Baguette 250 g", "bread", 99, 252.0, 8.0, 0.065, 0.400, "loaf", TAN, BROWN, "BACKSTUBE"),
    ("Apple", "fruit", 45, 182.0, 22.0, 0.078, 0.078, "round_fruit", RED, YELLOW, ""),
    ("Orange", "fruit", 55, 210.0, 25.0, 0.080, 0.080, "round_fruit", ORANGE, ORANGE, ""),
    ("Avocado", "fruit", 119, 212.0, 20.0, 0.072, 0.110, "round_fruit", DARK_GREEN, BLACK, ""),
    ("Cucumber", "vegetables", 79, 405.0, 40.0, 0.055, 0.330, "long_fruit", DARK_GREEN, GREEN, ""),
    ("Banana", "fruit", 35, 165.0, 18.0, 0.050, 0.190, "long_fruit", YELLOW, BROWN, ""),
    ("Toothpaste 75 ml", "drugstore", 149, 106.0, 1.0, 0.050, 0.195, "box", WHITE, TEAL, "PEARLA"),
    ("Shampoo 250 ml", "drugstore", 249, 288.0, 2.5, 0.065, 0.205, "bottle", TEAL, WHITE, "PEARLA"),
)  # fmt: skip

ASSORTMENT: tuple[Article, ...] = tuple(
    Article(_gtin(place), name, department, price, weight, scatter, (width, height), drawing, (first, second), brand)
    for place, (name, department, price, weight, scatter, width, height, drawing, first, second, brand)
    in enumerate(_ROWS, start=1)
)  # fmt: skip
BY_GTIN: dict[str, Article] = {article.gtin: article for article in ASSORTMENT}
