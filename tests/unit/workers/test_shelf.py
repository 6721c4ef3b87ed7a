from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from aigc_core.models import find_models, zoo_folder
from contracts.requests import ImagineRequest
from workers.engine import Engine
from workers.main import probe
from workers.shelf import Shelf, UnknownModelError
from workers.work import Work


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("digits", "handwriting"):
        shutil.copytree(zoo_folder() / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("damage", ["{", '{"kind": "image", "name": "handwriting"}'])
def test_a_model_whose_card_is_broken_is_left_out_and_no_other(folder: Path, damage: str) -> None:
    (folder / "handwriting" / "card.json").write_text(damage)
    assert set(Shelf(find_models([folder]), "cpu").cards) == {"digits"}


def test_a_model_whose_weights_are_broken_is_left_out_after_the_warm_up(folder: Path) -> None:
    """The worker serves what works; a job for the broken one is told that there is no such model."""
    (folder / "handwriting" / "model.safetensors").write_bytes(b"rot")
    shelf = Shelf(find_models([folder]), "cpu")
    engine = Engine(shelf, 8, 4)
    engine.start()
    engine.warm_up([probe(shelf, name) for name in sorted(shelf.cards)])
    assert set(shelf.cards) == {"digits"}
    request = ImagineRequest(model="handwriting", prompt="1", count=1, seed=1)
    work = Work(job_id="j", request=request, deadline_at=time.time() + 60)
    engine.submit(work)
    with pytest.raises(UnknownModelError):
        work.result(20)
    engine.stop()


def test_a_users_model_hides_the_zoos(folder: Path) -> None:
    assert find_models([zoo_folder(), folder])["digits"] == folder / "digits"
