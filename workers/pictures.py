"""Image jobs: those of different people that wait for the same model go through it in one pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from PIL import Image

from aigc_core import images
from aigc_core.seeding import SEED_LIMIT
from aigc_core.serving import DrawnPicture, ImageModel, PictureQuery, PromptError
from contracts.outcomes import ImageOutcome, Picture
from contracts.requests import ImagineRequest
from workers.passes import PassSizes, draw_in_passes
from workers.work import Result, Work


def picture_queries(request: ImagineRequest) -> list[PictureQuery]:
    """A request's pictures. Without variations picture i has seed ``seed + i``; with them, the last variation's seed counts up."""
    return [_query(request, index) for index in range(request.count)]


def _query(request: ImagineRequest, index: int) -> PictureQuery:
    place = index if request.place is None else request.place
    moves = [(variation.seed, variation.strength) for variation in request.variations]
    if moves:
        moves[-1] = (picture_seed(request, index), moves[-1][1])
        seed = request.seed
    else:
        seed = picture_seed(request, index)
    return PictureQuery(prompt=request.prompt, seed=seed, index=place, variations=tuple(moves), truncation=request.truncation)


def picture_seed(request: ImagineRequest, index: int) -> int:
    """The seed that tells picture ``index`` from the others of its request; it is shown with the picture."""
    start = request.variations[-1].seed if request.variations else request.seed
    return (start + index) % SEED_LIMIT


def next_batch(waiting: list[Work], max_pictures: int) -> list[Work]:
    """Take from ``waiting`` the oldest job and all others of its model that fit in one pass."""
    model = waiting[0].request.model
    batch: list[Work] = []
    room = max_pictures
    for work in list(waiting):
        assert isinstance(work.request, ImagineRequest)
        if work.request.model == model and (not batch or work.request.count <= room):
            batch.append(work)
            waiting.remove(work)
            room -= work.request.count
    return batch


def draw_batch(batch: Sequence[Work], model: ImageModel, sizes: PassSizes) -> None:
    """Draw all jobs of a batch in one pass and resolve them; a job that cannot be drawn fails alone."""
    started = time.monotonic()
    drawable = [work for work in batch if _readable(work, model)]
    queries = [query for work in drawable for query in picture_queries(_imagine(work))]
    pictures = iter(draw_in_passes(model, batch[0].request.model, queries, sizes))
    seconds = time.monotonic() - started
    cost = seconds / max(1, len(drawable))
    if queries:
        sizes.note(batch[0].request.model, len(queries), seconds)
    for work in drawable:
        request = _imagine(work)
        drawn = [next(pictures) for _ in range(request.count)]
        # Rendering and encoding take longer than drawing; they are left to the waiting threads, so that the device goes on.
        work.resolve(partial(_result, work, model, drawn, cost, len(drawable)))


def _imagine(work: Work) -> ImagineRequest:
    assert isinstance(work.request, ImagineRequest)
    return work.request


def _readable(work: Work, model: ImageModel) -> bool:
    try:
        model.read(_imagine(work).prompt)
    except PromptError as error:
        work.fail(error)
        return False
    return True


def _result(work: Work, model: ImageModel, drawn: Sequence[DrawnPicture], cost: float, batch_size: int) -> Result:
    request = _imagine(work)
    reading = model.read(request.prompt)
    outcome = ImageOutcome(
        model=request.model,
        version=model.card["version"],
        pictures=tuple(Picture(seed=picture_seed(request, index), alt=picture.alt) for index, picture in enumerate(drawn)),
        understood=reading.understood,
        ignored=reading.ignored,
        seconds=round(time.monotonic() - work.started_at, 4),
        batch_size=batch_size,
    )
    return Result(outcome=outcome, files=_files(model, outcome, drawn), cost_seconds=cost)


def _files(model: ImageModel, outcome: ImageOutcome, drawn: Sequence[DrawnPicture]) -> tuple[bytes, ...]:
    """The sheet, then each picture; PNG, each marked as generated (IPTC's term for it) and with what made it."""
    marks = {
        "Software": "AIGC bot",
        "DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "Model": f"{outcome.model} {outcome.version}",
    }
    wide = any(picture.image.width > 1.6 * picture.image.height for picture in drawn)
    singles = [
        images.png_bytes(picture.image, {**marks, "Seed": str(shown.seed)}) for picture, shown in zip(drawn, outcome.pictures, strict=True)
    ]  # fmt: skip
    if len(singles) == 1:
        return (singles[0], singles[0])  # one picture is its own sheet
    whole = sheet([picture.image for picture in drawn], model.background(), num_columns=1 if wide else None)
    return (images.png_bytes(whole, {**marks, "Seed": str(outcome.pictures[0].seed)}), *singles)


def sheet(pictures: Sequence[Image.Image], background: tuple[int, int, int], num_columns: int | None) -> Image.Image:
    """Grey pictures stay grey: a third of the bytes to encode."""
    if all(picture.mode == "L" for picture in pictures):
        grey = int(Image.new("RGB", (1, 1), background).convert("L").tobytes()[0])
        return images.grid(pictures, background=grey, num_columns=num_columns)
    return images.grid(
        [picture if picture.mode == "RGBA" else picture.convert("RGB") for picture in pictures], background=background, num_columns=num_columns
    )
