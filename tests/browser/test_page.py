"""The chat page in a real browser: commands are typed, pictures are seen. Screenshots are kept in ``artifacts``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

pytestmark = pytest.mark.browser

ARTIFACTS = Path(os.environ.get("AIGC_ARTIFACTS", "artifacts"))
NAMES = ("chromium", "chromium-browser", "google-chrome")
VISIBLE = 20_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`aigc up` as a newcomer starts it, on a free port; Ctrl-C ends it."""
    home = tmp_path_factory.mktemp("home")
    environment = {key: value for key, value in os.environ.items() if key not in ("DISCORD_TOKEN", "REDIS_URL")}
    process = subprocess.Popen(
        [sys.executable, "-m", "aigc", "up", "--home", str(home), "--port", "0"], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout
    lines = iter(process.stdout.readline, "")
    ready = next((line for line in lines if line.startswith("Ready")), None)
    assert ready, "aigc up ended before it was ready"
    yield re.search(r"http://\S+", ready)[0]  # type: ignore[index]
    process.terminate()
    assert process.wait(40) == 0
    process.stdout.close()


@pytest.fixture
async def page(address: str) -> AsyncIterator[Page]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on this machine")
    ARTIFACTS.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        opened = await browser.new_page(viewport={"width": 1100, "height": 820}, color_scheme="dark")
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        await opened.goto(address)
        await expect(opened.locator("#bot-state")).to_have_text("bot online", timeout=VISIBLE)
        yield opened
        await browser.close()
    assert errors == []


async def type_command(page: Page, text: str) -> float:
    """Type a command and send it; returns when."""
    await page.fill("#input", "")
    await page.locator("#input").press_sequentially(text)
    await page.press("#input", "Enter")
    return time.monotonic()


async def test_a_typed_command_shows_its_picture(page: Page, record_property) -> None:  # type: ignore[no-untyped-def]
    """From typing to a decoded picture on the screen; the seconds are kept in the report."""
    await type_command(page, "/imagine prompt:7")
    await expect(page.locator(".files img").first).to_be_visible(timeout=VISIBLE)
    sent = await type_command(page, "/imagine prompt:3")
    await page.wait_for_function("[...document.querySelectorAll('.message:last-child img')].some(i => i.complete && i.naturalWidth > 100)")
    record_property("seconds_from_enter_to_picture", round(time.monotonic() - sent, 3))
    assert "digit 3" in (await page.locator(".message:last-child .files img").first.get_attribute("alt") or "")
    await page.screenshot(path=ARTIFACTS / "imagine.png")


async def test_handwriting_and_a_text(page: Page) -> None:
    await type_command(page, "/imagine model:handwriting prompt:2026-11-23")
    await expect(page.locator('img[alt*="2026-11-23"]').first).to_be_visible(timeout=VISIBLE)
    await type_command(page, '/write model:bard prompt:"To be"')
    await expect(page.get_by_role("button", name="Continue")).to_be_visible(timeout=VISIBLE)
    await expect(page.locator(".message:last-child .content b")).to_have_text("To be")
    await page.screenshot(path=ARTIFACTS / "write.png")


async def test_the_composer_suggests_commands_options_and_models(page: Page) -> None:
    """Tab takes a suggestion; models come from the bot's autocomplete."""
    await page.locator("#input").press_sequentially("/im")
    await expect(page.get_by_role("option", name="/imagine")).to_be_visible()
    await page.press("#input", "Tab")
    await expect(page.locator("#input")).to_have_value("/imagine prompt:")
    await page.locator("#input").press_sequentially("5 model:hand")
    await expect(page.get_by_role("option", name="handwriting")).to_be_visible()
    await page.screenshot(path=ARTIFACTS / "composer.png")
    await page.press("#input", "Tab")
    await expect(page.locator("#input")).to_have_value("/imagine prompt:5 model:handwriting ")


async def test_buttons_and_private_notes(page: Page) -> None:
    """Another person may re-roll but not delete; the refusal is seen by them only and can be dismissed."""
    await type_command(page, "/imagine prompt:9 count:1")
    await expect(page.locator('.message:last-child img[alt*="digit 9"]')).to_be_visible(timeout=VISIBLE)
    await page.get_by_role("button", name="Ada").click()
    await page.locator(".message").last.get_by_role("button", name="Delete").click()
    note = page.locator(".message.private").last
    await expect(note).to_contain_text("moderator")
    await note.get_by_role("button", name="Dismiss message").click()
    await expect(page.locator(".message.private")).to_have_count(0)
    await page.get_by_role("button", name="You", exact=False).first.click()
    reroll = page.locator(".message").last.get_by_role("button", name="Re-roll")
    await reroll.click()
    await expect(page.locator('img[alt*="digit 9"]')).to_have_count(2, timeout=VISIBLE)
    await expect(page.get_by_role("button", name="Re-roll").nth(-2)).to_be_enabled()


async def test_wrong_input_is_explained_where_it_is_typed(page: Page) -> None:
    for text, words in (("/nothing", "no command"), ("/imagine prompt:7 count:0", "between 1 and 9"), ("/imagine count:2", "required")):
        await page.fill("#input", text)
        await page.press("#input", "Escape")
        await page.locator("#send").click()
        await expect(page.locator("#notice")).to_contain_text(words)


async def test_hostile_text_is_never_markup(page: Page) -> None:
    await type_command(page, '/imagine prompt:<img src=x onerror="document.title=1"> **5**')
    await expect(page.locator(".message:last-child .content")).to_contain_text("<img", timeout=VISIBLE)
    assert await page.title() == "Playground"
    assert await page.locator(".content img").count() == 0


async def test_a_reload_finds_the_messages_and_the_light_theme(page: Page) -> None:
    """Reloading shows what was said; the theme is switched and kept."""
    await page.get_by_role("button", name="Light / dark").click()
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await expect(page.locator(".message").first).to_be_visible()
    await page.screenshot(path=ARTIFACTS / "light.png")
