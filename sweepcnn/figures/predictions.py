"""Images with what they are and what they were taken for."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sweepcnn.figures import style

_SIDE = 96  # of an image's place
_BORDER = 4
_LINE = 18
_GAP = 16


def prediction_grid(
    images: NDArray[np.uint8],
    true: Sequence[int],
    predicted: Sequence[int],
    confidence: Sequence[float],
    classes: Sequence[str],
    *,
    columns: int = 10,
) -> Image.Image:
    """Draw images in rows, each with its mark, confidence, true and predicted class.

    Args:
        images: [n x h x w x 3], uint8; 30 fill the default grid of 10 x 3.
        true: n class indices.
        predicted: n class indices.
        confidence: n probabilities of the predicted class, 0..1.
        classes: the classes' names.
        columns: images in a row, at most 10 for the labels to be legible.
    """
    rows = max(1, -(-len(images) // columns))
    framed = _SIDE + 2 * _BORDER
    row_height = framed + 3 * _LINE + _GAP
    cell_width = (style.WIDTH - 2 * style.MARGIN) // columns
    hits = sum(int(t == p) for t, p in zip(true, predicted, strict=True))
    figure, draw = style.canvas(
        style.HEADER + rows * row_height + style.MARGIN - _GAP,
        f"{hits} of {len(images)} right",
        "blue border and check: right, vermillion border and cross: wrong; "
        "the percentage is the confidence in the predicted class",
    )
    for index, pixels in enumerate(images):
        row, column = divmod(index, columns)
        left = style.MARGIN + column * cell_width
        top = style.HEADER + row * row_height
        right = true[index] == predicted[index]
        colour = style.RIGHT if right else style.WRONG
        _draw_image(figure, draw, pixels, (left, top), colour)
        top += framed + 4
        style.draw_mark(figure, (left, top), 14, right=right)
        percent = f"{100 * confidence[index]:.0f} %"
        draw.text((left + 20, top + 12), percent, colour, style.font(style.TEXT_SIZE), anchor="ls")
        width = cell_width - 10
        _draw_label(draw, (left, top + 12 + _LINE), width, "true", classes[true[index]])
        _draw_label(draw, (left, top + 12 + 2 * _LINE), width, "pred", classes[predicted[index]])
    return figure


def _draw_image(
    figure: Image.Image,
    draw: ImageDraw.ImageDraw,
    pixels: NDArray[np.uint8],
    corner: tuple[int, int],
    colour: style.Colour,
) -> None:
    """Draw one image [h x w x 3] in its frame, as large as its place allows."""
    left, top = corner
    height, width = pixels.shape[:2]
    scale = _SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Small images keep their pixels as squares; large ones are smoothed.
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    side = _SIDE + 2 * _BORDER
    draw.rectangle((left, top, left + side - 1, top + side - 1), style.EMPTY, colour, _BORDER)
    place = left + (side - size[0]) // 2, top + (side - size[1]) // 2
    figure.paste(Image.fromarray(pixels).resize(size, method), place)


def _draw_label(
    draw: ImageDraw.ImageDraw, baseline: tuple[int, int], width: int, caption: str, name: str
) -> None:
    left, bottom = baseline
    indent = 32
    draw.text((left, bottom), caption, style.FAINT, style.font(12), anchor="ls")
    text, size = style.fit(name, width - indent, 14)
    draw.text((left + indent, bottom), text, style.INK, style.font(size), anchor="ls")
