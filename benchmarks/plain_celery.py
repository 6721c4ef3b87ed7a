"""What the engine is compared with: the same models served by plain Celery, one job a task, one at a time on the device.

``celery -A benchmarks.plain_celery worker --pool=solo``, or ``--pool=threads`` with the device behind a lock.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time

import redis
import torch
from celery import Celery, signals

from aigc_core import images
from aigc_core.rnn.sampling import SamplerSettings
from aigc_core.serving import DrawnPicture, PictureQuery
from benchmarks.simulated import MODEL, SimulatedDevice
from contracts.requests import ImagineRequest, WriteRequest
from workers.pictures import sheet
from workers.shelf import Shelf

DONE = "plain:done:"
PUBLISH = """
local clock = redis.call('TIME')
redis.call('SET', 'plain:result:' .. ARGV[1], ARGV[2], 'EX', 60)
redis.call('HSET', KEYS[1], ARGV[1], clock[1] + clock[2] / 1e6)
"""
"""A result that a bot can fetch, and when it was there: what any bot on plain Celery has to do too."""
URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
app = Celery("plain", broker=URL, set_as_current=False)
app.conf.update(
    task_serializer="json", accept_content=["json"], task_ignore_result=True, worker_prefetch_multiplier=1, worker_hijack_root_logger=False
)
state: dict[str, Shelf] = {}
device = threading.Lock()
client = redis.Redis.from_url(URL)
publish = client.register_script(PUBLISH)


async def send(name: str, request: ImagineRequest | WriteRequest, queue: str) -> None:
    """Ask for a job by name; in a thread, because Celery blocks."""
    size, kind = (request.count, "pictures") if isinstance(request, ImagineRequest) else (request.length, "text")
    arguments = [name, request.model, request.prompt, size, request.seed]
    await asyncio.to_thread(app.send_task, f"{queue}.{kind}", args=arguments, queue=queue)


@signals.worker_init.connect(weak=False)
def load(**_: object) -> None:
    """Load and warm the models before the first task."""
    torch.set_num_threads(1)
    state["shelf"] = shelf = Shelf.from_environment("cpu")
    shelf.text_model("bard").write("To be", 8, SamplerSettings(), 0)
    shelf.image_model("digits").draw([PictureQuery(prompt="7", seed=0)])


@app.task(name="plain.nothing")
def nothing(job_id: str) -> None:
    """Note when a task starts."""
    client.hset(f"{DONE}plain", job_id, time.time())


@app.task(name="plain.text")
def text(job_id: str, model: str, prompt: str, length: int, seed: int) -> None:
    """Write one text and publish it."""
    with device:
        written = state["shelf"].text_model(model).write(prompt, length, SamplerSettings(), seed)
    publish(keys=[f"{DONE}plain"], args=[job_id, written])


@app.task(name="plain.pictures")
def pictures(job_id: str, model: str, prompt: str, count: int, seed: int) -> None:
    """Draw pictures, encode and publish them."""
    queries = [PictureQuery(prompt=prompt, seed=seed + index, index=index) for index in range(count)]
    with device:
        drawer = SimulatedDevice() if model == MODEL else state["shelf"].image_model(model)
        drawn = drawer.draw(queries)
    publish(keys=[f"{DONE}plain"], args=[job_id, encoded(drawn, drawer.background())])


def encoded(drawn: list[DrawnPicture], background: tuple[int, int, int]) -> bytes:
    """The sheet and the single pictures, as our worker makes them."""
    singles = [images.png_bytes(picture.image) for picture in drawn]
    whole = images.png_bytes(sheet([picture.image for picture in drawn], background, None)) if len(drawn) > 1 else singles[0]
    return whole + b"".join(singles)
