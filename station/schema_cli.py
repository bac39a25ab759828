"""`station schema`: print what is published about messages, so that a backend needs no copy of the source."""

import argparse

import msgspec

from station import clitools, schemas


def add_command(commands: clitools.Subparsers) -> None:
    """Add `schema [NAME]`."""
    parser = clitools.add_command(commands, "schema", _run, "print the JSON Schema of a message, or list the messages")
    parser.add_argument("name", metavar="NAME", nargs="?", help="a message's name; without one all are listed")
    clitools.add_json_option(parser)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.name is None:
        return _list(as_json=arguments.json)
    message = schemas.find(arguments.name)
    if message is None:
        names = ", ".join(known.key for known in schemas.MESSAGES)
        raise clitools.CommandError(f"no message is called {arguments.name!r}; there are {names}", clitools.USAGE)
    print(msgspec.json.format(msgspec.json.encode(schemas.schema(message)), indent=2).decode())
    return clitools.OK


def _list(*, as_json: bool) -> int:
    if as_json:
        clitools.print_json(
            [{"name": m.key, "topic": f"{m.group}/{_level(m)}", "summary": m.summary} for m in schemas.MESSAGES]
        )
        return clitools.OK
    for message in schemas.MESSAGES:
        print(f"{message.key:<24}{message.group}/{_level(message):<14}{message.summary}")
    return clitools.OK


def _level(message: schemas.Message) -> str:
    return "{command}" if message.group == "res" else message.name
