"""Message bodies that the bot sends: read from JSON or multipart, checked by Discord's limits, applied to a message."""

from __future__ import annotations

import copy
import io
import json
import struct
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from playground import objects
from playground.objects import Json
from playground.world import DiscordError, World

CONTENT_LIMIT, FILES_LIMIT, ALT_LIMIT, CUSTOM_ID_LIMIT, LABEL_LIMIT = 2000, 10, 1024, 100, 80
REQUEST_LIMIT = 25 * 1024 * 1024


@dataclass
class Upload:
    """One file of a multipart body."""

    name: str
    data: bytes
    content_type: str


@dataclass
class Body:
    """A request's JSON and its files by number."""

    payload: Json
    files: dict[int, Upload] = field(default_factory=dict)


async def read_body(request: web.Request) -> Body:
    """Read JSON, or ``payload_json`` with ``files[n]``."""
    if request.content_type != "multipart/form-data":
        data = await request.read()
        return Body(payload=json.loads(data) if data else {})
    body = Body(payload={})
    form = await request.multipart()
    total = 0
    async for part in form:
        assert isinstance(part, BodyPartReader)
        name = part.name or ""
        data = bytes(await part.read())
        total += len(data)
        if total > REQUEST_LIMIT:
            raise DiscordError(413, 40005, "Request entity too large")
        if name == "payload_json":
            body.payload = request["payload_json"] = json.loads(data)
        elif name.startswith("files["):
            content_type = part.headers.get("Content-Type", "application/octet-stream")
            body.files[int(name[6:-1])] = Upload(part.filename or "file", data, content_type)
    return body


def check(payload: Json, files: dict[int, Upload]) -> None:
    """Discord's limits on a message, as error 50035 where one is broken."""
    problems = []
    if len(payload.get("content") or "") > CONTENT_LIMIT:
        problems.append(f"content: Must be {CONTENT_LIMIT} or fewer in length.")
    if len(payload.get("attachments") or files) > FILES_LIMIT:
        problems.append(f"attachments: Must be {FILES_LIMIT} or fewer.")
    if any(len(upload.data) > objects.ATTACHMENT_LIMIT for upload in files.values()):
        raise DiscordError(413, 40005, "Request entity too large")
    problems += [
        f"attachments: description over {ALT_LIMIT}" for a in payload.get("attachments") or [] if len(a.get("description") or "") > ALT_LIMIT
    ]
    problems += _component_problems(payload.get("components") or [])
    if problems:
        raise DiscordError(400, 50035, "Invalid Form Body: " + "; ".join(problems))


def _component_problems(rows: list[Json]) -> list[str]:
    problems = [] if len(rows) <= 5 else ["components: Must be 5 or fewer rows."]
    seen: set[str] = set()
    for row in rows:
        if len(row.get("components", [])) not in range(1, 6):
            problems.append("components: A row has 1 to 5 buttons.")
        for component in row.get("components", []):
            custom_id = component.get("custom_id")
            if component.get("style") == 5:
                continue
            if not custom_id or len(custom_id) > CUSTOM_ID_LIMIT or custom_id in seen:
                problems.append("components: custom_id must be unique and 1 to 100 in length.")
            seen.add(custom_id or "")
            if len(component.get("label") or "") > LABEL_LIMIT:
                problems.append(f"components: label over {LABEL_LIMIT}.")
    return problems


def is_empty(payload: Json, files: dict[int, Upload]) -> bool:
    """Whether a new message would have nothing to show."""
    return not (payload.get("content") or payload.get("embeds") or payload.get("components") or files)


def apply(world: World, message: Json, body: Body) -> Json:
    """A copy of ``message`` with the body's fields; of the attachments only those named stay."""
    check(body.payload, body.files)
    changed = copy.deepcopy(message)
    payload = body.payload
    if "content" in payload:
        changed["content"] = payload["content"] or ""
    if "embeds" in payload:
        changed["embeds"] = [{"type": "rich", **embed} for embed in payload["embeds"] or []]
    if "components" in payload:
        changed["components"] = _numbered(payload["components"] or [])
    changed["attachments"] = _attachments(world, message, body)
    return changed


def _attachments(world: World, message: Json, body: Body) -> list[Json]:
    named = body.payload.get("attachments")
    old = {attachment["id"]: attachment for attachment in message["attachments"]}
    if named is None:
        return [*old.values(), *(_save(world, upload, {}) for upload in body.files.values())]
    kept = []
    for entry in named:
        if str(entry["id"]) in old:
            kept.append(old[str(entry["id"])])
        elif int(entry["id"]) in body.files:
            kept.append(_save(world, body.files[int(entry["id"])], entry))
    return kept


def _save(world: World, upload: Upload, entry: Json) -> Json:
    attachment_id = world.snowflake()
    name = entry.get("filename") or upload.name
    world.save_file(attachment_id, name, upload.data)
    url = f"{world.public_url}/attachments/{attachment_id}/{name}"
    attachment = {"id": attachment_id, "filename": name, "size": len(upload.data), "url": url, "proxy_url": url, "content_type": upload.content_type}
    if entry.get("description"):
        attachment["description"] = entry["description"]
    size = png_size(upload.data)
    if size:
        attachment.update(width=size[0], height=size[1], content_type="image/png")
    return attachment


def png_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG file, from its header."""
    header = io.BytesIO(data).read(24)
    if len(header) < 24 or header[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    width, height = struct.unpack(">II", header[16:24])
    return int(width), int(height)


def _numbered(rows: list[Json]) -> list[Json]:
    """Components with the ids that the server gives them."""
    number = 0
    answer = []
    for row in rows:
        number += 1
        numbered_row = {**row, "id": number, "components": []}
        for component in row.get("components", []):
            number += 1
            numbered = {**component, "id": number}
            if component.get("emoji"):
                numbered["emoji"] = {key: value for key, value in component["emoji"].items() if value is not None}
            numbered_row["components"].append(numbered)
        answer.append(numbered_row)
    return answer
