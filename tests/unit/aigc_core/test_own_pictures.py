"""Training on an owner's own pictures: what is read, what is refused, what comes out."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from aigc.main import main
from aigc_core.data.folder import load_folder
from aigc_core.data.sources import DataError
from aigc_core.models import load_model
from aigc_core.serving import ImageModel, PictureQuery

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")


def draw_icons(folder: Path, count: int) -> None:
    """Discs and squares in colours, all different, named by what they show."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        colour, shape = COLOURS[number % 6], ("disc", "square")[number // 6 % 2]
        image = Image.new("RGBA", (48, 48))
        size = 12 + number * 31 // count
        box = (24 - size // 2, 24 - size // 2, 24 + size // 2, 24 + size // 2)
        canvas = ImageDraw.Draw(image)
        (canvas.ellipse if shape == "disc" else canvas.rectangle)(box, fill=colour)
        image.save(folder / f"{colour}_{shape}_{number:03}.png")


def test_names_come_from_files_and_folders_or_a_table(tmp_path: Path) -> None:
    draw_icons(tmp_path / "icons", 12)
    (tmp_path / "icons" / "moon").mkdir()
    Image.new("RGB", (40, 20), "white").save(tmp_path / "icons" / "moon" / "0001.jpg")
    pictures, report = load_folder(tmp_path / "icons", 32)
    assert ("blue", "disc") in pictures.names and ("moon",) in pictures.names
    assert report.num_used == 13 and report.smallest == 20 and not report.opaque
    table = tmp_path / "captions.csv"
    table.write_text("file,caption\n0001.jpg,A White Card\n", encoding="utf-8")
    named, _ = load_folder(tmp_path / "icons", 32, table)
    assert ("a", "white", "card") in named.names


def test_copies_and_broken_files_are_left_out_and_named(tmp_path: Path) -> None:
    draw_icons(tmp_path, 6)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    Image.open(tmp_path / "red_disc_000.png").save(tmp_path / "zz_copy.webp", lossless=True)
    _, report = load_folder(tmp_path, 32)
    assert report.num_used == 6 and report.broken == ("broken.png",) and report.duplicates == ("zz_copy.webp",)
    assert any("broken.png" in line for line in report.lines())


def test_a_zip_archive_is_a_folder(tmp_path: Path) -> None:
    draw_icons(tmp_path / "icons", 6)
    with zipfile.ZipFile(tmp_path / "icons.zip", "w") as archive:
        for path in (tmp_path / "icons").iterdir():
            archive.write(path, path.name)
    from_zip, from_folder = load_folder(tmp_path / "icons.zip", 32)[0], load_folder(tmp_path / "icons", 32)[0]
    assert from_zip.names == from_folder.names and bool((from_zip.levels_NCHW == from_folder.levels_NCHW).all())


def test_opaque_pictures_have_no_opacity_to_learn(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    assert load_folder(tmp_path, 32)[0].levels_NCHW.shape[1] == 3


@pytest.mark.parametrize(("make", "said"), [(False, "neither a folder nor a ZIP"), (True, "holds no picture")])
def test_nothing_to_read_is_said(make: bool, said: str, tmp_path: Path) -> None:
    if make:
        (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match=said):
        load_folder(tmp_path / "data", 32)


def test_a_table_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    draw_icons(tmp_path / "icons", 6)
    table = tmp_path / "captions.csv"
    table.write_text("name,text\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="columns file and caption"):
        load_folder(tmp_path / "icons", 32, table)
    table.write_text("file,caption\nnot-there.png,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="names none"):
        load_folder(tmp_path / "icons", 32, table)


@pytest.mark.parametrize("family", ["gan", "vae"])
def test_from_a_folder_to_a_model_that_is_served(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    draw_icons(tmp_path / "Our Icons", 72)
    arguments = ["train", family, "--data", str(tmp_path / "Our Icons"), "--device", "cpu", "--threads", "1", "--minutes", "0.05", "--licence", "CC0"]
    assert main(arguments) == 0
    assert "is ready" in capsys.readouterr().out
    model = load_model(tmp_path / "models" / "our-icons")
    assert isinstance(model, ImageModel)
    assert model.read("red discs").understood == ("red disc",)
    drawn = model.draw([PictureQuery(prompt="red disc", seed=1), PictureQuery(prompt="", seed=2)])
    assert drawn[0].image.size == (256, 256) and drawn[0].image.mode == "RGBA"
    assert model.card["family"] == family and model.card["licence"] == "CC0" and "pictures of Our Icons" in model.card["summary"]
    again = [*arguments, "--name", "more-icons", "--from", "our-icons"]
    assert main(again) == 0


def test_too_few_pictures_and_wrong_names_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    draw_icons(tmp_path / "few", 12)
    assert main(["train", "gan", "--data", "few"]) == 1
    assert "fewer than 64" in capsys.readouterr().err
    assert main(["train", "gan", "--data", "few", "--name", "My Model!"]) == 1
    assert "small letters" in capsys.readouterr().err
    assert main(["train", "rnn", "--data", "few"]) == 1
    assert not Path("models").exists()
