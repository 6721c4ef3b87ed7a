"""Gateway v10 over a web socket: identify, heartbeat, resume, compressed as ``zlib-stream``."""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from collections import deque
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from playground import objects
from playground.objects import Json
from playground.world import World

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 0, 1, 2, 6, 7, 9, 10, 11
HEARTBEAT_INTERVAL_MS = 41250
REPLAYED_EVENTS = 500


@dataclass
class Session:
    """A bot's session; it outlives its connection, so that a bot can resume."""

    id: str
    sequence: int = 0
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=REPLAYED_EVENTS))
    connection: Connection | None = None


class Connection:
    """One web socket of the bot."""

    def __init__(self, socket: web.WebSocketResponse, compressed: bool) -> None:
        self.socket = socket
        self._deflate = zlib.compressobj() if compressed else None
        self._queue: asyncio.Queue[Json] = asyncio.Queue()

    def send(self, payload: Json) -> None:
        """Queue a payload; the order is kept."""
        self._queue.put_nowait(payload)

    async def write_loop(self) -> None:
        """Send what is queued until the socket closes."""
        while not self.socket.closed:
            data = json.dumps(await self._queue.get())
            if self._deflate is None:
                await self.socket.send_str(data)
            else:
                await self.socket.send_bytes(self._deflate.compress(data.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH))


class Gateway:
    """Keeps the bot's session and hands events to its connection."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.session: Session | None = None
        world.dispatch = self.dispatch

    @property
    def online(self) -> bool:
        """Whether the bot is connected."""
        return self.session is not None and self.session.connection is not None

    def dispatch(self, event: str, data: Json) -> bool:
        """Send an event to the bot; False if it is not connected."""
        if self.session is None or self.session.connection is None:
            return False
        self._emit(self.session, event, data)
        return True

    def _emit(self, session: Session, event: str, data: Json) -> None:
        session.sequence += 1
        payload = {"op": DISPATCH, "t": event, "s": session.sequence, "d": data}
        session.events.append(payload)
        if session.connection:
            session.connection.send(payload)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The web socket endpoint."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        connection = Connection(socket, request.query.get("compress") == "zlib-stream")
        connection.send({"op": HELLO, "t": None, "s": None, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL_MS}})
        writer = asyncio.create_task(connection.write_loop())
        try:
            async for message in socket:
                # discord.py sends text, some clients send binary frames
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._receive(connection, json.loads(message.data))
        finally:
            writer.cancel()
            self._disconnect(connection)
        return socket

    async def _receive(self, connection: Connection, payload: Json) -> None:
        op, data = payload.get("op"), payload.get("d")
        if op == HEARTBEAT:
            connection.send({"op": HEARTBEAT_ACK, "t": None, "s": None, "d": None})
        elif op in (IDENTIFY, RESUME):
            if not isinstance(data, dict) or data.get("token") != self.world.token:
                await connection.socket.close(code=4004, message=b"Authentication failed")
            elif op == IDENTIFY:
                self._identify(connection)
            else:
                self._resume(connection, data)

    def _identify(self, connection: Connection) -> None:
        self.session = session = Session(id=secrets.token_hex(16), connection=connection)
        ready = {
            "v": 10,
            "user": objects.bot_user(),
            "guilds": [{"id": objects.GUILD_ID, "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": "wss://gateway.discord.gg",
            "application": {"id": objects.APPLICATION_ID, "flags": 0},
            "shard": [0, 1],
        }
        self._emit(session, "READY", ready)
        self._emit(session, "GUILD_CREATE", objects.guild())
        self._announce()

    def _resume(self, connection: Connection, data: Json) -> None:
        session = self.session
        if session is None or session.id != data.get("session_id"):
            connection.send({"op": INVALID_SESSION, "t": None, "s": None, "d": False})
            return
        session.connection = connection
        for payload in [event for event in session.events if event["s"] > data.get("seq", 0)]:
            connection.send(payload)
        self._emit(session, "RESUMED", {})
        self._announce()

    def _disconnect(self, connection: Connection) -> None:
        if self.session and self.session.connection is connection:
            self.session.connection = None
            self._announce()

    def _announce(self) -> None:
        self.world.publish("bot", {"online": self.online}, None)
