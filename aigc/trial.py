"""``aigc try``: one slash command through Redis, a Celery worker, the playground and discord.py; the answer is saved."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command, and where its answer goes."""
    parser.add_argument("line", metavar="COMMAND", help='for example "/imagine prompt:7 count:4"')
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the answer (default: out)")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds to wait for the answer")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 only if the answer is complete."""
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from aigc.children import ChildFailed
    from aigc.embedded_redis import NoRedisError
    from aigc.stack import running_stack

    with tempfile.TemporaryDirectory(prefix="aigc-try-") as folder:
        try:
            async with running_stack(Path(folder), 0, lambda text: print(text, file=sys.stderr)) as stack:
                assert stack.address is not None
                transcript = await asyncio.wait_for(_use(stack.address, arguments.line, arguments.out), arguments.timeout)
        except TimeoutError:
            print(f"aigc try: no complete answer after {arguments.timeout:.0f} s", file=sys.stderr)
            return 1
        except (ChildFailed, NoRedisError, ValueError) as error:
            print(f"aigc try: {error}", file=sys.stderr)
            return 1
    print(transcript["answer"])
    print(f"{transcript['seconds']} s; {len(transcript['files'])} files in {arguments.out}")
    return 0 if transcript["complete"] else 1


async def _use(address: str, line: str, out: Path) -> dict[str, Any]:
    """Use the command as the page does, follow the answer to its end, save it."""
    import aiohttp

    async with aiohttp.ClientSession(address) as session, session.ws_connect("/page/events") as events:
        async with session.get("/page/state") as response:
            state = await response.json()
        name, options = parse(line, state["commands"])
        started = time.monotonic()
        body = {"type": 2, "user": state["me"], "channel": state["channels"][0]["id"], "command": name, "options": options}
        async with session.post("/page/interactions", json=body) as response:
            used = await response.json()
        if "error" in used:
            raise ValueError(used["error"])
        message, steps = await _follow(events, used["id"], started)
        seconds = round(time.monotonic() - started, 3)
        out.mkdir(parents=True, exist_ok=True)
        files = [await _save(session, attachment, out) for attachment in message["attachments"]]
    transcript = {
        "command": line,
        "answer": message["content"],
        "files": files,
        "seconds": seconds,
        "complete": is_complete(message, name),
        "steps": steps,
    }
    (out / "answer.txt").write_text(message["content"] + "\n", encoding="utf-8")
    (out / "transcript.json").write_text(json.dumps(transcript, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return transcript


async def _follow(events: Any, interaction_id: str, started: float) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The last form of the answer, and the forms that it had on the way."""
    steps: list[dict[str, Any]] = []
    async for event in events:
        happened = json.loads(event.data)
        data = happened["data"]
        if happened["kind"] == "interaction_failed" and data["id"] == interaction_id:
            raise ValueError(data["error"])
        if happened["kind"] in ("message", "message_update") and data.get("interaction_metadata", {}).get("id") == interaction_id:
            steps.append({"seconds": round(time.monotonic() - started, 3), "content": data["content"], "files": len(data["attachments"])})
            if is_final(data):
                return data, steps
    raise ValueError("the page's connection ended before the answer was complete")


def _custom_ids(message: dict[str, Any]) -> list[str]:
    return [component.get("custom_id", "") for row in message["components"] for component in row["components"]]


def is_final(message: dict[str, Any]) -> bool:
    """Whether an answer will not change any more: it is private, or it offers to be deleted."""
    private = message["flags"] & 64 and not message["flags"] & 128
    return bool(private) or any(custom_id.startswith("aigc:delete:") for custom_id in _custom_ids(message))


def is_complete(message: dict[str, Any], command: str) -> bool:
    """Whether a final answer is a result, not a refusal or a failure."""
    results = {"imagine": "aigc:vary:", "write": "aigc:continue:"}
    return command not in results or any(custom_id.startswith(results[command]) for custom_id in _custom_ids(message))


async def _save(session: Any, attachment: dict[str, Any], out: Path) -> str:
    async with session.get(urlsplit(attachment["url"]).path) as response:
        (out / Path(attachment["filename"]).name).write_bytes(await response.read())
    return str(attachment["filename"])


def parse(line: str, commands: list[dict[str, Any]]) -> tuple[str, dict[str, str]]:
    """Split ``/name option:value option:"two words"`` by the options that the command has.

    Raises:
        ValueError: no such command, or text that belongs to no option.
    """
    match = re.fullmatch(r"/(\S+)\s*(.*)", line.strip(), re.DOTALL)
    command = next((c for c in commands if match and c["name"] == match[1]), None)
    if match is None or command is None:
        raise ValueError(
            f"there is no command {line.split()[0] if line.split() else line!r}; there are {', '.join('/' + c['name'] for c in commands)}"
        )
    names = [option["name"] for option in command["options"]]
    pieces = re.split(rf"(?:^|\s)({'|'.join(names)}):", match[2]) if names else [match[2]]
    if pieces[0].strip():
        raise ValueError(f"{pieces[0].strip()!r} belongs to no option of /{command['name']}")
    values = [value.strip() for value in pieces[2::2]]
    return command["name"], {name: _unquote(value) for name, value in zip(pieces[1::2], values, strict=True)}


def _unquote(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
