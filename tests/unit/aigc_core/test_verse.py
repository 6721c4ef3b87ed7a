"""Verse: forms are read off the poems, rhymes are learned from them, and what is written keeps both, whatever the model says."""

from __future__ import annotations

import time
from collections import Counter

import pytest
import torch

from aigc_core.data.corpus import END, START, TEXT
from aigc_core.data.poems import Form, Poem, line_ends, load_poems, rhyme_groups, rhyming_places, skeleton
from aigc_core.rnn.forms import VerseGuide, VerseTables, keeps_form
from aigc_core.rnn.hawk import Hawk, HawkConfig
from aigc_core.rnn.openings import VerseOpening
from aigc_core.rnn.tokenizer import BytePairTokenizer, learn_merges
from aigc_core.serving import TextModel
from contracts.outcomes import TextOutcome
from contracts.requests import WriteRequest
from tests.support.models import FakeShelf
from workers.engine import Engine
from workers.work import Work

GROUPS = ["光霜乡香长凉阳堂", "山间闲还关颜斑攀"]
CHARACTERS = "".join(GROUPS) + "床前明月疑是地上举头望低思故春夏秋冬"
TOKENIZER = BytePairTokenizer(learn_merges([CHARACTERS * 3 + "，。\n" * 3], 200), (START, TEXT, END, "五绝", "七绝"))
FIVE = Form(name="五绝", skeleton="□□□□□，□□□□□。\n□□□□□，□□□□□。", rhymes=(9, 19))
SEVEN = Form(name="七绝", skeleton="□□□□□□□，□□□□□□□。\n□□□□□□□，□□□□□□□。", rhymes=(6, 13, 27))


def model() -> TextModel:
    """A model that has learned nothing: whatever form its poems have is the guide's."""
    torch.manual_seed(0)
    network = Hawk(HawkConfig(vocab_size=TOKENIZER.vocab_size, width=16, num_layers=1))
    return TextModel(network, TOKENIZER, {"version": "1"}, "cpu", VerseOpening(TOKENIZER, (FIVE, SEVEN), GROUPS))


@pytest.mark.parametrize(("prompt", "form"), [("七绝 春", SEVEN), ("五绝", FIVE), ("春夏", FIVE), ("", FIVE)])
def test_every_poem_keeps_its_form(prompt: str, form: Form) -> None:
    """Characters, marks, line ends and rhymes of the form that was named, else of the first; at any temperature."""
    poet = model()
    for seed in range(10):
        assert keeps_form(poet.write(prompt, 5, poet.settings(1.5), seed), form, GROUPS)


def test_a_first_line_is_taken_up() -> None:
    """A line with its comma is the beginning: what is written goes on from it to the form's end, and nothing else is."""
    poet = model()
    text = poet.write("床前明月光，", 5, poet.settings(1.0), 3)
    assert keeps_form(f"床前明月光，{text}", FIVE, GROUPS)
    opened = poet.opening.open("床前明月光，", 5, continues=False)
    assert not opened.titled and b"".join(map(TOKENIZER.piece, opened.tokens)).decode() == "床前明月光，"
    assert poet.opening.open("七绝 床前明月光，", 5, continues=False).titled, "five characters are no line of seven: a theme then"
    rare = poet.opening.open("床前明月龘，", 5, continues=False)
    assert rare.titled, "a character that is no token of its own would be counted as several: a theme then"
    assert keeps_form(poet.write("床前明月龘，", 5, poet.settings(1.0), 3), FIVE, GROUPS)


def test_what_goes_on_is_another_poem_of_its_form_and_theme() -> None:
    opening = model().opening
    first = opening.open("七绝 春雪", 5, continues=False)
    assert opening.open("床前明月光，疑是地上霜。", 5, continues=True, topic="七绝 春雪").tokens == first.tokens


def test_rhymes_of_few_characters_are_not_rhymed_on() -> None:
    """With a group of two beside one of eight, all poems keep their form: the small group is never chosen at a rhyming place."""
    groups = ["地月", "山间闲还关颜斑攀"]
    torch.manual_seed(0)
    network = Hawk(HawkConfig(vocab_size=TOKENIZER.vocab_size, width=16, num_layers=1))
    poet = TextModel(network, TOKENIZER, {"version": "1"}, "cpu", VerseOpening(TOKENIZER, (FIVE,), groups))
    poems = [poet.write("", 5, poet.settings(1.5), seed) for seed in range(20)]
    assert all(keeps_form(poem, FIVE, groups) and {poem[10], poem[23]} <= set(groups[1]) for poem in poems)


def test_a_form_has_several_names() -> None:
    """A tune that is known by two names is found by each."""
    two = Form(name="望江南・五绝", skeleton=FIVE.skeleton, rhymes=FIVE.rhymes)
    opening = VerseOpening(TOKENIZER, (SEVEN, two), GROUPS)
    guide = opening.open("望江南 春", 5, continues=False).guide
    assert isinstance(guide, VerseGuide) and guide.form == two


def test_poems_and_their_neighbours_change_nothing() -> None:
    """In a batch a poem is what it is alone, beside poems of other forms."""
    engine = Engine(FakeShelf(poems=model()), max_pictures=8, max_texts=3)
    engine.start()
    requests = [
        WriteRequest(model="poems", prompt=prompt, length=20, temperature=1.2, seed=seed)
        for seed, prompt in enumerate(["七绝 春", "五绝", "床前明月光，", "七绝"])
    ]
    works = [Work(job_id=str(index), request=request, deadline_at=time.time() + 60) for index, request in enumerate(requests)]
    for work in works:
        engine.submit(work)
    outcomes = [work.result(60).outcome for work in works]
    engine.stop()
    alone = [model().write(request.prompt, 20, model().settings(1.2), request.seed) for request in requests]
    assert [outcome.text for outcome in outcomes if isinstance(outcome, TextOutcome)] == alone
    assert [outcome.titled for outcome in outcomes if isinstance(outcome, TextOutcome)] == [True, True, False, True]


def test_a_theme_is_said_and_strange_words_are_named() -> None:
    opened = model().opening.open("七绝 spring 春雪", 5, continues=False)
    start, seven, text = (TOKENIZER.control(name) for name in (START, "七绝", TEXT))
    assert opened.tokens[:2] == [start, seven] and opened.tokens[-1] == text and opened.ignored == ("spring",) and opened.titled
    assert b"".join(map(TOKENIZER.piece, opened.tokens)).decode() == "春雪"


def test_the_first_rhyme_decides_the_others() -> None:
    tables = VerseTables(TOKENIZER, GROUPS)
    guide = VerseGuide(tables, FIVE)
    (moon,), (light,) = TOKENIZER.encode("月"), TOKENIZER.encode("光")
    for token in [moon] * 5 + TOKENIZER.encode("，") + [moon] * 4:
        assert guide.allowed()[token]
        guide.take(token)
    assert not guide.allowed()[moon] and guide.allowed()[light], "a rhyming place takes a character that rhymes with some"
    guide.take(light)
    for token in TOKENIZER.encode("。\n") + [moon] * 5 + TOKENIZER.encode("，") + [moon] * 4:
        assert guide.allowed()[token]
        guide.take(token)
    assert torch.equal(guide.allowed(), tables.rhyming(0))


def test_a_form_that_is_not_kept_is_seen() -> None:
    good = "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。"
    assert keeps_form(good, FIVE, GROUPS)
    assert not keeps_form(good.replace("乡", "山"), FIVE, GROUPS) and not keeps_form(good.replace("。", "，"), FIVE, GROUPS)
    assert not keeps_form(good, SEVEN, GROUPS)


def test_rhymes_are_read_off_the_poems() -> None:
    """Ends that share a group in most poems rhyme; characters that stand at rhyming places together are a group."""
    poems = [
        Poem(form="五绝", title="", text=f"床前明月{a}，疑是地上{b}。\n举头望明{c}，低头思故{d}。")
        for a, b, c, d in zip("春夏秋冬", "光霜香长", "月地前床", "乡凉阳堂", strict=True)
    ]
    group_of = {character: number for number, group in enumerate(GROUPS) for character in group}
    assert line_ends(skeleton(poems[0].text)) == [4, 9, 14, 19] and rhyming_places(poems, group_of) == (9, 19)
    pairs = Counter({(a, b): 5 for group in GROUPS for i, a in enumerate(group) for b in group[i + 1 :]})
    pairs["光", "山"] = 3
    assert sorted(map(sorted, rhyme_groups(pairs))) == sorted(map(sorted, GROUPS))


def test_the_old_rhymes_are_found_in_the_old_poems(needs_data: None) -> None:
    """Without being told any: the even lines of regulated verse rhyme, and well-known rhymes share a group while others do not."""
    poems, forms, groups = load_poems()
    by_name = {form.name: form for form in forms}
    assert len(poems) > 200_000 and by_name["五律"].rhymes == (9, 19, 29, 39) and by_name["七绝"].rhymes == (6, 13, 27)
    group_of = {character: number for number, group in enumerate(groups) for character in group}
    assert group_of["光"] == group_of["霜"] == group_of["乡"] != group_of["山"] == group_of["间"] == group_of["还"]
    share = sum(keeps_form(poem.text, by_name["五律"], groups) for poem in poems[-20_000:] if poem.form == "五律") / max(
        1, sum(poem.form == "五律" for poem in poems[-20_000:])
    )
    assert share > 0.6, "most of the poets keep the rhymes that were found"
