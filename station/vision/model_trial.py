"""`python -m station.vision.model_trial FOLDER RUNNING`: does a model load and run? Its crash harms nobody else."""

import sys
from pathlib import Path

import msgspec

from station.vision.interpreter import ModelError, Running
from station.vision.model_store import open_model


def main(folder: str, running: str) -> int:
    """Return 0 for a model that can be used; else say what is wrong on stderr."""
    try:
        open_model(Path(folder), msgspec.json.decode(running, type=Running))
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
