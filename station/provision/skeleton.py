"""A station's first configuration: passes `station config check` as it is, and says what is left to decide."""

from typing import NamedTuple

from station import toml_write
from station.config_keys import Mqtt, Station

_PORT = "/dev/serial/by-id/DECIDE"


class Choice(NamedTuple):
    """One way of weighing: for whom, and its keys."""

    told: str
    table: dict[str, object]


def _serial(told: str, driver: str, *, platform: bool = False, **keys: object) -> Choice:
    plate = {"capacity_g": 50_000, "division_g": 5} if platform else {"capacity_g": 15_000, "division_g": 5}
    return Choice(told, {"driver": driver, "port": _PORT, **keys, **plate})


def _cells(told: str, driver: str, *cells: dict[str, object], **keys: object) -> Choice:
    plate = {"capacity_g": 50_000, "division_g": 5}
    return Choice(told, {"driver": driver, "cells": list(cells), **keys, **plate})


_CHOICES = (
    _serial("load cells on a board that sends checked frames", "hx711-bridge", platform=True),
    _serial("load cells on a board that prints counts", "hx711-text", platform=True),
    _cells("HX711 on SPI", "hx711-spi", {"device": "/dev/spidev0.0"}, rate_hz=10),
    _cells("HX711 on GPIO", "hx711-gpio", {"sck_line": 27, "dout_line": 17}, rate_hz=10),
    _cells("HX711 by the kernel", "hx711-iio", {"device": "/sys/bus/iio/devices/iio:device0", "channel": 0}),
    _cells("NAU7802 on I2C", "nau7802", {"bus": 1}),
    _cells("DFRobot boards on I2C", "dfrobot-i2c", {"bus": 1, "address": 0x64}),
    _serial("retail scale, Toledo 8217", "toledo-8217"),
    _serial("retail scale, NCI", "nci"),
    _serial("retail scale, Dialog 06", "dialog-06"),
    _serial("retail scale, Dialog 02", "dialog-02"),
    _serial("retail scale, CAS", "cas"),
    _serial("scanner and scale, Magellan", "magellan"),
    _serial("bench scale, MT-SICS", "mt-sics"),
    _serial("a scale that prints lines", "ascii-line", profile="a-and-d"),
)
CHOICES = {str(choice.table["driver"]): choice for choice in _CHOICES}
DEFAULT_DRIVER = "hx711-bridge"
ORDERS = "orders.pub"


class Names(NamedTuple):
    """The files of the station's certificates, as the configuration names them."""

    authority: str
    certificate: str
    key: str
    orders: str | None = None


def text(station: Station, mqtt: Mqtt, names: Names, driver: str = DEFAULT_DRIVER) -> str:
    """Return a configuration with one `[[scale]]` in force and the others as comments."""
    tls = {"ca": names.authority, "cert": names.certificate, "key": names.key}
    lines = [
        "# The first configuration of this station. `station config check` finds mistakes, `station doctor --probe`",
        "# finds the scale and suggests its table; docs/CONFIG.md lists every key.",
        "",
        "[station]",
        f"store = {toml_write.value(station.store)}",
        f"id = {toml_write.value(station.id)}",
        f"state_dir = {toml_write.value(station.state_dir)}",
        "",
        "[mqtt]",
        f"host = {toml_write.value(mqtt.host)}",
        f"port = {mqtt.port}",
        f"tls = {toml_write.value(tls)}",
        "",
        *_trust(names.orders),
        "",
        *_table(CHOICES[driver], "DECIDE: port or cells as wired; capacity_g and division_g from the type plate"),
        "",
        "# Instead of the one above, for another scale take its table:",
    ]
    for name, choice in CHOICES.items():
        if name != driver:
            lines += ["#", *(f"# {line}" for line in _table(choice, choice.told))]
    return "\n".join(lines) + "\n"


def _table(choice: Choice, remark: str) -> list[str]:
    keys = [f"{key} = {toml_write.value(value)}" for key, value in choice.table.items()]
    return [f"[[scale]]  # {remark}", *keys]


def _trust(orders: str | None) -> list[str]:
    if orders is None:
        return [
            "# Without this key catalogues and configurations that come over the wire are refused.",
            "# [trust]",
            f'# key = "{ORDERS}"',
        ]
    return ["[trust]  # whose catalogues and configurations are obeyed", f"key = {toml_write.value(orders)}"]
