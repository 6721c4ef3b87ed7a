"""Rendered messages as discord.py wants them."""

from __future__ import annotations

import io

import discord

from bot.values import ButtonSpec, FileSpec, Rendered


def view(rendered: Rendered) -> discord.ui.View:
    """The buttons. The view is finished at once: presses are routed by custom id, not by a view kept in memory."""
    answer = discord.ui.View(timeout=None)
    for row, specs in enumerate(rendered.rows):
        for spec in specs:
            answer.add_item(_button(spec, row))
    answer.stop()
    return answer


def _button(spec: ButtonSpec, row: int) -> discord.ui.Button[discord.ui.View]:
    style = discord.ButtonStyle.danger if spec.danger else discord.ButtonStyle.secondary
    return discord.ui.Button(style=style, label=spec.label, emoji=spec.emoji, custom_id=spec.press.custom_id, row=row)


def files(rendered: Rendered) -> list[discord.File]:
    """The files, fresh for each attempt: a file can be sent only once."""
    return [_file(spec) for spec in rendered.files]


def _file(spec: FileSpec) -> discord.File:
    return discord.File(io.BytesIO(spec.data), filename=spec.name, description=spec.alt)
