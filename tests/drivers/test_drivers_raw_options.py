"""The keys of raw converters: two load cells are never at one place."""

from typing import Any

import msgspec
import pytest

from drivers import dfrobot_i2c, hx711_gpio, hx711_iio, hx711_spi, hx711_text, nau7802

SPI, IIO = "/dev/spidev0.0", "/sys/bus/iio/devices/iio:device0"


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (hx711_spi.Options, {"cells": [{"device": SPI}, {"device": SPI, "ready_line": 22}]}),
        (hx711_gpio.Options, {"cells": [{"sck_line": 27, "dout_line": 27}]}),
        (hx711_gpio.Options, {"cells": [{"sck_line": 27, "dout_line": 17}, {"sck_line": 27, "dout_line": 18}]}),
        (hx711_iio.Options, {"cells": [{"device": IIO}, {"device": IIO, "channel": 0}]}),
        (nau7802.Options, {"cells": [{"bus": 1}, {"bus": 1, "channel": 3}]}),
        (dfrobot_i2c.Options, {"cells": [{"bus": 1}, {"bus": 1}]}),
        (hx711_text.Options, {"port": "/dev/x", "more_ports": ["/dev/x"]}),
    ],
)
def test_two_cells_at_one_place_are_refused(options: type[msgspec.Struct], keys: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="one place twice"):
        msgspec.convert(keys, options)


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (hx711_iio.Options, {"cells": [{"device": IIO}, {"device": IIO, "channel": 1}]}),
        (nau7802.Options, {"cells": [{"bus": 1, "mux": 0x70}, {"bus": 1, "mux": 0x70, "channel": 1}, {"bus": 2}]}),
        (dfrobot_i2c.Options, {"cells": [{"address": 0x64}, {"address": 0x65}]}),
    ],
)
def test_places_that_differ_are_taken(options: type[msgspec.Struct], keys: dict[str, Any]) -> None:
    msgspec.convert(keys, options)
