from __future__ import annotations

import pytest
import torch
from PIL import Image, ImageDraw

from aigc_core.data.fonts import BASELINE, CAP_HEIGHT, FINE, SIZE, FontHands, distance_field
from aigc_core.models import load_model, zoo_folder
from aigc_core.serving import PictureQuery, Point, PromptError
from aigc_core.vae.copying import cut_characters, read_ink
from aigc_core.vae.hands import PLAIN_FONT, Hands, hands_of_digits, measure_hand, random_hands, write
from aigc_core.vae.serving import HandwritingModel


def bar(width: float) -> torch.Tensor:
    """The distance field of an upright bar from the capitals' height to the base line."""
    side = FINE * SIZE
    coverage = torch.zeros(side, side)
    middle, half = side // 2, round(FINE * width / 2)
    coverage[FINE * (BASELINE - CAP_HEIGHT) : FINE * BASELINE, middle - half : middle + half] = 1
    return distance_field(coverage)


@pytest.fixture
def fonts() -> FontHands:
    """Two fonts of two characters, bars of 2 and of 4 pixels."""
    fields = torch.stack([torch.stack([bar(2), bar(2)]), torch.stack([bar(4), bar(4)])])
    return FontHands(names=(PLAIN_FONT, "Bold"), alphabet="1l", fields_FAHW=fields)


def upright(font: int, slant: float = 0.0, bolder: float = 0.0) -> Hands:
    one = torch.ones(1)
    return Hands(
        font_B=torch.tensor([font]), slant_B=slant * one, bolder_B=bolder * one, width_B=one, height_B=one, wobble_B244=torch.zeros(1, 2, 4, 4)
    )


def test_a_distance_field_is_the_distance_to_the_outline() -> None:
    field = bar(4)
    row = field[FINE * (BASELINE - CAP_HEIGHT // 2)]
    assert row[FINE * SIZE // 2].item() == pytest.approx(-2, abs=0.2), "two pixels inside"
    assert row[FINE * (SIZE // 2 + 5)].item() == pytest.approx(3, abs=0.2), "three pixels outside"
    assert (distance_field(torch.zeros(8, 8)) > 0).all(), "nothing drawn, nothing near"


def test_slant_and_weight_are_drawn_and_measured(fonts: FontHands) -> None:
    one = torch.tensor([0])
    slant, width = (torch.cat(values) for values in zip(
        *(measure_hand(write(fonts, hands, one)) for hands in (upright(0), upright(0, slant=0.3), upright(0, bolder=1.0), upright(1))), strict=True
    ))  # fmt: skip
    assert slant[0].abs() < 0.03 and slant[1] == pytest.approx(0.3, abs=0.05)
    assert width[2] > width[0] + 1 and width[3] == pytest.approx(width[2].item(), rel=0.15)


def test_the_hand_of_a_digit_is_copied(fonts: FontHands) -> None:
    """A letter in the hand of a digit slants as it does, and is thicker for a thick digit than for a thin one."""
    one, letter = torch.tensor([0]), torch.tensor([1])
    thin, thick = (write(fonts, upright(font, slant=0.25), one) for font in (0, 1))
    (slant1, width1), (slant2, width2) = (measure_hand(write(fonts, hands_of_digits(digit, fonts), letter)) for digit in (thin, thick))
    assert slant1.item() == pytest.approx(0.25, abs=0.06) and slant2.item() == pytest.approx(0.25, abs=0.06)
    assert width2.item() > width1.item() + 0.5


def test_hands_differ_and_their_letters_belong_together(fonts: FontHands) -> None:
    rng = torch.Generator().manual_seed(0)
    hands = random_hands(16, 2, rng)
    ink = write(fonts, hands, torch.zeros(16, dtype=torch.long))
    assert ink.shape == (16, 1, SIZE, SIZE) and ink.min() >= 0 and ink.max() <= 1
    assert torch.equal(ink, write(fonts, hands, torch.ones(16, dtype=torch.long))), "the same form in the same hand"
    assert torch.cdist(ink.flatten(1), ink.flatten(1)).fill_diagonal_(9).min() > 0.5


def line(text: str, gap: int = 12, dark: bool = False) -> Image.Image:
    """Bars for ``l``, half as high for ``a``: a sample as somebody might upload it."""
    paper, ink = ((20, 20, 24), (230, 230, 230)) if dark else ((240, 238, 230), (30, 40, 120))
    picture = Image.new("RGB", (60 + 30 * len(text), 160), paper)
    canvas = ImageDraw.Draw(picture)
    for place, character in enumerate(text):
        left = 30 + place * (18 + gap)
        canvas.rectangle((left, 40 if character == "l" else 70, left + 8, 120), fill=ink)
    return picture


@pytest.mark.parametrize("dark", [False, True])
def test_a_line_is_cut_into_characters_on_the_base_line(dark: bool) -> None:
    tall, low = cut_characters(line("la", dark=dark), ["l", "a"])[:, 0]
    rows = [(ink.amax(1) > 0.5).nonzero().flatten() for ink in (tall, low)]
    assert abs(int(rows[0][0]) - (BASELINE - CAP_HEIGHT)) <= 2 and abs(int(rows[0][-1]) + 1 - BASELINE) <= 2
    assert rows[1][0] > rows[0][0] + 4 and abs(int(rows[1][-1]) - int(rows[0][-1])) <= 1


def test_what_cannot_be_cut_is_said() -> None:
    with pytest.raises(PromptError, match="shows 2 separate characters, the text has 3"):
        cut_characters(line("ll"), ["l", "l", "l"])
    with pytest.raises(PromptError, match="no writing"):
        read_ink(Image.new("RGB", (40, 40), (200, 200, 200)))


def test_a_hand_is_copied_from_a_picture_of_its_writing() -> None:
    """What the model wrote is taken up as nearer to the hand that wrote it than to other hands."""
    model = load_model(zoo_folder() / "handwriting")
    assert isinstance(model, HandwritingModel)
    text = "Hand 72 was"
    points = model.points([PictureQuery(prompt=text, seed=seed, truncation=0.7) for seed in range(6)])
    with torch.inference_mode():
        lines = model.decode(points)
        right = 0
        for place, ink in enumerate(lines):
            try:
                u = model.copy_hand(model.show(ink), text)
            except PromptError:  # letters of this hand touch
                continue
            letters = ["".join(chr(int(c)) for c in points[0].condition)] * 7
            drawn = torch.stack([part.flatten() for part in model._inks(letters, [u, *(p.noise for p in points)])])
            right += int(torch.cdist(drawn[:1], drawn[1:]).argmin()) == place
    assert right >= 3
    assert isinstance(points[0], Point)
