from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from aigc_core.batching import PROBED_ROWS, TILES, Tile, in_tiles, lay_out, measure_tile


def moody(multiple: int):  # type: ignore[no-untyped-def]
    """A function whose rows come out differently unless their number is a multiple."""

    def function(x_B: Tensor) -> tuple[Tensor]:
        return (x_B + (0.0 if len(x_B) % multiple == 0 else 1e-3),)

    return function


@pytest.mark.parametrize("multiple", TILES)
def test_the_smallest_tile_that_works_is_found(multiple: int) -> None:
    assert measure_tile(moody(multiple), torch.rand(PROBED_ROWS)) == Tile(rows=multiple)


def test_a_function_that_is_never_the_same_gets_passes_of_one_size() -> None:
    """Then rows differ only by their neighbours' values, never by their number."""
    sizes: list[int] = []

    def function(x_B: Tensor) -> tuple[Tensor]:
        sizes.append(len(x_B))
        return (x_B + 1e-3 * len(x_B),)

    x = torch.rand(PROBED_ROWS)
    tile = measure_tile(function, x)
    assert tile.fixed
    sizes.clear()
    (many,) = in_tiles(function, tile, x[:50])
    (few,) = in_tiles(function, tile, x[:3])
    assert set(sizes) == {tile.rows} and torch.equal(many[:3], few) and len(many) == 50


@pytest.mark.parametrize("rows", [1, 2, 5, 8, 9])
def test_padding_is_cut_off_again(rows: int) -> None:
    x = torch.rand(rows, 3)
    (result,) = in_tiles(lambda a: (2 * a,), Tile(rows=4), x)
    assert torch.equal(result, 2 * x)


def test_the_layout_changes_no_value() -> None:
    network = nn.Sequential(nn.Embedding(7, 5), nn.Linear(5, 3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tokens = torch.randint(7, (11,))
    expected = network(tokens)
    lay_out(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    torch.testing.assert_close(network(tokens), expected)
