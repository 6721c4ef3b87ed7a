"""Classification accuracy score (Ravuri & Vinyals 2019, arXiv 1905.10887): a classifier that saw generated pictures only, tested on real ones.

Where it stands near the same classifier trained on real pictures, the generator has the variety of the classes, not only their look.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_core.data.fashion import CLASSES, class_words, load_fashion
from aigc_core.data.mnist import load_mnist
from aigc_core.evaluation.digits import digit_samples
from aigc_core.evaluation.judge import Judge
from aigc_core.evaluation.tags_judge import drawn
from aigc_core.gan.digit_serving import DigitModel
from aigc_core.gan.word_serving import WordPictureModel
from aigc_core.training.budget import cosine
from aigc_core.training.precision import fast_products

BATCH = 128


def train_classifier(x_NCHW: Tensor, labels_N: Tensor, num_steps: int) -> Judge:
    """A classifier of ten classes from pictures ``(N, 1, 28, 28)`` in [-1, 1]: cross-entropy, small shifts, AdamW, cosine."""
    rng = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    judge = Judge().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stub misses it
    optimiser = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=1e-2)
    judge.train()
    for step in range(num_steps):
        optimiser.param_groups[0]["lr"] = cosine(2e-3, 1e-5, step / num_steps)
        index = torch.randint(len(labels_N), (BATCH,), generator=rng)
        shifts = torch.randint(-1, 2, (2,), generator=rng).tolist()
        with fast_products("cpu"):
            logits = judge(x_NCHW[index].clamp(-1, 1).roll(shifts, dims=(2, 3)).contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), labels_N[index])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return judge.eval()


def classification_accuracy_score(
    generated: tuple[Tensor, Tensor], real_train: tuple[Tensor, Tensor], real_test: tuple[Tensor, Tensor], num_steps: int = 2000
) -> dict[str, Any]:
    """Accuracy on real test pictures after training on generated and on real ones, and of the latter on generated ones (GAN-test)."""
    from_generated, from_real = train_classifier(*generated, num_steps), train_classifier(*real_train, num_steps)
    return {
        "cas": round(from_generated.accuracy(*real_test), 4),
        "real_cas": round(from_real.accuracy(*real_test), 4),
        "gan_test": round(from_real.accuracy(generated[0].clamp(-1, 1), generated[1]), 4),
        "n_cas": len(generated[1]), "n_gan_test": len(generated[1]),
    }  # fmt: skip


def digits_score(model: DigitModel, count: int) -> dict[str, Any]:
    """The score of a model of digits, ``count`` generated, against MNIST."""
    train, test = load_mnist("train"), load_mnist("test")
    real_train, real_test = ((side.pictures(torch.arange(len(side))), side.labels_N) for side in (train, test))
    return classification_accuracy_score(digit_samples(model, count), real_train, real_test)


def fashion_score(model: WordPictureModel, count: int) -> dict[str, Any]:
    """The score of a model of clothes, ``count`` generated, against Fashion-MNIST."""
    labels = torch.arange(count) % len(CLASSES)
    generated = drawn(model, [class_words(int(label)) for label in labels])
    real = [(pictures.pictures(torch.arange(len(pictures))), known) for pictures, known in (load_fashion("train"), load_fashion("test"))]
    return classification_accuracy_score((generated, labels), *real)
