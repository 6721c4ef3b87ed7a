"""Presets of the recurrent language models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aigc_core.presets import Preset
from aigc_core.training.budget import Budget
from aigc_core.training.loop import Trainer

_FIRST_FORMS = ("七绝", "五绝", "七律", "五律")


def text_presets() -> tuple[Preset, ...]:
    """The zoo's language models."""
    return (_bard(), _bard_lstm(), _bard_min_gru(), _tales(), _poems(), _names(), _npc())


_CELLS = {"hawk": "Hawk (RG-LRU)", "lstm": "LSTM", "min-gru": "minGRU"}


def _text_setup(cell: str) -> Callable[[str], Trainer]:
    def setup(device: str) -> Trainer:
        from aigc_core.data.shakespeare import CREDIT, LICENCE, load_shakespeare
        from aigc_core.rnn.cells import CellConfig
        from aigc_core.rnn.hawk import HawkConfig
        from aigc_core.rnn.lstm import LstmConfig
        from aigc_core.rnn.min_gru import MinGruConfig
        from aigc_core.rnn.training import TextRecipe, TextTrainer

        large = device.startswith("cuda")
        corpus = load_shakespeare()
        size = corpus.tokenizer.vocab_size
        config: CellConfig
        if cell == "hawk":
            config = HawkConfig(vocab_size=size, width=320, num_layers=8) if large else HawkConfig(vocab_size=size, width=160, num_layers=4)
        elif cell == "lstm":
            config = LstmConfig(vocab_size=size, width=512 if large else 256, num_layers=2)
        else:
            config = MinGruConfig(vocab_size=size) if large else MinGruConfig(vocab_size=size, width=128, num_layers=3)
        card = {
            "name": "bard" if cell == "hawk" else f"bard-{cell}",
            "title": "Bard" if cell == "hawk" else f"Bard ({_CELLS[cell]})",
            "family": "rnn",
            "kind": "text",
            "summary": f"Plays in the manner of Shakespeare, letter by letter: a {_CELLS[cell]} network.",
            "knows": "English letters and the punctuation of the plays",
            "examples": ["To be", "KING RICHARD:", "Shall I compare thee"],
            "data": {"name": "tiny-shakespeare, first 90 %", "licence": LICENCE, "credit": CREDIT},
            "licence": "MIT (the text is in the public domain)",
        }
        recipe = TextRecipe(batch=256 if large else 16, window=256 if large else 128, dropout=0.2 if large else 0.1)
        return TextTrainer(config, recipe, corpus, card, device)

    return setup


def _bard() -> Preset:
    return Preset(
        name="bard", family="rnn", summary="Hawk (RG-LRU) on tiny-shakespeare, by characters",
        cpu=Budget(num_steps=5_000), cuda=Budget(num_steps=4_000), setup=_text_setup("hawk"),
    )  # fmt: skip


def _bard_lstm() -> Preset:
    return Preset(
        name="bard-lstm", family="rnn", summary="the classical LSTM on the same text",
        cpu=Budget(num_steps=5_000), cuda=Budget(num_steps=4_000), setup=_text_setup("lstm"),
    )  # fmt: skip


def _bard_min_gru() -> Preset:
    return Preset(
        name="bard-min-gru", family="rnn", summary="minGRU on the same text; on a GPU at the size of its published table",
        cpu=Budget(num_steps=5_000), cuda=Budget(num_steps=2_000), setup=_text_setup("min-gru"),
    )  # fmt: skip


def _tales() -> Preset:
    def setup(device: str) -> Trainer:
        from aigc_core.data.corpus import build_corpus
        from aigc_core.data.stories import CREDIT, KINDS, LICENCE, MOST_ABOUT, common_words, load_stories
        from aigc_core.rnn.hawk import HawkConfig
        from aigc_core.rnn.training import TextRecipe, TextTrainer

        large = device.startswith("cuda")
        stories = load_stories()
        corpus = build_corpus(stories, 2048)
        common = sorted(common_words(story.text for story in stories))
        about = {"controls": {kind: [] for kind in KINDS}, "common": common, "sized": True, "most": MOST_ABOUT, "told": True}
        corpus = replace(corpus, opening={"about": about, "writing": {"min_p": 0.1, "repetition": 0.5, "half_life": 100, "favour": 1.5}})
        size = corpus.tokenizer.vocab_size
        config = HawkConfig(vocab_size=size, width=320, num_layers=8) if large else HawkConfig(vocab_size=size, width=192, num_layers=6)
        card = {
            "name": "tales", "title": "Tales", "family": "rnn", "kind": "text", "language": "en",
            "summary": "Short stories in plain English about what the prompt says, with a beginning and an end.",
            "knows": "what simple stories, picture books and fairy tales are about",
            "examples": ["A dragon who was afraid of the dark", "The fox and the moon", "A brave little boat"],
            "choices": {"kind": list(KINDS)},
            "data": {"name": f"{len(stories):,} short stories", "licence": LICENCE, "credit": CREDIT},
            "licence": "MIT (the texts under their own licences)",
        }  # fmt: skip
        recipe = TextRecipe(batch=128 if large else 16, window=256 if large else 128, dropout=0.2, lr=(3e-3, 1e-4), keep_best=True)
        return TextTrainer(config, recipe, corpus, card, device)

    return Preset(
        name="tales", family="rnn", summary="Hawk on short stories, by byte pairs, with what they are about in a head",
        cpu=Budget(num_steps=4_500), cuda=Budget(num_steps=4_000), setup=setup,
    )  # fmt: skip


def _poems() -> Preset:
    def setup(device: str) -> Trainer:
        from aigc_core.config import to_dict
        from aigc_core.data.corpus import build_corpus
        from aigc_core.data.poems import CREDIT, LICENCE, load_poems, poem_documents
        from aigc_core.rnn.hawk import HawkConfig
        from aigc_core.rnn.training import TextRecipe, TextTrainer

        large = device.startswith("cuda")
        poems, forms, groups = load_poems()
        corpus = build_corpus(poem_documents(poems), 6_000)
        ordered = sorted(forms, key=lambda form: _FIRST_FORMS.index(form.name) if form.name in _FIRST_FORMS else len(_FIRST_FORMS))
        corpus = replace(
            corpus, opening={"verse": {"forms": [to_dict(form) for form in ordered], "groups": groups}, "writing": {"min_p": 0.05}}, train_text=""
        )
        size = corpus.tokenizer.vocab_size
        config = HawkConfig(vocab_size=size, width=320, num_layers=8) if large else HawkConfig(vocab_size=size, width=192, num_layers=4)
        card = {
            "name": "poems", "title": "Poems", "family": "rnn", "kind": "text", "language": "zh",
            "summary": "Chinese verse in its old forms, by theme or first line; the form and its rhymes are kept by the decoder.",
            "knows": f"themes in Chinese, and the forms {'、'.join(form.name for form in ordered)}",
            "examples": ["七绝 春雪", "五律 秋夜", "床前明月光，"],
            "choices": {"kind": [form.name for form in ordered]},
            "data": {"name": f"{len(poems):,} poems", "licence": LICENCE, "credit": CREDIT},
            "licence": "MIT (the poems are in the public domain)",
        }  # fmt: skip
        recipe = TextRecipe(batch=128 if large else 32, window=128 if large else 64, dropout=0.0, lr=(3e-3, 1e-4))
        return TextTrainer(config, recipe, corpus, card, device)

    return Preset(
        name="poems", family="rnn", summary="Hawk on Chinese verse, a token a character, with form and theme in a head",
        cpu=Budget(num_steps=3_000), cuda=Budget(num_steps=8_000), setup=setup,
    )  # fmt: skip


def _names() -> Preset:
    def setup(device: str) -> Trainer:
        from aigc_core.data.corpus import build_corpus
        from aigc_core.data.names import CREDIT, KIND_WORDS, LICENCE, known_names, load_names
        from aigc_core.rnn.hawk import HawkConfig
        from aigc_core.rnn.training import TextRecipe, TextTrainer

        large = device.startswith("cuda")
        lists, others = load_names()
        opening = {"lists": {kind: list(words) for kind, words in KIND_WORDS.items()}, "known": known_names(lists, ("place", "creature"))}
        corpus = replace(build_corpus(lists, 320, validation=others), opening=opening)
        config = HawkConfig(vocab_size=corpus.tokenizer.vocab_size, width=256 if large else 128, num_layers=3)
        card = {
            "name": "names", "title": "Names", "family": "rnn", "kind": "text",
            "summary": "New names of people, places and creatures, ten at a time.",
            "knows": "people, places, creatures; a beginning such as Ar",
            "examples": ["creatures", "places", "people Ar"],
            "choices": {"kind": list(KIND_WORDS)},
            "data": {"name": f"{len(lists):,} lists of names, a name in twenty kept out", "licence": LICENCE, "credit": CREDIT},
            "licence": "MIT",
        }  # fmt: skip
        recipe = TextRecipe(batch=64 if large else 16, window=128, dropout=0.1, lr=(3e-3, 1e-4), keep_best=True)
        return TextTrainer(config, recipe, corpus, card, device)

    return Preset(
        name="names", family="rnn", summary="Hawk on lists of names, with their kind in a head",
        cpu=Budget(num_steps=1_800), cuda=Budget(num_steps=4_000), setup=setup,
    )  # fmt: skip


def _npc() -> Preset:
    def setup(device: str) -> Trainer:
        from aigc_core.data.corpus import build_corpus
        from aigc_core.data.npc import CREDIT, LICENCE, MOOD_WORDS, load_npc
        from aigc_core.rnn.hawk import HawkConfig
        from aigc_core.rnn.training import TextRecipe, TextTrainer

        large = device.startswith("cuda")
        lines, others, roles, common = load_npc()
        about = {
            "controls": {mood: list(words) for mood, words in MOOD_WORDS.items()},
            "common": sorted(common),
            "sized": False,
            "most": 2,
            "first": list(roles),
        }
        corpus = replace(build_corpus(lines, 1024, validation=others), opening={"about": about, "writing": {"min_p": 0.1}, "lines": 3})
        size = corpus.tokenizer.vocab_size
        config = HawkConfig(vocab_size=size, width=256, num_layers=6) if large else HawkConfig(vocab_size=size, width=160, num_layers=4)
        card = {
            "name": "npc", "title": "Characters", "family": "rnn", "kind": "text", "language": "en",
            "summary": "Lines for the characters of a game: who speaks, in which mood, and what of.",
            "knows": f"moods ({', '.join(MOOD_WORDS)}), what is spoken of, and {len(roles)} speakers: {', '.join(roles[::7])} ...",
            "examples": ["angry king", "a whispering sailor, gold", "scared boy"],
            "choices": {"mood": list(MOOD_WORDS)},
            "data": {"name": f"{len(lines):,} texts of a few lines of speech", "licence": LICENCE, "credit": CREDIT},
            "licence": "MIT (the books are in the public domain)",
        }  # fmt: skip
        recipe = TextRecipe(batch=64 if large else 16, window=128, dropout=0.15, lr=(3e-3, 1e-4), keep_best=True)
        return TextTrainer(config, recipe, corpus, card, device)

    return Preset(
        name="npc", family="rnn", summary="Hawk on lines of speech of old books, with speaker and mood in a head",
        cpu=Budget(num_steps=3_500), cuda=Budget(num_steps=6_000), setup=setup,
    )  # fmt: skip
