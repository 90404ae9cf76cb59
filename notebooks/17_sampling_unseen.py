# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Sampling what was never seen
#
# A diffusion model learns to undo noise. What can be done with it beyond repeating its training set? One can
# steer it by a condition {cite}`bradley2024`, add up conditions that never occurred together
# {cite}`bradley2025`, or cool it, and weight what comes out {cite}`thornton2025`. This chapter does all three
# with one sampler, on distributions whose scores are known exactly, so that whatever goes wrong is not the
# fault of a network. It starts with what makes sampling work at all {cite}`nakkiran2024`.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
particles = None  # particles of a member (20000)
steps = None  # reverse steps with guidance and of compositions (1000)
levels = None  # reverse steps of weighted particles (200)
seeds = None  # members (5)
resamples = None  # bootstrap resamples (1000)
workers = None  # processes (1)
device = None  # nothing here needs another (cpu)

# %% tags=["remove-input"]
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.sampling_unseen import (
    composition,
    figures,
    guidance,
    observe,
    sampler,
    study,
    weighted,
)
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell

# %% tags=["remove-input"]
config = from_cell("sampling-unseen", globals())
found = study.load(config, fresh=fresh)
recorded = observe.record(found, preset)

# %% [markdown]
# ## The idea
#
# Add noise of variance $t$ to a sample $x_0$, and let $p_t$ be the density of what results. To go back a little,
# from $t$ to $s = t - h$, one needs the distribution of $x_s$ given $x_t$. It is proportional to
# $p_s(x_s)\,e^{-(x_t - x_s)^2/2h}$: for small $h$ the second factor is so narrow that the logarithm of the
# first is a straight line there, and a normal distribution times the exponential of a straight line is a
# normal distribution with another mean. So it suffices to know
#
# $$ \mathbb{E}[x_s \mid x_t] \approx x_t + h\,\nabla \log p_t(x_t) , $$
#
# and $\nabla\log p_t$ is called the **score of a density**, here $p_t$. Step to this mean and add noise of variance $h$: that is
# **DDPM**. Or add no noise, and go about half of the way: **DDIM**, a step along
# $\mathrm{d}x/\mathrm{d}t = -\tfrac12\nabla\log p_t$. A **flow** does the latter along straight lines from noise to
# target.
#
# **By hand.** The target is $N(0, 1)$, the noise has variance 3, so $x_t \sim N(0, 4)$ with score $-x/4$. One step
# of DDPM down to no noise, $h = 3$: $x \mapsto \tfrac14x + \sqrt3 z$ has variance $\tfrac4{16} + 3 = 3.25$, far
# from 1. DDIM goes $\sqrt t\,(\sqrt t - \sqrt{t - h})$ times the score, which is about $\tfrac h2$ for a small step
# and all of $h$ only for the last one, down to no noise, as here: $x \mapsto \tfrac14 x$, variance $\tfrac14$, far
# from 1 on the other side. Both need more steps.

# %%
rng = np.random.default_rng(0)
x = 2 * rng.standard_normal((200_000, 1))
score = lambda x, t: -x / (1 + t)  # noqa: E731
once = sampler.ddpm(score, x, 3.0, 0.0, rng), sampler.ddim(score, x, 3.0, 0.0)
print(f"DDPM {once[0].var():.2f}, DDIM {once[1].var():.2f}")

# %% [markdown]
# ## The experiment
#
# ### How small is small?
#
# How far is one reverse step from normal? Its third cumulant is of order $h^3$ and its variance of order $h$, so
# the divergence from a normal distribution, which grows with the square of the skewness, should be of order
# $(h^3)^2/h^3 = h^3$.

# %% tags=["hide-input"]
figures.reverse_step()

# %% tags=["hide-input"]
figures.errors()

# %% [markdown]
# ### Guidance
#
# To make samples fit a condition $c$ better, one replaces the score by $\gamma\,\nabla\log p_t(x|c) + (1 -
# \gamma)\nabla\log p_t(x)$ with $\gamma > 1$. The common story is that this samples from the *powered*
# distribution $p(x|c)^\gamma p(x)^{1-\gamma}$. But noise and powers do not commute: the powered distribution
# with noise is not the noisy distributions with powers.
#
# Let $x|c \sim N(0,1)$ and $x \sim N(0,2)$. Everything stays normal, and variances can be integrated: the powered
# distribution has precision $\gamma - (\gamma-1)/2$; DDIM ends at $2^{1-\gamma}$; DDPM at
# $\int_0^\infty (1+t)^{-2\gamma}(1+t/2)^{2\gamma-2}\,\mathrm{d}t$.

# %% tags=["hide-input", "key-figure"]
figures.variances(found)

# %% [markdown]
# What is it, then? In a step $h$, guided DDPM moves by $h(\gamma a + (1-\gamma) b)$, with $a$ and $b$ the two scores,
# and adds noise of variance $h$. Take a DDIM step for the conditional alone, $\tfrac h2 a$, and then one of
# Langevin dynamics on the distribution with power $g$: $\tfrac h2(g a + (1-g)b)$ and the same noise. Together
# $\tfrac{1+g}2 a + \tfrac{1-g}2 b$, which is the guided drift if $g = 2\gamma - 1$. So guidance *predicts* with the
# conditional and *corrects* towards a distribution that is powered even more, at every noise, never long enough
# to arrive.

# %% tags=["hide-input"]
figures.corrector()

# %% [markdown]
# ### Adding up what was never seen together
#
# Samples have six features. In the background $b$ all are near 0. Each condition $i$ shows *one* object: its own
# feature is near 3 or $-3$, the others are as in the background. Compose the scores as
# $\nabla\log b + \sum_i (\nabla\log p_i - \nabla\log b)$, at every noise. As every condition differs from the
# background in features of its own, all densities factorize, and the composition is exactly the score of the
# distribution with all objects, though no condition has more than one. That holds after any rotation too, where
# the features are not coordinates, since noise does not see a rotation.
#
# Three ways to break it: the mixture of all conditions as background, as an unconditional model would have it;
# no background at all; and conditions whose objects overlap. Langevin dynamics on the composed score at no
# noise aims at the same distribution, and has to find all modes by itself.

# %% tags=["hide-input"]
figures.compositions(found)

# %% tags=["hide-input"]
figures.samples(found)

# %% [markdown]
# A heuristic that predicts it: in which features does each condition's mean square differ from the
# background's? Where these changes of two conditions have a large cosine, they are about the same thing. It
# must be told which features to look at; in the rotated setting, the rotated ones.

# %% tags=["hide-input"]
charts.show(
    figures.overlaps(),
    caption="Largest cosine between the changes of two conditions",
)

# %% [markdown]
# ### Weights for what scores cannot do
#
# A product of two densities, or a power of one, has a known score at no noise. With noise it does not: adding up
# noisy scores samples something else. But if not only scores but *energies* are known, logarithms of densities
# up to a constant, then every particle can carry a weight. Fix what particles should follow at each noise,
# $\pi_t = \prod_i p_{i,t}^{\beta_i}$, move them by a reverse step $F$, and multiply the weight by
#
# $$ \frac{\pi_s(y)\;B(x \mid y)}{\pi_t(x)\;F(y \mid x)} , $$
#
# with $B$ the noise that leads back. Whatever the step does wrong, the weights put right; where they get uneven,
# particles are drawn again by them. At the end, $\pi_0$ is the product or power itself.

# %% tags=["hide-input"]
figures.particles(found)

# %% tags=["hide-input"]
figures.effective(found)

# %% [markdown]
# ## Live: two objects that nobody saw together
#
# Conditions with one object each, a thousand samples, a second.

# %%
rng = np.random.default_rng(1)
two = composition.setting(composition.THREE)._replace(objects=2)
two = two._replace(conditions=two.conditions[:2])
x = composition.draw(two, 1000, 100, rng)
print(x[:4].round(1))
print(f"both objects, nothing else: {composition.succeeded(two, x).mean():.1%}")
cold = weighted.draw(weighted.COOLED, 2000, 60, rng)
print(f"cooled: {(cold.x < 0).mean():.2f} of the particles on the left")

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("sampling-unseen")

# %% [markdown]
# ## What could be wrong
#
# - **No network.** Scores are exact. A learned score errs most where it was never trained, which is where
#   guidance and composition lead; nothing here says how much that matters.
# - **Small worlds.** One dimension for guidance and weights, six features for composition. Weights get uneven with
#   the dimension, and the share of effective particles here says little about pictures.
# - **Steps.** They are even in the logarithm of the noise. Other spacings change the errors, not their order.
# - **The heuristic** is tried on the settings for which it was made.
# - **What is left out**: an energy distilled from a trained network, and flows on pictures; see
#   [what is not run here](../not_run.md).
#
# ## Rerun this chapter
#
# ```bash
# nbcore run sampling-unseen                  # from the stored run: half a minute
# nbcore run sampling-unseen -p fresh=true    # four minutes more
# nbcore run sampling-unseen -p preset=smoke  # few particles: ten seconds
# nbcore run sampling-unseen -p steps=4000 -p particles=50000
# ```

# %% tags=["hide-input"]
charts.show(
    parameters_table("sampling-unseen"), caption="Parameters of this chapter"
)

# %% tags=["remove-input"]
from nbcore.charts.values import solution_plot

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} The corrector's power
# :label: sampling-corrector
# ```
# For which power does the Langevin corrector work if guidance has $\gamma = 2$? Check with
# `exercises.check("sampling-corrector", your_answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} sampling-corrector
# :class: dropdown
# ````

# %%
gamma = 2.0
exercises.check("sampling-corrector", 2 * gamma - 1)

# %% [markdown]
# **Why.** The corrector has half of the drift, and the other half is the conditional's. So it has to be
# as far beyond $\gamma$ as the conditional, with power 1, is short of it.
#
# ````{solution-end}
# ````
#
# ```{exercise-start} Guided DDIM
# :label: sampling-ddim
# ```
# With which variance does DDIM end at $\gamma = 2$, for conditional variance 1 and unconditional 2?
# ```{exercise-end}
# ```
#
# ````{solution-start} sampling-ddim
# :class: dropdown
# ````

# %%
many = guidance.followed(guidance.DDIM, 2.0, 5000)
exercises.check("sampling-ddim", many)

# %% tags=["hide-input"]
counts, power = np.arange(50, 1050, 50), guidance.powered(2.0)
solution_plot(
    counts,
    [guidance.followed(guidance.DDIM, 2.0, int(k)) for k in counts],
    x_title="steps",
    y_title="variance at the end",
    level=(power, "the powered distribution"),
    title=f"Guided DDIM ends at {many:.2f}, not at {power:.2f}",
)

# %% [markdown]
# **Why.** Along the way $x$ shrinks by $(1+t)^{\gamma/2}(2+t)^{(1-\gamma)/2}$. At much noise this is like
# $\sqrt t$; at none it is $2^{(1-\gamma)/2}$, whose square is the variance.
#
# ````{solution-end}
# ````
#
# ```{exercise-start} Cooling moves mass
# :label: sampling-cool
# ```
# A mixture has .7 of $N(-2, 1)$ and .3 of $N(2, .1)$. Its density is raised to the power 3 and normalized. Which
# share lies on the left?
# ```{exercise-end}
# ```
#
# ````{solution-start} sampling-cool
# :class: dropdown
# ````

# %%
left, right = 0.7**3 * 1.0**-1, 0.3**3 * 0.1**-1
exercises.check("sampling-cool", left / (left + right))

# %% tags=["hide-input"]
powers = np.linspace(1, 6, 51)
odds = (0.7 / 0.3) ** powers * 0.1 ** ((powers - 1) / 2)
solution_plot(
    powers,
    odds / (1 + odds),
    x_title="power",
    y_title="share on the left",
    level=(0.5, "as much on either side"),
    title=f"Power 3 takes the left share from .7 to {left / (left + right):.2f}",
)

# %% [markdown]
# **Why.** The left mode has more mass but is wide, so its density is low. A power weighs density, not
# mass, and the narrow mode gains.
#
# ````{solution-end}
# ````
