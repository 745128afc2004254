"""How much one request may ask for: lists in lists multiply, whatever the size of each."""

from typing import Any

from graphql.execution import Executor

MOST_FIELDS = 500_000
"""Of an answer; a page of 10,000 items has 50 each."""


class TooManyFieldsError(BaseException):
    """Ends an execution; no ordinary exception, for those become errors of one field each."""


class BoundedExecutor(Executor[Any]):
    """Executes an operation until its answer has too many fields."""

    _left = MOST_FIELDS

    def execute_field(self, *args: Any, **kwargs: Any) -> Any:
        """Execute one field of an object.

        Raises:
            TooManyFieldsError: it is one too many.
        """
        self._left -= 1
        if self._left < 0:
            raise TooManyFieldsError
        return super().execute_field(*args, **kwargs)
