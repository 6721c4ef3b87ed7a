"""Stories with what they are about."""

from __future__ import annotations

from aigc_core.data.stories import KINDS, LENGTHS, LONGEST, SHORTEST, about_words, common_words, length_control, load_stories


def test_what_a_story_is_about_are_its_telling_words() -> None:
    """In order, each once, without what every story says."""
    common = common_words(["the a was and there once upon time"] * 3)
    assert about_words("Once upon a time there was a dragon. The dragon didn't like the dark, as it is.", common) == ["dragon", "like", "dark"]


def test_a_length_is_a_control() -> None:
    assert [length_control(number) for number in (1, 700, 701, 1500, 1501, 99_999)] == ["short", "short", "medium", "medium", "long", "long"]


def test_the_stories_are_whole_and_told_apart(needs_data: None) -> None:
    """Three kinds, three lengths, texts within their bounds without Markdown, and each about something."""
    stories = load_stories()
    assert len(stories) > 3000 and {kind for story in stories for kind in story.controls} == {*KINDS, *(name for name, _ in LENGTHS)}
    assert all(
        SHORTEST <= len(story.text) <= LONGEST and "\n#" not in story.text and "_" not in story.text for story in stories if "tale" in story.controls
    )
    assert sum(1 for story in stories if story.about) > 0.99 * len(stories)
