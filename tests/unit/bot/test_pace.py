"""Edits of a channel keep the pace that Discord takes."""

from __future__ import annotations

from bot.pace import FASTEST_SECONDS, SLOWEST_SECONDS, Pace


def turns(pace: Pace, seconds: float) -> int:
    return sum(pace.take("1", now=100 + step / 100) for step in range(int(seconds * 100)))


def test_turns_come_at_the_channels_interval() -> None:
    assert abs(turns(Pace(), 10) - 10 / FASTEST_SECONDS) <= 6  # and a short burst at the start


def test_a_channel_that_is_held_up_slows_down_and_recovers() -> None:
    pace = Pace()
    for _ in range(4):
        pace.note("1", 3.0)
    assert abs(pace.interval("1") - 16 * FASTEST_SECONDS) < 1e-9
    assert turns(pace, 16) <= 16 / (16 * FASTEST_SECONDS) + 1
    for _ in range(50):
        pace.note("1", 9.0)
    assert pace.interval("1") == SLOWEST_SECONDS
    for _ in range(60):
        pace.note("1", 0.1)
    assert pace.interval("1") == FASTEST_SECONDS


def test_channels_do_not_slow_each_other_and_are_forgotten() -> None:
    pace = Pace()
    pace.note("1", 5.0)
    assert pace.interval("2") == FASTEST_SECONDS < pace.interval("1")
    pace.keep({"2"})
    assert pace.interval("1") == FASTEST_SECONDS
