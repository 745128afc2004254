"""Refusals, with the HTTP status that makes the client act rightly.

The client repeats a request for many minutes on 5xx, 429 and (for upsertBucket) 409; so what will
not change by itself answers 200 with GraphQL errors, or 400, 401, 403, 404.
"""


class ApiError(Exception):
    """A request that is refused.

    Args:
        message: what the client shows to its user.
        status: the HTTP status; 200 for an error inside a GraphQL answer.
    """

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.status = status
