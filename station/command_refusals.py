"""Why a command is not carried out: a code for programs, words for people."""

from typing import Any

import msgspec


class CommandRefusedError(ValueError):
    """The command cannot be carried out. `told` are further fields of the answer."""

    def __init__(self, code: str, message: str, told: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.told = told or {}


def answer_ok(**told: msgspec.Struct) -> dict[str, Any]:
    """Return the data of a positive answer that says more than `ok`; each field is one of `messages.Result`."""
    return {"status": "ok", **{name: msgspec.to_builtins(value) for name, value in told.items()}}


def answer_error(refusal: CommandRefusedError) -> dict[str, Any]:
    """Return the data of a negative answer."""
    return {"status": "error", "code": refusal.code, "message": refusal.message, **refusal.told}
