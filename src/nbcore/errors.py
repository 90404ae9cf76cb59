"""The errors a reader may meet: one sentence each, never a traceback."""


class NbcoreError(Exception):
    """Something the user can mend: what was expected, what came, what to do.

    The command line and the notebooks print the message alone and exit non-zero.
    """


class DataError(NbcoreError):
    """A data set that is missing, truncated, or not of the stated form."""


class StoreError(NbcoreError):
    """A stored run that is missing, incomplete, or fails its checksum."""


class ParameterError(NbcoreError):
    """An unknown chapter, preset or parameter, or a value of the wrong type."""


class ClaimError(NbcoreError):
    """An observation that does not fit the ledger."""


def did_you_mean(word: str, known) -> str:
    """Write a closing clause: the nearest known name, or up to 12 names when none is near."""
    from difflib import get_close_matches

    known = [str(k) for k in known]
    near = get_close_matches(word, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    more = f" and {len(known) - 12} more" if len(known) > 12 else ""
    return f"known: {', '.join(known[:12])}{more}"
