"""From outcomes and snapshots to messages. Pure: nothing here knows Discord's client or Redis."""

from __future__ import annotations

from bot import words
from bot.texts import MESSAGE_LIMIT, cut, fitting, plain, quoted, seconds
from bot.values import Action, ButtonSpec, FileSpec, Press, Rendered
from contracts.cards import ModelCard
from contracts.outcomes import Failure, ImageOutcome, Progress, Snapshot, State, TextOutcome
from contracts.ports import Ended
from contracts.requests import ImagineRequest, Job, WriteRequest

FILE_PREVIEW = 1200
SUMMARY_IN_SHORT = 80
FEWEST_WITH_END = 300
"""Characters of a text whose end can be written anew; verses and lists are shorter."""
LEAD_LIMIT = 300
PARTS_SHOWN, PART_LIMIT = 10, 30


def ended(job: Ended) -> Rendered:
    """The final message of a job."""
    outcome = job.outcome
    if isinstance(outcome, ImageOutcome):
        return _pictures(job.job, outcome, job.files)
    if isinstance(outcome, TextOutcome):
        return _text(job.job, outcome)
    if isinstance(outcome, Failure):
        return Rendered(
            content=f"{_title(job.job)}\n⚠️ {words.error_text(outcome.code, outcome.details)}",
            rows=((_reroll(job.job, "Try again"), _delete(job.job)),),
        )
    word = words.CANCELLED if job.state is State.CANCELLED else words.EXPIRED
    return Rendered(content=f"{_title(job.job)}\n✖️ {word}", rows=((_reroll(job.job, "Start again"), _delete(job.job)),))


def refused(job: Job) -> Rendered:
    """What is said instead of an answer that Discord does not take."""
    return Rendered(content=f"{_title(job)}\n⚠️ {words.REFUSED_BY_DISCORD}", rows=((_reroll(job, "Try again"), _delete(job)),))


def under_way(job: Job, snapshot: Snapshot) -> Rendered:
    """The message of a job that waits or runs."""
    stop = ButtonSpec(press=Press(action=Action.STOP, job_id=job.id), label="Stop", emoji="⏹️", danger=True)
    if snapshot.progress and snapshot.progress.text and not snapshot.cancel_requested:
        return Rendered(content=_growing(job, snapshot.progress), rows=((stop,),))
    return Rendered(content=f"{_title(job)}\n{_status(job, snapshot)}", rows=((stop,),))


def status_line(job: Job, snapshot: Snapshot) -> str:
    """One line of ``/queue``."""
    state = "running" if snapshot.state is State.RUNNING else _status(job, snapshot)
    return f"• `{job.request.model}` {quoted(job.request.prompt, 60)} · {state}"


def models(cards: list[ModelCard], live: set[str]) -> str:
    """The answer of ``/models``: at length where all fit a message, else a line or two each, so that none is left out."""
    ordered = sorted(cards, key=lambda card: (card.name not in live, card.kind, card.name))
    blocks = [_model(card, card.name in live) for card in ordered]
    return fitting(blocks if len("\n".join(blocks)) <= MESSAGE_LIMIT else [_model_in_short(card, card.name in live) for card in ordered])


def _model(card: ModelCard, live: bool) -> str:
    examples = ", ".join(f"`{example}`" for example in card.examples[:3])
    more = f"\n{card.summary} It knows {card.knows}.\n-# Try {examples} · version {card.version} · {card.licence}"
    return f"{_mark(live)} **{card.name}** · {card.family.upper()} · `{_command(card)} model:{card.name}`{more}"


def _model_in_short(card: ModelCard, live: bool) -> str:
    example = f" prompt:{card.examples[0]}" if card.examples else ""
    summary = card.summary if len(card.summary) <= SUMMARY_IN_SHORT else card.summary[: SUMMARY_IN_SHORT - 1].rstrip(" ,.;:") + "…"
    return f"{_mark(live)} `{_command(card)} model:{card.name}{example}`\n-# {card.family.upper()} · {summary}"


def _mark(live: bool) -> str:
    return "🟢" if live else "⚪ (no worker serves it now)"


def _command(card: ModelCard) -> str:
    return "/imagine" if card.kind == "image" else "/write"


def _title(job: Job) -> str:
    request = job.request
    if isinstance(request, WriteRequest) and request.continues:
        return f"**continued** · `{request.model}`"
    return f"**{quoted(request.prompt)}** · `{request.model}`"


def _lead(job: Job) -> str:
    """What a text begins with: its prompt, in bold; a continuation begins at once."""
    request = job.request
    if isinstance(request, WriteRequest) and request.continues:
        return "…"
    prompt = request.prompt
    if len(prompt) > LEAD_LIMIT or not prompt.strip():
        return f"**{quoted(prompt, LEAD_LIMIT)}**\n"
    spaces = prompt[len(prompt.rstrip()) :]
    return f"**{plain(prompt.strip())}**{spaces}"


def _status(job: Job, snapshot: Snapshot) -> str:
    if snapshot.cancel_requested:
        return "⏹️ Stopping…"
    if snapshot.state is State.QUEUED:
        if not snapshot.has_worker:
            return f"⏳ No worker for `{job.request.model}` is running right now. Your request is kept and starts as soon as one is back."
        left = f", {seconds(snapshot.seconds_left)} left" if snapshot.seconds_left is not None else ""
        return f"⏳ In line: place {snapshot.position or 1}{left}."
    return "🎨 Drawing…" if isinstance(job.request, ImagineRequest) else "✍️ Reading the prompt…"


def _growing(job: Job, progress: Progress) -> str:
    """A text as far as it is written; of a long one, the end that still fits a message."""
    lead, text = _lead(job), plain(progress.text or "")
    foot = f"\n-# ✍️ {progress.done} of about {progress.total} characters · `{job.request.model}`"
    room = MESSAGE_LIMIT - len(lead) - len(foot) - 1
    return lead + (text if len(text) <= room else "…" + text[-room:].lstrip("\\")) + foot


def _pictures(job: Job, outcome: ImageOutcome, files: tuple[bytes, ...]) -> Rendered:
    request = job.request
    assert isinstance(request, ImagineRequest)
    if not files:
        return Rendered(content=f"{_title(job)}\n{words.TOO_OLD}")
    count = len(outcome.pictures)
    facts = [f"model `{outcome.model}` {outcome.version}", f"seed {_seeds(outcome)}"]
    if request.variations:
        facts.append(f"variation of seed {request.seed}, strength {request.variations[-1].strength:g}")
    if request.truncation != 1.0:
        facts.append(f"truncation {request.truncation:g}")
    facts.append(f"{outcome.seconds:.2f} s")
    lines = [_title(job), *_reading(outcome, request.prompt), f"-# {' · '.join(facts)}"]
    return Rendered(content="\n".join(lines), rows=_picture_rows(job, count), files=_picture_files(outcome, files))


def _reading(outcome: ImageOutcome | TextOutcome, prompt: str = "") -> list[str]:
    """What was understood of the prompt and what was not, where there is something to say."""
    if not outcome.ignored:
        return [_otherwise(outcome)] if isinstance(outcome, ImageOutcome) and _read_otherwise(outcome, prompt) else []
    ignored = _parts(outcome.ignored)
    if isinstance(outcome, TextOutcome) and outcome.titled:
        return [f"-# not made use of: {ignored}"]
    if isinstance(outcome, TextOutcome):
        return [f"-# ignored, because the model has no such letters: {ignored}"]
    if not outcome.understood:
        return [f"-# understood nothing of it (ignored: {ignored}), so the seed chose"]
    return [f"-# understood: {_parts(outcome.understood)} · ignored: {ignored}"]


def _otherwise(outcome: ImageOutcome) -> str:
    return "-# understood: " + " · ".join(quoted(part, PART_LIMIT) for part in outcome.understood[:PARTS_SHOWN])


def _read_otherwise(outcome: ImageOutcome, prompt: str) -> bool:
    """Whether something was understood that the prompt does not say in so many words: a slip of the finger, a fuller name."""
    said = prompt.lower()
    return any(word not in said for part in outcome.understood for word in part.lower().split())


def _parts(parts: tuple[str, ...]) -> str:
    """The first few parts of a prompt."""
    return " ".join(quoted(part, PART_LIMIT) for part in parts[:PARTS_SHOWN]) + (" …" if len(parts) > PARTS_SHOWN else "")


def _seeds(outcome: ImageOutcome) -> str:
    first, last = outcome.pictures[0].seed, outcome.pictures[-1].seed
    return str(first) if first == last else f"{first}…{last}"


def _picture_files(outcome: ImageOutcome, files: tuple[bytes, ...]) -> tuple[FileSpec, ...]:
    """The sheet first, then each picture; a single picture needs no sheet."""
    singles = [
        FileSpec(name=f"{outcome.model}-{picture.seed}.png", data=data, alt=f"{picture.alt} (seed {picture.seed})")
        for picture, data in zip(outcome.pictures, files[1:], strict=True)
    ]
    if len(singles) == 1:
        return tuple(singles)
    alts = dict.fromkeys(picture.alt for picture in outcome.pictures)
    sheet = FileSpec(name=f"{outcome.model}-sheet.png", data=files[0], alt=f"{len(singles)} pictures: {'; '.join(alts)}"[:1000])
    return (sheet, *singles)


def _picture_rows(job: Job, count: int) -> tuple[tuple[ButtonSpec, ...], ...]:
    if count == 1:
        vary = ButtonSpec(press=Press(action=Action.VARY, job_id=job.id), label="Vary", emoji="🎲")
        return ((_reroll(job), vary, _delete(job)),)
    varies = [
        ButtonSpec(press=Press(action=Action.VARY, job_id=job.id, index=index), label=f"Vary {index + 1}", emoji="🎲") for index in range(count)
    ]  # fmt: skip
    return ((_reroll(job), _delete(job)), *(tuple(varies[start : start + 5]) for start in range(0, count, 5)))


def _text(job: Job, outcome: TextOutcome) -> Rendered:
    stopped = " · stopped" if outcome.stopped == "person" else ""
    chosen = "".join(f" · {choice}" for choice in (job.request.sort, job.request.mood) if choice) if isinstance(job.request, WriteRequest) else ""
    facts = f"-# model `{outcome.model}` {outcome.version}{chosen} · seed {job.request.seed} · {outcome.seconds:.1f} s{stopped}"
    notes = [*_reading(outcome), facts]
    body = _lead(job) + ("\n" if outcome.titled else "") + plain(outcome.text.strip() if outcome.titled else outcome.text.rstrip())
    go_on = ButtonSpec(press=Press(action=Action.CONTINUE, job_id=job.id), label="Continue", emoji="➡️")
    end_anew = ButtonSpec(press=Press(action=Action.ENDING, job_id=job.id), label="Another ending", emoji="🔀")
    has_end = len(outcome.text) >= FEWEST_WITH_END
    buttons = (go_on, *((end_anew,) if has_end else ()), _reroll(job), _delete(job))
    content = "\n".join([body, *notes])
    if len(content) <= MESSAGE_LIMIT:
        return Rendered(content=content, rows=(buttons,))
    preview = cut(body, FILE_PREVIEW)
    note = f"… *the whole text ({len(outcome.text)} characters) is in the file*"
    file = FileSpec(name=f"{outcome.model}-{job.request.seed}.txt", data=_whole(job, outcome).encode(), alt="The whole text")
    return Rendered(content="\n".join([preview, note, *notes]), rows=(buttons,), files=(file,))


def _whole(job: Job, outcome: TextOutcome) -> str:
    request = job.request
    if isinstance(request, WriteRequest) and request.continues:
        return outcome.text
    return f"{request.prompt}\n\n{outcome.text}" if outcome.titled else request.prompt + outcome.text


def _reroll(job: Job, label: str = "Re-roll") -> ButtonSpec:
    return ButtonSpec(press=Press(action=Action.REROLL, job_id=job.id), label=label, emoji="🔁")


def _delete(job: Job) -> ButtonSpec:
    return ButtonSpec(press=Press(action=Action.DELETE, job_id=job.id), label="Delete", emoji="🗑️")
