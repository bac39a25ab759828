"""What ends the demo before its time."""


class DemoError(Exception):
    """The demo cannot go on; the message says what happened and what to do."""
