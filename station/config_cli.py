"""`station config`: check a configuration without any hardware, and show what the station makes of it."""

import argparse
from pathlib import Path

from station import clitools, config, toml_write


def add_commands(commands: clitools.Subparsers, options: clitools.Options) -> None:
    """Add `config check` and `config show`; `options` yields the drivers there are."""
    group = commands.add_parser("config", help="validate or show a configuration")
    verbs = group.add_subparsers(metavar="COMMAND", required=True)
    check = clitools.add_command(verbs, "check", lambda given: _check(given, options), "validate a configuration file")
    show = clitools.add_command(
        verbs, "show", lambda given: _show(given, options), "print the effective configuration, secrets masked"
    )
    for parser in (check, show):
        parser.add_argument("file", nargs="?", metavar="FILE", help="default: as for --config")
        clitools.add_config_option(parser)
        clitools.add_json_option(parser)


def _path(arguments: argparse.Namespace) -> Path:
    return config.find(arguments.file or arguments.config)


def _check(arguments: argparse.Namespace, options: clitools.Options) -> int:
    path = _path(arguments)
    try:
        loaded = config.load(path, options())
    except config.ConfigError as error:
        if arguments.json:
            clitools.print_json({"ok": False, "errors": str(error).splitlines()})
            return clitools.USAGE
        raise
    if arguments.json:
        clitools.print_json({"ok": True, "errors": [], "hash": loaded.hash})
    else:
        print(f"{path}: in order, {len(loaded.scales)} scale(s), {len(loaded.cameras)} camera(s)")
    return clitools.OK


def _show(arguments: argparse.Namespace, options: clitools.Options) -> int:
    loaded = config.load(_path(arguments), options())
    tables = config.effective(loaded)
    if arguments.json:
        clitools.print_json({"source": loaded.source, "hash": loaded.hash, "config": tables})
    else:
        print(f"# {loaded.source} {loaded.hash}\n{toml_write.dumps(tables)}", end="")
    return clitools.OK
