"""What the papers claim, what was observed, and the verdict between them.

`ledger()` reads `book/claims.yml`, where every claim has its checks; notebooks `record()` what they
observed; `judge()` merges that into a verdict. Nothing here imports torch or a chapter.
"""

from nbcore.claims import history
from nbcore.claims.checks import (
    HELD,
    MISSED,
    PAPER,
    RULES,
    STAND_IN,
    UNDECIDED,
    Check,
    Claim,
    Misread,
    get,
    ledger,
)
from nbcore.claims.findings import Finding, told
from nbcore.claims.judging import (
    APART,
    BY_CONSTRUCTION,
    NOT,
    NOT_RUN,
    PARTLY,
    REDUCED,
    REPRODUCED,
    SO_FAR,
    UNSEEN,
    VERDICTS,
    Judgement,
    Observation,
    Row,
    conclude,
    count,
    judge,
    telling,
)
from nbcore.claims.labels import readable
from nbcore.claims.listing import Abstract, LeftOut, abstracts
from nbcore.claims.recording import forget, observations, observations_dir, record, relate
from nbcore.claims.report import as_data, as_text
from nbcore.claims.words import show_estimate, show_number, show_scaled
from nbcore.measures.estimate import UNITS, Estimate

__all__ = [
    "APART",
    "BY_CONSTRUCTION",
    "HELD",
    "MISSED",
    "NOT",
    "NOT_RUN",
    "PAPER",
    "PARTLY",
    "REDUCED",
    "REPRODUCED",
    "RULES",
    "SO_FAR",
    "STAND_IN",
    "UNDECIDED",
    "UNITS",
    "UNSEEN",
    "VERDICTS",
    "Abstract",
    "Check",
    "Claim",
    "Estimate",
    "Finding",
    "Judgement",
    "LeftOut",
    "Misread",
    "Observation",
    "Row",
    "abstracts",
    "as_data",
    "as_text",
    "conclude",
    "count",
    "forget",
    "get",
    "history",
    "judge",
    "ledger",
    "observations",
    "observations_dir",
    "readable",
    "record",
    "relate",
    "show_estimate",
    "show_number",
    "show_scaled",
    "telling",
    "told",
]
