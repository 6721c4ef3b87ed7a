"""Buttons work, after a restart of the bot too, and look at who presses."""

from __future__ import annotations

import re

from tests.e2e.harness import ADA, Message, Scene, until


async def pictures(stage: Scene, **options: object) -> Message:
    return await stage.answer(stage.use("imagine", prompt="7", seed=5, **options))


async def test_reroll_posts_new_pictures_of_the_same(stage: Scene) -> None:
    message = await pictures(stage, count=2)
    again = await stage.answer(stage.press(message, "reroll"))
    assert again["id"] != message["id"] and len(again["attachments"]) == 3
    assert not re.search(r"seed 5\b", again["content"]) and "7" in again["content"]


async def test_vary_names_its_parent(stage: Scene) -> None:
    """The second picture of seed 5 is that of seed 6."""
    varied = await stage.answer(stage.press(await pictures(stage), "vary", 1))
    assert "variation of seed 6" in varied["content"] and len(varied["attachments"]) == 5
    twice = await stage.answer(stage.press(varied, "vary", 3))
    assert "variation of seed 6" in twice["content"]


async def test_continue_goes_on_where_the_text_ended(stage: Scene) -> None:
    message = await stage.answer(stage.use("write", model="bard", prompt="To be", length=60))
    more = await stage.answer(stage.press(message, "continue"))
    assert more["content"].startswith("…") and "**To be**" not in more["content"]


async def test_buttons_outlive_the_bot(stage: Scene) -> None:
    """A button of yesterday's bot is answered by today's."""
    message = await pictures(stage, count=1)
    await stage.stop_bot()
    await stage.start_bot()
    assert (await stage.answer(stage.press(message, "reroll")))["attachments"]


async def test_only_the_owner_or_a_moderator_deletes(stage: Scene) -> None:
    """Somebody else is told so privately; the owner's press deletes; so does a moderator's on another's result."""
    theirs = await stage.answer(stage.use("imagine", prompt="7", count=1, user=ADA))
    mine = await pictures(stage, count=1)
    refused = await stage.answer(stage.press(mine, "delete", user=ADA))
    assert "moderator" in refused["content"] and refused["flags"] & 64
    assert mine["id"] in stage.world.messages
    for message in (mine, theirs):  # "you" own the server
        stage.press(message, "delete")
        await until(lambda message=message: message["id"] in stage.world.messages, lambda there: not there)


async def test_stop_ends_a_running_text_for_its_owner_only(stage: Scene) -> None:
    interaction = stage.use("write", model="bard", prompt="To be", length=8000)
    (message,) = await until(lambda: [m for m in stage.answers(interaction) if "characters" in m["content"]], bool)
    refused = await stage.answer(stage.press(message, "stop", user=ADA))
    assert "moderator" in refused["content"]
    stage.press(message, "stop")
    final = await stage.answer(interaction)
    assert "stopped" in final["content"] and "aigc:continue:" in str(final["components"])


async def test_anyone_may_reroll_and_owns_the_result(stage: Scene) -> None:
    message = await pictures(stage, count=1)
    again = await stage.answer(stage.press(message, "reroll", user=ADA))
    stage.press(again, "delete", user=ADA)
    await until(lambda: again["id"] in stage.world.messages, lambda there: not there)
    assert message["id"] in stage.world.messages, "the first one is still its owner's"


async def test_a_button_of_a_forgotten_job_says_so(stage: Scene) -> None:
    message = await pictures(stage, count=1)
    message["components"][0]["components"][0]["custom_id"] = "aigc:reroll:12345:0"
    assert "no longer have the record" in (await stage.answer(stage.press(message, "reroll")))["content"]
