"""Types of columns, with what they take: the same on SQLite and on PostgreSQL.

Bounds are checked here, before a database is asked: one would take what the other refuses.
"""

from typing import Any

import sqlalchemy as sa

NAME_BYTES = 1024
"""The longest name in UTF-8: two fill an index row of PostgreSQL, which holds 2,704 bytes."""


class UnfitError(ValueError, sa.exc.DontWrapMixin):
    """A value that came from outside and that no row can hold."""


def storable(text: str) -> str:
    """Give text that every database can hold.

    NUL, which PostgreSQL cannot hold, and halves of surrogate pairs, which UTF-8 cannot say, become
    U+FFFD, the sign for what cannot be shown.
    """
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class Text(sa.TypeDecorator[str]):
    """Text of any length, made `storable`, ordered by code point."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Any) -> str | None:
        """Make a text fit."""
        return None if value is None else storable(value)


class Name(Text):
    """Text that an index holds.

    Raises:
        UnfitError: when it is bound, it has more than `NAME_BYTES` in UTF-8.
    """

    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Any) -> str | None:
        """Refuse a name that is too long."""
        fit = super().process_bind_param(value, _dialect)
        if fit and len(fit) * 4 > NAME_BYTES and len(fit.encode()) > NAME_BYTES:
            raise UnfitError(f"{fit[:40]!r}...: a name has at most {NAME_BYTES} bytes")
        return fit


class Integer(sa.TypeDecorator[int]):
    """A whole number of 32 bits.

    Raises:
        UnfitError: when it is bound, it has more.
    """

    impl = sa.Integer
    cache_ok = True
    bits = 32

    def process_bind_param(self, value: int | None, _dialect: Any) -> int | None:
        """Refuse a number that is too large."""
        if value is not None and not -(2 ** (self.bits - 1)) <= value < 2 ** (self.bits - 1):
            raise UnfitError(f"a number has more than {self.bits} bits")
        return value


class BigInteger(Integer):
    """A whole number of 64 bits."""

    impl = sa.BigInteger
    cache_ok = True
    bits = 64
