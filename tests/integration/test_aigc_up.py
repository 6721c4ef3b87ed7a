"""`aigc up` and `aigc try` as a newcomer uses them: everything starts, everything ends, data is found again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in ("DISCORD_TOKEN", "REDIS_URL")}


def start(home: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "aigc", "up", "--home", str(home), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stdout
    ready = next((line for line in iter(process.stdout.readline, "") if line.startswith("Ready")), "")
    found = re.search(r"http://\S+", ready)
    assert found, "aigc up ended before it was ready"
    return process, found[0]


def post(address: str, path: str, body: dict[str, object]) -> dict[str, object]:
    request = urllib.request.Request(f"{address}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return dict(json.load(response))


def state(address: str) -> dict[str, list[dict[str, str]]]:
    with urllib.request.urlopen(f"{address}/page/state") as response:
        return dict(json.load(response))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_nothing_is_left_running_and_data_is_found_again(tmp_path: Path, how: signal.Signals) -> None:
    """However it ends, its children end with it; the next start shows the same messages."""
    process, address = start(tmp_path)
    channel = state(address)["channels"][0]["id"]
    post(address, "/page/messages", {"channel": channel, "content": "remember me"})
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 4
    process.send_signal(how)
    process.wait(40)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
    process.stdout.close()  # type: ignore[union-attr]
    if how is signal.SIGINT:
        again, address = start(tmp_path)
        assert [message["content"] for message in state(address)["messages"]] == ["remember me"]
        again.terminate()
        assert again.wait(40) == 0
        again.stdout.close()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("command", "files"), [("/imagine prompt:7", 5), ("/imagine model:handwriting prompt:2026-11-23", 5), ('/write prompt:"To be"', 0)]
)
def test_try_saves_a_complete_answer(tmp_path: Path, command: str, files: int) -> None:
    run = subprocess.run([sys.executable, "-m", "aigc", "try", command, "--out", str(tmp_path)], env=ENVIRONMENT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    transcript = json.loads((tmp_path / "transcript.json").read_text())
    assert transcript["command"] == command and transcript["complete"] and transcript["seconds"] > 0
    assert len(transcript["files"]) == files and all((tmp_path / name).stat().st_size > 100 for name in transcript["files"])
    assert (tmp_path / "answer.txt").read_text().strip() == transcript["answer"]


@pytest.mark.parametrize("command", ["/imagine prompt:你好 model:handwriting", "/imagine prompt:7 model:none", "/nothing", "/imagine"])
def test_try_says_when_there_is_no_answer(tmp_path: Path, command: str) -> None:
    run = subprocess.run([sys.executable, "-m", "aigc", "try", command, "--out", str(tmp_path)], env=ENVIRONMENT, capture_output=True, text=True)
    assert run.returncode == 1 and "Traceback" not in run.stderr + run.stdout


def test_a_missing_token_is_said_in_words() -> None:
    run = subprocess.run([sys.executable, "-m", "aigc", "bot"], env=ENVIRONMENT, capture_output=True, text=True)
    assert run.returncode == 2 and "DISCORD_TOKEN" in run.stderr and "Traceback" not in run.stderr
