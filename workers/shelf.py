"""The models of a worker: found at the start, loaded when first used, described to the bots."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from aigc_core.checkpoint import CARD, CheckpointError, read_json
from aigc_core.models import find_models, known_words, load_model, num_weights
from aigc_core.serving import ImageModel, TextModel
from contracts.cards import ModelCard

logger = logging.getLogger(__name__)


class UnknownModelError(LookupError):
    """This worker has no such model."""


class ModelTooLargeError(RuntimeError):
    """A model needs more memory than the worker may use."""


class Shelf:
    """Models by name, loaded when first used; the least recently used ones go when ``memory_mib`` would be exceeded (0: no bound).

    A model counts with the bytes of its weights; what it computes with while it runs comes on top. Only the engine thread loads and uses models.
    """

    def __init__(self, folders: dict[str, Path], device: str, memory_mib: float = 0.0) -> None:
        self.folders, self.device, self.memory_mib = folders, device, memory_mib
        self.cards = readable_cards(folders)
        self._loaded: dict[str, ImageModel | TextModel] = {}  # the least recently used first

    @classmethod
    def from_environment(cls, device: str, memory_mib: float = 0.0) -> Shelf:
        """All models of the zoo, ``models`` and ``AIGC_MODELS``."""
        return cls(find_models(), device, memory_mib)

    def leave_out(self, name: str) -> None:
        """Serve a model no more, because it does not work."""
        del self.cards[name]

    def image_model(self, name: str, in_use: Collection[str] = ()) -> ImageModel:
        """An image model, loaded if need be; those ``in_use`` stay loaded."""
        model = self._model(name, in_use)
        if not isinstance(model, ImageModel):
            raise UnknownModelError(name)
        return model

    def text_model(self, name: str, in_use: Collection[str] = ()) -> TextModel:
        """A text model, as :meth:`image_model`."""
        model = self._model(name, in_use)
        if not isinstance(model, TextModel):
            raise UnknownModelError(name)
        return model

    @property
    def loaded(self) -> tuple[str, ...]:
        """The loaded models, the least recently used first."""
        return tuple(self._loaded)

    def size_mib(self, name: str) -> float:
        """What a model counts: two bytes a number, whatever its weights lie as; a manner of writing has its base's weights too."""
        return 2 * num_weights(self.folders[name]) / 1024**2

    def _model(self, name: str, in_use: Collection[str]) -> ImageModel | TextModel:
        if name not in self.cards:
            raise UnknownModelError(name)
        if name not in self._loaded:
            self._make_room(name, in_use)
            self._loaded[name] = load_model(self.folders[name], self.device)
        self._loaded[name] = self._loaded.pop(name)
        return self._loaded[name]

    def _make_room(self, name: str, in_use: Collection[str]) -> None:
        """Forget models until ``name`` fits. Those in use stay: for the time of their jobs the bound is exceeded rather than a job refused."""
        if not self.memory_mib:
            return
        needed = self.size_mib(name)
        if needed > self.memory_mib:
            raise ModelTooLargeError(f"{name} needs {needed:.1f} MiB, AIGC_MODEL_MEMORY_MIB allows {self.memory_mib:g}")
        for other in [other for other in self._loaded if other not in in_use]:
            if needed + sum(self.size_mib(loaded) for loaded in self._loaded) <= self.memory_mib:
                return
            del self._loaded[other]
            logger.info("action=model_evicted model=%s for=%s", other, name)


def readable_cards(folders: dict[str, Path]) -> dict[str, ModelCard]:
    """The cards of the models; one that cannot be read leaves its model out and no other."""
    cards = {}
    for name, folder in folders.items():
        try:
            cards[name] = public_card(folder)
        except (CheckpointError, KeyError, ValueError) as error:
            logger.warning("action=model_left_out model=%s reason=%s", name, error)
    return cards


def public_card(folder: Path) -> ModelCard:
    """What a person sees of the model in ``folder``."""
    card = read_json(folder / CARD)
    return ModelCard(
        name=card["name"],
        version=card["version"],
        title=card["title"],
        family=card["family"],
        kind=card["kind"],
        summary=card["summary"],
        knows=card["knows"],
        examples=tuple(card.get("examples", ())),
        words=known_words(folder),
        language=card.get("language", ""),
        choices=card.get("choices", {}),
        licence=card["licence"],
        credit=card.get("data", {}).get("credit", ""),
    )
