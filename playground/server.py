"""Composes the playground: Discord's side on a Unix socket for the bot, the page on a local port for people."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from playground.bodies import REQUEST_LIMIT
from playground.gateway import Gateway
from playground.page_api import PageApi
from playground.rest import Rest, discord_errors
from playground.world import World

SHUTDOWN_SECONDS = 2.0
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]", "::1")


@dataclass(frozen=True, kw_only=True)
class Playground:
    """A running playground."""

    world: World
    gateway: Gateway
    address: str


@web.middleware
async def only_local(request: web.Request, handler: object) -> web.StreamResponse:
    """Refuse other sites' pages: their Host or Origin is not this machine's, and they cannot post JSON without asking first."""
    origin = urlsplit(request.headers.get("Origin", "//127.0.0.1")).hostname
    if request.url.host not in LOCAL_HOSTS or origin not in LOCAL_HOSTS:
        raise web.HTTPForbidden(text="The playground answers to this machine only")
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    return await handler(request)  # type: ignore[operator,no-any-return]


def bot_app(world: World, gateway: Gateway, page: PageApi, middlewares: Sequence[Middleware] = ()) -> web.Application:
    """What the bot talks to: REST, gateway and files."""
    app = web.Application(client_max_size=REQUEST_LIMIT + 1024 * 1024, middlewares=[*middlewares, discord_errors])
    app.add_routes(Rest(world).routes())
    app.add_routes([web.get("/", gateway.handle), web.get("/attachments/{id}/{name}", page.attachment)])
    return app


def page_app(page: PageApi) -> web.Application:
    """What people's browsers talk to."""
    app = web.Application(middlewares=[only_local])
    app.add_routes(page.routes())
    return app


@contextlib.asynccontextmanager
async def serve(
    folder: Path, token: str, socket: Path, *, host: str = "127.0.0.1", port: int = 8080, middlewares: Sequence[Middleware] = ()
) -> AsyncIterator[Playground]:
    """Run a playground whose bot connects to ``socket``; a taken ``port`` is replaced by a free one."""
    world = World(folder, token)
    gateway = Gateway(world)
    page = PageApi(world, gateway)
    apps = (page_app(page), bot_app(world, gateway, page, middlewares))
    runners = [web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS) for app in apps]
    try:
        for runner in runners:
            await runner.setup()
        address = await _listen(runners[0], host, port)
        world.public_url = address
        socket.unlink(missing_ok=True)
        await web.UnixSite(runners[1], str(socket)).start()
        socket.chmod(0o600)
        yield Playground(world=world, gateway=gateway, address=address)
    finally:
        for runner in runners:
            await runner.cleanup()
        socket.unlink(missing_ok=True)
        world.close()


async def _listen(runner: web.AppRunner, host: str, port: int) -> str:
    for candidate in (port, 0):
        site = web.TCPSite(runner, host, candidate)
        try:
            await site.start()
        except OSError:
            await site.stop()
            if candidate == 0:
                raise
            continue
        bound = runner.addresses[0][1]
        return f"http://{host}:{bound}"
    raise AssertionError


async def run(folder: Path, token: str, socket: Path, port: int, address_file: Path) -> None:
    """Serve until cancelled; the page's address is written to ``address_file`` once it answers."""
    async with serve(folder, token, socket, port=port) as playground:
        temporary = address_file.with_suffix(".new")
        temporary.write_text(playground.address, encoding="utf-8")
        temporary.replace(address_file)
        await asyncio.Event().wait()
