"""Where a text ends: not in the middle of a sentence."""

from __future__ import annotations

OVERTIME = 80
"""Characters that a text may run over its length to end with a sentence, a line or at least a word."""


def has_ended(written: str, length: int) -> bool:
    """Whether ``written`` has its ``length`` in characters and a decent end."""
    over = len(written) - length
    if over < 0:
        return False
    return over >= OVERTIME or written[-1] in ".!?;\n。！？；…" or (over >= OVERTIME // 2 and written[-1] == " ")
