"""What every test may ask for."""

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# Machines differ in speed, and several tests run at once: how long an example takes says nothing here.
hypothesis.settings.register_profile(
    "station", max_examples=40, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("station")

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """Return the path of a file or folder of real data beside the project; skip the test where it is absent."""

    def find(name: str) -> Path:
        path = _DATA / name
        if not path.exists():
            pytest.skip(f"real data not present: ../shared/data/{name}")
        return path

    return find
