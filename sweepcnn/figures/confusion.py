"""The confusion matrix as a picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sweepcnn.figures import style

_LONGEST_LABEL = 200
_AXIS_TITLE = 30  # room of an axis title
_TICK = 8  # between a label and the matrix
_LARGEST_COUNT = 34
_LIGHTEST = 0.06  # the shade of one image among many, so that it differs from none


def confusion_matrix_figure(matrix: NDArray[np.int64], classes: Sequence[str]) -> Image.Image:
    """Draw how often each class was taken for which.

    A cell's shade is its share of the row, so that classes of unequal size compare. Counts are
    written where they fit, which they do up to 30 classes.

    Args:
        matrix: [k x k], counts; rows are true, columns predicted classes.
        classes: the k names.
    """
    figure, draw = style.canvas(
        style.WIDTH,
        style.accuracy_title(int(np.trace(matrix)), int(matrix.sum())),
        "shade: share of the true class (row); blue: right, vermillion: wrong",
    )
    layout = _Layout(classes)
    _draw_cells(draw, layout, matrix)
    _draw_rows(draw, layout, classes)
    _draw_columns(figure, draw, layout, classes)
    _draw_axis_titles(figure, draw, layout)
    return figure


class _Layout:
    """Where the cells lie: a square, divided as evenly as whole pixels allow."""

    def __init__(self, classes: Sequence[str]) -> None:
        widest = max(style.text_width(style.printable(name), style.TEXT_SIZE) for name in classes)
        self.label = min(_LONGEST_LABEL, round(widest) + 1)
        self.left = style.MARGIN + _AXIS_TITLE + self.label + _TICK
        self.top = style.HEADER
        across = style.WIDTH - self.left - style.MARGIN
        self.horizontal = widest <= across // len(classes) - 8
        below = style.TEXT_SIZE if self.horizontal else self.label
        down = style.WIDTH - self.top - _TICK - below - _AXIS_TITLE - style.MARGIN // 2
        self.side = min(across, down)
        self.cell = self.side // len(classes)
        self.edges = [round(i * self.side / len(classes)) for i in range(len(classes) + 1)]
        self.letters = min(style.TEXT_SIZE, max(style.SMALLEST_SIZE, self.cell - 2))
        # Where cells are lower than a line, only every second, third, ... class is named.
        self.named = range(0, len(classes), -(-style.SMALLEST_SIZE // max(1, self.cell)))

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Give a cell's first and last pixels; where there is room, one is left between cells.

        With more classes than pixels, neighbours share one.
        """
        gap = 2 if self.cell >= 8 else 1
        left, top = self.left + self.edges[column], self.top + self.edges[row]
        return (
            left,
            top,
            max(left, self.left + self.edges[column + 1] - gap),
            max(top, self.top + self.edges[row + 1] - gap),
        )

    def middle(self, index: int) -> float:
        """Give the middle of a row or column, from the square's edge."""
        return (self.edges[index] + self.edges[index + 1]) / 2


def _draw_cells(draw: ImageDraw.ImageDraw, layout: _Layout, matrix: NDArray[np.int64]) -> None:
    size = _count_size(layout.cell, int(matrix.max()))
    rows = matrix.sum(axis=1)
    first, last = layout.box(0, 0), layout.box(len(rows) - 1, len(rows) - 1)
    draw.rectangle((first[0] - 1, first[1] - 1, last[2] + 1, last[3] + 1), style.LINE)
    for row, column in np.ndindex(*matrix.shape):
        count = int(matrix[row, column])
        colour = style.RIGHT if row == column else style.WRONG
        shade = _LIGHTEST + (1 - _LIGHTEST) * count / int(rows[row]) if count else 0
        ground = style.mix(shade, colour)
        box = layout.box(row, column)
        draw.rectangle(box, ground)
        if size is not None:
            ink = style.ink_on(ground) if count else style.FAINT
            centre = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            draw.text(centre, str(count), ink, style.font(size), anchor="mm")


def _count_size(cell: int, largest: int) -> int | None:
    """Give the size of letters with which all counts fit their cells, if there is one."""
    for size in range(min(_LARGEST_COUNT, cell // 2), style.SMALLEST_SIZE - 2, -1):
        if style.text_width(str(largest), size) <= cell - 4:
            return size
    return None


def _draw_rows(draw: ImageDraw.ImageDraw, layout: _Layout, classes: Sequence[str]) -> None:
    for index in layout.named:
        text, size = style.fit(classes[index], layout.label, layout.letters)
        place = layout.left - _TICK, layout.top + layout.middle(index)
        draw.text(place, text, style.INK, style.font(size), anchor="rm")


def _draw_columns(
    figure: Image.Image, draw: ImageDraw.ImageDraw, layout: _Layout, classes: Sequence[str]
) -> None:
    top = layout.top + layout.side + _TICK
    for index in layout.named:
        text, size = style.fit(classes[index], layout.label, layout.letters)
        middle = layout.left + layout.middle(index)
        if layout.horizontal:
            draw.text((middle, top), text, style.INK, style.font(size), anchor="ma")
        else:
            mask = style.upright_text(text, size)
            figure.paste(style.INK, (round(middle - mask.width / 2), top), mask)


def _draw_axis_titles(figure: Image.Image, draw: ImageDraw.ImageDraw, layout: _Layout) -> None:
    middle = layout.side / 2
    bottom = layout.left + middle, style.WIDTH - style.MARGIN // 2
    draw.text(bottom, "predicted class", style.FAINT, style.font(style.TEXT_SIZE), anchor="mb")
    mask = style.upright_text("true class", style.TEXT_SIZE)
    figure.paste(style.FAINT, (style.MARGIN, round(layout.top + middle - mask.height / 2)), mask)
