"""What the chat page calls: the state, events as they happen, using commands, pressing buttons."""

from __future__ import annotations

import asyncio
from importlib import resources
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from playground import objects
from playground.gateway import Gateway
from playground.objects import Json
from playground.rest import reply
from playground.world import DiscordError, Interaction, World

COMMAND, COMPONENT, AUTOCOMPLETE = 2, 3, 4
STRING, INTEGER, BOOLEAN, NUMBER = 3, 4, 5, 10
HISTORY = 200


class PageApi:
    """The page's side of the world."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self.world, self.gateway = world, gateway
        self._pages: dict[web.WebSocketResponse, str] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        world.publish = self.publish

    def routes(self) -> list[web.AbstractRouteDef]:
        """The table of operations."""
        page = Path(str(resources.files("playground") / "page"))

        async def index(_: web.Request) -> web.FileResponse:
            return web.FileResponse(page / "index.html", headers={"Cache-Control": "no-cache"})

        return [
            web.get("/", index),
            web.static("/static", page),
            web.get("/page/state", self.state),
            web.get("/page/events", self.events),
            web.post("/page/interactions", self.interact),
            web.post("/page/messages", self.say),
            web.post("/page/dismiss", self.dismiss),
            web.get("/attachments/{id}/{name}", self.attachment),
        ]

    def publish(self, kind: str, data: Json, only_for: str | None) -> None:
        """Tell the pages; ``only_for`` limits it to one person's."""
        for socket, user_id in list(self._pages.items()):
            if only_for in (None, user_id):
                self._spawn(self._send(socket, {"kind": kind, "data": data}))

    async def _send(self, socket: web.WebSocketResponse, value: Json) -> None:
        try:
            await socket.send_json(value)
        except ConnectionError:
            self._pages.pop(socket, None)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def state(self, request: web.Request) -> web.Response:
        """Everything that a page shows when it opens."""
        user_id = _person(request.query.get("user"))
        visible = [m for m in self.world.messages.values() if self.world.only_for.get(m["id"]) in (None, user_id)]
        return reply({
            "guild": "Playground",
            "channels": [objects.channel(channel_id) for channel_id in objects.CHANNELS],
            "people": [objects.user(person) for person in objects.PEOPLE],
            "me": user_id,
            "bot": objects.user(objects.APPLICATION_ID) | {"online": self.gateway.online},
            "commands": self.world.commands,
            "messages": [m for channel_id in objects.CHANNELS for m in [v for v in visible if v["channel_id"] == channel_id][-HISTORY:]],
        })  # fmt: skip

    async def events(self, request: web.Request) -> web.StreamResponse:
        """A web socket with all that happens."""
        user_id = _person(request.query.get("user"))
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        self._pages[socket] = user_id
        try:
            async for message in socket:
                if message.type == WSMsgType.ERROR:
                    break
        finally:
            self._pages.pop(socket, None)
        return socket

    async def interact(self, request: web.Request) -> web.Response:
        """Use a command (type 2), press a button (3) or ask for choices (4)."""
        body = await request.json()
        user_id, channel_id = _person(body.get("user")), body.get("channel")
        if channel_id not in objects.CHANNELS:
            return reply({"error": "There is no such channel"}, 400)
        try:
            act = self._press if body["type"] == COMPONENT else self._use
            interaction = act(user_id, channel_id, body)
        except ValueError as error:
            return reply({"error": str(error)}, 400)
        except DiscordError as error:
            return reply({"error": error.message}, error.status)
        if body["type"] == AUTOCOMPLETE:
            return reply({"choices": await self._wait_for_choices(interaction)})
        self._spawn(self._watch(interaction))
        return reply({"id": interaction.id})

    def _use(self, user_id: str, channel_id: str, body: Json) -> Interaction:
        command = next((c for c in self.world.commands if c["name"] == body.get("command")), None)
        if command is None:
            raise ValueError(f"There is no command /{body.get('command')}")
        focused = body.get("focused") if body["type"] == AUTOCOMPLETE else None
        options = _options(command, body.get("options") or {}, focused)
        data = {"id": command["id"], "name": command["name"], "type": 1, "options": options}
        interaction = self.world.interact(body["type"], user_id, channel_id, data)
        interaction.choices = asyncio.get_running_loop().create_future() if focused else None
        return interaction

    def _press(self, user_id: str, channel_id: str, body: Json) -> Interaction:
        message = self.world.message(body["message"])
        return self.world.interact(COMPONENT, user_id, channel_id, {"custom_id": body["custom_id"], "component_type": 2}, message)

    async def _wait_for_choices(self, interaction: Interaction) -> list[Json]:
        assert interaction.choices is not None
        try:
            return await asyncio.wait_for(interaction.choices, self.world.ack_seconds)
        except TimeoutError:
            return []

    async def _watch(self, interaction: Interaction) -> None:
        """Discord's own words when the bot does not answer in time."""
        await asyncio.sleep(self.world.ack_seconds)
        if not interaction.acknowledged:
            self.publish("interaction_failed", {"id": interaction.id, "error": "The application did not respond"}, interaction.user_id)

    async def say(self, request: web.Request) -> web.Response:
        """A plain message of a person."""
        body = await request.json()
        text = str(body.get("content", "")).strip()
        if not text or len(text) > 2000 or body.get("channel") not in objects.CHANNELS:
            return reply({"error": "A message has 1 to 2000 characters"}, 400)
        message = objects.message(self.world.snowflake(), body["channel"], _person(body.get("user")))
        self.world.add_message({**message, "content": text})
        return reply({"id": message["id"]})

    async def dismiss(self, request: web.Request) -> web.Response:
        """A person dismisses a message that only they see."""
        body = await request.json()
        if self.world.only_for.get(body.get("message", "")) != _person(body.get("user")):
            return reply({"error": "This message cannot be dismissed"}, 403)
        self.world.delete_message(body["message"])
        return reply({})

    async def attachment(self, request: web.Request) -> web.StreamResponse:
        """A file of a message."""
        attachment_id, name = request.match_info["id"], request.match_info["name"]
        path = self.world.file_path(attachment_id, name)
        if not attachment_id.isdigit() or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"})


def _person(user_id: str | None) -> str:
    return user_id if user_id in objects.PEOPLE else objects.OWNER_ID


def _options(command: Json, values: Json, focused: str | None) -> list[Json]:
    """Options as the bot receives them, checked as Discord's own clients check them."""
    known = {option["name"]: option for option in command["options"]}
    unknown = [name for name in values if name not in known]
    if unknown:
        raise ValueError(f"/{command['name']} has no option {unknown[0]}")
    missing = [name for name, option in known.items() if option.get("required") and name not in values]
    if missing and focused is None:
        raise ValueError(f"{missing[0]}: This option is required")
    answer = []
    for name, value in values.items():
        option = known[name]
        entry: Json = {"name": name, "type": option["type"], "value": value if name == focused else _value(option, value)}
        answer.append({**entry, "focused": True} if name == focused else entry)
    return answer


def _value(option: Json, value: object) -> object:
    """A value of the option's type and within its bounds."""
    name, kind, text = option["name"], option["type"], str(value).strip()
    if kind == STRING:
        if not option.get("min_length", 0) <= len(str(value)) <= option.get("max_length", 6000):
            raise ValueError(f"{name}: Must be {option.get('max_length', 6000)} or fewer in length")
        return str(value)
    if kind == BOOLEAN:
        return text.lower() in ("true", "yes", "1")
    try:
        number = int(text) if kind == INTEGER else float(text)
    except ValueError:
        raise ValueError(f"{name}: {text} is not a {'whole number' if kind == INTEGER else 'number'}") from None
    low, high = option.get("min_value", -(2**53)), option.get("max_value", 2**53)
    if not low <= number <= high:
        raise ValueError(f"{name}: Must be between {low} and {high}")
    return number
