from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from playground import bodies, callbacks, objects
from playground.bodies import Body, Upload
from playground.page_api import _options
from playground.world import DiscordError, World

COMMAND = {
    "name": "draw",
    "options": [
        {"name": "prompt", "type": 3, "required": True, "max_length": 5},
        {"name": "count", "type": 4, "min_value": 1, "max_value": 9},
        {"name": "size", "type": 10},
        {"name": "fast", "type": 5},
    ],
}


def button(custom_id: str = "x", **extra: object) -> dict[str, object]:
    return {"type": 2, "style": 2, "label": "Go", "custom_id": custom_id, **extra}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    opened = World(tmp_path, "token")
    opened.dispatch = lambda _event, _data: True
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "payload",
    [
        {"content": "x" * 2001},
        {"components": [{"type": 1, "components": [button(), button()]}]},
        {"components": [{"type": 1, "components": [button("y" * 101)]}]},
        {"components": [{"type": 1, "components": [button(label="z" * 81)]}]},
        {"components": [{"type": 1, "components": []}]},
        {"components": [{"type": 1, "components": [button(str(i))]} for i in range(6)]},
        {"attachments": [{"id": i} for i in range(11)]},
        {"attachments": [{"id": 0, "description": "a" * 1025}]},
    ],
)
def test_bodies_beyond_discords_limits_are_refused(payload: dict[str, object]) -> None:
    with pytest.raises(DiscordError) as refused:
        bodies.check(payload, {})
    assert refused.value.code == 50035


def test_a_file_beyond_the_limit_is_too_large() -> None:
    with pytest.raises(DiscordError) as refused:
        bodies.check({}, {0: Upload("a", b"x" * (objects.ATTACHMENT_LIMIT + 1), "image/png")})
    assert (refused.value.status, refused.value.code) == (413, 40005)


def test_an_edit_keeps_only_the_attachments_it_names(world: World) -> None:
    message = objects.message("1", "2", objects.APPLICATION_ID)
    first = bodies.apply(world, message, Body({"attachments": [{"id": 0, "filename": "a.txt"}]}, {0: Upload("a.txt", b"a", "text/plain")}))
    kept = bodies.apply(world, first, Body({"content": "still there"}))
    assert [a["filename"] for a in kept["attachments"]] == ["a.txt"]
    assert bodies.apply(world, kept, Body({"attachments": []}))["attachments"] == []


def test_an_interaction_is_answered_once_and_in_time(world: World) -> None:
    """The second answer is 40060, an unknown or late one 10062."""
    interaction = world.interact(2, objects.OWNER_ID, next(iter(objects.CHANNELS)), {"name": "draw"})
    callbacks.answer(world, interaction.id, interaction.token, Body({"type": 5}))
    with pytest.raises(DiscordError) as twice:
        callbacks.answer(world, interaction.id, interaction.token, Body({"type": 5}))
    assert twice.value.code == 40060
    late = world.interact(2, objects.OWNER_ID, next(iter(objects.CHANNELS)), {"name": "draw"})
    late.created_at -= 4
    with pytest.raises(DiscordError) as too_late:
        callbacks.answer(world, late.id, late.token, Body({"type": 5}))
    assert too_late.value.code == 10062


def test_an_old_token_is_void(world: World) -> None:
    interaction = world.interact(2, objects.OWNER_ID, next(iter(objects.CHANNELS)), {"name": "draw"})
    interaction.created_at -= 16 * 60
    with pytest.raises(DiscordError) as void:
        world.interaction(interaction.token)
    assert (void.value.status, void.value.code) == (401, 50027)


def test_messages_survive_a_restart_and_private_ones_stay_private(tmp_path: Path) -> None:
    world = World(tmp_path, "token")
    world.add_message(objects.message("5", "2", objects.APPLICATION_ID), only_for=objects.OWNER_ID)
    world.add_message(objects.message("6", "2", objects.APPLICATION_ID))
    world.delete_message("6")
    world.close()
    again = World(tmp_path, "token")
    assert list(again.messages) == ["5"] and again.only_for == {"5": objects.OWNER_ID}
    again.close()


def test_options_are_typed_as_the_bot_registered_them() -> None:
    values = {"prompt": "7", "count": "3", "size": "1.5", "fast": "true"}
    assert [o["value"] for o in _options(COMMAND, values, None)] == ["7", 3, 1.5, True]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "prompt: This option is required"),
        ({"prompt": "123456"}, "5 or fewer"),
        ({"prompt": "7", "count": "0"}, "between 1 and 9"),
        ({"prompt": "7", "count": "x"}, "not a whole number"),
        ({"prompt": "7", "colour": "red"}, "no option colour"),
    ],
)
def test_options_that_discord_would_not_send_are_refused(values: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _options(COMMAND, values, None)
