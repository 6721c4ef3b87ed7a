"""Everything that the playground knows: messages, commands, interactions, files. Messages and files survive a restart."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playground import objects
from playground.objects import Json

DISCORD_EPOCH_MS = 1420070400000
EPHEMERAL, LOADING = 1 << 6, 1 << 7
ACK_SECONDS = 3.0
TOKEN_SECONDS = 15 * 60.0


class DiscordError(Exception):
    """An error as Discord answers it: HTTP status, its own code, a message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(kw_only=True)
class Interaction:
    """A command used or a button pressed, waiting for the bot's answer."""

    id: str
    token: str
    kind: int
    user_id: str
    channel_id: str
    data: Json
    created_at: float = field(default_factory=time.time)
    acknowledged_at: float | None = None
    original_id: str | None = None
    source_message_id: str | None = None
    choices: asyncio.Future[list[Json]] | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether the bot has answered at all, if only with "thinking"."""
        return self.acknowledged_at is not None


class World:
    """The server's state. ``publish`` tells the pages what changed; ``dispatch`` reaches the bot's gateway."""

    def __init__(self, folder: Path, token: str, public_url: str = "http://127.0.0.1") -> None:
        self.folder, self.token, self.public_url = folder, token, public_url
        self.ack_seconds, self.token_seconds = ACK_SECONDS, TOKEN_SECONDS
        self.commands: list[Json] = []
        self.messages: dict[str, Json] = {}
        self.only_for: dict[str, str] = {}
        self.interactions: dict[str, Interaction] = {}
        self.nonces: dict[tuple[str, str], str] = {}
        self.publish: Callable[[str, Json, str | None], None] = lambda _kind, _data, _only_for: None
        self.dispatch: Callable[[str, Json], bool] = lambda _event, _data: False
        self._sequence = secrets.randbits(12)
        self._open()

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(self.folder / "playground.sqlite3")
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, only_for TEXT, body TEXT NOT NULL)")
        for message_id, only_for, body in self._database.execute("SELECT id, only_for, body FROM messages ORDER BY id"):
            self.messages[str(message_id)] = json.loads(body)
            if only_for:
                self.only_for[str(message_id)] = only_for

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def snowflake(self) -> str:
        """A new id: Discord's layout, milliseconds in the upper bits."""
        self._sequence = (self._sequence + 1) % 4096
        return str((int(time.time() * 1000) - DISCORD_EPOCH_MS) << 22 | self._sequence)

    def set_commands(self, payloads: list[Json]) -> list[Json]:
        """Replace the bot's commands."""
        self.commands = [objects.command(self.snowflake(), payload) for payload in payloads]
        self.publish("commands", {"commands": self.commands}, None)
        return self.commands

    def add_message(self, body: Json, only_for: str | None = None) -> Json:
        """Post a message; ``only_for`` is the one person who sees an ephemeral one."""
        self.messages[body["id"]] = body
        if only_for:
            self.only_for[body["id"]] = only_for
        self._keep(body)
        self.publish("message", body, only_for)
        return body

    def change_message(self, body: Json) -> Json:
        """Show a changed message."""
        self.messages[body["id"]] = body
        self._keep(body)
        self.publish("message_update", body, self.only_for.get(body["id"]))
        return body

    def delete_message(self, message_id: str) -> None:
        """Delete a message."""
        body = self.message(message_id)
        del self.messages[message_id]
        self._database.execute("DELETE FROM messages WHERE id = ?", (int(message_id),))
        self._database.commit()
        self.publish("message_delete", {"id": message_id, "channel_id": body["channel_id"]}, self.only_for.pop(message_id, None))

    def message(self, message_id: str) -> Json:
        """A message, or Discord's error 10008."""
        if message_id not in self.messages:
            raise DiscordError(404, 10008, "Unknown Message")
        return self.messages[message_id]

    def _keep(self, body: Json) -> None:
        row = (int(body["id"]), self.only_for.get(body["id"]), json.dumps(body))
        self._database.execute("INSERT OR REPLACE INTO messages VALUES (?, ?, ?)", row)
        self._database.commit()

    def save_file(self, attachment_id: str, name: str, data: bytes) -> None:
        """Keep an attachment's bytes."""
        path = self.file_path(attachment_id, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def file_path(self, attachment_id: str, name: str) -> Path:
        """Where an attachment lies."""
        return self.folder / "files" / attachment_id / Path(name).name

    def interact(self, kind: int, user_id: str, channel_id: str, data: Json, message: Json | None = None) -> Interaction:
        """A person uses a command (2), presses a button (3) or types in an option (4): tell the bot."""
        interaction = Interaction(
            id=self.snowflake(),
            token=secrets.token_urlsafe(48),
            kind=kind,
            user_id=user_id,
            channel_id=channel_id,
            data=data,
            source_message_id=message["id"] if message else None,
        )
        self.interactions[interaction.token] = interaction
        self._forget_old_interactions()
        if not self.dispatch("INTERACTION_CREATE", self._interaction_event(interaction, message)):
            raise DiscordError(503, 0, "The bot is not online")
        return interaction

    def _interaction_event(self, interaction: Interaction, message: Json | None) -> Json:
        event: Json = {
            "id": interaction.id,
            "application_id": objects.APPLICATION_ID,
            "type": interaction.kind,
            "data": interaction.data,
            "guild_id": objects.GUILD_ID,
            "guild": {"id": objects.GUILD_ID, "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "locale": "en-US",
            "channel_id": interaction.channel_id,
            "channel": {**objects.channel(interaction.channel_id), "permissions": objects.OWNER_PERMISSIONS},
            "member": objects.member(interaction.user_id),
            "token": interaction.token,
            "version": 1,
            "app_permissions": objects.OWNER_PERMISSIONS,
            "entitlements": [],
            "authorizing_integration_owners": {"0": objects.GUILD_ID},
            "context": 0,
            "attachment_size_limit": objects.ATTACHMENT_LIMIT,
        }
        return {**event, "message": message} if message else event

    def interaction(self, token: str) -> Interaction:
        """The interaction of a webhook token, or Discord's error for a dead one."""
        interaction = self.interactions.get(token)
        if interaction is None or time.time() - interaction.created_at > self.token_seconds:
            raise DiscordError(401, 50027, "Invalid Webhook Token")
        return interaction

    def _forget_old_interactions(self) -> None:
        oldest = time.time() - self.token_seconds - 60
        for token in [*itertools.takewhile(lambda token: self.interactions[token].created_at <= oldest, self.interactions)]:
            del self.interactions[token]
