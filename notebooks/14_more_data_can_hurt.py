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
# # More data can hurt
#
# More examples, larger models, longer training: each ought to help, and mostly does. But there are
# places where each of them makes a model *worse*, and they are said to be one and the same: where
# the model only just manages to fit its training set. {cite:t}`nakkiran2019` found it in linear
# regression, where it can be computed, and {cite:t}`nakkiran2019deep` in networks.
#
# This chapter computes the first, trains the second, and asks what takes the peak away
# {cite}`nakkiran2020optimal`, what fitting noise costs in the end {cite}`mallinar2022`, and how two
# runs with equal training loss can differ by orders of magnitude on test data {cite}`nakkiran2020annealing`.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
dataset = None  # pictures for features and networks (fashion-mnist)
side = None  # pixels a side after averaging; 0 leaves them (14)
draws = None  # draws in each of a linear run's members (50)
seeds = None  # members of the runs on features and kernels (5)
networks = None  # studies of networks to compute now; none means those kept
network_seeds = None  # members of the runs on networks (5)
epochs = None  # epochs where training is followed (1000)
images = None  # pictures where training is followed (4000)
problems = None  # problems of two dimensions (50)
resamples = None  # bootstrap resamples (1000)
workers = None  # processes (2)
device = None  # auto, cpu or cuda (cpu)

# %% tags=["remove-input"]
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.more_data_can_hurt import (
    figures,
    network_figures,
    observe,
    study,
)
from nbcore.measures.generalization.ridge import (
    exact_risk,
    optimal_ridge,
    ridge_errors,
)
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell

# %% tags=["remove-input"]
config = from_cell("more-data-can-hurt", globals())
found = study.load(config, fresh=fresh)
recorded = observe.record(found, preset)

# %% [markdown]
# ## The idea
#
# Let an answer be $y = \langle x, \beta\rangle + \text{noise}$, with $x$ drawn evenly in all
# directions of $d$ dimensions, $\lVert\beta\rVert = 1$ and noise of variance $\sigma^2$. With $n < d$
# examples many $\hat\beta$ fit exactly, and gradient descent from 0 goes to the shortest of them. It
# is the projection of the truth onto $n$ random directions, plus what the noise adds. So the expected
# error $\mathbb{E}\lVert\hat\beta - \beta\rVert^2$ has two parts:
#
# $$ \underbrace{1 - \frac nd}_{\text{bias}} \;+\; \underbrace{\sigma^2\,\frac{n}{d-n-1}}_{\text{variance}}
# \qquad (n < d-1), \qquad\qquad \sigma^2\,\frac{d}{n-d-1} \qquad (n > d+1). $$
#
# The bias falls with every example, evenly. The variance explodes towards $n = d$: the last
# directions are those in which the inputs hardly vary, and noise is divided by that variation.
#
# **By hand.** Ten dimensions, $\sigma^2 = \tfrac14$. Four examples: bias $\tfrac6{10}$, variance
# $\tfrac14\cdot\tfrac45$, together .80. Eight examples: bias $\tfrac2{10}$, variance
# $\tfrac14\cdot\tfrac81$, together 2.20. Twice the data, and nearly three times the error.

# %%
for n in (4, 8, 12, 40):
    bias, variance = exact_risk(n, 10)
    print(
        f"{n:2d} examples: {bias:.2f} + {variance / 4:.2f} = {bias + variance / 4:.2f}"
    )

# %% [markdown]
# ## The experiment
#
# ### The peak at $n = d$
#
# Inputs, truth and noise are drawn afresh in each draw; within a draw the sample grows, so that more
# examples are always the same ones and some more. At $n = d$ itself the expected risk is infinite.

# %% tags=["hide-input", "key-figure"]
figures.risk(found)

# %% [markdown]
# ### The right ridge takes it away
#
# A ridge shrinks most where inputs vary least, which is where the noise blows up. If the truth is
# equally likely to point anywhere, the best ridge is known beforehand: the variance of the noise over
# that of one coordinate of $\beta$, $d\sigma^2/\lVert\beta\rVert^2$, for every $n$. Then each further
# example is sure to help in expectation, and each further dimension too, since what a small model
# does not see is noise to it.

# %% tags=["hide-input"]
figures.ridges(found)

# %% [markdown]
# Move it yourself: at which noise does the peak vanish without any ridge? Which ridge is best at
# $n = d/2$, and which at $2d$?

# %% tags=["hide-input"]
figures.explorer(found)

# %% [markdown]
# ### Features and networks
#
# | part | here |
# |---|---|
# | pictures | Fashion-MNIST {cite}`xiao2017`, averaged to 14×14 pixels; a fifth of the training labels are wrong, test labels are right |
# | random features | ReLUs of random directions; the last layer is least squares; 500 pictures |
# | networks | one hidden layer of ReLUs, gradient descent with momentum; 1,000 pictures along width, 4,000 along epochs |
# | tuned | ridge or weight decay with the fewest errors on pictures that are used for nothing else |
#
# The papers have residual networks and transformers; these are stand-ins, and the
# cards name the reduced setup. Random features are the linear model again, with $d$ features in place of $d$ dimensions,
# except that here nobody knows the truth or the distribution.

# %% tags=["hide-input"]
figures.feature_widths(found)

# %% [markdown]
# The same place is reached from the other side: a fixed number of features, ever more pictures. In
# theory as many pictures as features is the worst that one can have.

# %% tags=["hide-input"]
figures.feature_counts(found)

# %% [markdown]
# Networks have no width at which everything must fit exactly, so whether and where they peak is a
# matter of measurement.

# %% tags=["hide-input"]
network_figures.network_widths(found)

# %% [markdown]
# Training time is a kind of size as well: at first a network can only fit what is easy, later everything.
# The question is whether its test error falls a second time after it has begun to fit the wrong labels.

# %% tags=["hide-input"]
network_figures.epochs(found)

# %% [markdown]
# ### What fitting noise costs in the end
#
# Far beyond the peak a model fits its noise and yet predicts. Is the noise then harmless?
# {cite:t}`mallinar2022` sort methods by what becomes of its cost with ever more data: it vanishes
# (*benign*), it stays (*tempered*), or it grows (*catastrophic*). To see the cost alone, let the answers be
# nothing but noise: the right prediction is 0, and the mean square of what is predicted is the cost.

# %% tags=["hide-input"]
figures.costs(found, "circle")

# %% [markdown]
# Laplace's kernel $e^{-\lvert a-b\rvert}$ and the tangent kernel of a ReLU network have a kink at
# $a = b$. Between two neighbours their interpolants are nearly straight lines, at any density of
# points, so the cost stays where it is. A Gaussian kernel is smooth to every order and has to swing to
# reach its points. In floating point its equations are singular long before this shows; here they are
# solved with a hundred decimal digits. A constant ridge averages more and more neighbours.

# %% tags=["hide-input"]
figures.costs(found, "sphere")

# %% [markdown]
# Without a ridge the level depends on the dimension, and the slope is to be 0 in each. A constant ridge
# is to bring the cost down as $n^{-1/2}$ on the circle and as $n^{-1/4}$ on the sphere; the cards say how near
# the measured slopes come. *Extra, without a verdict:* for a spectrum that falls as
# $i^{-\alpha}$ the theory of the paper expects a cost of $\alpha - 1$; Laplace's kernel on a sphere of
# dimension $m$ has $\alpha = 1 + 1/m$, which is $\tfrac13$ on the sphere in four dimensions. The nearest
# neighbour, which copies one answer, costs 1.
#
# For networks the same question reads: how much worse than with right labels?

# %% tags=["hide-input"]
network_figures.network_costs(found)

# %% tags=["hide-input"]
figures.told(found)

# %% [markdown]
# ### Equal training loss, unequal weights
#
# Training inputs vary along the first weight a hundred times as much as along the second; in the test
# set it is the other way round. Both runs stop at the same training loss. The small rate has by then
# settled the first weight and not begun with the second, which training hardly asks for. The large
# rate swings across the first valley for ever, learns the second weight meanwhile, and leaves the
# first to the small rate at the end.

# %% tags=["hide-input"]
figures.paths()

# %% [markdown]
# A control: where test inputs vary as the training ones do, equal training loss *is* equal test loss.

# %% tags=["hide-input"]
figures.control()

# %% [markdown]
# ## Live: the peak in a second
#
# Two hundred draws in 20 dimensions, with least squares and with the best ridge.

# %%
rng, d, best = np.random.default_rng(0), 20, optimal_ridge(20, 0.5)
counts = (5, 10, 15, 26, 40)
errors = np.zeros((len(counts), 2))
for _ in range(200):
    x, noise = rng.standard_normal((40, d)), rng.normal(0, 0.5, 40)
    beta = rng.standard_normal(d) / np.sqrt(d)
    for k, n in enumerate(counts):
        off = sum(ridge_errors(x[:n], beta, noise[:n], [0, best]))
        errors[k] += (off**2).sum(1) / 200
for n, (plain, tuned) in zip(counts, errors, strict=True):
    print(f"n = {n:2d}: {plain:.2f} without a ridge, {tuned:.2f} with the best")

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("more-data-can-hurt")

# %% [markdown]
# ## What could be wrong
#
# - **Small stand-ins.** One hidden layer and 14×14 pixels are far from the papers' networks. That a
#   second descent along epochs is or is not seen here says little about theirs.
# - **Wrong labels.** The peaks of features and networks are with a fifth of the labels wrong; noise
#   makes a peak taller. Chapter [8](08_corner_examples.ipynb) watches such labels being learned one by one.
# - **Where a peak is.** Beginning and end of a rise are read off the mean curve and then held fixed in
#   its interval. That flatters a rise a little; the control with right labels shows by how much.
# - **Few draws of the data.** What becomes of C8 without one of its seeds stands in the list above the
#   section on unequal weights; chapter [19](19_honest_science.ipynb) does so for all that can be computed
#   again, in its second table.
# - **Errors only.** What wrong labels do to a network's confidence is in chapter
#   [13](13_meaning_of_a_probability.ipynb).
# - **Few seeds.** Intervals over networks are Student's t over a handful of seeds.
# - **Near $n = d$** draws are heavy-tailed, and a mean over some hundred of them is mostly too low. No
#   $n$ within three of $d$ is used.
# - **Tuning.** "Best" for features and networks is the best of a grid, chosen on pictures with right labels.
# - **One way of stopping.** Early stopping is by errors on pictures with right labels too.
#
# ## Rerun this chapter
#
# ```bash
# nbcore run more-data-can-hurt                  # from the stored runs
# nbcore run more-data-can-hurt -p fresh=true    # all of them: half an hour
# nbcore run more-data-can-hurt -p preset=smoke  # digits: half a minute
# # networks along epochs and along pictures: ten minutes each
# nbcore run more-data-can-hurt -p 'networks=["epochs","sizes"]'
# nbcore run more-data-can-hurt -p dataset=cifar10 -p side=0 -p device=cuda
# ```

# %% tags=["hide-input"]
charts.show(
    parameters_table("more-data-can-hurt"), caption="Parameters of this chapter"
)

# %% tags=["remove-input"]
from nbcore.charts.values import solution_plot

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} The best of too few
# :label: more-turn
# ```
# In 100 dimensions, with $\lVert\beta\rVert = 1$ and $\sigma = .5$: of all $n$ below 99, which has the
# least expected risk? Check with `exercises.check("more-turn", your_answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} more-turn
# :class: dropdown
# ````

# %%
risks = [b + 0.25 * v for b, v in (exact_risk(n, 100) for n in range(1, 99))]
print(1 + np.argmin(risks))
exercises.check("more-turn", 1 + np.argmin(risks))

# %% tags=["hide-input"]
solution_plot(
    np.arange(1, 99),
    np.log10(risks),
    x_title="examples n",
    y_title="log10 of the risk",
    title=f"The risk in 100 dimensions is least at {1 + np.argmin(risks)} examples",
)

# %% [markdown]
# **Why.** The bias falls by the same amount with each example, the variance ever faster the nearer
# $n$ comes to $d$. Where the two rates are equal, one more example stops helping.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} When does a fit pay?
# :label: more-needed
# ```
# Beyond the peak, from which $n$ on is the expected risk below 1, that of predicting 0 always? Same $d$,
# $\beta$ and $\sigma$.
# ```{exercise-end}
# ```
#
# ````{solution-start} more-needed
# :class: dropdown
# ````

# %%
needed = next(n for n in range(102, 999) if 0.25 * exact_risk(n, 100)[1] < 1)
print(needed)
exercises.check("more-needed", needed)

# %% tags=["hide-input"]
beyond = np.arange(110, 200)
solution_plot(
    beyond,
    [0.25 * exact_risk(n, 100)[1] for n in beyond],
    x_title="examples n",
    y_title="risk",
    level=(1.0, "the risk of fitting nothing"),
    title=f"From {needed} examples on a fit in 100 dimensions pays",
)

# %% [markdown]
# **Why.** Beyond $d$ there is only variance, and it falls slowly. Until then predicting nought
# everywhere, at the cost of the truth's own size, is better than fitting everything.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} A longer truth
# :label: more-ridge
# ```
# Which ridge is best in 100 dimensions at $\sigma = .5$ if $\lVert\beta\rVert^2 = 4$?
# ```{exercise-end}
# ```
#
# ````{solution-start} more-ridge
# :class: dropdown
# ````

# %%
exercises.check("more-ridge", 100 * 0.5**2 / 4)

# %% [markdown]
# **Why.** The ridge is a prior belief: each coordinate of the truth is of a certain size. A longer
# truth in the same dimensions means larger coordinates, and deserves less shrinking.

# %% [markdown]
# ````{solution-end}
# ````
