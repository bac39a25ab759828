"""How log lines look: for people on a terminal, for the journal, for a file.

The journal is told each line's priority by a prefix (sd-daemon(3)), so that `journalctl -p warning` and `-p err` find
what matters; the line itself is JSON, without the time, which the journal keeps. Anywhere else the time is in it.
"""

import logging
import os
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "exception": 3, "critical": 2}


def speak() -> None:
    """Configure all log lines; to stderr, so that stdout stays the program's own."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, *_renderers(sys.stderr)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _renderers(stream: TextIO) -> list[Processor]:
    dated = structlog.processors.TimeStamper(fmt="iso", utc=True)
    if stream.isatty():
        return [dated, structlog.dev.ConsoleRenderer()]
    traced = structlog.processors.format_exc_info
    if is_journal(stream, os.environ.get("JOURNAL_STREAM", "")):
        return [traced, Prioritised()]
    return [dated, traced, structlog.processors.JSONRenderer()]


def is_journal(stream: TextIO, named: str) -> bool:
    """Say whether the stream is the one that systemd has connected with the journal, `named` as device:inode."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # none, or closed
        return False
    return named == f"{status.st_dev}:{status.st_ino}"


class Prioritised:
    """Renders JSON behind the priority of the level."""

    def __init__(self) -> None:
        self._json = structlog.processors.JSONRenderer()

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        """Return the line; it has no line break, since a second line would have no priority."""
        priority = PRIORITIES.get(str(event.get("level", name)), PRIORITIES["info"])
        rendered: Any = self._json(logger, name, event)
        return f"<{priority}>{rendered}"
