"""The accuracy of each class as bars."""

from collections.abc import Sequence

from PIL import Image

from sweepcnn.figures import style

_ROW = 30
_BAR = 18
_LONGEST_LABEL = 300
_VALUE = 170  # room of "100.0 %  n = 12345"
_SCALE = 40  # height of the scale under the bars


def per_class_accuracy_figure(
    right: Sequence[int], total: Sequence[int], classes: Sequence[str]
) -> Image.Image:
    """Draw a bar a class, with a line at the accuracy over all classes.

    Args:
        right: how many images of each class were recognised.
        total: how many images of each class there are; a class may have none.
        classes: the names.
    """
    bottom = style.HEADER + _ROW * len(classes)
    title = style.accuracy_title(sum(right), sum(total))
    note = "share of each class's images that were recognised; black line: all classes together"
    figure, draw = style.canvas(bottom + _SCALE + style.MARGIN // 2, title, note)
    names = [style.fit(name, _LONGEST_LABEL) for name in classes]
    label = round(max(style.text_width(text, size) for text, size in names)) + 1
    left = style.MARGIN + label + 10
    length = style.WIDTH - style.MARGIN - _VALUE - left
    text_font = style.font(style.TEXT_SIZE)
    for tick in range(0, 101, 20):
        x = left + round(length * tick / 100)
        draw.line((x, style.HEADER, x, bottom + 4), style.LINE)
        draw.text((x, bottom + 10), f"{tick} %", style.FAINT, text_font, anchor="ma")
    for index, (text, size) in enumerate(names):
        middle = style.HEADER + _ROW * index + _ROW // 2
        top, low = middle - _BAR // 2, middle + _BAR // 2 - 1
        draw.text((left - 10, middle), text, style.INK, style.font(size), anchor="rm")
        draw.rectangle((left, top, left + length, low), style.EMPTY)
        filled = round(length * right[index] / total[index]) if right[index] else 0
        if filled:
            draw.rectangle((left, top, left + filled, low), style.RIGHT)
        value = style.percent(right[index], total[index])
        x = left + length + 80
        draw.text((x, middle), value, style.INK, text_font, anchor="rm")
        draw.text((x + 12, middle), f"n = {total[index]}", style.FAINT, text_font, anchor="lm")
    if sum(total):
        x = left + round(length * sum(right) / sum(total))
        draw.line((x, style.HEADER, x, bottom + 4), style.INK, 2)
    return figure
