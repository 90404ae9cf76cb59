"""How much noise a privacy budget asks for, by Opacus' accountant."""

import warnings
from functools import lru_cache

from nbcore.errors import ParameterError

#: Rényi differential privacy, for a picture more or less, drawn anew for every step
ACCOUNTANT = "rdp"


@lru_cache
def noise_for(epsilon: float, delta: float, images: int, batch: int, steps: int) -> float:
    """Find the noise, in units of the largest gradient's norm, that keeps training (ε, δ)-private.

    batch: the expected pictures of a step, of `images`. ParameterError for a budget that cannot be
    met, or that protects nobody.
    """
    from opacus.accountants.utils import get_noise_multiplier

    if not 0 < delta < 1 / images:
        raise ParameterError(
            f"A δ of {delta:g} with {images:,} pictures could give one of them away for sure; "
            f"give one between 0 and {1 / images:.2g}."
        )
    if epsilon <= 0 or not 0 < batch <= images:
        raise ParameterError(
            f"A budget needs an ε above 0, and steps of 1 to {images:,} pictures, not ε = "
            f"{epsilon:g} and {batch:,} pictures; give others."
        )
    try:
        with warnings.catch_warnings():
            # that the budget could be counted a little tighter at other orders
            warnings.simplefilter("ignore", UserWarning)
            found = get_noise_multiplier(
                target_epsilon=epsilon,
                target_delta=delta,
                sample_rate=batch / images,
                steps=steps,
                accountant=ACCOUNTANT,
                epsilon_tolerance=min(0.01, epsilon / 100),
            )
        return float(found)
    except ValueError:
        raise ParameterError(
            f"The privacy budget ε = {epsilon:g}, δ = {delta:g} cannot be met in {steps:,} steps "
            f"of {batch:,} among {images:,} pictures, whatever the noise, by the accountant "
            f"{ACCOUNTANT!r}; give a larger ε or δ, fewer epochs or smaller steps."
        ) from None
