"""A worker with a model that misbehaves on request: ``python -m tests.support.bad_worker``.

"poison" ends the process from within the device, "hang" never comes back; any other prompt is drawn.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from aigc_core.serving import DrawnPicture, PictureQuery
from tests.support.models import CountingModel, FakeShelf
from workers.main import run_worker

NEVER_SECONDS = 3600


class BadModel(CountingModel):
    """Draws as its prompt says."""

    def draw(self, queries: Sequence[PictureQuery]) -> list[DrawnPicture]:
        if any(query.prompt == "poison" for query in queries):
            os._exit(9)
        if any(query.prompt == "hang" for query in queries):
            time.sleep(NEVER_SECONDS)
        return super().draw(queries)


if __name__ == "__main__":
    run_worker(shelf=FakeShelf(digits=BadModel()))
