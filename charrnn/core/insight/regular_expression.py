"""Make a feature of a regular expression that a user typed, within bounds of time and memory.

RE2 matches in time linear in the text, whatever the expression, so an expression such as `(a+)+$` cannot block a
server. It has no backreferences and no lookaround; `\\p{Han}` and other classes of Unicode work.
"""

import time
from typing import Any

import re2

from charrnn.core.errors import OptionError
from charrnn.core.insight.text_features import Feature

MAX_PATTERN = 200
"""Maximum length of an expression in characters."""
MAX_MEMORY = 1 << 20
"""Maximum size of a compiled expression in bytes."""
MAX_SECONDS = 2.0
"""Maximum time of all matches of a feature; each one is linear, but there can be as many as characters."""


def regex_feature(pattern: str) -> Feature:
    """Return the feature that is on where a regular expression matches; if it has a group, where that matches.

    `"([^"]*)"` is on between quotation marks. `^` and `$` match at line breaks.

    Raises:
        OptionError: The expression is empty, too long, or invalid.
    """
    compiled = _compiled(pattern)
    group = min(compiled.groups, 1)

    spent = 0.0

    def values(text: str) -> list[bool]:
        nonlocal spent
        result = [False] * len(text)
        start_time = time.monotonic()
        for match in compiled.finditer(text):
            start, stop = match.span(group)
            result[start:stop] = [True] * (stop - start)
            if spent + time.monotonic() - start_time > MAX_SECONDS:
                raise OptionError({"regex": f"The regular expression {pattern!r} takes too long. Use a simpler one."})
        spent += time.monotonic() - start_time
        return result

    return Feature(f"regex:{pattern}", pattern, "matches", False, values)


def _compiled(pattern: str) -> Any:
    if not pattern or len(pattern) > MAX_PATTERN:
        problem = f"The regular expression has {len(pattern)} characters; expected 1 to {MAX_PATTERN}."
        raise OptionError({"regex": problem})
    options = re2.Options()
    options.max_mem, options.log_errors = MAX_MEMORY, False
    try:
        return re2.compile(f"(?m){pattern}", options)
    except (re2.error, UnicodeError) as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise OptionError(
            {
                "regex": f"The regular expression {pattern!r} is not valid: {reason}. Expected the syntax of RE2, "
                f"which has no backreferences and no lookaround (https://github.com/google/re2/wiki/Syntax)."
            }
        ) from error
