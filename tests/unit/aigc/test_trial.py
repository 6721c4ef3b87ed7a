from __future__ import annotations

import pytest

from aigc.trial import is_complete, is_final, parse

COMMANDS = [{"name": "imagine", "options": [{"name": "prompt"}, {"name": "count"}]}, {"name": "queue", "options": []}]


def message(*custom_ids: str, flags: int = 0) -> dict[str, object]:
    return {"flags": flags, "components": [{"components": [{"custom_id": custom_id} for custom_id in custom_ids]}]}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/imagine prompt:7", ("imagine", {"prompt": "7"})),
        ('/imagine prompt:"a red dragon" count:4', ("imagine", {"prompt": "a red dragon", "count": "4"})),
        ("/imagine prompt:time 12:30 count:2", ("imagine", {"prompt": "time 12:30", "count": "2"})),
        ("/queue", ("queue", {})),
    ],
)
def test_command_lines_are_split_by_the_options_of_the_command(line: str, expected: tuple[str, dict[str, str]]) -> None:
    assert parse(line, COMMANDS) == expected


@pytest.mark.parametrize("line", ["", "imagine", "/nothing", "/imagine 7", "/queue 7"])
def test_lines_that_mean_nothing_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"there is no command|belongs to no option"):
        parse(line, COMMANDS)


def test_an_answer_is_final_when_it_can_be_deleted_or_is_private() -> None:
    assert not is_final(message("aigc:stop:1:0")) and not is_final(message(flags=64 | 128))
    assert is_final(message("aigc:delete:1:0")) and is_final(message(flags=64))


def test_only_results_are_complete() -> None:
    assert is_complete(message("aigc:vary:1:0", "aigc:delete:1:0"), "imagine")
    assert not is_complete(message("aigc:reroll:1:0", "aigc:delete:1:0"), "imagine")
    assert not is_complete(message(flags=64), "write") and is_complete(message(flags=64), "queue")
