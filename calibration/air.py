"""Air density and buoyancy. For weights only: catalogue weights of goods are conventional, weighed in air, too.

Sources: CIPM-2007 (Picard et al., Metrologia 45 (2008) 149, at 0.04 % carbon dioxide, its formula's uncertainty 22 ppm
in 15 to 27 C and 600 to 1100 hPa); the simplified formula of OIML R 111-1 E.3 (within 2e-4 in 15 to 27 C and
900 to 1100 hPa); OIML D 28 for the conventional value.
"""

import math

ZERO_C_K = 273.15
RHO_CONVENTIONAL, RHO_AIR_CONVENTIONAL = 8000.0, 1.2  # kg/m3
_GAS, _MOLAR_AIR, _MOLAR_WATER = 8.314472, 28.96546e-3, 18.01528e-3


def density(temperature_c: float, pressure_hpa: float, humidity: float) -> float:
    """Return the density of moist air in kg/m3 (CIPM-2007); `humidity` from 0 to 1."""
    kelvin, pascal = temperature_c + ZERO_C_K, 100 * pressure_hpa
    vapour = humidity * _enhancement(temperature_c, pascal) * _saturation_pa(kelvin) / pascal
    squeeze = _compressibility(temperature_c, pascal, vapour)
    dry = pascal * _MOLAR_AIR / (squeeze * _GAS * kelvin)
    return dry * (1 - vapour * (1 - _MOLAR_WATER / _MOLAR_AIR))


def density_simplified(temperature_c: float, pressure_hpa: float, humidity: float) -> float:
    """Return the density of moist air in kg/m3 (R 111-1 E.3-1); `humidity` from 0 to 1."""
    moist = 0.009 * 100 * humidity * math.exp(0.061 * temperature_c)
    return (0.34848 * pressure_hpa - moist) / (ZERO_C_K + temperature_c)


def buoyancy_factor(air: float, object_density: float, weight_density: float = RHO_CONVENTIONAL) -> float:
    """Return what the indication of an instrument adjusted with weights is multiplied by to give mass; kg/m3."""
    return (1 - air / weight_density) / (1 - air / object_density)


def conventional_g(
    indicated_g: float, air: float, object_density: float, weight_density: float = RHO_CONVENTIONAL
) -> float:
    """Return the conventional mass of an object weighed in this air by an instrument adjusted with such weights."""
    mass_g = indicated_g * buoyancy_factor(air, object_density, weight_density)
    return mass_g / buoyancy_factor(RHO_AIR_CONVENTIONAL, object_density, RHO_CONVENTIONAL)


def _saturation_pa(kelvin: float) -> float:
    return math.exp(1.2378847e-5 * kelvin**2 - 1.9121316e-2 * kelvin + 33.93711047 - 6.3431645e3 / kelvin)


def _enhancement(temperature_c: float, pascal: float) -> float:
    return 1.00062 + 3.14e-8 * pascal + 5.6e-7 * temperature_c**2


def _compressibility(temperature_c: float, pascal: float, vapour: float) -> float:
    t, over = temperature_c, pascal / (temperature_c + ZERO_C_K)
    first = 1.58123e-6 - 2.9331e-8 * t + 1.1043e-10 * t * t
    first += (5.707e-6 - 2.051e-8 * t) * vapour + (1.9898e-4 - 2.376e-6 * t) * vapour**2
    return 1 - over * first + over**2 * (1.83e-11 - 0.765e-8 * vapour**2)
