"""Machines for the tests, one for each module of `guest/`; and what was measured, at the end."""

from collections.abc import Callable

import pytest

from tests.hw.machine import Seen, absent, boot

_TOLD = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TOLD] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    told: list[str] = config.stash[_TOLD]
    if told:
        terminalreporter.section("seen in the machine")
        for line in dict.fromkeys(told):
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def machine(request: pytest.FixtureRequest) -> Callable[[str], Seen]:
    """Return what a module of `guest/` saw; skip where there is no test-bed."""
    missing = absent()
    if missing is not None:
        pytest.skip(missing)
    booted: dict[str, Seen] = {}

    def seen(module: str) -> Seen:
        if module not in booted:
            booted[module] = Seen(boot(module), request.config.stash[_TOLD])
        return booted[module]

    return seen
