"""From what a person typed to a request, or to words that say what to change."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from bot.texts import quoted
from contracts.cards import ModelCard
from contracts.requests import ImagineRequest, Variation, WriteRequest
from contracts.values import (
    MAX_COUNT,
    MAX_IMAGINE_PROMPT,
    MAX_LENGTH,
    MAX_TEMPERATURE,
    MAX_TRUNCATION,
    MAX_VARIATIONS,
    MAX_WRITE_PROMPT,
    MIN_TEMPERATURE,
    MIN_TRUNCATION,
    SEED_LIMIT,
)

VARY_STRENGTH = 0.4
_SMALL = frozenset(["a", "an", "the", "with", "and", "of", "in", "on"])
_WORD = re.compile(r"[^\W_]+")
CONTINUED_CHARACTERS = 1500
_HAN = re.compile(r"[\u3400-\u9fff]")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*(?=\s)|[。！？；\n]")


class OptionError(ValueError):
    """An option that cannot be; the message tells the person what can."""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The models that are known, those that a worker serves now, and which to take when none is named."""

    cards: tuple[ModelCard, ...] = ()
    live: frozenset[str] = frozenset()
    preferred: tuple[str, ...] = ()

    def of_kind(self, kind: str) -> list[ModelCard]:
        """Models of a kind: live ones first, the preferred before the others."""
        order = {name: index for index, name in enumerate(self.preferred)}
        cards = [card for card in self.cards if card.kind == kind]
        return sorted(cards, key=lambda card: (card.name not in self.live, order.get(card.name, len(order)), card.name))

    def choose(self, kind: str, name: str | None, prompt: str = "") -> ModelCard:
        """The model called ``name``; without a name the one that knows most of the prompt's words, of equals the usual one; in its language."""
        cards = self.of_kind(kind)
        if name is None:
            return max(cards, key=lambda card: (card.name in self.live, speaks(card, prompt), known_share(card, prompt)))
        wanted = name.strip().lower()
        for card in cards:
            if card.name == wanted:
                return card
        known = ", ".join(f"`{card.name}`" for card in cards)
        raise OptionError(f"There is no model “{quoted(name, 40)}” for this command. There are: {known}.")


def speaks(card: ModelCard, prompt: str) -> bool:
    """Whether a model writes in the prompt's script: Chinese characters go to who writes Chinese, letters to the others."""
    return card.language in ("", "zh" if _HAN.search(prompt) else "en")


def known_share(card: ModelCard, prompt: str) -> float:
    """The share of a prompt's words that a live model's card knows; numbers are known where their figures are."""
    words, known = [word for word in _WORD.findall(prompt.lower()) if word not in _SMALL], frozenset(card.words)
    if not words or not known:
        return 0.0
    hits = [word in known or word.removesuffix("s") in known or (word.isdecimal() and set(word) <= known) for word in words]
    return hits.count(True) / len(words)


def imagine(catalogue: Catalogue, prompt: str, model: str | None, count: int, seed: int | None, truncation: float) -> ImagineRequest:
    """A checked request for pictures."""
    card = catalogue.choose("image", model, prompt)
    _check_prompt(prompt, MAX_IMAGINE_PROMPT, card)
    _check_range("count", count, 1, MAX_COUNT)
    _check_range("truncation", truncation, MIN_TRUNCATION, MAX_TRUNCATION)
    return ImagineRequest(model=card.name, prompt=prompt.strip(), count=count, seed=_seed(seed), truncation=truncation)


def write(
    catalogue: Catalogue,
    prompt: str,
    model: str | None,
    length: int,
    temperature: float,
    seed: int | None,
    kind: str | None = None,
    mood: str | None = None,
) -> WriteRequest:
    """A checked request for a text; a kind or a mood without a model goes to one that has it."""
    chosen = {name: value.strip() for name, value in (("kind", kind), ("mood", mood)) if value and value.strip()}
    card = catalogue.choose("text", model, prompt) if model or not chosen else _offering(catalogue, chosen)
    sort, mood = (_offered(card, name, chosen.get(name, "")) for name in ("kind", "mood"))
    _check_prompt(prompt, MAX_WRITE_PROMPT, card)
    _check_range("length", length, 1, MAX_LENGTH)
    _check_range("temperature", temperature, MIN_TEMPERATURE, MAX_TEMPERATURE)
    return WriteRequest(model=card.name, prompt=prompt, length=length, temperature=temperature, seed=_seed(seed), sort=sort, mood=mood)


def _offering(catalogue: Catalogue, chosen: Mapping[str, str]) -> ModelCard:
    """The first text model that offers all that was chosen; the usual one if none does."""
    cards = catalogue.of_kind("text")
    return next((card for card in cards if all(_choice(card, name, value) for name, value in chosen.items())), cards[0])


def _offered(card: ModelCard, name: str, value: str) -> str:
    """What was chosen, as the card spells it; "" where nothing was."""
    found = _choice(card, name, value) if value else ""
    if found is not None:
        return found
    offered = ", ".join(f"`{choice}`" for choice in card.choices.get(name, ()))
    can = f"It offers {offered}." if offered else f"It has no `{name}` to choose."
    raise OptionError(f"`{card.name}` does not know the {name} “{quoted(value, 40)}”. {can}")


def _choice(card: ModelCard, name: str, value: str) -> str | None:
    """The choice of a card that ``value`` names, wholly or by one of its names."""
    return next((choice for choice in card.choices.get(name, ()) if value.lower() in (choice.lower(), *choice.lower().split("・"))), None)


def reroll(request: ImagineRequest | WriteRequest) -> ImagineRequest | WriteRequest:
    """The same request with fresh chance."""
    if isinstance(request, ImagineRequest) and request.variations:
        last = Variation(seed=new_seed(), strength=request.variations[-1].strength)
        return request.model_copy(update={"variations": (*request.variations[:-1], last)})
    return request.model_copy(update={"seed": new_seed()})


def vary(request: ImagineRequest, index: int) -> ImagineRequest:
    """Neighbours of picture ``index``: the same latent, moved a little in other directions."""
    if len(request.variations) >= MAX_VARIATIONS:
        raise OptionError(f"This picture has been varied {MAX_VARIATIONS} times in a row. Re-roll it, or start anew from a seed.")
    place = index if request.place is None else request.place
    move = Variation(seed=new_seed(), strength=VARY_STRENGTH)
    if not request.variations:
        seed = (request.seed + index) % SEED_LIMIT
        return request.model_copy(update={"seed": seed, "variations": (move,), "count": 4, "place": place})
    last = request.variations[-1]
    parent = Variation(seed=(last.seed + index) % SEED_LIMIT, strength=last.strength)
    return request.model_copy(update={"variations": (*request.variations[:-1], parent, move), "count": 4, "place": place})


def go_on(request: WriteRequest, text: str, titled: bool = False, after: str | None = None) -> WriteRequest:
    """A request that goes on where a text ended; the prompt of a ``titled`` one is no part of it. ``after`` is the text's job."""
    before = (text if titled and not request.continues else request.prompt + text)[-CONTINUED_CHARACTERS:]
    topic = (request.topic if request.continues else request.prompt) if titled else ""
    return request.model_copy(update={"prompt": before, "seed": new_seed(), "continues": True, "topic": topic, "after": after})


def end_anew(request: WriteRequest, text: str, titled: bool = False) -> WriteRequest:
    """A request for another end of a text: its last third, from a sentence's end on, is written anew."""
    kept = text[: len(text) * 2 // 3]
    ends = [match.end() for match in _SENTENCE_END.finditer(kept)]
    if not ends:
        raise OptionError("This text is too short to end it otherwise. Re-roll it, or continue it.")
    kept = kept[: ends[-1]]
    return go_on(request, kept, titled).model_copy(update={"length": max(100, len(text) - len(kept))})


def new_seed() -> int:
    """A seed nobody chose."""
    return secrets.randbelow(SEED_LIMIT)


def _seed(seed: int | None) -> int:
    if seed is None:
        return new_seed()
    _check_range("seed", seed, 0, SEED_LIMIT - 1)
    return seed


def _check_prompt(prompt: str, limit: int, card: ModelCard) -> None:
    if not prompt.strip():
        example = f", for example `prompt:{card.examples[0]}`" if card.examples else ""
        raise OptionError(f"The prompt is empty. Write what `{card.name}` should make{example}. It knows {card.knows}.")
    if len(prompt) > limit:
        raise OptionError(f"The prompt has {len(prompt):,} characters; `{card.name}` takes up to {limit:,}. Please shorten it.")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise OptionError(
            f"`{name}` goes from {low:g} to {high:g}; {value:g} is outside."
            if isinstance(value, float)
            else f"`{name}` goes from {low} to {high}; {value} is outside."
        )
