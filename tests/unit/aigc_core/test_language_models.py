from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from aigc_core.config import to_dict
from aigc_core.data.shakespeare import split_corpus
from aigc_core.rnn.cells import CellConfig, build_language_model, cell_name, read_config
from aigc_core.rnn.hawk import Hawk, HawkConfig
from aigc_core.rnn.language_model import RecurrentLanguageModel
from aigc_core.rnn.lstm import LstmConfig
from aigc_core.rnn.min_gru import MinGru, MinGruConfig, positive
from aigc_core.rnn.sampling import SamplerSettings
from aigc_core.rnn.tokenizer import CharacterTokenizer
from aigc_core.rnn.training import TextRecipe, TextTrainer, sample_text, validation_nats

CONFIGS = [
    HawkConfig(vocab_size=11, width=16, num_layers=2), LstmConfig(vocab_size=11, width=16, num_layers=2),
    MinGruConfig(vocab_size=11, width=16, num_layers=2),
]  # fmt: skip


def build(config: CellConfig) -> RecurrentLanguageModel:
    torch.manual_seed(0)
    return build_language_model(config).eval()


@pytest.mark.parametrize("config", CONFIGS, ids=cell_name)
def test_parallel_and_step_forms_agree(config: CellConfig) -> None:
    """Reading a text at once or letter by letter gives the same logits and the same state."""
    model = build(config)
    tokens = torch.randint(11, (3, 20), generator=torch.Generator().manual_seed(1))
    state = model.initial_state(3)
    together, end = model(tokens, state)
    steps = []
    for t in range(20):
        logits, state = model.step(tokens[:, t], state)
        steps.append(logits)
    torch.testing.assert_close(torch.stack(steps, 1), together, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state, end, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=cell_name)
def test_a_text_read_in_pieces_is_the_text_read_at_once(config: CellConfig) -> None:
    """The flat state is the whole memory: chunked prefill changes nothing."""
    model = build(config)
    tokens = torch.randint(11, (1, 30), generator=torch.Generator().manual_seed(2))
    whole, _ = model(tokens, model.initial_state(1))
    first, state = model(tokens[:, :13], model.initial_state(1))
    second, _ = model(tokens[:, 13:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=cell_name)
def test_a_network_is_its_configuration(config: CellConfig) -> None:
    """What a checkpoint keeps of a network's sizes makes the same network."""
    again = read_config(cell_name(config), to_dict(config))
    assert again == config and build(again).state_size == build(config).state_size


def test_the_state_of_a_min_gru_is_a_mean_of_its_candidates() -> None:
    """h_t = (1 - z_t) h_{t-1} + z_t g(W_h x_t), by hand for one number (Feng et al. 2024, section 3.1 and appendix B.2.1)."""
    recurrence = MinGru(1, 1)
    recurrence.inputs.weight.data = torch.tensor([[2.0], [-1.0]])
    a, b = recurrence.coefficients(torch.tensor([[0.5]]))
    z = torch.sigmoid(torch.tensor(-0.5))
    torch.testing.assert_close(torch.cat([a, b]).flatten(), torch.stack([1 - z, z * 1.5]))
    torch.testing.assert_close(positive(torch.tensor([-1.0, 0.0])), torch.tensor([torch.sigmoid(torch.tensor(-1.0)), 0.5]))


def test_forgetting_starts_as_the_paper_says() -> None:
    """At the start a^c lies in [0.9, 0.999] for a fully open gate (De et al. 2024, appendix A)."""
    torch.manual_seed(0)
    lru = Hawk(CONFIGS[0]).layers[0].recurrent.lru
    decay = torch.exp(-F.softplus(lru.log_decay))
    assert decay.min() >= 0.9 - 1e-4 and decay.max() <= 0.999 + 1e-4


@pytest.mark.parametrize("config", CONFIGS, ids=cell_name)
def test_it_learns_a_pattern(config: CellConfig) -> None:
    """A text that repeats is predicted almost perfectly after a little training."""
    corpus = split_corpus("abcdefghij\n" * 200)
    recipe = TextRecipe(batch=8, window=32, lr=(1e-2, 1e-3), dropout=0.0)
    torch.manual_seed(0)
    trainer = TextTrainer(config, recipe, corpus, {}, "cpu")
    for step in range(150):
        losses = trainer.step(step / 150)
    assert losses["nats"] < 0.3
    assert validation_nats(trainer.model, corpus.validation_N, "cpu") < 0.3


def test_sampling_is_a_function_of_the_seed() -> None:
    """The same seed gives the same text, another one another."""
    model = build(CONFIGS[0])
    texts = [sample_text(model, CharacterTokenizer("abcdefghijk"), [0], 40, SamplerSettings(), seed, "cpu") for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
