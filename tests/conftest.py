from __future__ import annotations

import os

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Two OpenMP threads on a busy machine are slower than one, and sums then depend on luck."""
    torch.set_num_threads(1)


@pytest.fixture
def needs_data() -> None:
    if not os.environ.get("AIGC_DATA_DIR"):
        pytest.skip("AIGC_DATA_DIR does not name a folder with the training data")
