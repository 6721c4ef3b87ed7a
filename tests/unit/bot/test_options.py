from __future__ import annotations

import pytest

from bot import options
from bot.options import Catalogue, OptionError
from contracts.requests import ImagineRequest, WriteRequest
from contracts.values import MAX_VARIATIONS, SEED_LIMIT
from tests.support.jobs import card, imagine, write

KNOWN = Catalogue(
    cards=(card("aardvark"), card("digits"), card("bard", "text")), live=frozenset({"aardvark", "digits", "bard"}), preferred=("digits",)
)


def test_the_preferred_live_model_is_the_usual_one() -> None:
    assert options.imagine(KNOWN, "7", None, 4, 5, 1.0) == ImagineRequest(model="digits", prompt="7", count=4, seed=5)
    away = Catalogue(cards=KNOWN.cards, live=frozenset({"aardvark"}), preferred=("digits",))
    assert options.imagine(away, "7", None, 4, 5, 1.0).model == "aardvark"


def test_a_prompt_without_a_model_goes_to_the_one_that_knows_its_words() -> None:
    words = {"sprites": ("red", "dragon"), "avatars": ("a", "red", "pizza", "head"), "digits": (*"0123456789", "seven")}
    cards = tuple(card(name).model_copy(update={"words": known}) for name, known in words.items())
    catalogue = Catalogue(cards=cards, live=frozenset(words), preferred=("sprites", "avatars"))
    usual = {"a red dragon": "sprites", "red": "sprites", "pizza head": "avatars", "Dragons!": "sprites", "2026": "digits", "qwertz": "sprites"}
    assert {prompt: options.imagine(catalogue, prompt, None, 4, 5, 1.0).model for prompt in usual} == usual
    asleep = Catalogue(cards=cards, live=frozenset({"sprites"}), preferred=("sprites",))
    assert options.imagine(asleep, "pizza head", None, 4, 5, 1.0).model == "sprites"


def test_a_seed_nobody_chose_is_new_each_time() -> None:
    assert len({options.imagine(KNOWN, "7", None, 1, None, 1.0).seed for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("", None, 4, 1, 1.0), "empty"),
        (("   ", None, 4, 1, 1.0), "empty"),
        (("x" * 6000, None, 4, 1, 1.0), "6,000 characters"),
        (("7", "nonsense", 4, 1, 1.0), "`digits`"),
        (("7", "bard", 4, 1, 1.0), "no model"),
        (("7", None, 0, 1, 1.0), "`count` goes from 1 to 9"),
        (("7", None, 10, 1, 1.0), "10 is outside"),
        (("7", None, 4, -1, 1.0), "`seed` goes from 0"),
        (("7", None, 4, SEED_LIMIT, 1.0), "4294967295"),
        (("7", None, 4, 1, 0.0), "`truncation` goes from 0.1 to 1.5"),
    ],
)
def test_bad_input_gets_words_that_say_what_is_possible(arguments: tuple[str, str | None, int, int, float], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        options.imagine(KNOWN, *arguments)


def test_writing_checks_its_own_options() -> None:
    assert options.write(KNOWN, "To be ", None, 50, 0.5, 3) == WriteRequest(model="bard", prompt="To be ", length=50, temperature=0.5, seed=3)
    for wrong in ((0, 0.8), (9000, 0.8), (50, 3.0)):
        with pytest.raises(OptionError, match="goes from"):
            options.write(KNOWN, "To be", None, *wrong, None)  # type: ignore[arg-type]


def test_a_text_is_written_by_who_writes_its_language() -> None:
    tongues = {"tales": "en", "poems": "zh", "own": ""}
    cards = tuple(card(name, "text").model_copy(update={"language": language}) for name, language in tongues.items())
    known = Catalogue(cards=cards, live=frozenset(tongues), preferred=("tales", "poems"))
    asked = {"A dragon": "tales", "春雪": "poems", "Ein Märchen": "tales"}
    assert {prompt: options.write(known, prompt, None, 50, 0.5, 3).model for prompt in asked} == asked
    only = Catalogue(cards=cards[:1], live=frozenset({"tales"}), preferred=())
    assert options.write(only, "春雪", None, 50, 0.5, 3).model == "tales"


def test_a_kind_or_mood_is_one_that_the_model_offers() -> None:
    """Without a model the one that offers it is taken; one of the names of a form names it; what is not offered is refused with what is."""
    moods = card("npc", "text").model_copy(update={"choices": {"mood": ("plain", "angry")}})
    verse = card("poems", "text").model_copy(update={"choices": {"kind": ("七绝", "渔家傲・忆王孙")}})
    known = Catalogue(cards=(card("bard", "text"), moods, verse), live=frozenset({"bard", "npc", "poems"}), preferred=("bard",))
    asked = options.write(known, "king", None, 50, 0.5, 3, mood=" Angry ")
    assert (asked.model, asked.mood, asked.sort) == ("npc", "angry", "")
    assert options.write(known, "spring", None, 50, 0.5, 3, kind="忆王孙").sort == "渔家傲・忆王孙"
    assert options.write(known, "To be", None, 50, 0.5, 3).model == "bard"
    for model, words in (("npc", "`plain`, `angry`"), ("bard", "no `mood`"), (None, "no `mood`")):
        with pytest.raises(OptionError, match=words):
            options.write(known, "king", model, 50, 0.5, 3, mood="jolly")


def test_a_model_is_found_however_it_is_typed() -> None:
    assert options.imagine(KNOWN, "7", " Digits ", 1, 1, 1.0).model == "digits"


def test_varying_keeps_the_parents_latent_and_its_place() -> None:
    """Picture 2 of a request is varied from its own seed, and shows what it showed; varying again adds to the lineage."""
    once = options.vary(imagine(count=4, seed=10), 2)
    assert once.seed == 12 and once.place == 2 and len(once.variations) == 1 and once.count == 4
    twice = options.vary(once, 1)
    assert twice.seed == 12 and twice.place == 2
    assert twice.variations[0].seed == (once.variations[0].seed + 1) % SEED_LIMIT and len(twice.variations) == 2


def test_a_lineage_ends_with_words() -> None:
    request = imagine()
    for _ in range(MAX_VARIATIONS):
        request = options.vary(request, 0)
    with pytest.raises(OptionError, match="varied 16 times"):
        options.vary(request, 0)


def test_rerolling_changes_chance_only() -> None:
    request = imagine(seed=1)
    again = options.reroll(request)
    assert again.seed != 1 and again.model_copy(update={"seed": 1}) == request
    varied = options.vary(request, 0)
    rerolled = options.reroll(varied)
    assert isinstance(rerolled, ImagineRequest)
    assert rerolled.seed == varied.seed and rerolled.variations != varied.variations


def test_the_end_of_a_text_is_written_anew_from_a_sentence_s_end() -> None:
    """What is kept is read again, about what the first was; as long as what was cut; never from where the whole text stopped."""
    text = 'It was dark. "Who is there?" he said. Nobody answered, and the wind went on. ' * 4
    request = options.end_anew(write("The fox"), text, titled=True)
    assert request.continues and request.after is None and request.topic == "The fox"
    assert text.startswith(request.prompt) and request.prompt.endswith("he said.") and len(request.prompt) + request.length == len(text)
    assert options.go_on(write("a"), "b", after="123").after == "123"
    with pytest.raises(OptionError, match="too short"):
        options.end_anew(write("The fox"), "no end here at all")


def test_going_on_starts_where_the_text_ended() -> None:
    request = options.go_on(write("To be"), " or not" * 400)
    assert request.continues and request.prompt.endswith("or not") and len(request.prompt) == 1500
