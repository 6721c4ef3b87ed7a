from __future__ import annotations

import pytest

from bot.texts import MESSAGE_LIMIT, cut, fitting, plain


def test_masked_links_are_broken() -> None:
    """`[harmless](https://elsewhere)` would show other words than where it leads."""
    assert "](" not in plain("[free nitro](https://example.org)").replace("\\", "")


@pytest.mark.parametrize("limit", range(1, 40))
def test_a_cut_never_goes_through_an_escape(limit: int) -> None:
    head = cut(plain("a*b _c_ d\\e **f** g"), limit)
    assert len(head) <= limit
    assert (len(head) - len(head.rstrip("\\"))) % 2 == 0


def test_a_cut_keeps_nearly_all_there_is_room_for() -> None:
    text = plain("word *and* " * 300)
    assert 1180 < len(cut(text, 1200)) <= 1200


def test_lines_that_do_not_fit_are_counted() -> None:
    shown = fitting(["x" * 300] * 10)
    assert len(shown) <= MESSAGE_LIMIT and shown.endswith("… and 4 more")
    assert fitting(["a", "b"]) == "a\nb"
