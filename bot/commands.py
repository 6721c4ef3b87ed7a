"""The slash commands: parse, submit, render."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import discord
import redis
from discord import app_commands

from bot import options, render, views, words
from bot.intake import Intake
from bot.options import Catalogue, OptionError
from bot.presses import tell
from bot.texts import fitting
from bot.values import Action, ButtonSpec, Press, Rendered
from contracts.ports import JobQueue
from contracts.requests import ImagineRequest, WriteRequest
from contracts.values import (
    MAX_COUNT,
    MAX_IMAGINE_PROMPT,
    MAX_LENGTH,
    MAX_TEMPERATURE,
    MAX_TRUNCATION,
    MAX_WRITE_PROMPT,
    MIN_TEMPERATURE,
    MIN_TRUNCATION,
    SEED_LIMIT,
)

logger = logging.getLogger(__name__)

MAX_CHOICES = 25
SHOWN_JOBS = 5
Choices = Callable[[discord.Interaction, str], Coroutine[Any, Any, list[app_commands.Choice[str]]]]
Command = app_commands.Command[Any, ..., None]
KnownModels = Callable[[], Awaitable[Catalogue]]


def add_commands(tree: app_commands.CommandTree[discord.AutoShardedClient], queue: JobQueue, intake: Intake, catalogue: KnownModels) -> None:
    """Give the tree all commands."""
    tree.add_command(_imagine(intake, catalogue))
    tree.add_command(_write(intake, catalogue))
    tree.add_command(_queue(queue))
    tree.add_command(_models(catalogue))
    tree.error(_report)


def _imagine(intake: Intake, catalogue: KnownModels) -> Command:
    @app_commands.command(name="imagine", description="Draw pictures from a few words")
    @app_commands.describe(
        prompt="What to draw", model="Which model draws", count="How many pictures (4)", seed="The same seed gives the same pictures",
        truncation="Below 1: more typical; above 1: more daring",
    )  # fmt: skip
    @app_commands.autocomplete(model=_model_choices(catalogue, "image"))
    async def imagine(
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, MAX_IMAGINE_PROMPT],
        model: str | None = None,
        count: app_commands.Range[int, 1, MAX_COUNT] = 4,
        seed: app_commands.Range[int, 0, SEED_LIMIT - 1] | None = None,
        truncation: app_commands.Range[float, MIN_TRUNCATION, MAX_TRUNCATION] = 1.0,
    ) -> None:
        await _accept(interaction, intake, await catalogue(), "image", lambda c: options.imagine(c, prompt, model, count, seed, truncation))

    return imagine


def _write(intake: Intake, catalogue: KnownModels) -> Command:
    @app_commands.command(name="write", description="Write a text that goes on from your words")
    @app_commands.describe(
        prompt="How the text begins", model="Which model writes", length="About how many characters (600)",
        kind="Which kind of text, where a model knows several", mood="In which mood, where a model knows moods",
        temperature="Lower: safer; higher: wilder (0.8)", seed="The same seed gives the same text",
    )  # fmt: skip
    @app_commands.autocomplete(model=_model_choices(catalogue, "text"), kind=_offers(catalogue, "kind"), mood=_offers(catalogue, "mood"))
    async def write(
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, MAX_WRITE_PROMPT],
        model: str | None = None,
        length: app_commands.Range[int, 1, MAX_LENGTH] = 600,
        kind: str | None = None,
        mood: str | None = None,
        temperature: app_commands.Range[float, MIN_TEMPERATURE, MAX_TEMPERATURE] = 0.8,
        seed: app_commands.Range[int, 0, SEED_LIMIT - 1] | None = None,
    ) -> None:
        known = await catalogue()
        await _accept(interaction, intake, known, "text", lambda c: options.write(c, prompt, model, length, temperature, seed, kind, mood))

    return write


async def _accept(
    interaction: discord.Interaction,
    intake: Intake,
    catalogue: Catalogue,
    kind: str,
    parse: Callable[[Catalogue], ImagineRequest | WriteRequest],
) -> None:
    if not catalogue.of_kind(kind):
        await tell(interaction, words.NO_WORKER_YET)
        return
    try:
        request = parse(catalogue)
    except OptionError as error:
        await tell(interaction, str(error))
        return
    await intake.accept(interaction, request)


def _model_choices(catalogue: KnownModels, kind: str) -> Choices:
    async def choices(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        typed = current.strip().lower()
        cards = [card for card in (await catalogue()).of_kind(kind) if typed in card.name or typed in card.title.lower()]
        return [app_commands.Choice(name=f"{card.name}: {card.knows}"[:100], value=card.name) for card in cards[:MAX_CHOICES]]

    return choices


def _offers(catalogue: KnownModels, name: str) -> Choices:
    """What the chosen model, or else any, offers of kinds or moods; each says whose it is."""

    async def choices(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        model, typed = getattr(interaction.namespace, "model", None), current.strip().lower()
        cards = [card for card in (await catalogue()).of_kind("text") if not model or card.name == model]
        found = [(value, card.name) for card in cards for value in card.choices.get(name, ()) if typed in f"{value} {card.name}".lower()]
        return [app_commands.Choice(name=f"{value} ({owner})"[:100], value=value) for value, owner in found[:MAX_CHOICES]]

    return choices


def _queue(queue: JobQueue) -> Command:
    @app_commands.command(name="queue", description="Your requests that wait or run, and when they will be done")
    async def show_queue(interaction: discord.Interaction) -> None:
        try:
            rendered = await queue_message(queue, str(interaction.user.id))
        except (redis.RedisError, OSError):
            await tell(interaction, words.QUEUE_AWAY)
            return
        view = views.view(rendered) if rendered.rows else discord.utils.MISSING
        await interaction.response.send_message(rendered.content, view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())

    return show_queue


async def queue_message(queue: JobQueue, user_id: str) -> Rendered:
    """A person's open jobs, with a button to stop each of the first few."""
    job_ids = await queue.open_jobs(user_id)
    snapshots = await queue.snapshots(job_ids)
    jobs = [(await queue.job(snapshot.job_id), snapshot) for snapshot in snapshots if snapshot and not snapshot.state.ended]
    lines = [render.status_line(job, snapshot) for job, snapshot in jobs if job]
    if not lines:
        return Rendered(content="Nothing of yours is waiting or running.")
    stops = tuple(
        ButtonSpec(press=Press(action=Action.STOP, job_id=snapshot.job_id), label=f"Stop {number}", emoji="⏹️")
        for number, (_, snapshot) in enumerate(jobs[:SHOWN_JOBS], start=1)
    )
    return Rendered(content=fitting(lines), rows=(stops,))


def _models(catalogue: KnownModels) -> Command:
    @app_commands.command(name="models", description="The models, what they know, and whether a worker serves them")
    async def show_models(interaction: discord.Interaction) -> None:
        known = await catalogue()
        await tell(interaction, render.models(list(known.cards), set(known.live)) if known.cards else words.NO_WORKER_YET)

    return show_models


async def _report(interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
    """The boundary of the commands: the log gets the error, the person gets words."""
    logger.error("action=command_failed command=%s", interaction.command.name if interaction.command else "?", exc_info=error)
    await say_sorry(interaction)


async def say_sorry(interaction: discord.Interaction) -> None:
    """Words for an error on our side, if Discord still takes any."""
    try:
        if interaction.response.is_done():
            await interaction.followup.send(words.SURPRISE, ephemeral=True)
        else:
            await tell(interaction, words.SURPRISE)
    except discord.HTTPException as error:
        logger.warning("action=apology_failed status=%d code=%d", error.status, error.code)
