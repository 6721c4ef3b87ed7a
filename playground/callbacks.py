"""The bot's first answers to interactions (``POST /interactions/{id}/{token}/callback``)."""

from __future__ import annotations

import time

from playground import bodies, objects
from playground.bodies import Body
from playground.objects import Json
from playground.world import EPHEMERAL, LOADING, DiscordError, Interaction, World

MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES = 4, 5, 6, 7, 8
COMMAND, COMPONENT = 2, 3


def answer(world: World, interaction_id: str, token: str, body: Body) -> Json:
    """Acknowledge an interaction; returns Discord's InteractionCallbackResponse."""
    interaction = world.interactions.get(token)
    late = interaction is not None and time.time() - interaction.created_at > world.ack_seconds
    if interaction is None or interaction.id != interaction_id or (late and not interaction.acknowledged):
        raise DiscordError(404, 10062, "Unknown interaction")
    if interaction.acknowledged:
        raise DiscordError(400, 40060, "Interaction has already been acknowledged.")
    kind, data = body.payload.get("type"), body.payload.get("data") or {}
    inner = Body(payload=data, files=body.files)
    if kind == CHOICES:
        return _choices(interaction, data)
    if kind in (MESSAGE, DEFERRED):
        message = _new_message(world, interaction, inner, deferred=kind == DEFERRED)
    elif kind in (DEFERRED_UPDATE, UPDATE) and interaction.source_message_id:
        message = world.message(interaction.source_message_id)
        interaction.original_id = message["id"]
        if kind == UPDATE:
            message = world.change_message({**bodies.apply(world, message, inner), "edited_timestamp": objects.now()})
    else:
        raise DiscordError(400, 50035, f"Invalid Form Body: type {kind} is not supported here")
    interaction.acknowledged_at = time.time()
    world.publish("interaction_done", {"id": interaction.id}, interaction.user_id)
    return _response(interaction, kind, message)


def _choices(interaction: Interaction, data: Json) -> Json:
    choices = data.get("choices") or []
    if len(choices) > 25:
        raise DiscordError(400, 50035, "Invalid Form Body: choices: Must be 25 or fewer in length.")
    interaction.acknowledged_at = time.time()
    if interaction.choices and not interaction.choices.done():
        interaction.choices.set_result(choices)
    return {"interaction": {"id": interaction.id, "type": interaction.kind}}


def _new_message(world: World, interaction: Interaction, body: Body, *, deferred: bool) -> Json:
    ephemeral = int(body.payload.get("flags") or 0) & EPHEMERAL
    message = follow_up(world, interaction, ephemeral)
    if deferred:
        message["flags"] |= LOADING
    elif bodies.is_empty(body.payload, body.files):
        raise DiscordError(400, 50006, "Cannot send an empty message")
    else:
        message = bodies.apply(world, message, body)
    interaction.original_id = message["id"]
    return world.add_message(message, interaction.user_id if ephemeral else None)


def follow_up(world: World, interaction: Interaction, ephemeral: int) -> Json:
    """An empty message in answer to an interaction."""
    kind = 20 if interaction.kind == COMMAND else 0
    message = objects.message(world.snowflake(), interaction.channel_id, objects.APPLICATION_ID, kind=kind, flags=ephemeral)
    metadata: Json = {"id": interaction.id, "type": interaction.kind, "user": objects.user(interaction.user_id),
                      "authorizing_integration_owners": {"0": objects.GUILD_ID}}  # fmt: skip
    if interaction.source_message_id:
        metadata["interacted_message_id"] = interaction.source_message_id
    else:
        metadata["command_type"] = 1
    message["interaction_metadata"] = metadata
    if interaction.kind == COMMAND:
        name = interaction.data["name"]
        message["interaction"] = {"id": interaction.id, "type": 2, "name": name, "user": objects.user(interaction.user_id)}
    message["webhook_id"] = message["application_id"] = objects.APPLICATION_ID
    return message


def _response(interaction: Interaction, kind: int, message: Json) -> Json:
    response: Json = {
        "interaction": {
            "id": interaction.id,
            "type": interaction.kind,
            "response_message_id": message["id"],
            "response_message_loading": kind == DEFERRED,
            "response_message_ephemeral": bool(message["flags"] & EPHEMERAL),
        },
    }
    if kind in (MESSAGE, UPDATE):
        response["resource"] = {"type": kind, "message": message}
    return response
