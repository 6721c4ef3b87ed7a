"""The models of a worker: found at the start, loaded when first used, described to the bots."""

from __future__ import annotations

import logging
from pathlib import Path

from aigc_core.checkpoint import CARD, CheckpointError, read_json
from aigc_core.models import find_models, load_model
from aigc_core.serving import ImageModel, TextModel
from contracts.cards import ModelCard

logger = logging.getLogger(__name__)


class UnknownModelError(LookupError):
    """This worker has no such model."""


class Shelf:
    """Models by name. Only the engine thread loads and uses them."""

    def __init__(self, folders: dict[str, Path], device: str) -> None:
        self.folders, self.device = folders, device
        self.cards = readable_cards(folders)
        self._loaded: dict[str, ImageModel | TextModel] = {}

    @classmethod
    def from_environment(cls, device: str) -> Shelf:
        """All models of the zoo, ``models`` and ``AIGC_MODELS``."""
        return cls(find_models(), device)

    def leave_out(self, name: str) -> None:
        """Serve a model no more, because it does not work."""
        del self.cards[name]

    def image_model(self, name: str) -> ImageModel:
        """An image model, loaded if need be."""
        model = self._model(name)
        if not isinstance(model, ImageModel):
            raise UnknownModelError(name)
        return model

    def text_model(self, name: str) -> TextModel:
        """A text model, loaded if need be."""
        model = self._model(name)
        if not isinstance(model, TextModel):
            raise UnknownModelError(name)
        return model

    def _model(self, name: str) -> ImageModel | TextModel:
        if name not in self.cards:
            raise UnknownModelError(name)
        if name not in self._loaded:
            self._loaded[name] = load_model(self.folders[name], self.device)
        return self._loaded[name]


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
        licence=card["licence"],
        credit=card.get("data", {}).get("credit", ""),
    )
