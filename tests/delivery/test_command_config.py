"""Configurations by command: checked, kept, on trial, and given up for the last good one."""

from pathlib import Path

import msgspec
import pytest

from station import config, config_good, config_remote, wiring
from station.command_refusals import CommandRefusedError
from station.config_good import Choice, choose_to_run, remember_good
from station.messages import NewConfig
from tests.support.rig import configuration

OPTIONS = wiring.driver_options()
SCALE = 'driver = "toledo-8217"\nport = "/dev/ttyUSB0"\ncapacity_g = 30000\ndivision_g = 5'


class Place:
    """A station's files: its configuration, in force and remembered."""

    def __init__(self, folder: Path) -> None:
        self.file = configuration(folder, 1883, SCALE)
        self.state_dir = folder / "state"
        self.text = self.file.read_text()
        self.config = config.load(self.file, OPTIONS)
        remember_good(self.config)

    def adopt(self, serial: int, text: str) -> tuple[config_remote.Asked, bool]:
        return config_remote.adopt(self.state_dir, self.file, self.config, NewConfig(serial=serial, toml=text), OPTIONS)

    def refusal(self, serial: int, text: str) -> CommandRefusedError:
        with pytest.raises(CommandRefusedError) as caught:
            self.adopt(serial, text)
        return caught.value

    def start(self) -> Choice:
        return choose_to_run(self.file, OPTIONS)

    def state(self) -> str:
        asked = config_remote.read(self.state_dir)
        assert asked is not None
        return asked.state


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_came_is_on_trial_then_proven_then_the_last_good_one(place: Place) -> None:
    text = place.text + "[policy]\ntrust = 0.5\n"
    asked, restart = place.adopt(1, text)
    assert (asked.state, restart) == ("trial", True)
    choice = place.start()
    assert (choice.config.policy.trust, choice.on_trial, choice.problem) == (0.5, True, None)
    wiring.prove(choice)
    again = place.start()
    assert (again.config.text, again.on_trial, place.state()) == (text, False, "proven")
    good = config_good.last_good(place.state_dir, OPTIONS)
    assert good is not None
    assert good.text == text
    assert place.adopt(1, text) == (config_remote.read(place.state_dir), False)  # the same order again


def test_one_with_which_the_station_keeps_ending_is_given_up(place: Place) -> None:
    place.adopt(1, place.text + "[policy]\ntrust = 0.5\n")
    assert [place.start().on_trial for _ in range(config_remote.TRIALS)] == [True] * config_remote.TRIALS
    choice = place.start()
    assert (choice.config.text, choice.on_trial, place.state()) == (place.text, False, "refused")
    assert choice.problem is not None
    assert "serial 1 was given up: the station ended 2 times" in choice.problem
    assert place.start().problem == choice.problem  # and it stays so
    assert place.adopt(2, place.text + "[policy]\ntrust = 0.6\n")[1]
    assert place.start().config.policy.trust == 0.6


def test_an_orderly_end_does_not_speak_against_it(place: Place) -> None:
    place.adopt(1, place.text + "[policy]\ntrust = 0.5\n")
    for _ in range(5):
        assert place.start().on_trial
        config_remote.ended_well(place.state_dir)


def test_one_that_another_version_cannot_read_gives_way_to_the_last_good_one(place: Place) -> None:
    place.adopt(1, place.text + "[policy]\ntrust = 0.5\n")
    path = place.state_dir / config_remote.NAME
    asked = msgspec.json.decode(path.read_bytes(), type=config_remote.Asked)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(asked, text="nonsense = 1")))
    choice = place.start()
    assert (choice.config.text, place.state()) == (place.text, "refused")
    assert "unknown table" in (choice.problem or "")


def test_who_changes_the_file_at_the_station_overrules_what_came(place: Place) -> None:
    place.adopt(1, place.text + "[policy]\ntrust = 0.5\n")
    place.file.write_text(place.text + "[policy]\ntrust = 0.7\n")
    choice = place.start()
    assert (choice.config.policy.trust, choice.overruled, choice.problem) == (0.7, True, None)


def test_what_cannot_be_used_or_may_not_change_is_refused_and_not_kept(place: Place) -> None:
    cases = {
        "this is no TOML": "bad_config",
        place.text + "[policy]\ntrust = 7\n": "bad_config",
        place.text.replace('id = "vs-03"', 'id = "vs-04"'): "config_protected",
        place.text.replace("port = 1883", "port = 1884"): "config_protected",
        place.text + "[trust]\npictures = true\n": "config_protected",
    }
    assert {text: place.refusal(1, text).code for text in cases} == cases
    assert "mqtt.port can only be changed at the station" in str(place.refusal(1, list(cases)[3]))
    assert config_remote.read(place.state_dir) is None


def test_old_serials_are_refused(place: Place) -> None:
    place.adopt(5, place.text + "[policy]\ntrust = 0.5\n")
    assert place.refusal(4, place.text).code == "stale_serial"
    assert place.refusal(5, place.text).code == "serial_reused"
    asked, restart = place.adopt(6, place.text)  # what is in force anyway
    assert (asked.state, restart) == ("proven", False)
