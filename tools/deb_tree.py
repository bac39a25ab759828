"""Lay out the environment of the Debian package: `deb_tree.py WHEELS TREE`, run by debian/rules.

A virtual environment is a folder with `pyvenv.cfg`, a link to the interpreter, and packages. Made here directly from
wheels, so that the same steps serve every architecture: nothing of the package is executed. Modules are compiled
ahead, since a read-only root and a slow card are where they will live; they name their sources as on the station.
Standard library and pip only.
"""

import argparse
import compileall
import configparser
import os
import py_compile
import shutil
import sys
import zipfile
from pathlib import Path

PREFIX = Path("opt/validation-station")
PYTHON = (3, 11)  # of Debian 12 and of the wheels
NEVER_LOADED = (  # other makers' accelerators, and tools that prepare models for them
    "ai_edge_litert/vendors",
    "ai_edge_litert/tools",
    "ai_edge_litert/libLiteRtWebGpuAccelerator.so",
)
SCRIPT = """#!/{prefix}/bin/python -s
import sys

from {module} import {function}

sys.exit({function}())
"""


def lay_out(wheels: Path, tree: Path) -> None:
    """Make the environment, its two commands, and the links to them on PATH."""
    packages = tree / PREFIX / f"lib/python{PYTHON[0]}.{PYTHON[1]}/site-packages"
    packages.mkdir(parents=True)
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            refuse_schemes(wheel, archive)
            archive.extractall(packages)
    for name in NEVER_LOADED:
        leave_out(packages / name)
    (tree / PREFIX / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = true\nversion = {PYTHON[0]}.{PYTHON[1]}\n", encoding="utf-8"
    )
    commands(tree, packages)
    set_modes(packages)
    compile_ahead(packages)


def refuse_schemes(wheel: Path, archive: zipfile.ZipFile) -> None:
    """Data folders of a wheel belong elsewhere; none of ours has one, and one that comes must not go unnoticed."""
    strange = [name for name in archive.namelist() if ".data/" in name and not name.split(".data/")[1].startswith("s")]
    if strange:
        raise SystemExit(f"{wheel.name}: {strange[0]} is to be installed elsewhere; teach tools/deb_tree.py where")


def leave_out(path: Path) -> None:
    """Remove what a station never loads; that it is gone from a new release of the wheel is no error."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def commands(tree: Path, packages: Path) -> None:
    """Write the console scripts of the project's own wheel."""
    bin_folder, on_path = tree / PREFIX / "bin", tree / "usr/bin"
    bin_folder.mkdir()
    on_path.mkdir(parents=True, exist_ok=True)
    (bin_folder / "python").symlink_to(f"/usr/bin/python{PYTHON[0]}.{PYTHON[1]}")
    (own,) = packages.glob("validation_station-*.dist-info/entry_points.txt")
    parser = configparser.ConfigParser()
    parser.read(own, encoding="utf-8")
    for name, target in parser["console_scripts"].items():
        module, function = target.split(":")
        script = bin_folder / name
        script.write_text(SCRIPT.format(prefix=PREFIX, module=module, function=function), encoding="utf-8")
        script.chmod(0o755)
        (on_path / name).symlink_to(f"/{PREFIX}/bin/{name}")


def set_modes(packages: Path) -> None:
    """Everybody may read, nobody may write, and only folders are entered; shared libraries need no execute bit."""
    for path in packages.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def compile_ahead(packages: Path) -> None:
    """Compile every module, once and for all: the files never change without the package."""
    done = compileall.compile_dir(
        packages,
        quiet=1,
        stripdir=os.fspath(packages),
        prependdir=f"/{PREFIX}/lib/python{PYTHON[0]}.{PYTHON[1]}/site-packages",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        workers=1,
    )
    if not done:
        raise SystemExit("a module cannot be compiled, see above")


def main() -> None:
    """Parse the command line, see that the interpreter's compiled modules will be understood, and work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheels", type=Path)
    parser.add_argument("tree", type=Path)
    arguments = parser.parse_args()
    if sys.version_info[:2] != PYTHON:
        raise SystemExit(f"deb_tree.py compiles modules for Python {PYTHON[0]}.{PYTHON[1]}: run it with that one")
    lay_out(arguments.wheels, arguments.tree)


if __name__ == "__main__":
    main()
