"""REST v10, as far as the bot uses it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from playground import bodies, callbacks, objects
from playground.bodies import Body
from playground.objects import Json
from playground.world import EPHEMERAL, LOADING, DiscordError, Interaction, World

API = "/api/v10"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def reply(value: object, status: int = 200) -> web.Response:
    """JSON whose content type is exactly ``application/json``: a charset would break discord.py's login."""
    return web.Response(body=json.dumps(value).encode(), status=status, headers={"Content-Type": "application/json"})


@web.middleware
async def discord_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors in Discord's form, with the ``Via`` header that tells clients they are Discord's own."""
    try:
        return await handler(request)
    except DiscordError as error:
        response = reply({"code": error.code, "message": error.message}, error.status)
    except web.HTTPNotFound:
        response = reply({"code": 0, "message": "404: Not Found"}, 404)
    response.headers["Via"] = "1.1 playground"
    return response


class Rest:
    """The handlers of the bot's requests."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[web.RouteDef]:
        """The table of operations."""
        webhook = f"{API}/webhooks/{{application}}/{{token}}"
        message = f"{API}/channels/{{channel}}/messages/{{message}}"
        return [
            web.get(f"{API}/users/@me", self.me),
            web.get(f"{API}/oauth2/applications/@me", self.application),
            web.get(f"{API}/applications/@me", self.application),
            web.get(f"{API}/gateway/bot", self.gateway_bot),
            web.get(f"{API}/applications/{{application}}/commands", self.commands),
            web.put(f"{API}/applications/{{application}}/commands", self.put_commands),
            web.post(f"{API}/interactions/{{interaction}}/{{token}}/callback", self.callback),
            web.post(webhook, self.follow_up),
            web.get(f"{webhook}/messages/{{message}}", self.get_webhook_message),
            web.patch(f"{webhook}/messages/{{message}}", self.edit_webhook_message),
            web.delete(f"{webhook}/messages/{{message}}", self.delete_webhook_message),
            web.post(f"{API}/channels/{{channel}}/messages", self.create_message),
            web.get(message, self.get_message),
            web.patch(message, self.edit_message),
            web.delete(message, self.delete_message),
        ]

    def authorise(self, request: web.Request) -> None:
        """Only the bot's own token opens the bot's operations."""
        if request.headers.get("Authorization") != f"Bot {self.world.token}":
            raise DiscordError(401, 0, "401: Unauthorized")

    async def me(self, request: web.Request) -> web.Response:
        self.authorise(request)
        return reply(objects.bot_user())

    async def application(self, request: web.Request) -> web.Response:
        self.authorise(request)
        return reply(objects.application())

    async def gateway_bot(self, request: web.Request) -> web.Response:
        self.authorise(request)
        limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
        return reply({"url": "wss://gateway.discord.gg/", "shards": 1, "session_start_limit": limit})

    async def commands(self, request: web.Request) -> web.Response:
        self.authorise(request)
        return reply(self.world.commands)

    async def put_commands(self, request: web.Request) -> web.Response:
        self.authorise(request)
        return reply(self.world.set_commands(await request.json()))

    async def callback(self, request: web.Request) -> web.Response:
        body = await bodies.read_body(request)
        answer = callbacks.answer(self.world, request.match_info["interaction"], request.match_info["token"], body)
        return reply(answer) if request.query.get("with_response") in ("1", "true") else web.Response(status=204)

    async def follow_up(self, request: web.Request) -> web.Response:
        interaction = self.world.interaction(request.match_info["token"])
        body = await bodies.read_body(request)
        ephemeral = int(body.payload.get("flags") or 0) & EPHEMERAL
        if bodies.is_empty(body.payload, body.files):
            raise DiscordError(400, 50006, "Cannot send an empty message")
        message = bodies.apply(self.world, callbacks.follow_up(self.world, interaction, ephemeral), body)
        return reply(self.world.add_message(message, interaction.user_id if ephemeral else None))

    def _webhook_message(self, request: web.Request) -> tuple[Interaction, Json]:
        interaction = self.world.interaction(request.match_info["token"])
        name = request.match_info["message"]
        message_id = interaction.original_id if name == "@original" else name
        if message_id is None:
            raise DiscordError(404, 10015, "Unknown Webhook")
        return interaction, self.world.message(message_id)

    async def get_webhook_message(self, request: web.Request) -> web.Response:
        return reply(self._webhook_message(request)[1])

    async def edit_webhook_message(self, request: web.Request) -> web.Response:
        _, message = self._webhook_message(request)
        return reply(self._edit(message, await bodies.read_body(request)))

    async def delete_webhook_message(self, request: web.Request) -> web.Response:
        self.world.delete_message(self._webhook_message(request)[1]["id"])
        return web.Response(status=204)

    async def create_message(self, request: web.Request) -> web.Response:
        self.authorise(request)
        channel_id = request.match_info["channel"]
        if channel_id not in objects.CHANNELS:
            raise DiscordError(404, 10003, "Unknown Channel")
        body = await bodies.read_body(request)
        nonce = str(body.payload.get("nonce") or "")
        if nonce and body.payload.get("enforce_nonce") and (channel_id, nonce) in self.world.nonces:
            return reply(self.world.message(self.world.nonces[channel_id, nonce]))
        if bodies.is_empty(body.payload, body.files):
            raise DiscordError(400, 50006, "Cannot send an empty message")
        empty = objects.message(self.world.snowflake(), channel_id, objects.APPLICATION_ID)
        message = self.world.add_message(bodies.apply(self.world, empty, body))
        if nonce:
            self.world.nonces[channel_id, nonce] = message["id"]
        return reply(message)

    def _own_message(self, request: web.Request) -> Json:
        self.authorise(request)
        message = self.world.message(request.match_info["message"])
        if message["channel_id"] != request.match_info["channel"] or message["flags"] & EPHEMERAL:
            raise DiscordError(404, 10008, "Unknown Message")
        return message

    async def get_message(self, request: web.Request) -> web.Response:
        return reply(self._own_message(request))

    async def edit_message(self, request: web.Request) -> web.Response:
        return reply(self._edit(self._own_message(request), await bodies.read_body(request)))

    async def delete_message(self, request: web.Request) -> web.Response:
        self.world.delete_message(self._own_message(request)["id"])
        return web.Response(status=204)

    def _edit(self, message: Json, body: Body) -> Json:
        changed = bodies.apply(self.world, message, body)
        first = message["flags"] & LOADING
        changed["flags"] = message["flags"] & ~LOADING
        changed["edited_timestamp"] = None if first else objects.now()
        return self.world.change_message(changed)
