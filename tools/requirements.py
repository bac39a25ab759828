"""Print the requirements of pyproject.toml, one a line: `requirements.py EXTRA… [--without NAME]`.

For the environment that holds one inference runtime and not the other. Standard library only: it runs before anything
is installed.
"""

import argparse
import re
import tomllib
from pathlib import Path


def requirements(extras: list[str], without: str | None) -> list[str]:
    """Return the base requirements and those of the extras, less the package `without`."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    every = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    return [line for line in every if re.split(r"[^\w.-]", line)[0] != without]


def main() -> None:
    """Parse the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extras", nargs="*")
    parser.add_argument("--without")
    arguments = parser.parse_args()
    print("\n".join(requirements(arguments.extras, arguments.without)))


if __name__ == "__main__":
    main()
