"""How texts begin: with the prompt, or with a head of what they are about."""

from __future__ import annotations

import pytest

from aigc_core.data.corpus import END, START, TEXT
from aigc_core.rnn.openings import About, AboutOpening, ListOpening, PlainOpening, first_sentence, read_opening
from aigc_core.rnn.tokenizer import BytePairTokenizer, CharacterTokenizer, learn_merges

TOKENIZER = BytePairTokenizer((), (START, TEXT, END, "simple", "short", "long"))
COMMON = frozenset(["who", "was", "the", "of"])
STORY = About(controls={"simple": (), "long": ("lengthy",)}, common=COMMON)


def controls(*names: str) -> list[int]:
    return [token for name in names if (token := TOKENIZER.control(name)) is not None]


def test_a_prompt_becomes_a_head() -> None:
    """start, kind, length, the telling words, text: and what is more than a head can hold is said."""
    opening = AboutOpening(TOKENIZER, STORY)
    opened = opening.open("A dragon who was afraid of the dark, and sleepy now", 400, continues=False)
    head = controls(START, "simple", "short")
    assert opened.tokens == [*head, *b"dragon afraid dark and", *controls(TEXT)] and opened.ignored == ("sleepy", "now")
    strange = opening.open("Ein Märchen: 龙", 400, continues=False)
    assert strange.tokens == [*head, *b"ein", *controls(TEXT)] and strange.ignored == ("märchen", "龙"), "no part of a word is a word"
    assert opening.open("", 9999, continues=False).tokens == controls(START, "simple", "long", TEXT)
    assert opened.titled and opening.end == TOKENIZER.control(END)


def test_a_mood_is_chosen_or_said() -> None:
    """What is chosen beside the prompt comes before what its words say; speakers stand first, whatever their place; nothing else is counted."""
    about = About(controls={"simple": (), "long": ("lengthy",)}, common=COMMON, sized=False, most=2, first=frozenset(["king"]))
    opening = AboutOpening(TOKENIZER, about)
    assert opening.open("lengthy gold king", 100, False).tokens == [*controls(START, "long"), *b"king gold", *controls(TEXT)]
    assert opening.open("gold ship king", 100, False).tokens == [*controls(START, "simple"), *b"king gold", *controls(TEXT)]
    assert opening.open("lengthy king", 100, False, wanted=["simple", "loud"]).tokens == [*controls(START, "simple"), *b"king", *controls(TEXT)]
    assert opening.open("the king", 100, False).tokens == [*controls(START, "simple"), *b"king", *controls(TEXT)]


@pytest.mark.parametrize(
    ("prompt", "first"),
    [
        ("A dragon who was afraid", "Once upon a time there was a dragon who was afraid."),
        ("write me a story about an old mill", "Once upon a time there was an old mill."),
        ("The fox and the moon", "This is the story of the fox and the moon."),
        ("Lily and  the bear", "This is the story of Lily and the bear."),
        ("the fox was hungry.", "The fox was hungry."),
        ("Write me a story about a fox.", "Once upon a time there was a fox."),
        ("The fox\u2019s tail", "This is the story of the fox's tail."),
        ("Tell me a story", ""),
        ("once upon a time there was", "Once upon a time there was"),
        ("Write a story.", ""),
        ("dragon afraid dark", ""),
        ("Der Fuchs und der Mond", ""),
        ("Ein Märchen", ""),
        ("龙", ""),
        ("  ", ""),
        ("42", ""),
        ("x" * 300, ""),
    ],
)
def test_a_story_s_first_sentence_says_what_it_is_about(prompt: str, first: str) -> None:
    assert first_sentence(prompt) == first


def test_the_words_of_the_prompt_are_favoured() -> None:
    """Their first tokens, where those tell enough; the first sentence is part of the text."""
    tokenizer = BytePairTokenizer(learn_merges(["the dragon and the fox"] * 50, 40), (START, TEXT, END, "simple", "short"))
    opening = AboutOpening(tokenizer, About(controls={"simple": ()}, common=COMMON, told=True))
    opened = opening.open("A dragon of xy", 100, False)
    assert opened.lead == "Once upon a time there was a dragon of xy." and opened.tokens[-len(tokenizer.encode(opened.lead)) :] == tokenizer.encode(
        opened.lead
    )
    assert [tokenizer.piece(token) for token in opened.favoured] == [tokenizer.piece(tokenizer.encode(" dragon")[0])]
    assert opening.open("and on.", 100, True, topic="A dragon").lead == ""


def test_a_text_goes_on_after_the_head_of_the_first() -> None:
    opened = AboutOpening(TOKENIZER, STORY).open("then it rained.", 400, continues=True, topic="The dragon")
    assert opened.tokens == [*controls(START, "simple", "short"), *b"dragon", *controls(TEXT), *b"then it rained."] and opened.ignored == ()


def test_a_plain_model_begins_with_the_prompt() -> None:
    """Letters that are unknown are named; there is always a token to begin with; a model without documents knows no end."""
    plain = PlainOpening(CharacterTokenizer("\nab"))
    assert plain.open("aß", 9, False).tokens == [1] and plain.open("aß", 9, False).ignored == ("ß",)
    assert plain.open("", 9, False).tokens == [0] and plain.end is None and not plain.open("a", 9, False).titled
    documents = PlainOpening(TOKENIZER, (START, TEXT))
    assert documents.open("a", 9, False).tokens == [*controls(START, TEXT), 97] and documents.open("a", 9, True).tokens == [97]
    assert documents.end == TOKENIZER.control(END)


def test_a_configuration_names_its_opening() -> None:
    head = {"controls": {"simple": [], "long": ["old"]}, "common": ["the"], "sized": False, "most": 2, "first": ["king"]}
    about = read_opening({"about": head}, TOKENIZER)
    assert isinstance(about, AboutOpening) and about.about == About(
        controls={"simple": [], "long": ["old"]}, common=frozenset(["the"]), sized=False, most=2, first=frozenset(["king"])
    )
    assert isinstance(read_opening({"opens": ["start"]}, TOKENIZER), PlainOpening)


def test_a_list_has_a_kind_and_a_beginning() -> None:
    """A word names the kind, what is left begins the first name and is part of what is shown."""
    opening = read_opening({"lists": {"simple": ["people"], "long": ["place", "places"]}}, TOKENIZER)
    assert isinstance(opening, ListOpening)
    opened = opening.open("Places starting with br", 100, continues=False)
    assert opened.tokens == [*controls(START, "long", TEXT), *b"Br"] and opened.lead == "Br" and opened.titled
    assert opening.open("", 100, continues=False).tokens == controls(START, "simple", TEXT)
    known = read_opening({"lists": {"simple": ["people"]}, "known": ["Rome"]}, TOKENIZER)
    assert isinstance(known, ListOpening)
    assert [known.goes_on(text) for text in ("Rome", "Paris\nRome", "Romeo", "Rome\n", "")] == [True, True, False, False, False]
    assert opening.open("places", 100, continues=False, wanted=["simple"]).tokens == controls(START, "simple", TEXT)
