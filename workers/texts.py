"""Text jobs: continuous batching. Texts join the batch after their prompt is read, leave it when they end, at any token."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import torch
from torch import Tensor

from aigc_core.batching import pad_rows
from aigc_core.rnn.ending import has_ended
from aigc_core.rnn.openings import Opened
from aigc_core.rnn.sampling import Recency, SamplerRows, SamplerSettings, Uniforms, sample
from aigc_core.rnn.tokenizer import Transcript
from aigc_core.serving import PREFILL_CHUNK, STEPPED, TextModel
from contracts.outcomes import Progress, TextOutcome
from contracts.requests import WriteRequest
from workers.saved import SavedState, pack, unpack
from workers.work import Cancelled, Released, Result, Work

READ_SECONDS = 0.01
"""How long prompts may be read while texts are being written: a long prompt, or many at once, never stall the others."""
PROGRESS_SECONDS = 0.1


@dataclass(eq=False)
class _Text:
    """One text on its way. ``prompt`` holds the tokens still to be read: in passes of their own, or, the last few, as a row of the batch."""

    work: Work
    request: WriteRequest
    opened: Opened
    prompt: list[int]
    settings: SamplerSettings
    uniforms: Uniforms
    state_1S: Tensor
    logits_V: Tensor
    transcript: Transcript = field(default_factory=Transcript)
    at_end: bool = False
    noted_at: float = field(default=0.0)

    @property
    def written(self) -> str:
        """The text so far."""
        return self.transcript.text

    @property
    def own(self) -> str:
        """What the model itself has written, behind what the text began with."""
        return self.written[len(self.opened.lead) :]

    def finished(self) -> bool:
        """Whether the model said that it is at its end, or it has its length and a decent end; a form is always filled."""
        return self.at_end or (self.opened.guide is None and has_ended(self.own, self.request.length))


class TextBatch:
    """All texts of one model. Only the engine thread uses it."""

    def __init__(self, model: TextModel, max_texts: int) -> None:
        self.model, self.max_texts = model, max_texts
        self._reading: list[_Text] = []
        self._writing: list[_Text] = []
        self._state_BS = model.network.initial_state(0, model.device)
        self._logits_BV = torch.empty(0, model.network.vocab_size)
        self._rows = SamplerRows([], model.network.vocab_size)
        self._recency = Recency.none(0, model.network.vocab_size)

    @property
    def num_texts(self) -> int:
        """Texts that are being read or written."""
        return len(self._reading) + len(self._writing)

    def works(self) -> list[Work]:
        """The jobs in the batch."""
        return [text.work for text in (*self._reading, *self._writing)]

    def clear(self) -> None:
        """Forget all texts, after an error."""
        self._drop([*self._reading, *self._writing])

    def release(self) -> None:
        """Give all jobs back, because the engine stops."""
        for work in self.works():
            work.fail(Released())
        self.clear()

    def has_room(self) -> bool:
        """Whether another text may join."""
        return self.num_texts < self.max_texts

    def join(self, work: Work) -> None:
        """Take a job in; its prompt is read in the next ticks."""
        request = work.request
        assert isinstance(request, WriteRequest)
        saved = self._saved(work, request)
        opened = self.model.opening.open(request.prompt, request.length, request.continues, request.topic, wanted(request))
        settings = self.model.settings(request.temperature, opened.favoured)
        state = self.model.start()
        work.progress = Progress(done=0, total=request.length, text="")
        blank = torch.zeros(self.model.network.vocab_size)  # nothing is sampled from it: a text begins with its prompt
        start = saved or SavedState(state_1S=state, logits_V=blank)
        prompt = [] if saved else opened.tokens
        text = _Text(work, request, opened, prompt, settings, Uniforms(request.seed), start.state_1S.to(self.model.device), start.logits_V)
        text.transcript.add(opened.lead.encode())
        self._reading.append(text)

    def _saved(self, work: Work, request: WriteRequest) -> SavedState | None:
        """Where the text that this one continues stopped, if that is known; a form begins anew."""
        network = self.model.network
        return unpack(work.saved, self.model.card["version"], network.state_size, network.vocab_size) if request.continues else None

    def tick(self) -> None:
        """Read a piece of the oldest prompt, then write one token of every text."""
        started = time.monotonic()
        sharing = [text.work for text in (*self._reading, *self._writing)]
        self._end_where_asked()
        self._read()
        self._write()
        cost = (time.monotonic() - started) / max(1, len(sharing))
        for work in sharing:
            work.cost_seconds += cost

    def _end_where_asked(self) -> None:
        for text in [t for t in (*self._reading, *self._writing) if t.work.ending()]:
            ending = text.work.ending()
            assert ending is not None
            stopped = isinstance(ending, Cancelled) and bool(text.own)
            text.work.fail(Cancelled(self._result(text, "person", self._state_of(text))) if stopped else ending)
            self._drop([text])

    def _read(self) -> None:
        """Chunks of the waiting prompts, oldest first: at least one, and no more than a moment's worth while others are writing."""
        until = time.monotonic() + READ_SECONDS
        while self._reading:
            self._read_chunk(self._reading[0])
            if self._writing and time.monotonic() >= until:
                return

    def _read_chunk(self, text: _Text) -> None:
        if len(text.prompt) > STEPPED:
            chunk, text.prompt = text.prompt[:PREFILL_CHUNK], text.prompt[PREFILL_CHUNK:]
            text.logits_V, text.state_1S = self.model.prefill(chunk, text.state_1S)
        if len(text.prompt) <= STEPPED:
            self._reading.remove(text)
            number = len(self._writing)
            self._arrange(
                [*self._writing, text],
                torch.cat([self._state_BS[:number], text.state_1S]),
                torch.cat([self._logits_BV[:number], text.logits_V.float().cpu().unsqueeze(0)]),
                torch.cat([self._recency.weights_BV, torch.zeros(1, self.model.network.vocab_size)]),
            )

    def _arrange(self, writing: list[_Text], state_BS: Tensor, logits_BV: Tensor, recency_BV: Tensor) -> None:
        """Take on a new set of texts; their rows are padded to what the model computes anyway."""
        self._writing = writing
        self._state_BS = pad_rows(state_BS, self.model.stepper.tile.padded(len(writing)))
        self._logits_BV, self._recency = logits_BV, Recency(recency_BV)
        self._rows = SamplerRows([text.settings for text in writing], self.model.network.vocab_size)

    def _write(self) -> None:
        if not self._writing:
            return
        number = len(self._writing)
        tokens = self._next_tokens()
        logits, self._state_BS = self.model.step(pad_rows(tokens, len(self._state_BS)), self._state_BS)
        self._logits_BV = logits[:number].float().cpu()
        self._note_progress()
        finished = [text for text in self._writing if text.finished()]
        for text in finished:
            text.work.resolve(self._result(text, "length", self._state_of(text)))
        self._drop(finished)

    def _next_tokens(self) -> Tensor:
        """``tokens_B``: the next of its prompt for a text that is still being read, a sampled one for the others."""
        uniforms = [0.0 if text.prompt else text.uniforms.next() for text in self._writing]
        tokens: list[int] = sample(self._logits_BV, self._rows, uniforms, self._recency, self._allowed()).tolist()
        sampled = torch.tensor([not text.prompt for text in self._writing])
        for index, text in enumerate(self._writing):
            if text.prompt:
                tokens[index] = text.prompt.pop(0)
            else:
                text.at_end = tokens[index] == self.model.end
                if text.opened.guide:
                    text.opened.guide.take(tokens[index])
                text.transcript.add(self.model.tokenizer.piece(tokens[index]))
        tokens_B = torch.tensor(tokens)
        self._recency.note(tokens_B, self._rows, sampled)
        return tokens_B

    def _allowed(self) -> Tensor | None:
        """``(B, V)``: what each text may go on with, if that is not everything for all of them."""
        masks = [None if text.prompt else self.model.allowed(text.opened.guide, text.written) for text in self._writing]
        if all(mask is None for mask in masks):
            return None
        anything = torch.ones(self.model.network.vocab_size, dtype=torch.bool)
        return torch.stack([anything if mask is None else mask for mask in masks])

    def _note_progress(self) -> None:
        now = time.monotonic()
        for text in self._writing:
            if now - text.noted_at >= PROGRESS_SECONDS:
                text.noted_at = now
                done = min(len(text.written), text.request.length)
                first = "\n" if text.opened.titled else ""  # below its title
                text.work.progress = Progress(done=done, total=text.request.length, text=first + text.written)

    def _drop(self, texts: list[_Text]) -> None:
        """Free the rows of texts that have ended."""
        if not texts:
            return
        self._reading = [text for text in self._reading if text not in texts]
        kept = [index for index, text in enumerate(self._writing) if text not in texts]
        if len(kept) < len(self._writing):
            self._arrange([self._writing[index] for index in kept], self._state_BS[kept], self._logits_BV[kept], self._recency.weights_BV[kept])

    def _state_of(self, text: _Text) -> tuple[bytes, ...]:
        """Where a text stands, to go on from. After its own end there is nothing that the model knows to say; and half a character is no place."""
        if text.at_end or text.opened.guide is not None or text.prompt or not text.transcript.whole:
            return ()
        row = self._writing.index(text)
        saved = SavedState(state_1S=self._state_BS[row : row + 1], logits_V=self._logits_BV[row])
        return (pack(saved, self.model.card["version"]),)

    def _result(self, text: _Text, stopped: str, files: tuple[bytes, ...]) -> Result:
        outcome = TextOutcome(
            model=text.request.model,
            version=self.model.card["version"],
            text=text.written,
            ignored=text.opened.ignored,
            stopped="person" if stopped == "person" else "length",
            titled=text.opened.titled,
            seconds=round(time.monotonic() - text.work.started_at, 4),
        )
        return Result(outcome=outcome, files=files, cost_seconds=text.work.cost_seconds)


def wanted(request: WriteRequest) -> tuple[str, ...]:
    """What was chosen beside the prompt."""
    return tuple(choice for choice in (request.sort, request.mood) if choice)
