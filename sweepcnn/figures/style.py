"""One look for all figures: size, colours, letters, marks."""

import functools
import math
import unicodedata
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

WIDTH = 1280
MARGIN = 36
HEADER = 84  # height of the title and the line below it

# Blue and vermillion are told apart with every kind of colour blindness: Okabe & Ito, "Color
# Universal Design" (2008), https://jfly.uni-koeln.de/color/
RIGHT: Colour = (0, 114, 178)
WRONG: Colour = (213, 94, 0)
PAPER: Colour = (255, 255, 255)
INK: Colour = (34, 34, 34)
FAINT: Colour = (110, 110, 110)  # 5:1 against the paper, still easily read
LINE: Colour = (208, 208, 208)
EMPTY: Colour = (241, 241, 241)

TITLE_SIZE = 26
TEXT_SIZE = 15
SMALLEST_SIZE = 10

_ELLIPSIS = "…"


@functools.cache
def font(size: int) -> Font:
    """Give Pillow's own font, which looks the same on every machine."""
    return ImageFont.load_default(size=size)


def text_width(text: str, size: int) -> float:
    """Measure a text in pixels."""
    return font(size).getlength(text)


def printable(text: str) -> str:
    """Write a text in the font's letters: without accents, and ? for what it cannot write."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(
        letter if letter.isascii() and letter.isprintable() else "?"
        for letter in plain
        if not unicodedata.combining(letter)
    )


def fit(text: str, width: float, size: int = TEXT_SIZE) -> tuple[str, int]:
    """Make a text fit a width: in smaller letters, and if need be without its middle.

    The middle goes because names in a taxonomy differ at the end.

    Returns:
        The text and the size of its letters.
    """
    text = printable(text)
    smallest = min(size, SMALLEST_SIZE)
    for smaller in range(size, smallest - 1, -1):
        if text_width(text, smaller) <= width:
            return text, smaller
    for kept in range(len(text) - 1, 0, -1):
        tail = kept // 2
        shorter = text[: kept - tail].rstrip() + _ELLIPSIS + text[len(text) - tail :].lstrip()
        if text_width(shorter, smallest) <= width:
            return shorter, smallest
    return _ELLIPSIS, smallest


def percent(part: int, whole: int) -> str:
    """Write a share in percent; a dash where there is nothing to take a share of."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def accuracy_title(right: int, total: int) -> str:
    """Write the title of figures about the accuracy."""
    return f"Accuracy {percent(right, total)}: {right} of {total} right"


def canvas(height: int, title: str, note: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Begin a figure: white paper with a title and a line that explains how to read it."""
    image = Image.new("RGB", (WIDTH, height), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN, 40), title, fill=INK, font=font(TITLE_SIZE), anchor="ls")
    draw.text((MARGIN, 66), note, fill=FAINT, font=font(TEXT_SIZE), anchor="ls")
    return image, draw


def upright_text(text: str, size: int) -> Image.Image:
    """Give a text that reads upwards as a mask, "L", to paste a colour through."""
    left, top, right, bottom = font(size).getbbox(text, anchor="ls")
    mask = Image.new("L", (math.ceil(right - left), math.ceil(bottom - top)))
    ImageDraw.Draw(mask).text((-left, -top), text, fill=255, font=font(size), anchor="ls")
    return mask.rotate(90, expand=True)


def mix(share: float, colour: Colour) -> Colour:
    """Shade the paper: 0 leaves it white, 1 gives the full colour."""
    red, green, blue = (round(p + (c - p) * share) for p, c in zip(PAPER, colour, strict=True))
    return red, green, blue


def ink_on(ground: Colour) -> Colour:
    """Give the text colour, dark or white, that contrasts more with a ground.

    The contrast is that of W3C's Web Content Accessibility Guidelines 2.2, "contrast ratio".
    """
    ground_light = _luminance(ground) + 0.05
    dark = ground_light / (_luminance(INK) + 0.05)
    white = (_luminance(PAPER) + 0.05) / ground_light
    return INK if dark >= white else PAPER


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def draw_mark(image: Image.Image, corner: tuple[int, int], size: int, *, right: bool) -> None:
    """Draw a check or a cross in its colour; drawn large and shrunk, which smooths the lines."""
    fine = 8
    strokes: Sequence[Sequence[tuple[float, float]]] = (
        [[(0.08, 0.55), (0.38, 0.85), (0.92, 0.18)]]
        if right
        else [[(0.14, 0.14), (0.86, 0.86)], [(0.14, 0.86), (0.86, 0.14)]]
    )
    mask = Image.new("L", (size * fine, size * fine))
    for stroke in strokes:
        points = [(x * size * fine, y * size * fine) for x, y in stroke]
        ImageDraw.Draw(mask).line(points, fill=255, width=2 * fine, joint="curve")
    mask = mask.resize((size, size), Image.Resampling.BOX)
    image.paste(RIGHT if right else WRONG, (*corner, corner[0] + size, corner[1] + size), mask)
