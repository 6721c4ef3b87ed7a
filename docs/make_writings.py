"""Writes docs/WRITINGS.md: how well the text models write, and the first ten texts of each as they came. Run: python docs/make_writings.py"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aigc_core.evaluation.records import figures
from aigc_core.models import zoo_folder

TARGET = Path(__file__).parent / "WRITINGS.md"
MEASURED = Path(__file__).parent / "measured"
MODELS = ("tales", "poems", "bard", "npc", "names")
HEAD = """# What the text models write

Made from the models' cards by `python docs/make_writings.py` after `aigc evaluate NAME --save`; no figure is typed by hand. Bits per byte are of
texts that were kept out of training. Distinct pairs of words, repeated fours of words and the longest span that stands word for word in the training
texts are counted on 20 unchosen samples at temperature 0.8, and beside them, in brackets, on as many texts that were kept out; in texts
without blanks, characters are counted for words, and a first sentence that only repeats the prompt is not counted.

| model | bits per byte | distinct pairs of words | repeated fours of words | longest copied span in characters: median, longest |
|---|---|---|---|---|
"""
ROW = (
    "| {name} | {bits_per_byte:.3f} | {distinct_2:.1%} ({real_distinct_2:.1%}) | {repeated_4grams:.1%} ({real_repeated_4grams:.1%}) "
    "| {copied_characters_median:.0f}, {copied_characters_longest:.0f} ({real_copied_characters_median:.0f}, {real_copied_characters_longest:.0f}) |"
)
FORMS = "\nOf {n_form_kept} poems in all {forms:.0f} forms, {form_kept:.1%} keep their form: every line, every mark, every rhyme.\n"
NAMES = "\nOf {n_new_names} names, {new_names:.1%} stand in no list that was trained on, and {distinct_names:.1%} were written once only.\n"
SMALLER = (
    "\n`bard` by characters: {validation_nats:.4f} nats; with its weights in a byte each {validation_nats_int8:.4f}, in bfloat16 "
    "{validation_nats_bf16:.4f}; learning from the text as it reads (dynamic evaluation; its rate was chosen on the first seventh of this text) "
    "{validation_nats_dynamic:.4f}.\n"
)
BUDGETS = """
## tiny-shakespeare at published budgets

`python -m benchmarks.quality_shakespeare`; nats per character of the last tenth, in windows from an empty state as others measure, and read once
with the state carried.

| budget | published | cell | parameters | steps | windows | state carried | minutes of one CPU core |
|---|---|---|---|---|---|---|---|
"""
OTHERS = {
    "nanogpt": "nanoGPT 1.88 (its README's CPU recipe)",
    "mingru": "minGRU 1.548, minLSTM 1.555, Mamba 1.575, transformer 1.547 (Feng et al. 2024)",
}
BUDGET_ROW = (
    "| {budget}, {tokens:,} characters | {others} | {cell} | {parameters:,} | {steps:,} | {validation_nats:.3f} "
    "| {validation_nats_state_carried:.3f} | {minutes:.1f} |"
)
SPEEDS = """
## Speed and size

Tokens a second on one core of a processor, sampling included; `python -m benchmarks.texts`. The state is all that a text needs, whatever its length.

| model | parameters | file | state of a text | one text | 32 texts at once | 64 |
|---|---|---|---|---|---|---|
"""
SPEED_ROW = (
    "| {name} | {parameters:,} | {megabytes:.1f} MB | {kilobytes:.0f} kB | {tokens_per_second_1:,.0f} | {tokens_per_second_32:,.0f} "
    "({gain_32:.1f} times) | {tokens_per_second_64:,.0f} ({gain_64:.1f} times) |"
)
OWN = """
## Own texts

`aigc train rnn --data` on a novel of {characters:,} characters that no model has read (`python -m benchmarks.own_texts`), one CPU core: from nothing
{minutes} minutes to the served model, {bits_per_byte:.3f} bits per byte at best after {minutes_to_best} minutes. From `{base}`: {same};
at best {bits_per_byte_tuned:.3f} within {minutes_tuned} minutes. The longest span of the sample that stands in the novel: {copied_characters}
characters. It begins:

{quoted}
"""


def card(name: str) -> dict[str, Any]:
    """A model's card."""
    found: dict[str, Any] = json.loads((zoo_folder() / name / "card.json").read_text(encoding="utf-8"))
    return found


def models() -> list[str]:
    """The text models that the zoo has and that were measured."""
    return [name for name in MODELS if (zoo_folder() / name).is_dir() and "samples" in card(name)]


def table() -> str:
    """The measures of all models."""
    measures = {name: figures(card(name)) for name in models()}
    text = HEAD + "\n".join(ROW.format(name=name, **row) for name, row in measures.items()) + "\n"
    for name, wording, needed in (("poems", FORMS, "form_kept"), ("names", NAMES, "new_names"), ("bard", SMALLER, "validation_nats_int8")):
        if needed in measures.get(name, {}):
            text += wording.format(**measures[name])
    return text


def budgets() -> str:
    """Runs at budgets for which others have published a figure."""
    path = MEASURED / "shakespeare.jsonl"
    if not path.exists():
        return ""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return BUDGETS + "\n".join(BUDGET_ROW.format(others=OTHERS[row["budget"]], **row) for row in rows) + "\n"


def speeds() -> str:
    """How fast the models write."""
    path = MEASURED / "texts.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    rows = {name: row for name, row in found.items() if isinstance(row, dict)}
    return SPEEDS + "\n".join(SPEED_ROW.format(name=name, kilobytes=row["state_numbers"] * 4 / 1000, **row) for name, row in rows.items()) + "\n"


def own_texts() -> str:
    """A model of a text that the project never saw."""
    path = MEASURED / "own_texts.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    reached = found["minutes_to_same_loss_tuned"]
    same = "never as good" if reached is None else f"as good after {reached} minutes"
    return OWN.format(same=same, quoted=quoted(found["sample"]), **found)


def quoted(text: str) -> str:
    """A text as a quotation in Markdown, its lines as they are."""
    return "\n".join(f"> {line}  " if line else ">" for line in text.strip().split("\n"))


def samples(name: str) -> str:
    """The first ten texts of a model."""
    found = card(name)
    parts = [f"\n## {name}: the first ten, unchosen\n\n{found['summary']}\n"]
    parts += [f"\n`{one['prompt'].strip() or ' '}` (seed {one['seed']})\n\n{quoted(one['text'])}\n" for one in found["samples"]]
    return "".join(parts)


def text() -> str:
    """The whole document."""
    return table() + budgets() + speeds() + own_texts() + "".join(samples(name) for name in models())


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
