"""The wire's schema as one JSON document. ``python -m contracts.schema`` prints it; the golden copy is ``contracts/schema.json``."""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic.json_schema import models_json_schema

from contracts.cards import Announcement
from contracts.outcomes import Failure, ImageOutcome, Progress, Snapshot, TextOutcome
from contracts.requests import Job


def wire_schema() -> dict[str, Any]:
    """JSON Schema of every value that crosses a process."""
    values = (Job, ImageOutcome, TextOutcome, Failure, Progress, Snapshot, Announcement)
    _, schema = models_json_schema([(value, "serialization") for value in values], title="AIGC wire format")
    return schema


if __name__ == "__main__":
    sys.stdout.write(json.dumps(wire_schema(), indent=2, sort_keys=True) + "\n")
