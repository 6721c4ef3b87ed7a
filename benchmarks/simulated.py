"""A device that batches, for machines without one: a pass of B pictures takes 6 + 0.25 B ms, during which the CPU is free.

``python -m benchmarks.simulated`` is a worker that serves it beside the zoo. Figures made with it are named as such.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from PIL import Image

from aigc_core.models import find_models
from aigc_core.serving import DrawnPicture, ImageModel, PictureQuery, Reading
from contracts.cards import ModelCard
from workers.main import run_worker
from workers.shelf import Shelf

MODEL = "simulated"
PASS_SECONDS, PICTURE_SECONDS = 6e-3, 0.25e-3


class SimulatedDevice(ImageModel):
    """Draws tiny grey pictures, and takes the time of a small GAN on a small GPU."""

    def __init__(self) -> None:
        super().__init__({"name": MODEL, "version": "1"}, "simulated")

    def read(self, prompt: str) -> Reading:
        """Everything is understood."""
        return Reading(understood=(prompt,), ignored=())

    def draw(self, queries: Sequence[PictureQuery]) -> list[DrawnPicture]:
        """One pass."""
        time.sleep(PASS_SECONDS + PICTURE_SECONDS * len(queries))
        return [DrawnPicture(render=lambda shade=query.seed % 256: Image.new("L", (8, 8), shade), alt="grey") for query in queries]  # type: ignore[misc]


class SimulatedShelf(Shelf):
    """The zoo, and the simulated device."""

    def __init__(self) -> None:
        super().__init__(find_models(), "cpu")
        self.cards[MODEL] = ModelCard(
            name=MODEL, version="1", title=MODEL, family="gan", kind="image", summary="", knows="", examples=("x",), licence="MIT", credit=""
        )

    def image_model(self, name: str, in_use: Collection[str] = ()) -> ImageModel:
        """As the shelf, or the simulated device."""
        return SimulatedDevice() if name == MODEL else super().image_model(name, in_use)


if __name__ == "__main__":
    run_worker(shelf=SimulatedShelf())
