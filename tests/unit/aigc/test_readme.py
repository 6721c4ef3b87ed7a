from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from aigc.main import COMMANDS
from aigc_core.evaluation.records import figures
from aigc_core.models import zoo_folder

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def metrics(name: str) -> dict[str, float]:
    return figures(json.loads((zoo_folder() / name / "card.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["digits", "handwriting"])
def test_the_readme_says_what_the_judge_measured(name: str) -> None:
    """No figure is typed by hand: the README's shares are those of the cards."""
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
    assert f"{100 * metrics(name)['recognised']:.1f} %" in row


def test_the_readme_says_bards_loss() -> None:
    (row,) = [line for line in README.splitlines() if line.startswith("| `bard` |")]
    assert f"{metrics('bard')['validation_nats']:.3f} nats" in row


def test_the_readme_says_what_else_was_measured() -> None:
    """Shares, bounds and bits of the other models, as their cards have them."""
    expected = {
        "fashion": [f"{100 * metrics('fashion')['cas']:.1f} %", f"{100 * metrics('fashion')['real_cas']:.1f} %"],
        "emoji": [f"{100 * metrics('emoji')['held_out_top5']:.0f} %", f"{100 * metrics('emoji')['real_held_out_top5']:.0f} %"],
        "glyphs": [f"{metrics('glyphs')['test_neg_elbo_nats']:.1f} nats"],
        "digits": [f"{100 * metrics('digits')['cas']:.1f} %"],
        "tales": [f"{metrics('tales')['bits_per_byte']:.2f} bits per byte"],
        "poems": [f"{100 * metrics('poems')['form_kept']:.0f} % of poems"],
        "npc": [f"{metrics('npc')['bits_per_byte']:.2f} bits per byte"],
        "names": [f"{100 * metrics('names')['new_names']:.0f} % of the names"],
    }
    for name, figures_said in expected.items():
        (row,) = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
        assert all(figure in row for figure in figures_said), (name, figures_said)


def test_files_and_commands_that_the_readme_names_exist() -> None:
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).exists(), path
    for command in re.findall(r"aigc ([a-z]+)[ `]", README):
        assert command in COMMANDS or command == "bot", command


def test_every_setting_is_documented() -> None:
    """What bot and worker read from the environment stands in .env.example."""
    from bot.settings import BotSettings
    from workers.settings import WorkerSettings

    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    internal = {"discord_socket", "heartbeat_file"}  # set by `aigc up` and by the containers
    for settings in (BotSettings, WorkerSettings):
        for name, field in settings.model_fields.items():
            variable = field.validation_alias or f"AIGC_{name.upper()}"
            assert name in internal or f"{variable}=" in example, variable


def test_the_readme_says_what_the_judges_of_words_found() -> None:
    shares = metrics("avatars")
    (row,) = [line for line in README.splitlines() if line.startswith("| `avatars` |")]
    for slot in ("head", "glasses", "body"):
        assert f"{100 * shares[f'held_out_{slot}']:.0f} % of {slot}" in row.replace("heads", "head").replace("bodies", "body")
    (row,) = [line for line in README.splitlines() if line.startswith("| `sprites` |")]
    assert f"{100 * metrics('sprites')['held_out_top5']:.0f} %" in row and f"{100 * metrics('sprites')['real_held_out_top5']:.0f} %" in row


def test_the_document_of_quality_is_what_the_cards_say() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_quality.py"))["text"]()
    assert (ROOT / "docs" / "QUALITY.md").read_text(encoding="utf-8") == made, "run: python docs/make_quality.py"


def test_the_document_of_texts_is_what_the_cards_say() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_writings.py"))["text"]()
    assert (ROOT / "docs" / "WRITINGS.md").read_text(encoding="utf-8") == made, "run: python docs/make_writings.py"
