"""Slash command → "thinking" → progress → files → buttons, by the unmodified discord.py."""

from __future__ import annotations

import pytest

from tests.e2e.harness import ADA, YOU, Scene, until

DRAGON = "a red dragon"


async def test_imagine_gives_a_sheet_and_four_pictures(stage: Scene) -> None:
    interaction = stage.use("imagine", prompt="7", seed=5)
    message = await stage.answer(interaction)
    names = [attachment["filename"] for attachment in message["attachments"]]
    assert names == ["digits-sheet.png", "digits-5.png", "digits-6.png", "digits-7.png", "digits-8.png"]
    assert all("digit 7" in attachment["description"] for attachment in message["attachments"])
    assert "seed 5" in message["content"] and "`digits`" in message["content"]
    data = stage.world.file_path(message["attachments"][0]["id"], names[0]).read_bytes()
    assert data.startswith(b"\x89PNG") and b"trainedAlgorithmicMedia" in data


async def test_the_same_seed_gives_the_same_bytes(stage: Scene) -> None:
    first, second = [await stage.answer(stage.use("imagine", prompt="3", seed=77, count=2)) for _ in range(2)]
    files = [[stage.world.file_path(a["id"], a["filename"]).read_bytes() for a in m["attachments"]] for m in (first, second)]
    assert files[0] == files[1]


async def test_handwriting_writes_a_date_in_four_hands(stage: Scene) -> None:
    message = await stage.answer(stage.use("imagine", prompt="2026-11-23", model="handwriting"))
    assert len(message["attachments"]) == 5
    assert "2026-11-23" in message["attachments"][1]["description"]


async def test_write_streams_and_ends_with_buttons(stage: Scene) -> None:
    """The text grows by edits before it is final; what is final begins with what was shown."""
    interaction = stage.use("write", model="bard", prompt="To be", length=1500, seed=3)
    message = await stage.answer(interaction)
    edits = [data["content"] for _, kind, data in stage.history if kind == "message_update" and data["id"] == message["id"]]
    assert len(edits) >= 2 and "of about 1500 characters" in edits[-2]
    assert message["content"].startswith("**To be**") and "seed 3" in message["content"]
    ids = str(message["components"])
    assert all(f"aigc:{action}:" in ids for action in ("continue", "reroll", "delete"))


async def test_a_long_text_comes_whole_in_a_file(stage: Scene) -> None:
    message = await stage.answer(stage.use("write", model="bard", prompt="KING", length=3000, seed=1))
    (attachment,) = message["attachments"]
    written = stage.world.file_path(attachment["id"], attachment["filename"]).read_text()
    assert len(written) >= 3004 and written.startswith("KING") and "whole text" in message["content"]


async def test_unknown_words_are_said_to_be_ignored(stage: Scene) -> None:
    message = await stage.answer(stage.use("imagine", prompt=f"{DRAGON} 4", count=1))
    assert "understood" in message["content"] and "dragon" in message["content"]


async def test_models_and_an_empty_queue_are_shown_privately(stage: Scene) -> None:
    models, queue = await stage.answer(stage.use("models")), await stage.answer(stage.use("queue"))
    assert all(name in models["content"] for name in ("digits", "handwriting", "bard"))
    assert "Nothing of yours" in queue["content"]
    assert stage.world.only_for[models["id"]] == YOU


async def test_the_queue_lists_what_runs_and_can_stop_it(stage: Scene) -> None:
    running = stage.use("write", model="bard", prompt="To be", length=8000)
    await until(lambda: [m for m in stage.answers(running) if "characters" in m["content"]], bool)
    queue = await stage.answer(stage.use("queue"))
    assert "running" in queue["content"]
    stage.press(queue, "stop")
    assert "stopped" in (await stage.answer(running))["content"]


async def test_autocomplete_offers_models_of_the_right_kind(stage: Scene) -> None:
    import asyncio

    command = next(c for c in stage.world.commands if c["name"] == "imagine")
    options = [{"name": "prompt", "type": 3, "value": "7"}, {"name": "model", "type": 3, "value": "hand", "focused": True}]
    interaction = stage.world.interact(4, YOU, "1000000000000000020", {"id": command["id"], "name": "imagine", "type": 1, "options": options})
    interaction.choices = asyncio.get_running_loop().create_future()
    assert [choice["value"] for choice in await asyncio.wait_for(interaction.choices, 5)] == ["handwriting"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prompt": "   "}, "empty"),
        ({"prompt": "x" * 6000}, "6,000 characters"),
        ({"prompt": "7", "seed": -1}, "`seed` goes from 0"),
        ({"prompt": "7", "seed": 2**40}, "4294967295"),
        ({"prompt": "7", "count": 0}, "`count` goes from 1 to 9"),
        ({"prompt": "7", "model": "@everyone"}, "There is no model"),
        ({"prompt": "7", "truncation": 99.0}, "`truncation` goes from"),
    ],
)
async def test_bad_options_get_private_words(stage: Scene, options: dict[str, object], words: str) -> None:
    """Only the person sees it, nothing is queued, nobody is pinged, and there is no traceback."""
    message = await stage.answer(stage.use("imagine", **options))
    assert words in message["content"] and message["flags"] & 64
    assert "@everyone" not in message["content"] and "Traceback" not in message["content"]
    assert "Nothing of yours" in (await stage.answer(stage.use("queue")))["content"]


@pytest.mark.parametrize(
    "prompt", ["🎲🎲🎲 5", "שלום 5 עולם", "@everyone <@1000000000000000031> 5", "**5** `x` ||y|| ```5", "5\n# head\n> quote", "\u202e5"]
)
async def test_hostile_prompts_are_drawn_and_stay_text(stage: Scene, prompt: str) -> None:
    message = await stage.answer(stage.use("imagine", prompt=prompt, count=1))
    assert message["attachments"] and "@everyone" not in message["content"] and "<@1000" not in message["content"]
    sent = [e.request for e in stage.recorder.exchanges if e.request and "content" in e.request]
    assert all(request["allowed_mentions"] == {"parse": []} for request in sent)


async def test_what_cannot_be_written_is_explained(stage: Scene) -> None:
    message = await stage.answer(stage.use("imagine", prompt="你好", model="handwriting"))
    assert "English letters, digits and the marks" in message["content"] and not message["attachments"]


async def test_twenty_people_at_once_are_all_answered(stage: Scene) -> None:
    """More than one person's jobs share passes, and each gets exactly what it asked for."""
    used = [stage.use("imagine", prompt=str(index % 10), seed=index, count=1, user=(YOU, ADA)[index % 2]) for index in range(20)]
    messages = [await stage.answer(interaction) for interaction in used]
    assert [m["attachments"][0]["filename"] for m in messages] == [f"digits-{index}.png" for index in range(20)]
    assert all(f"digit {index % 10}" in m["attachments"][0]["description"] for index, m in enumerate(messages))
