"""The same models behind celery-batches: what came within a moment is served as one static batch.

celery-batches needs a Celery below 5.7, so it has an environment of its own, made on first use; torch and the rest are those of this one.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

REQUIREMENTS = ("celery>=5.5,<5.7", "celery-batches>=0.11,<0.12")
BATCH, WAIT_SECONDS = 32, 0.05


def environment(folder: Path) -> Path | None:
    """The interpreter of an environment with celery-batches in ``folder``; None, with the reason printed, if it cannot be installed."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(f"celery-batches is not compared, because it cannot be installed: {done.stderr.strip().splitlines()[-1]}\n")
        return None
    # Its own packages come first; what it lacks is found in this environment.
    own = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=True)
    (Path(own.stdout.strip()) / "beside.pth").write_text(f"{sysconfig.get_path('purelib')}\n{Path.cwd()}\n")
    return python


if not TYPE_CHECKING and __name__ != "__main__" and "celery" in sys.argv[0]:
    import torch
    from celery_batches import Batches

    from aigc_core.rnn.ending import has_ended
    from aigc_core.rnn.sampling import SamplerRows, SamplerSettings, Uniforms, sample
    from aigc_core.rnn.tokenizer import Transcript
    from aigc_core.serving import PictureQuery, TextModel
    from benchmarks import plain_celery

    app = plain_celery.app
    app.conf.worker_prefetch_multiplier = 2 * BATCH  # a batch is made of what is prefetched
    OPTIONS = {"base": Batches, "flush_every": BATCH, "flush_interval": WAIT_SECONDS}

    @app.task(name="batches.text", **OPTIONS)
    def text(requests: list[Any]) -> None:
        """Write all texts of a batch to the end of the longest, then publish them: what can be done with a list of requests."""
        model = plain_celery.state["shelf"].text_model(requests[0].args[1])
        for request, written in zip(requests, write_all(model, requests), strict=True):
            plain_celery.publish(keys=[f"{plain_celery.DONE}batches"], args=[request.args[0], written])

    def write_all(model: TextModel, requests: list[Any]) -> list[str]:
        """The texts of ``(name, model, prompt, length, seed)``."""
        read = [model.prefill(model.opening.open(r.args[2], r.args[3], False).tokens, model.network.initial_state(1, model.device)) for r in requests]
        logits, state = torch.stack([logits for logits, _ in read]), torch.cat([state for _, state in read])
        rows = SamplerRows([SamplerSettings()] * len(requests), model.network.vocab_size)
        uniforms, written = [Uniforms(r.args[4]) for r in requests], [Transcript() for _ in requests]
        while not all(has_ended(one.text, r.args[3]) for one, r in zip(written, requests, strict=True)):
            tokens = sample(logits, rows, [one.next() for one in uniforms])
            for index, token in enumerate(tokens.tolist()):
                if not has_ended(written[index].text, requests[index].args[3]):
                    written[index].add(model.tokenizer.piece(token))
            logits, state = model.step(tokens, state)
        return [one.text for one in written]

    @app.task(name="batches.pictures", **OPTIONS)
    def pictures(requests: list[Any]) -> None:
        """Draw all pictures of a batch in one pass, then encode and publish them."""
        model = requests[0].args[1]
        drawer = plain_celery.SimulatedDevice() if model == plain_celery.MODEL else plain_celery.state["shelf"].image_model(model)
        queries = [
            PictureQuery(prompt=prompt, seed=seed + i, index=i) for _, _, prompt, count, seed in (r.args for r in requests) for i in range(count)
        ]
        drawn = iter(drawer.draw(queries))
        for request in requests:
            own = [next(drawn) for _ in range(request.args[3])]
            plain_celery.publish(keys=[f"{plain_celery.DONE}batches"], args=[request.args[0], plain_celery.encoded(own, drawer.background())])
