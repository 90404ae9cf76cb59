"""What heads on fixed features, and neighbours at every probe, say of each example.

The tables have the form of an ensemble's (`depths.tables`), so that whatever reads those reads
these: a member is a head on a random split, the probes are the network's, and the last probe is the
head itself, whose answer is the one whose depth is sought.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from nbcore.depths.view import EnsembleView
from nbcore.difficulty.pretrained import heads, suspicion, votes
from nbcore.difficulty.pretrained.features import Features
from nbcore.measures.agreement import consistency_score
from nbcore.measures.depth import prediction_depth
from nbcore.measures.learning import iteration_learned
from nbcore.training.ensemble import held_out_mask

#: name of the last probe
HEAD = "head"


class Bank(NamedTuple):
    """Features of n examples and their neighbours, whatever the labels.

    final (example, number): what heads are fitted to; found: probe -> (example, 2 k) neighbours;
    source: the embeddings at the probes; k: neighbours that vote.
    """

    final: np.ndarray
    found: Mapping[str, np.ndarray]
    source: Mapping[str, np.ndarray] | Features
    k: int

    @classmethod
    def of(cls, source: Mapping[str, np.ndarray] | Features, k: int) -> "Bank":
        """Search the neighbours of embeddings (probe -> (example, number)), or of features."""
        if isinstance(source, Features):
            kept = votes.kept_neighbours(source, k)
            late = source.probes[len(source.probes) // 2 :]  # better held out than the last alone
            joined = np.concatenate([source.at(probe) for probe in late], 1)
            return cls(heads.prepared(joined), kept, source, k)
        found = {probe: votes.found_at(x, k) for probe, x in source.items()}
        return cls(heads.prepared(list(source.values())[-1]), found, source, k)


class Measured(NamedTuple):
    """Tables `members` and `examples` as an ensemble has them, and what only heads have.

    logits (example, class): mean held-out outputs; neighbours (example,): share of the held-out
    votes at the last probe before the head that are for the label; loss (example,): of the label in
    training, from mean outputs, NaN for an example that no head was trained on.
    """

    members: xr.Dataset
    examples: xr.Dataset
    logits: np.ndarray
    neighbours: np.ndarray
    loss: np.ndarray

    @property
    def view(self) -> EnsembleView:
        """View it as an ensemble."""
        return EnsembleView("", self.members, self.examples)

    def evidence(self, kinds: Collection[str] = suspicion.USED) -> np.ndarray:
        """Collect what speaks against each label; see `suspicion.evidence`."""
        view = self.view
        right = consistency_score(view.answers, view.label, view.held_out, len(view.classes))
        return suspicion.evidence(
            view.label,
            suspicion.softmax(np.nan_to_num(self.logits)),
            right,
            self.neighbours,
            view.mean_depth("val"),
            view.mean_depth("train"),
            view.last,
            kinds,
        )


def masks(n: int, members: int, held_out: float, seed: int) -> np.ndarray:
    """Choose what each member does not see: (member, example) bool, in turns over folds."""
    return np.stack([held_out_mask(n, i, held_out, "folds", seed) for i in range(members)])


def measure(
    bank: Bank,
    labels: np.ndarray,
    classes: tuple[str, ...],
    held: np.ndarray,
    original: np.ndarray | None = None,
) -> Measured:
    """Fit a head to every split, and let the neighbours vote at every probe.

    labels (example,) from 0; held (member, example): what a member does not see; original
    (example,): labels before some were changed, where that is known.
    """
    fitted = heads.fit(bank.final, labels, held, len(classes))
    said, share = votes.answers(bank.found, held, labels, bank.k, len(classes), bank.source)
    depth = np.stack(
        [
            prediction_depth(np.vstack([probes, final]).T, final)
            for probes, final in zip(said, fitted.answers, strict=True)
        ]
    )
    learned = np.stack(
        [
            iteration_learned(history.T, final)
            for history, final in zip(fitted.history, fitted.answers, strict=True)
        ]
    )
    right = fitted.history == labels
    folds = round(1 / held[0].mean())
    dims = "member", "example"
    members = xr.Dataset(
        {
            "held_out": (dims, held),
            "final": (dims, fitted.answers),
            "depth": (dims, depth.astype(np.int8)),
            "learned": (dims, learned.astype(np.int8)),
            "half": ("member", (np.arange(len(held)) // folds % 2).astype(np.int8)),
            "step": ("checkpoint", np.arange(1, fitted.history.shape[1] + 1)),
            "accuracy_train": (("member", "checkpoint"), _shares(right, ~held)),
            "accuracy_val": (("member", "checkpoint"), _shares(right, held)),
        },
        coords={"probe": [*bank.found, HEAD]},
    )
    means = {
        f"output_margin_{role}": ("example", _mean(fitted.margin, mask))
        for role, mask in (("train", ~held), ("val", held))
    }
    known = labels if original is None else original
    examples = xr.Dataset(
        {
            "label": ("example", labels.astype(np.int16)),
            "original_label": ("example", np.asarray(known).astype(np.int16)),
            **means,
        },
        attrs={"classes": list(classes)},
    )
    own = suspicion.softmax(fitted.inside)[np.arange(len(labels)), labels]
    return Measured(members, examples, fitted.logits, share[-1], -np.log(own + 1e-12))


def _shares(right: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return (member, checkpoint) the share of right answers among a member's examples."""
    chosen = (right & mask[:, None]).sum(2)
    return (chosen / np.maximum(mask.sum(1)[:, None], 1)).astype(np.float32)


def _mean(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    n = mask.sum(0)
    total = np.where(mask, values, 0.0).sum(0)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan).astype(np.float32)
