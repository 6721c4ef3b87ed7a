"""The recurrent networks by the name under which a model's configuration knows them."""

from __future__ import annotations

from typing import Any

from aigc_core.config import from_dict
from aigc_core.rnn.hawk import Hawk, HawkConfig
from aigc_core.rnn.language_model import RecurrentLanguageModel
from aigc_core.rnn.lstm import Lstm, LstmConfig
from aigc_core.rnn.min_gru import MinGruConfig, MinGruModel

CellConfig = HawkConfig | LstmConfig | MinGruConfig


def cell_name(config: CellConfig) -> str:
    """``hawk``, ``lstm`` or ``min_gru``."""
    return {HawkConfig: "hawk", LstmConfig: "lstm", MinGruConfig: "min_gru"}[type(config)]


def read_config(cell: str, network: dict[str, Any]) -> CellConfig:
    """The configuration that a checkpoint holds.

    Raises:
        KeyError: there is no such cell.
        ValueError: the sizes do not parse.
    """
    kinds: dict[str, type[CellConfig]] = {"hawk": HawkConfig, "lstm": LstmConfig, "min_gru": MinGruConfig}
    return from_dict(kinds[cell], network)


def build_language_model(config: CellConfig, dropout: float = 0.0) -> RecurrentLanguageModel:
    """The network that a configuration describes."""
    if isinstance(config, HawkConfig):
        return Hawk(config, dropout)
    return Lstm(config, dropout) if isinstance(config, LstmConfig) else MinGruModel(config, dropout)
