"""From a text to a model that is served, anew and from a model of the zoo: `aigc train rnn` on a novel that no model of the zoo has read.

The novel is Jerome's "Three Men in a Boat" of the public domain. The trainings keep out the same twentieth of it; the same loss is the best of the
one from nothing, in bits per byte, because the two read different parts of words. Prints a JSON object on the last line.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from aigc_core.data.sources import locate
from aigc_core.data.stories import FAIRY_TALES

NOVELS = replace(
    FAIRY_TALES, path="books-pd/classics.jsonl.xz", sha256=("0aab3bb5e8ebf2f6a37f68218fd77d63c6149bb9b15202ec07aad839ce1cb3b2",)
)  # fmt: skip
TITLE = "Three Men in a Boat"
STOPPED = 3
"""The status of a training that ended itself, with the model of its best look."""


def write_novel(path: Path) -> int:
    """Write the novel as a text file; returns its number of characters."""
    with lzma.open(locate(NOVELS), "rt", encoding="utf-8") as file:
        text = next(book["text"] for line in file if (book := json.loads(line))["title"] == TITLE)
    plain = re.sub(r"[*_#]", "", text)
    path.write_text(plain, encoding="utf-8")
    return len(plain)


def train(text: Path, folder: Path, threads: int, base: str | None) -> dict[str, Any]:
    """Run the command; returns the looks of its record and how long it took to a served model."""
    command = [sys.executable, "-m", "aigc", "train", "rnn", "--data", str(text), "--name", folder.name, "--out", str(folder), "--device", "cpu"]
    command += ["--threads", str(threads), *(["--from", base] if base else [])]
    shutil.rmtree(folder, ignore_errors=True)  # a record of before would be added to
    started = time.monotonic()
    status = subprocess.run(command, check=False).returncode
    if status not in (0, STOPPED):
        raise SystemExit(f"the training ended with status {status}")
    looks = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return {"minutes": (time.monotonic() - started) / 60, "looks": [look for look in looks if "bits_per_byte" in look]}


def minutes_to(looks: list[dict[str, Any]], bits: float) -> float | None:
    """When a training was first as good."""
    return next((round(look["seconds"] / 60, 2) for look in looks if look["bits_per_byte"] <= bits), None)


def main() -> None:
    """Train twice and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("models/own-texts"))
    parser.add_argument("--base", default="tales")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    novel = arguments.folder / "three-men.txt"
    characters = write_novel(novel)
    anew = train(novel, arguments.folder / "anew", arguments.threads, None)
    tuned = train(novel, arguments.folder / "tuned", arguments.threads, arguments.base)
    best = [min(look["bits_per_byte"] for look in run["looks"]) for run in (anew, tuned)]
    bar = best[0]
    print(
        json.dumps(
            {
                "benchmark": "own_texts", "characters": characters, "base": arguments.base, "bits_per_byte": round(best[0], 3),
                "minutes": round(anew["minutes"], 1), "minutes_to_best": minutes_to(anew["looks"], bar), "bits_per_byte_tuned": round(best[1], 3),
                "minutes_tuned": round(tuned["minutes"], 1), "minutes_to_same_loss_tuned": minutes_to(tuned["looks"], bar),
                "copied_characters": tuned["looks"][-1]["copied_characters"], "sample": sample(arguments.folder / "tuned"),
            },
            ensure_ascii=False,
        )
    )  # fmt: skip


def sample(folder: Path) -> str:
    """The first lines that the trained model wrote at its last look."""
    return (folder / "sample.txt").read_text(encoding="utf-8").strip()[:400]


if __name__ == "__main__":
    main()
