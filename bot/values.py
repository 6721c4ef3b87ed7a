"""A message before Discord sees it: a pure value, so that rendering is tested without Discord."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a button does."""

    REROLL = "reroll"
    VARY = "vary"
    CONTINUE = "continue"
    ENDING = "ending"
    STOP = "stop"
    DELETE = "delete"


CUSTOM_ID = re.compile(r"aigc:(?P<action>reroll|vary|continue|ending|stop|delete):(?P<job>[0-9a-z]{1,25}):(?P<index>\d{1,2})")
"""A button's whole state: what to do, of which job, which picture. It works as long as the job's record is kept, whoever restarts."""


@dataclass(frozen=True, kw_only=True)
class Press:
    """What a button says when it is pressed."""

    action: Action
    job_id: str
    index: int = 0

    @property
    def custom_id(self) -> str:
        """Discord's name of the button."""
        return f"aigc:{self.action.value}:{self.job_id}:{self.index}"


@dataclass(frozen=True, kw_only=True)
class ButtonSpec:
    """A button to show."""

    press: Press
    label: str
    emoji: str
    danger: bool = False


@dataclass(frozen=True, kw_only=True)
class FileSpec:
    """A file to send, with its description for those who cannot see it."""

    name: str
    data: bytes
    alt: str


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A message: text of at most 2000 characters, rows of buttons, files."""

    content: str
    rows: tuple[tuple[ButtonSpec, ...], ...] = ()
    files: tuple[FileSpec, ...] = ()
