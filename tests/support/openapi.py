"""Checks every HTTP exchange of the bot against Discord's own OpenAPI document, where that is at hand (AIGC_DISCORD_OPENAPI)."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
from aiohttp import web

PREFIX = "/api/v10"


def document_path() -> Path | None:
    """Where the document lies, if it is at hand."""
    value = os.environ.get("AIGC_DISCORD_OPENAPI")
    return Path(value) if value and Path(value).is_file() else None


@dataclass(kw_only=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    request: Any
    status: int
    response: Any


@dataclass
class Recorder:
    """An aiohttp middleware that keeps every exchange."""

    exchanges: list[Exchange] = field(default_factory=list)

    def middleware(self) -> Callable[..., Any]:
        """The middleware."""

        @web.middleware
        async def record(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
            multipart = request.content_type == "multipart/form-data"
            body = await request.read() if request.path.startswith(PREFIX) and not multipart else b""
            response = await handler(request)
            if request.path.startswith(PREFIX):
                answer = json.loads(response.body) if isinstance(response, web.Response) and response.body else None  # type: ignore[arg-type]
                payload = request.get("payload_json") if multipart else json.loads(body) if body else None
                self.exchanges.append(
                    Exchange(
                        method=request.method.lower(), path=request.path[len(PREFIX) :], request=payload, status=response.status, response=answer
                    )
                )
            return response

        return record


class Contract:
    """Discord's document as validators."""

    def __init__(self, path: Path) -> None:
        self.document = json.loads(gzip.decompress(path.read_bytes()))
        self.paths = [(re.compile("^" + re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(p)) + "$"), p) for p in self.document["paths"]]
        self.paths.sort(key=lambda pair: pair[1].count("{"))
        self._validators: dict[str, Any] = {}

    def violations(self, exchange: Exchange) -> list[str]:
        """What the document says against an exchange. The one waiver: discord.py sends ``attachments[].id`` as a number."""
        operation = self._operation(exchange)
        if operation is None:
            return [f"{exchange.method} {exchange.path}: no such operation"]
        found = []
        if exchange.request is not None and 200 <= exchange.status < 300:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            found += self._errors(schema, _waived(exchange.request), exchange, "request")
        responses = operation["responses"]
        if str(exchange.status) in responses:
            content = responses[str(exchange.status)].get("content")
            if content:
                found += self._errors(content["application/json"]["schema"], exchange.response, exchange, "response")
            elif exchange.response is not None:
                found.append(f"{exchange.method} {exchange.path}: an answer {exchange.status} has no body")
        elif not 400 <= exchange.status < 500:
            found.append(f"{exchange.method} {exchange.path}: status {exchange.status} is not documented")
        return found

    def _operation(self, exchange: Exchange) -> Any:
        for pattern, path in self.paths:
            if pattern.match(exchange.path) and exchange.method in self.document["paths"][path]:
                return self.document["paths"][path][exchange.method]
        return None

    def _errors(self, schema: Any, value: Any, exchange: Exchange, side: str) -> list[str]:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator({**schema, "components": self.document["components"]})
        errors = self._validators[key].iter_errors(value)
        return [f"{side} of {exchange.method} {exchange.path}: {e.message[:300]} at {list(e.instance_path)}" for e in errors]


def _waived(payload: Any) -> Any:
    payload = json.loads(json.dumps(payload))
    for part in (payload, payload.get("data") if isinstance(payload, dict) else None):
        if isinstance(part, dict):
            for attachment in part.get("attachments") or []:
                attachment["id"] = str(attachment["id"])
    return payload
