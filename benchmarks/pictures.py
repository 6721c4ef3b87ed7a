"""How long four pictures take on one processor core, for every picture model that is found, and how large each model's file is.

Without queue and bot: reading the prompt, the network, rendering and PNG. The median of many, JSON on the last line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch

from aigc_core import images
from aigc_core.checkpoint import WEIGHTS
from aigc_core.models import find_models, load_model, zoo_folder
from aigc_core.serving import ImageModel, PictureQuery


def milliseconds(model: ImageModel, repetitions: int) -> tuple[float, float]:
    """Median time to draw four pictures, and to draw and encode them."""
    drawing, whole = [], []
    for repetition in range(repetitions):
        prompt = model.card["examples"][repetition % len(model.card["examples"])]
        queries = [PictureQuery(prompt=prompt, seed=4 * repetition + place, index=place) for place in range(4)]
        started = time.perf_counter()
        drawn = model.draw(queries)
        drawing.append(time.perf_counter() - started)
        for picture in drawn:
            images.png_bytes(picture.image)
        whole.append(time.perf_counter() - started)
    return 1000 * statistics.median(drawing), 1000 * statistics.median(whole)


def main() -> None:
    """Measure all models of the zoo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    result: dict[str, object] = {"benchmark": "pictures", "threads": 1}
    for folder in find_models([zoo_folder()]).values():
        model = load_model(folder)
        if isinstance(model, ImageModel):
            drawing, whole = milliseconds(model, arguments.repetitions)
            size = (folder / WEIGHTS).stat().st_size
            result[model.card["name"]] = {"draw_ms": round(drawing, 1), "with_png_ms": round(whole, 1), "megabytes": round(size / 1e6, 2)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
