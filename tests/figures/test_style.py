import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sweepcnn.figures import style


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(15, 300))
def test_fitted_text_fits(text: str, width: int) -> None:
    fitted, size = style.fit(text, width)
    assert style.SMALLEST_SIZE <= size <= style.TEXT_SIZE
    assert style.text_width(fitted, size) <= width


def test_text_that_fits_stays_as_it_is() -> None:
    assert style.fit("Arachnida", 100) == ("Arachnida", style.TEXT_SIZE)


def test_letters_shrink_before_text_is_shortened() -> None:
    text = "Great spotted woodpecker"
    fitted, size = style.fit(text, style.text_width(text, 12))
    assert (fitted, size) == (text, 12)


def test_shortened_text_keeps_both_ends() -> None:
    text, size = style.fit("Pseudotropheus saulosi northern", 90)
    assert size == style.SMALLEST_SIZE
    assert text.startswith("Pseudo")
    assert text.endswith("thern")
    assert text.count("…") == 1


def test_letters_that_the_font_lacks_are_replaced() -> None:
    assert style.printable("crème brûlée") == "creme brulee"
    assert style.printable("日本\n") == "???"


@pytest.mark.parametrize(("whole", "expected"), [(8, "37.5 %"), (0, "-")])
def test_shares_are_written_in_percent(whole: int, expected: str) -> None:
    assert style.percent(3 if whole else 0, whole) == expected


def test_ink_contrasts_with_its_ground() -> None:
    assert style.ink_on(style.PAPER) == style.INK
    assert style.ink_on(style.RIGHT) == style.PAPER
    assert style.ink_on(style.mix(0.5, style.RIGHT)) == style.INK


def test_marks_differ_in_form_not_only_in_colour() -> None:
    def form(*, right: bool) -> Image.Image:
        image = Image.new("RGB", (14, 14), style.PAPER)
        style.draw_mark(image, (0, 0), 14, right=right)
        return image.convert("L").point(lambda level: 255 if level > 200 else 0)

    check, cross = form(right=True), form(right=False)
    assert check.getcolors() != [(196, 255)]
    differing = sum(a != b for a, b in zip(check.tobytes(), cross.tobytes(), strict=True))
    assert differing > 30


def test_upright_text_is_the_text_turned() -> None:
    mask = style.upright_text("predicted", 15)
    assert mask.mode == "L"
    assert mask.height > 3 * mask.width
    assert mask.getbbox() is not None
