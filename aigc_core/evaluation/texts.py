"""Measures of a language model: how well it predicts held-out text, and whether what it writes repeats itself or copies."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Sequence
from statistics import mean, median
from typing import Any

from aigc_core.data.corpus import Corpus
from aigc_core.rnn.copies import distinct, longest_copied_span, repetition_rate
from aigc_core.rnn.dynamic import dynamic_nats
from aigc_core.rnn.forms import keeps_form
from aigc_core.rnn.openings import VerseOpening
from aigc_core.rnn.training import validation_nats
from aigc_core.serving import TextModel
from aigc_core.weights import packed, unpacked

NUM_SAMPLES, SAMPLE_LENGTH, NUM_SHOWN = 20, 600, 10
TEMPERATURE = 0.8
POEMS_A_FORM, NUM_LISTS = 10, 60


def evaluate_texts(model: TextModel, corpus: Corpus, prompts: Sequence[str], real: Sequence[str], train_text: str) -> dict[str, Any]:
    """Nats and bits per byte of the validation text, and what of ``NUM_SAMPLES`` unchosen samples can be counted, beside as many ``real`` texts.

    ``train_text`` is where copies are looked for; the samples take the ``prompts`` in turn.
    """
    nats = validation_nats(model.network, corpus.validation_N, model.device, corpus.counted_N)
    num_tokens = len(corpus.validation_N) - 1 if corpus.counted_N is None else int(corpus.counted_N[1:].sum())
    per_byte = nats / math.log(2) * num_tokens / max(1, corpus.validation_bytes - (corpus.counted_N is None))
    asked = [prompts[seed % len(prompts)] for seed in range(NUM_SAMPLES)]
    samples = [model.write(prompt, SAMPLE_LENGTH, model.settings(TEMPERATURE), seed) for seed, prompt in enumerate(asked)]
    leads = [model.opening.open(prompt, SAMPLE_LENGTH, continues=False).lead for prompt in asked]
    own = [text[len(lead) :] for text, lead in zip(samples, leads, strict=True)]
    found: dict[str, Any] = {"validation_nats": nats, "n_validation_nats": num_tokens, "bits_per_byte": per_byte, "n_bits_per_byte": num_tokens}
    found["written"] = [{"prompt": asked[seed], "seed": seed, "text": samples[seed]} for seed in range(NUM_SHOWN)]
    for name, value in counted(own, train_text).items():
        found |= {name: value, f"n_{name}": len(samples)}
    return found | {f"real_{name}": value for name, value in counted([text[:SAMPLE_LENGTH] for text in real], train_text).items()}


def nats_otherwise(model: TextModel, corpus: Corpus) -> dict[str, float]:
    """Nats per token of the validation text with the weights in bfloat16 and in a byte each, and with dynamic evaluation."""
    found = {}
    for form in ("bf16", "int8"):
        network = copy.deepcopy(model.network)
        network.load_state_dict(unpacked(packed(model.network.state_dict(), form)))
        found[f"validation_nats_{form}"] = validation_nats(network, corpus.validation_N, model.device, corpus.counted_N)
    return found | {"validation_nats_dynamic": dynamic_nats(model.network, corpus.train_N, corpus.validation_N)}


def form_kept(model: TextModel, opening: VerseOpening) -> dict[str, Any]:
    """Of ``POEMS_A_FORM`` poems of each form, the share with its skeleton and its rhymes."""
    kept = []
    for form in opening.forms:
        texts = (model.write(form.name, SAMPLE_LENGTH, model.settings(TEMPERATURE), seed) for seed in range(POEMS_A_FORM))
        kept += [keeps_form(text, form, opening.groups) for text in texts]
    return {"form_kept": mean(kept), "n_form_kept": len(kept), "forms": len(opening.forms)}


def new_names(model: TextModel, prompts: Sequence[str], train_text: str) -> dict[str, Any]:
    """Of the names in ``NUM_LISTS`` lists, the share that no list for training holds, and the share that was written once only."""
    known = set(train_text.split("\n"))
    lists = [model.write(prompts[seed % len(prompts)], SAMPLE_LENGTH, model.settings(TEMPERATURE), seed) for seed in range(NUM_LISTS)]
    names = [name for text in lists for name in text.strip().split("\n")]
    times = Counter(names)
    once = mean(times[name] == 1 for name in names)
    return {"new_names": mean(name not in known for name in names), "n_new_names": len(names), "distinct_names": once, "n_distinct_names": len(names)}


def counted(texts: Sequence[str], train_text: str) -> dict[str, float]:
    """distinct-1 to -3 of words (of characters where a text has no blanks), the share of repeated 4-grams, and the longest span that the training
    text holds word for word (median, longest)."""
    words = [text.split() if " " in text.strip() else [*text.replace("\n", "")] for text in texts]
    spans = [len(longest_copied_span(text, train_text)) for text in texts]
    return {
        **{f"distinct_{order}": round(distinct(words, order), 4) for order in (1, 2, 3)},
        "repeated_4grams": round(mean(repetition_rate(one) for one in words), 4),
        "copied_characters_median": float(median(spans)), "copied_characters_longest": float(max(spans)),
    }  # fmt: skip


def pieces(text: str, length: int = SAMPLE_LENGTH, count: int = NUM_SAMPLES) -> list[str]:
    """``count`` pieces of ``length`` characters, evenly spread over a text: real texts to hold samples against."""
    step = max(1, (len(text) - length) // max(1, count))
    return [text[start : start + length] for start in range(0, step * count, step)]
