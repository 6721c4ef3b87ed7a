"""Lines of speech with who says them, in which mood."""

from __future__ import annotations

import pytest

from aigc_core.data.names import KIND_WORDS, load_names
from aigc_core.data.npc import FEWEST, HELD_OUT, LINES, LONGEST, MOOD_WORDS, SHORTEST, UNFIT, load_npc, speech


@pytest.mark.parametrize(
    ("paragraph", "text", "role", "mood"),
    [
        ('"Stand back, all of you!" cried the old king.', "Stand back, all of you!", "king", "loud"),
        ('"I have lost my ring," said the queen sadly, and wept.', "I have lost my ring.", "queen", "sad"),
        ('"Where is the ship now?" said he.', "Where is the ship now?", "", "asking"),
        ('"There is gold below," whispered Tom.', "There is gold below.", "", "quiet"),
        ('"You will pay for that," he growled.', "You will pay for that.", "", "angry"),
    ],
)
def test_the_book_says_who_speaks_and_how(paragraph: str, text: str, role: str, mood: str) -> None:
    """An adverb says more than a verb, a question mark more than ``said``; a comma before the verb was a full stop."""
    (line,) = speech(iter([paragraph]))
    assert (line.text, line.role, line.mood) == (text, role, mood)


def test_what_nobody_should_be_called_is_left_out() -> None:
    assert not list(speech(iter(['"Get away from here, you savage!" cried the man.', '"Short." said the man.'])))
    assert list(speech(iter(['"He has the jewel in his hand!" cried the man.']))), "a jewel is nobody"


def test_the_books_give_texts_of_a_few_lines(needs_data: None) -> None:
    """Nothing that is held out stands in a text for training; every mood is known, and each of its lines is as long as it should be."""
    train, held, roles, common = load_npc()
    assert "the" in common and not common & set(roles)
    lines, others = ({line for one in side for line in one.text.split("\n")} for side in (train, held))
    assert not lines & others and len(others) == pytest.approx(len(lines | others) / HELD_OUT, rel=0.01)
    assert all(SHORTEST <= len(line) <= LONGEST and not UNFIT.search(line) for line in lines)
    assert {one.controls[0] for one in train} == set(MOOD_WORDS) and all(1 <= one.text.count("\n") + 1 <= LINES for one in train)
    assert {"king", "captain", "witch"} <= set(roles) and sum("king" in one.about.split() for one in train) >= FEWEST


def test_names_are_held_out_by_name(needs_data: None) -> None:
    """Lists of names that no list for training holds; of all kinds."""
    train, held = load_names()
    known, others = ({name for one in side for name in one.text.split("\n")} for side in (train, held))
    assert (
        len(others) > 1_000
        and not known & others
        and {one.controls for one in held} == {one.controls for one in train} == {(kind,) for kind in KIND_WORDS}
    )
