"""The list `book/abstracts.yml`: the papers of the third part, and what of them is not run here."""

from dataclasses import dataclass
from functools import lru_cache

import yaml

from nbcore.claims.checks import LOADER, Claim, ledger
from nbcore.errors import ClaimError
from nbcore.paths import project_root


@dataclass(frozen=True)
class LeftOut:
    """What is not run of a paper: what it says, why not here, and what it would need."""

    part: str
    why: str
    needs: str


@dataclass(frozen=True)
class Abstract:
    """One paper; `planned` names a chapter that is not written yet, by number and title.

    left_out: all of it (`whole`), if it has neither checks nor a chapter, or a part; or None.
    """

    id: str
    title: str
    authors: str
    year: int | None
    planned: str = ""
    left_out: LeftOut | None = None
    whole: bool = False

    @property
    def cited(self) -> str:
        """Name it as running text does."""
        return f"{self.authors} {self.year}" if self.year else self.authors

    @property
    def claims(self) -> list[Claim]:
        """Those of the ledger that come from it: C33, or C33a and C33b."""
        return [c for c in ledger().values() if c.id.rstrip("abcdefgh") == self.id]


@lru_cache
def abstracts() -> dict[str, Abstract]:
    """Read all papers by id. ClaimError for a bad entry, or one that says neither when nor why."""
    entries = yaml.load((project_root() / "book" / "abstracts.yml").read_text(), LOADER)
    found: dict[str, Abstract] = {}
    for entry in entries:
        one = _parse(entry)
        if one.id in found:
            raise ClaimError(f"The list of papers names {one.id} twice; give each one entry.")
        if not (one.claims or one.planned or one.whole):
            raise ClaimError(
                f"{one.id} has no check in the ledger; say in which chapter it is planned, or what "
                "it claims, why it is not run, and what that would need."
            )
        found[one.id] = one
    return found


def _parse(entry: dict) -> Abstract:
    fields = dict(entry)
    try:
        part = fields.pop("left_out", None)
        whole = {k: fields.pop(k) for k in ("claims", "why", "needs") if k in fields}
        if whole:
            part = {"part": whole.pop("claims"), **whole}
        left_out = LeftOut(**part) if part else None
        return Abstract(**fields, left_out=left_out, whole="claims" in entry)
    except (TypeError, KeyError) as error:
        raise ClaimError(
            f"Entry {entry.get('id', entry)} of the list of papers is malformed: {error}."
        ) from None
