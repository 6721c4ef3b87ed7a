"""How many tokens a second each language model writes: one text alone, and many at once, on one processor core.

As the worker writes them: the served step, and sampling with each text's own settings and numbers. Rates are of tokens, and of characters where a
token is more than one. The levels take turns, so that a busy moment hits all of them. JSON on the last line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

from aigc_core.checkpoint import CARD, CONFIG, WEIGHTS, read_json
from aigc_core.models import load_model, zoo_folder
from aigc_core.rnn.sampling import SamplerRows, Uniforms, sample
from aigc_core.serving import TextModel

LEVELS = (1, 32, 64)


def seconds_a_token(model: TextModel, texts: int, num_tokens: int) -> float:
    """Median time of a step of ``texts`` texts with its sampling."""
    rows = SamplerRows([model.settings(0.8)] * texts, model.network.vocab_size)
    uniforms = [Uniforms(seed) for seed in range(texts)]
    tokens, state = torch.zeros(texts, dtype=torch.long), model.network.initial_state(texts, model.device)
    logits, state = model.step(tokens, state)
    times = []
    for _ in range(num_tokens):
        started = time.perf_counter()
        tokens = sample(logits, rows, [one.next() for one in uniforms])
        logits, state = model.step(tokens, state)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure(model: TextModel, repetitions: int, num_tokens: int) -> dict[str, float]:
    """Tokens a second at each level, and how many times those of one text the others are."""
    times: dict[int, list[float]] = {level: [] for level in LEVELS}
    for _ in range(repetitions):
        for level in LEVELS:
            times[level].append(seconds_a_token(model, level, num_tokens))
    rates = {level: level / statistics.median(row) for level, row in times.items()}
    return {f"tokens_per_second_{level}": round(rate) for level, rate in rates.items()} | {
        f"gain_{level}": round(rates[level] / rates[1], 1) for level in LEVELS[1:]
    }


def main() -> None:
    """Measure all language models of the zoo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    result: dict[str, object] = {"benchmark": "texts", "threads": 1}
    for path in sorted(Path(zoo_folder()).glob(f"*/{CARD}")):
        if read_json(path.parent / CONFIG).get("family") != "rnn":
            continue
        model = load_model(path.parent)
        assert isinstance(model, TextModel)
        size, parameters = (path.parent / WEIGHTS).stat().st_size, sum(weights.numel() for weights in model.network.parameters())
        found = measure(model, arguments.repetitions, arguments.tokens)
        result[path.parent.name] = {**found, "parameters": parameters, "megabytes": round(size / 1e6, 2), "state_numbers": model.network.state_size}
        print(path.parent.name, result[path.parent.name])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
