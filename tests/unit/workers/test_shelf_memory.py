"""Models come when they are needed and go when others need their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from aigc_core.models import zoo_folder
from tests.support.models import CountingModel
from workers.shelf import ModelTooLargeError, Shelf

NAMES = ("digits", "handwriting", "bard")


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setattr("workers.shelf.load_model", lambda folder, device: CountingModel())
    return Shelf({name: zoo_folder() / name for name in NAMES}, "cpu")


def test_without_a_bound_all_stay(shelf: Shelf) -> None:
    for name in NAMES:
        shelf.image_model(name)
    assert shelf.loaded == NAMES


def test_the_least_recently_used_goes_first(shelf: Shelf) -> None:
    shelf.memory_mib = sum(shelf.size_mib(name) for name in NAMES) - 0.01
    for name in ("digits", "handwriting", "digits", "bard"):
        shelf.image_model(name)
    assert shelf.loaded == ("digits", "bard")
    shelf.image_model("handwriting")
    assert "handwriting" in shelf.loaded and "digits" not in shelf.loaded


def test_a_model_in_use_stays(shelf: Shelf) -> None:
    shelf.memory_mib = max(shelf.size_mib(name) for name in NAMES)
    shelf.image_model("digits")
    shelf.image_model("bard", in_use=["digits"])
    assert shelf.loaded == ("digits", "bard")


def test_a_model_that_never_fits_is_refused_in_words(shelf: Shelf) -> None:
    shelf.memory_mib = 0.01
    with pytest.raises(ModelTooLargeError, match=r"AIGC_MODEL_MEMORY_MIB allows 0\.01"):
        shelf.image_model("bard")
    assert shelf.loaded == ()


def test_the_size_is_that_of_the_weights(shelf: Shelf) -> None:
    """As they lie in the zoo, but for the file's header."""
    weights = Path(zoo_folder() / "bard" / "model.safetensors")
    assert shelf.size_mib("bard") == pytest.approx(weights.stat().st_size / 1024**2, rel=0.01)
