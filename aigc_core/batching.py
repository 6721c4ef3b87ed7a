"""The same bytes whoever else is in the batch.

A row of a matrix product is summed in another order when the library picks another kernel for another number of rows, so a picture could
depend on its neighbours in the last bit. Two things prevent that: weights are laid out so that one kernel serves nearly all numbers of rows,
and batches are padded to a multiple of the smallest *tile* for which the results were measured to be the same on this very device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

TILES = (1, 2, 4, 8, 16, 32)
PROBED_ROWS = 64

RowFunction = Callable[..., Sequence[Tensor]]
"""Takes tensors with a row for each sample first, returns such tensors; a row of the result belongs to the row of the arguments."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Batches are padded to a multiple of ``rows``; with ``fixed`` they are also split, so that every pass has exactly that many."""

    rows: int
    fixed: bool = False

    def padded(self, num_rows: int) -> int:
        """The number of rows that is computed for ``num_rows``."""
        return -(-num_rows // self.rows) * self.rows


def lay_out(module: nn.Module) -> None:
    """Store the weights of linear maps and embeddings input-major; their values and shapes stay.

    ``x @ W^T`` then reads W without transposing it: the kernel for that is faster for few rows and the same for nearly all numbers of rows.
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            part.weight.data = part.weight.data.t().contiguous().t()


def pad_rows(tensor: Tensor, num_rows: int) -> Tensor:
    """Repeat the last row until there are ``num_rows``."""
    missing = num_rows - len(tensor)
    return tensor if missing == 0 else torch.cat([tensor, tensor[-1:].expand(missing, *tensor.shape[1:])])


def in_tiles(function: RowFunction, tile: Tile, *arguments: Tensor) -> list[Tensor]:
    """Apply ``function`` to all rows, padded (and, if need be, split) as ``tile`` says."""
    num_rows = len(arguments[0])
    padded = [pad_rows(argument, tile.padded(num_rows)) for argument in arguments]
    size = tile.rows if tile.fixed else len(padded[0])
    parts = [function(*chunk) for chunk in zip(*(argument.split(size) for argument in padded), strict=True)]
    return [torch.cat(columns)[:num_rows] if len(columns) > 1 else columns[0][:num_rows] for columns in zip(*parts, strict=True)]


def measure_tile(function: RowFunction, *arguments: Tensor) -> Tile:
    """The smallest tile that gives each of ``PROBED_ROWS`` random rows the same bytes alone, among few and among many."""
    reference = function(*arguments)
    for rows in TILES:
        sizes = sorted({min(multiple * rows, PROBED_ROWS) for multiple in (1, 2, 3, 5)})
        if all(_same(function, arguments, reference, start, size) for size in sizes for start in (0, PROBED_ROWS - size)):
            return Tile(rows=rows)
    return Tile(rows=TILES[-1], fixed=True)


def _same(function: RowFunction, arguments: Sequence[Tensor], reference: Sequence[Tensor], start: int, size: int) -> bool:
    part = slice(start, start + size)
    results = function(*(argument[part].contiguous() for argument in arguments))
    return all(torch.equal(result, whole[part]) for result, whole in zip(results, reference, strict=True))
