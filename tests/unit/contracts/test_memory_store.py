"""The in-memory twin keeps the promises of the job records."""

from __future__ import annotations

import pytest

from tests.support.store_promises import *  # noqa: F403 - the promises are the tests
from tests.support.stores import Stores, memory_stores


@pytest.fixture
def stores() -> Stores:
    return memory_stores()
