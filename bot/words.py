"""The bot's words for everything that can go wrong. Each error code has some; a test proves it."""

from __future__ import annotations

from collections.abc import Mapping

from bot.texts import plain
from contracts.outcomes import ErrorCode

ERRORS: dict[ErrorCode, str] = {
    ErrorCode.BAD_REQUEST: "I can make nothing of that prompt. {reason}.",
    ErrorCode.UNKNOWN_MODEL: "There is no model called `{model}` any more. `/models` shows what there is.",
    ErrorCode.TOO_MANY_OF_YOURS: "You already have {limit} requests waiting or running. Try again {when}; `/queue` shows them.",
    ErrorCode.TOO_MANY_OF_SERVER: "This server already has {limit} requests waiting or running. Please try again {when}.",
    ErrorCode.QUEUE_FULL: "The queue is full ({limit} requests). Please try again {when}.",
    ErrorCode.WORKER_LOST: "This request ended its worker {attempts} times, so I have given it up. Please change it, or tell the bot's owner.",
    ErrorCode.DEADLINE: "This request waited too long, so I have given it up. Please try again.",
    ErrorCode.OUT_OF_MEMORY: "The device ran out of memory for this request. Try fewer pictures.",
    ErrorCode.INTERNAL: "Something went wrong while making this. It has been noted in the worker's log; please try again.",
}

NO_WORKER_YET = (
    "I am here, but no worker has started yet, so there is nothing to draw or write with. "
    "Ask the bot's owner to start one (`aigc worker`), then try again."
)
QUEUE_AWAY = "I cannot reach my queue right now. Nothing was lost; please try again in a minute."
SURPRISE = "Something went wrong on my side. It has been noted; please try again."
TOO_OLD = "I no longer have the record of that result. Please start anew with the command."
REFUSED_BY_DISCORD = (
    "Discord does not accept this answer here: it may be too large, or against a rule of this server's AutoMod. "
    "Try again with another prompt, fewer pictures or a shorter text."
)
CANCELLED = "Cancelled."
EXPIRED = ERRORS[ErrorCode.DEADLINE]


def error_text(code: ErrorCode, details: Mapping[str, str], retry_at: int | None = None) -> str:
    """The words for a code. A missing detail leaves an ellipsis rather than an error; ``retry_at`` (Unix time) is shown in the reader's own time."""
    when = f"<t:{retry_at}:R>" if retry_at else "in a moment"
    return ERRORS[code].format_map(_Ellipsis({key: plain(value) for key, value in details.items()} | {"when": when}))


class _Ellipsis(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"
