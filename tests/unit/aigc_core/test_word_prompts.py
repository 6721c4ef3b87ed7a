"""What people type, and what is made of it."""

from __future__ import annotations

import pytest

from aigc_core.gan.word_prompts import WordReader, WordReading

SLOTS = ("body", "accessory", "head", "glasses")
PHRASES = (
    (("gold",), ("red",), ("green",)),
    (("tie", "red"), ("rainbow", "steps"), ("robot",), ("dragon",)),
    (("pizza",), ("robot",), ("shark",), ("wizardhat",), ("diamond", "red"), ("frog",)),
    (("square", "red"), ("square", "blue"), ("square", "blue", "med", "saturated")),
)
CLOSED = WordReader(slots=SLOTS, phrases=PHRASES, vocabulary=sorted({w for s in PHRASES for p in s for w in p}), closed=True)
FREE = WordReader(slots=("words",), phrases=((("red", "dragon"),),), vocabulary=("red", "dragon", "blue", "potion"), closed=False)


def said(prompt: str) -> dict[str, str]:
    reading = CLOSED.read(prompt)
    return {slot: " ".join(phrase) for slot, phrase in zip(SLOTS, reading.description, strict=True) if phrase}


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("pizza head, red glasses, gold body", {"head": "pizza", "glasses": "square red", "body": "gold"}),
        ("a shark with blue shades", {"head": "shark", "glasses": "square blue"}),
        ("robot, rainbow shirt", {"head": "robot", "accessory": "rainbow steps"}),
        ("gold body blue glasses pizza", {"body": "gold", "glasses": "square blue", "head": "pizza"}),
        ("Wizard", {"head": "wizardhat"}),
        ("piza hed", {"head": "pizza"}),
        ("green frog", {"head": "frog", "body": "green"}),
        ("red dragon", {"accessory": "dragon", "body": "red"}),
        ("red, blue glasses", {"body": "red", "glasses": "square blue"}),
        ("", {}),
    ],
)
def test_slots_are_named_or_guessed(prompt: str, expected: dict[str, str]) -> None:
    assert said(prompt) == expected


def test_what_means_nothing_is_reported() -> None:
    assert CLOSED.read("qwertzuiop 鲨鱼").ignored == ("qwertzuiop", "鲨鱼")
    assert FREE.read("a red dragon, qwertzuiop") == WordReading(description=(("red", "dragon"),), ignored=("qwertzuiop",))


def test_plurals_and_slips_are_their_words() -> None:
    assert FREE.read("dragons").description == (("dragon",),)
    assert FREE.read("dragn").description == (("dragon",),)
