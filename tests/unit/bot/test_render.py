from __future__ import annotations

import pytest

from bot import render, words
from bot.options import go_on
from bot.texts import MESSAGE_LIMIT, plain, quoted, seconds
from bot.values import CUSTOM_ID, Action, Press, Rendered
from contracts.outcomes import ErrorCode, Failure, Outcome, Progress, Snapshot, State
from contracts.ports import Ended
from contracts.requests import ImagineRequest, Variation, WriteRequest
from tests.support.jobs import card, imagine, job, pictures, text, write

HOSTILE = ["@everyone <@&1> <#2>", "**bold** `code` ||spoiler|| > quote", "שלום עולם", "🎲" * 50, "a\n\n\n# head", "x" * 400, "```", "\u202egnp.exe"]


def ended(
    outcome: Outcome | None, request: ImagineRequest | WriteRequest | None = None, state: State = State.SUCCEEDED, files: tuple[bytes, ...] = ()
) -> Ended:
    return Ended(job=job(request), state=state, outcome=outcome, files=files, delivered=False)


def within_limits(rendered: Rendered) -> None:
    """What Discord takes: 2000 characters, five rows of five buttons, ten files, unique custom ids, alt texts up to 1024."""
    assert 0 < len(rendered.content) <= MESSAGE_LIMIT
    assert len(rendered.rows) <= 5 and all(1 <= len(row) <= 5 for row in rendered.rows)
    assert len(rendered.files) <= 10 and all(0 < len(file.alt) <= 1024 for file in rendered.files)
    ids = [spec.press.custom_id for row in rendered.rows for spec in row]
    assert len(set(ids)) == len(ids) and all(CUSTOM_ID.fullmatch(custom_id) and len(custom_id) <= 100 for custom_id in ids)


@pytest.mark.parametrize("count", range(1, 10))
def test_pictures_come_as_a_sheet_and_singles(count: int) -> None:
    files = tuple(f"{index}".encode() for index in range(count + 1))
    rendered = render.ended(ended(pictures(count), imagine(count=count), files=files))
    within_limits(rendered)
    assert [file.data for file in rendered.files] == ([b"1"] if count == 1 else list(files))
    assert "abcd1234" in rendered.content and "seed 0" in rendered.content
    assert sum(spec.press.action is Action.VARY for row in rendered.rows for spec in row) == count


def test_what_was_ignored_is_said() -> None:
    rendered = render.ended(ended(pictures(1, ignored=("a", "red")), imagine(prompt="a red 7"), files=(b"", b"")))
    assert "understood" in rendered.content and "red" in rendered.content


def test_many_words_and_digits_still_fit() -> None:
    """400 digits understood and 200 signs ignored: the message says so within its limit."""
    outcome = pictures().model_copy(update={"understood": ("7",) * 400, "ignored": ("*" * 40,) * 200})
    within_limits(render.ended(ended(outcome, imagine(prompt="*" * 400), files=(b"", b""))))


def test_variations_name_their_parent() -> None:
    request = imagine().model_copy(update={"variations": (Variation(seed=5, strength=0.4),)})
    assert "variation of seed 1" in render.ended(ended(pictures(), request, files=(b"", b""))).content


@pytest.mark.parametrize("prompt", HOSTILE)
@pytest.mark.parametrize("make", [lambda p: imagine(prompt=p), lambda p: write(prompt=p)])
def test_hostile_prompts_stay_text(prompt: str, make: object) -> None:
    """No mention survives, no markdown takes effect, nothing breaks the limits, in any state."""
    request = make(prompt)  # type: ignore[operator]
    outcome = pictures() if isinstance(request, ImagineRequest) else text(prompt * 3)
    waiting = Snapshot(job_id="1", state=State.QUEUED, position=3, seconds_left=200)
    for rendered in (render.ended(ended(outcome, request, files=(b"", b""))), render.under_way(job(request), waiting)):
        within_limits(rendered)
        assert "@everyone" not in rendered.content and "<@&1>" not in rendered.content
        assert "**bold**" not in rendered.content and "||spoiler||" not in rendered.content and "```" not in rendered.content


@pytest.mark.parametrize("length", [1, 500, 1500, 1900, 2100, 8000])
@pytest.mark.parametrize("piece", ["word ", "*_`", "長い"])
def test_long_texts_are_never_cut_silently(length: int, piece: str) -> None:
    """What does not fit a message is in a file, whole, and the message says so."""
    written = (piece * length)[:length]
    rendered = render.ended(ended(text(written), write()))
    within_limits(rendered)
    if rendered.files:
        assert rendered.files[0].data.decode() == "To be" + written
        assert "whole text" in rendered.content
    else:
        assert plain(written.rstrip()) in rendered.content


def test_a_text_that_was_stopped_says_so_and_can_go_on() -> None:
    rendered = render.ended(ended(text(stopped="person"), write(), State.CANCELLED))
    assert "stopped" in rendered.content
    assert [spec.press.action for spec in rendered.rows[0]] == [Action.CONTINUE, Action.REROLL, Action.DELETE]


def test_a_text_begins_with_its_prompt() -> None:
    assert render.ended(ended(text(" or not"), write("To be"))).content.startswith("**To be** or not")


def test_a_text_about_its_prompt_stands_below_it() -> None:
    """A title is no beginning of a sentence; and what goes on is the text alone."""
    outcome = text(" Once there was a fox.").model_copy(update={"titled": True})
    assert render.ended(ended(outcome, write("The fox"))).content.startswith("**The fox**\nOnce there was")
    after = go_on(write("The fox"), outcome.text, titled=True)
    assert (after.prompt, after.topic) == (outcome.text, "The fox") and go_on(after, " And then.", titled=True).topic == "The fox"
    assert go_on(after, " And then.", titled=True).prompt == f"{outcome.text} And then." and go_on(write("To be"), " or").topic == ""
    unused = outcome.model_copy(update={"ignored": ("moon",)})
    assert "not made use of: " in render.ended(ended(unused, write("The fox"))).content
    long = text("x " * 2000).model_copy(update={"titled": True})
    assert render.ended(ended(long, write("The fox"))).files[0].data.startswith(b"The fox\n\nx x")


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_has_words(code: ErrorCode) -> None:
    """Each code has words, with and without its details, and no placeholder is left in them."""
    assert code in words.ERRORS
    for details in ({}, {"reason": "it writes digits", "model": "x", "limit": "3", "attempts": "3"}):
        assert "{" not in words.error_text(code, details)
    rendered = render.ended(ended(Failure(code=code), state=State.FAILED))
    within_limits(rendered)
    assert "⚠️" in rendered.content


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED])
def test_jobs_without_an_outcome_are_explained(state: State) -> None:
    within_limits(render.ended(ended(None, state=state)))


def test_files_that_are_gone_are_explained() -> None:
    assert words.TOO_OLD in render.ended(ended(pictures(), files=())).content


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (Snapshot(job_id="1", state=State.QUEUED, position=3, seconds_left=4.2), "place 3, about 4 s left"),
        (Snapshot(job_id="1", state=State.QUEUED, position=1), "place 1."),
        (Snapshot(job_id="1", state=State.QUEUED, position=1, has_worker=False), "No worker"),
        (Snapshot(job_id="1", state=State.RUNNING), "Drawing"),
        (Snapshot(job_id="1", state=State.RUNNING, cancel_requested=True), "Stopping"),
    ],
)
def test_waiting_and_running_are_shown(snapshot: Snapshot, expected: str) -> None:
    rendered = render.under_way(job(), snapshot)
    assert expected in rendered.content
    assert rendered.rows[0][0].press.action is Action.STOP


def test_a_growing_text_always_fits() -> None:
    for length in (10, 1000, 8000):
        progress = Progress(done=length, total=8000, text="*x" * (length // 2))
        for prompt in ("p" * 2000, "*" * 300):
            rendered = render.under_way(job(write(prompt)), Snapshot(job_id="1", state=State.RUNNING, progress=progress))
            within_limits(rendered)
            assert f"{length} of about 8000" in rendered.content


def test_models_are_listed_live_ones_first() -> None:
    shown = render.models([card("absent"), card("digits")], {"digits"})
    assert shown.index("digits") < shown.index("absent") and "no worker" in shown
    assert len(render.models([card(f"model{index}") for index in range(40)], set())) <= MESSAGE_LIMIT


def test_many_models_are_listed_in_short() -> None:
    """A dozen models with long words still fit one message, each with its command, its example and the beginning of its summary."""
    long = {"summary": "Draws many things that are told at great length. " * 6, "knows": "much " * 60}
    cards = [card(f"model-{number}", "image" if number % 2 else "text").model_copy(update=long) for number in range(12)]
    shown = render.models(cards, {each.name for each in cards[:9]})
    assert len(shown) <= MESSAGE_LIMIT and all(f"model:{each.name} prompt:7`" in shown for each in cards)
    assert shown.count("no worker") == 3 and shown.count("great length") == 12 and "It knows much" not in shown
    assert "It knows the digits" in render.models([card("digits")], {"digits"})


def test_a_press_comes_back_from_its_custom_id() -> None:
    for action in Action:
        match = CUSTOM_ID.fullmatch(Press(action=action, job_id="1234567890123456789", index=8).custom_id)
        assert match and (match["action"], match["job"], match["index"]) == (action.value, "1234567890123456789", "8")
    assert CUSTOM_ID.fullmatch("aigc:delete:../x:0") is None


def test_quotes_are_one_short_line() -> None:
    assert "\n" not in quoted("a\nb") and len(quoted("x" * 500)) < 170 and "…" in quoted("x" * 500)


@pytest.mark.parametrize(("value", "expected"), [(0.2, "less than a second"), (5.4, "about 5 s"), (600, "about 10 min")])
def test_durations_are_for_people(value: float, expected: str) -> None:
    assert seconds(value) == expected


def test_what_was_understood_is_said_where_the_prompt_says_it_otherwise() -> None:
    outcome = pictures(1).model_copy(update={"understood": ("pizza head", "square red glasses")})
    assert render._reading(outcome, "piza, red glasses") == [f"-# understood: {quoted('pizza head')} · {quoted('square red glasses')}"]
    assert render._reading(outcome, "Square red glasses, pizza HEAD") == []
