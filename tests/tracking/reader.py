"""Answers `find_best` from a process of its own: a line of arguments in, a line of JSON out."""

import dataclasses
import json
import sys

from sweepcnn.errors import SweepcnnError
from sweepcnn.tracking.reading import find_best


def main() -> None:
    """Answer until stdin ends."""
    for line in sys.stdin:
        try:
            answer = dataclasses.asdict(find_best(**json.loads(line)))
        except SweepcnnError as error:
            answer = {"error": str(error), "exit_code": error.exit_code}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
