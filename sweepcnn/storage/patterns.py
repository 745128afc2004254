"""Regular expressions that take linear time, whatever they are: RE2's."""

import re2

_LONGEST = 1_000
_OPTIONS = "ims"


class PatternError(ValueError):
    """A regular expression that cannot be used; the message says why."""


class Pattern:
    """A regular expression.

    Args:
        text: in RE2's syntax (https://github.com/google/re2/wiki/Syntax).
        options: any of i (upper or lower case), m (^ and $ at each line), s (. is any character).

    Raises:
        PatternError: it is too long or not of that syntax, or there is no such option.
    """

    def __init__(self, text: str, options: str = "") -> None:
        if len(text) > _LONGEST:
            rule = f"has more than {_LONGEST} characters"
            raise PatternError(f"regular expression {text[:40]!r}... {rule}; use $in or $contains")
        if unknown := set(options) - set(_OPTIONS):
            known = ", ".join(_OPTIONS)
            raise PatternError(f"regular expression's options {sorted(unknown)}: known are {known}")
        flags = f"(?{options})" if options else ""
        settings = re2.Options()
        settings.log_errors = False
        try:
            self._search = re2.compile(flags + text, settings).search
        except (re2.error, UnicodeEncodeError) as error:
            reason = error.args[0] if isinstance(error, re2.error) else "lone surrogate"
            reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
            hint = "RE2 has neither look-around nor back-references"
            raise PatternError(f"regular expression {text!r}: {reason}; {hint}") from None

    def found_in(self, text: str) -> bool:
        """Tell whether a part of the text matches."""
        return self._search(text) is not None
