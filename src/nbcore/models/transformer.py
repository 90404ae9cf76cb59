"""A small decoder-only transformer that is trained here, and how it is trained and sampled.

Attention looks back only. Positions enter through a learned bias on the distance between two
tokens; all distances from `reach` on share one, so that no distance is new in a longer sequence.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nbcore.errors import ParameterError


class Block(nn.Module):
    """Self-attention and two linear layers, each added to what comes in after a layer norm."""

    def __init__(self, width: int, heads: int, reach: int):
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_layers = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.together = nn.Linear(width, width)
        self.layers = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.bias = nn.Parameter(torch.zeros(heads, reach + 1))

    def forward(self, x: Tensor, distance: Tensor, ahead: Tensor) -> Tensor:
        """Map (batch, token, width) to the same; distance and ahead are (token, token)."""
        n, length, width = x.shape
        parts = self.queries_keys_values(self.before_attention(x))
        q, k, v = parts.view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mask = self.bias[:, distance].masked_fill(ahead, float("-inf"))
        seen = F.scaled_dot_product_attention(q, k, v, mask.expand(n, -1, -1, -1))
        x = x + self.together(seen.transpose(1, 2).reshape(n, length, width))
        out: Tensor = x + self.layers(self.before_layers(x))
        return out


class Transformer(nn.Module):
    """Predict each next token of sequences of at most `positions` tokens below `tokens`.

    Embeddings are drawn once and stay: two tokens are then as different as two others, whether or
    not they ever met in training.
    """

    def __init__(
        self,
        tokens: int,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        positions: int = 128,
        reach: int = 3,
    ):
        super().__init__()
        self.positions = positions
        self.embedding = nn.Embedding(tokens, width)
        self.embedding.weight.requires_grad_(False)
        self.blocks = nn.ModuleList(Block(width, heads, reach) for _ in range(layers))
        self.last = nn.LayerNorm(width)
        self.out = nn.Linear(width, tokens)
        place = torch.arange(positions)
        back = place[:, None] - place
        self.distance: Tensor
        self.ahead: Tensor
        self.register_buffer("distance", back.clamp(0, reach), persistent=False)
        self.register_buffer("ahead", back < 0, persistent=False)

    def forward(self, x: Tensor, last: int | None = None) -> Tensor:
        """Give logits (batch, last, tokens) after each of the last tokens of x (batch, token).

        ParameterError for a sequence that is longer than the positions.
        """
        length = x.shape[1]
        if length > self.positions:
            raise ParameterError(
                f"A sequence of {length} tokens is longer than the {self.positions} positions of "
                "this transformer; shorten it, or build one with more positions."
            )
        hidden = self.embedding(x)
        for block in self.blocks:
            hidden = block(hidden, self.distance[:length, :length], self.ahead[:length, :length])
        out: Tensor = self.out(self.last(hidden[:, -(last or length) :]))
        return out


def build(seed: int, tokens: int, **shape: int) -> Transformer:
    """Build a transformer whose start is that of its seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Transformer(tokens, **shape)


def log_chance(model: Transformer, prompts: Tensor, answers: Tensor) -> Tensor:
    """Compute log chances (batch, answer token) of given answers, token by token."""
    logits = model(torch.cat([prompts, answers], 1)[:, :-1], answers.shape[1])
    return logits.log_softmax(-1).gather(-1, answers[..., None])[..., 0]


@torch.no_grad()
def exact(model: Transformer, prompts: Tensor, answers: Tensor) -> Tensor:
    """Say for which prompts the likeliest tokens, one after another, are the answer: (batch,)."""
    logits = model(torch.cat([prompts, answers], 1)[:, :-1], answers.shape[1])
    return (logits.argmax(-1) == answers).all(1)


@torch.no_grad()
def sample(model: Transformer, prompts: Tensor, length: int, draw: torch.Generator) -> Tensor:
    """Draw `length` tokens after each prompt: (batch, length)."""
    x = prompts
    for _ in range(length):
        chances = model(x, 1)[:, 0].softmax(-1)
        x = torch.cat([x, torch.multinomial(chances, 1, generator=draw)], 1)
    return x[:, prompts.shape[1] :]


def fit(
    model: Transformer,
    batches: Iterator[tuple[Tensor, Tensor]],
    steps: int,
    lr: float,
    weight: Callable[[Tensor], Tensor] | None = None,
) -> float:
    """Train on (prompts, answers) with AdamW, rate up over 100 steps and down to a twentieth.

    weight: of answers' tokens (batch, token), how much each counts; else all alike. Returns the
    last loss in nats a token. ParameterError if it is not finite.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr, betas=(0.9, 0.98), weight_decay=0.05, fused=True)
    loss = torch.zeros(())
    for step in range(steps):
        prompts, answers = next(batches)
        for group in optimiser.param_groups:
            group["lr"] = lr * min((step + 1) / 100, max(0.05, 1 - step / steps))
        told = -log_chance(model, prompts, answers)
        counts = torch.ones_like(told) if weight is None else weight(answers)
        loss = (told * counts).sum() / counts.sum()
        if not torch.isfinite(loss):
            raise ParameterError(
                f"The loss after {step} steps is {loss.item()}, not a finite number; lower lr."
            )
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
    return float(loss.detach())
