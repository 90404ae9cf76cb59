"""Observations that notebooks write: one file for each claim and chapter, read back together."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from nbcore.claims.checks import PAPER, STAND_IN, Check, get
from nbcore.claims.judging import Observation
from nbcore.errors import ClaimError, did_you_mean
from nbcore.measures.estimate import UNITS, Estimate
from nbcore.paths import build_dir


class Summarised(Protocol):
    """A run that can say where its numbers come from, such as `runs.store.Run`."""

    def summary(self) -> dict[str, str]: ...


def record(
    claim_id: str,
    observed: Mapping[str, Estimate],
    *,
    run: Summarised | Mapping[str, str],
    subject: str,
    preset: str,
    setup: str,
    chapter: str = "",
    doubt: str = "",
) -> Observation:
    """Write what a chapter observed of a claim's checks, for the cards and the claims page.

    observed: check name -> Estimate; run: the run the numbers come from, or its `summary()`;
    subject: the model or data they are about; setup: "paper" or "reduced", by `Config.setup`;
    chapter: who observed it, the claim's own chapter unless given; doubt: why these numbers leave
    every check undecided, in words; "" where they decide. Raises ClaimError for an
    unknown id or check, a check that was found misread, a wrong unit, or a missing interval.
    """
    claim = get(claim_id)
    checks = {c.name: c for c in claim.checks}
    for name, estimate in observed.items():
        if name in {m.check.name for m in claim.misread}:
            raise ClaimError(
                f"{claim_id}, {name!r} was found misread and is not judged again; record the "
                "checks that replace it."
            )
        if name not in checks:
            raise ClaimError(f"{claim_id} has no check {name!r}; {did_you_mean(name, checks)}")
        _check_estimate(claim_id, name, checks[name], estimate)
    return _write(
        claim_id, observed, run, subject, preset, setup, chapter, related=False, doubt=doubt
    )


def relate(
    claim_id: str,
    observed: Mapping[str, Estimate],
    *,
    run: Summarised | Mapping[str, str],
    subject: str,
    preset: str,
    setup: str,
    chapter: str = "",
    part: str = "",
) -> Observation:
    """Write related evidence: numbers on a claim that its card shows and no verdict counts.

    observed: words for what was measured -> Estimate; part: which of several that one chapter has
    on one claim, so that none replaces another; everything else as in `record`.
    """
    for name, estimate in observed.items():
        _check_estimate(claim_id, name, None, estimate)
    return _write(claim_id, observed, run, subject, preset, setup, chapter, True, part=part)


def _write(
    claim_id, observed, run, subject, preset, setup, chapter, related, doubt="", part=""
) -> Observation:
    if setup not in (PAPER, STAND_IN):
        raise ClaimError(f"setup must be 'paper' or 'reduced', not {setup!r}.")
    observation = Observation(
        id=claim_id,
        observed=dict(observed),
        setup=setup,
        chapter=chapter or get(claim_id).chapter,
        subject=subject,
        preset=preset,
        run=dict(run if isinstance(run, Mapping) else run.summary()),
        recorded=datetime.now(UTC).isoformat(timespec="seconds"),
        related=related,
        doubt=doubt,
    )
    kind = "related" if related else "observed"
    kind += f"-{part}" if part else ""
    target = observations_dir() / f"{claim_id}.{observation.chapter}.{kind}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(asdict(observation), indent=1))
    temporary.replace(target)
    return observation


def _check_estimate(claim_id: str, name: str, check: Check | None, seen: Estimate) -> None:
    where = f"{claim_id}, {name!r}"
    if not isinstance(seen, Estimate):
        raise ClaimError(f"{where} needs an Estimate with interval and n, not {seen!r}.")
    units = (check.unit,) if check else UNITS
    if seen.unit not in units:
        raise ClaimError(
            f"{where} is stated in unit {', '.join(map(repr, units))}, but was observed in "
            f"{seen.unit!r}."
        )
    if not all(map(math.isfinite, (seen.value, seen.low, seen.high))):
        raise ClaimError(f"{where} lacks a finite value or interval: {seen}.")
    if not seen.low <= seen.value <= seen.high or seen.n < 1:
        raise ClaimError(f"{where} needs low <= value <= high and n >= 1: {seen}.")


def forget(chapter: str) -> None:
    """Remove what a chapter observed in an earlier run, so that it does not mix with this one."""
    for path in observations_dir().glob(f"*.{chapter}.*.json"):
        path.unlink()


def observations_dir() -> Path:
    """Return the folder where notebooks write what they observed (`NBCORE_OBSERVATIONS`)."""
    return Path(os.environ.get("NBCORE_OBSERVATIONS") or build_dir() / "observations")


def observations(folder: Path | None = None) -> dict[str, list[Observation]]:
    """Read what has been recorded, by claim id; the claim's own chapter first.

    folder: where to read, `observations_dir()` unless given.
    """
    found: dict[str, list[Observation]] = {}
    for path in sorted((folder or observations_dir()).glob("*.json")):
        raw = json.loads(path.read_text())
        raw["observed"] = {k: Estimate(**v) for k, v in raw["observed"].items()}
        found.setdefault(raw["id"], []).append(Observation(**raw))
    for claim_id, own in found.items():
        own.sort(key=lambda o: (o.chapter != get(claim_id).chapter, o.related, o.chapter))
    return found
