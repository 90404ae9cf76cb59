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
# # When a probability means what it says
#
# A model says 70%. If of all that it says this of, 70% happens, the number means what it says: the
# model is *calibrated*. That sounds easy to check, and is not: the usual error depends on how one
# counts, and jumps when predictions move by nothing {cite}`blasiok2022`. What can be measured
# instead {cite}`blasiok2023smooth`? Which models are calibrated without being asked, and why
# {cite}`blasiok2023loss,carrell2022`? Does it hold in groups as well
# {cite}`blasiok2023multicalibration`, and what helps where it does not {cite}`hansen2024`?

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
predictors = None  # random predictors of few inputs (300)
tables = None  # tables: fair, randhie, animals, digits (fair, randhie)
splits = None  # splits of each table (8)
dataset = None  # pictures for networks (fashion-mnist)
side = None  # pixels a side after resizing (14)
seeds = None  # members of the runs on networks (5)
steps = None  # updates where training is followed (2000)
resamples = None  # bootstrap resamples (1000)
workers = None  # processes (1)
device = None  # nothing here needs another (cpu)

# %% tags=["remove-input"]
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.meaning_of_a_probability import (
    figures,
    network_figures,
    observe,
    study,
)
from nbcore.chapters.meaning_of_a_probability.exercises import calibrated_sample

# %% tags=["remove-input"]
from nbcore.measures.calibration.binned import (
    binned_ece,
    expected_calibration_error,
)
from nbcore.measures.calibration.distance import (
    distance_from_calibration,
    interval_error,
)
from nbcore.measures.calibration.groups import group_errors, multicalibrate
from nbcore.measures.calibration.smooth import (
    smooth_calibration_error,
    smooth_ece,
)
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell

# %% tags=["remove-input"]
config = from_cell("meaning-of-a-probability", globals())
found = study.load(config, fresh=fresh)
recorded = observe.record(found, preset)

# %% [markdown]
# ## The idea
#
# Let $p$ be what is predicted and $y$, 0 or 1, what happens. The *expected calibration error* is
# $\mathbb{E}\,\lvert\mathbb{E}[y \mid p] - p\rvert$.
#
# **By hand.** Two coins: one never shows heads, one always does, and nobody can tell them apart.
# "One half" for both is calibrated: the error is 0. Now say .49 of the first and .51 of the second.
# Of what is given .49 nothing happens; of what is given .51, everything: the error is .49. Say
# .499999 and .500001, and it is .499999. The predictions have hardly moved.
#
# What ought to be measured is how far $p$ is from *some* calibrated predictor $q$: the **distance
# from calibration**, the least $\mathbb{E}\,\lvert p - q\rvert$. For the coins it is how far they
# were moved. Take $\eta(p)$ with a slope of at most 1 and values within $\pm1$; the most that
# $\mathbb{E}[\eta(p)(y - p)]$ can be is the **smooth calibration error**. It cannot jump, and is at
# most twice the distance: replace $p$ by $q$ in both places, which costs
# $\mathbb{E}\,\lvert p - q\rvert$ each time, and nothing is left, as $q$ is calibrated.

# %%
for move in (0.01, 0.0001):
    p, y = [0.5 - move, 0.5 + move], [0, 1]
    print(f"moved by {move:g}")
    print(f"  expected error {expected_calibration_error(p, y):.4f}")
    print(f"  smooth error   {smooth_calibration_error(p, y):.6f}")
    print(f"  interval error {interval_error(p, y):.4f}")
    print(f"  distance       {distance_from_calibration(p, y):.4f}")

# %% [markdown]
# ## The experiment
#
# ### Diagrams, with bins and without
#
# A reliability diagram averages what happened over what was predicted. Bins have to be chosen, and
# how much hangs on the choice is drawn below. **SmoothECE** smooths residuals $y - p$ with a Gaussian, and takes as its width the
# error that comes out: a model that is off by ten points is not looked at more closely than that.

# %% tags=["hide-input", "key-figure"]
figures.diagrams(found)

# %% tags=["hide-input"]
figures.by_bins(found)

# %% [markdown]
# ### Distance from calibration
#
# Coins that are moved, by ever less. The *interval error* cuts $[0, 1]$ as is best, and adds the
# width of the intervals to the error in them. It is never below the distance, since a predictor that
# says the mean of its interval is calibrated and at most so far away; cutting at random shows that it
# is at most four roots of it. The *kernel error* is the root of
# $\mathbb{E}[(y - p)(y' - p')\,e^{-\lvert p - p'\rvert}]$ over pairs, hence at most the root of the
# smooth error. These, and no others here, are checked on random predictors as well, whose distance is
# found by trying all calibrated ones.

# %% tags=["hide-input"]
figures.moved_coins(found)

# %% [markdown]
# ### Why training calibrates
#
# Suppose that predictions can be improved by some $p + \eta(p)$ with the same kind of $\eta$. The
# squared loss then falls by $2\,\mathbb{E}[\eta(p)(y - p)] - \mathbb{E}[\eta(p)^2]$. The first part is
# at most twice the smooth error $s$; and $s\,\eta$ with the best $\eta$ gains
# $2 s^2 - s^2\,\mathbb{E}[\eta^2]$ or more, at least $s^2$. So a model is smoothly calibrated exactly
# where no such correction pays, and a model that was trained until none pays is calibrated, whatever
# else it gets wrong.

# %% tags=["hide-input"]
figures.sandwich(found)

# %% [markdown]
# ### Networks, where they were trained and elsewhere
#
# A network with one hidden layer on Fashion-MNIST {cite}`xiao2017`, with few pictures, with many, and
# with many of which a fifth have wrong labels. Calibration here is that of its confidence: the
# probability of the class it names, and whether it is right.

# %% tags=["hide-input"]
network_figures.along(found)

# %% [markdown]
# The claim of {cite:t}`carrell2022` is about the difference of both curves, the *calibration gap*: it
# is at most the *generalization gap*, the difference of the error rates. Then whatever brings test
# and training errors together also calibrates.

# %% tags=["hide-input"]
network_figures.gap_scatter(found)

# %% [markdown]
# *Extra, without a verdict:* the ensembles of [chapter 4](04_depth_bounds.ipynb) vote. The share of the
# votes for a class is a probability too, by networks that had the image in training or by networks that
# had not. Here both gaps can be read from one row.

# %% tags=["hide-input"]
network_figures.committee_table()

# %% [markdown]
# ### Groups
#
# A model can be calibrated over all, and too high for some as it is too low for others.
# *Multicalibration* asks for calibration within each of many overlapping groups. Two tables, ten
# groups each; a third, `animals`, can be asked for:
#
# | table | predicted | groups by |
# |---|---|---|
# | `fair`, 6,366 rows {cite}`fair1978` | an affair | age, marriage, children, religion, school |
# | `randhie`, 20,190 rows {cite}`cameron2005` | a visit to a doctor within the year | insurance, health |
# | `animals`, 6,000 photographs of CIFAR-10 {cite}`krizhevsky2009` as a pretrained network sees them | a cat or a dog | light, contrast, edges |
#
# Half of the rows train a model; a quarter fits a remedy: *Platt's* logistic curve, *isotonic*
# regression, or multicalibration, which looks for the group and level of the prediction that are most
# off, shifts them by their mean residual, and does so until none is off by more than a hundredth of all
# rows. The last quarter judges.

# %% tags=["hide-input"]
figures.accuracies(found)

# %% tags=["hide-input"]
figures.group_errors(found, 0)

# %% tags=["hide-input"]
figures.group_errors(found, 1)

# %% tags=["remove-input"]
figures.group_errors(found, 2) if len(found.tables) > 2 else None

# %% [markdown]
# ### Auditors
#
# Could small networks take the place of groups? An *auditor* $c(x)$ with values within $\pm1$ seeks,
# within levels of the prediction, $\sum_v \lvert\mathbb{E}[c(x)(y - p)\,1\{p \in v\}]\rvert$ as large
# as it can be. Whoever finds a violation $a$ could add it to the prediction, and the squared loss would
# fall by $a^2$. The loss is between 0 and 1, so along ever wider networks this can happen only so often:
# $1/a^2$ times. All else being least loss, wide networks leave nothing to small auditors. Here, T-shirts
# against shirts.

# %% tags=["hide-input"]
network_figures.auditors(found)

# %% tags=["hide-input"]
network_figures.premise(found)

# %% [markdown]
# ## Live: a remedy in a second
#
# Two groups of a thousand: the same prediction is too low for one and too high for the other, so
# that all in all it is calibrated.

# %%
rng = np.random.default_rng(0)
p, member = rng.uniform(0.3, 0.7, 2000), np.arange(2000) < 1000
y = (rng.random(2000) < p + np.where(member, 0.2, -0.2)).astype(float)
groups = np.stack([member, ~member], 1)
fixed = multicalibrate(p, y, groups)(p, groups)
for name, q in (("before", p), ("after", fixed)):
    print(f"{name}: all {smooth_ece(q, y):.3f}")
    print(f"  groups {group_errors(q, y, groups).round(3)}")

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("meaning-of-a-probability")

# %% [markdown]
# ## What could be wrong
#
# - **Samples.** An error of 0 cannot be seen in a sample: SmoothECE of a calibrated model over a few
#   thousand rows is about a point, over a group of a few hundred two or three, and the largest of ten
#   groups is larger still. Differences between remedies on the same rows are safer than levels.
# - **Splits** overlap in their rows, so intervals over them are somewhat narrow for other tables' rows.
# - **Persons.** Rows of `randhie` are years; a person's years can be in all three parts, which flatters
#   whatever learns rows by heart, as forests do, and not the remedies.
# - **Small networks**, one hidden layer; the papers have residual networks, and language models, which
#   are not run here.
# - **Least loss.** The theory of auditors is about networks whose loss is the least of their size. Those
#   here are trained for a while, and the sentence below the figure says how far they got.
# - **Auditors are searched for**, not found: a violation that is small may be one that was missed. They
#   are trained on the pictures that the network was, as the theory is about the loss that is minimized.
# - **Confidence only.** The other classes' probabilities are not looked at.
# - **Two details of the authors' package** differ from its definition: the kernel is cut at a half, and
#   half of what lies at 0 or 1 is lost. Elsewhere both agree to a tenth of a point; the tests say where.
#
# Networks that fit wrong labels are the subject of [more data can hurt](14_more_data_can_hurt.ipynb);
# whether networks agree with each other, which need not be calibrated either, that of
# [chapter 4](04_depth_bounds.ipynb).
#
# ## Rerun this chapter
#
# ```bash
# nbcore run meaning-of-a-probability                  # from the stored runs
# nbcore run meaning-of-a-probability -p fresh=true    # all of them: a quarter of an hour
# nbcore run meaning-of-a-probability -p preset=smoke  # digits: half a minute
# # photographs as well: ten minutes more
# nbcore run meaning-of-a-probability -p 'tables=["fair","randhie","animals"]'
# ```
#
# The tables `fair` and `randhie` come with the package statsmodels, which only a fresh run needs.

# %% tags=["hide-input"]
charts.show(
    parameters_table("meaning-of-a-probability"),
    caption="Parameters of this chapter",
)

# %% tags=["remove-input"]
from nbcore.charts.values import solution_plot

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} Three inputs
# :label: probability-three
# ```
# Three inputs, equally likely. Predicted .5, .5 and .9; the chances are .1, .9 and .5. How far is that
# from calibration? Check with `exercises.check("probability-three", your_answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} probability-three
# :class: dropdown
# ````

# %%
distance = distance_from_calibration([0.5, 0.5, 0.9], [0.1, 0.9, 0.5])
print(distance)
exercises.check("probability-three", distance)

# %% [markdown]
# **Why.** The first two inputs have chances of .1 and .9, and are right as a pair: their mean is .5.
# Only the third has to move, from .9 to .5, and it is a third of the inputs: $.4 / 3 = .133$. Telling the
# first two apart would cost .4 for each.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} Errors out of nothing
# :label: probability-bins
# ```
# `calibrated_sample()` gives two thousand predictions and outcomes that are drawn with just these
# chances. How many times the binned error in 10 bins is that in 100?
# ```{exercise-end}
# ```
#
# ````{solution-start} probability-bins
# :class: dropdown
# ````

# %%
p, y = calibrated_sample()
ratio = binned_ece(p, y, 100) / binned_ece(p, y, 10)
print(ratio)
exercises.check("probability-bins", ratio)

# %% tags=["hide-input"]
bins = np.arange(5, 205, 5)
solution_plot(
    bins,
    [binned_ece(p, y, int(b)) for b in bins],
    x_title="bins",
    y_title="binned error",
    title=f"A calibrated sample has {ratio:.1f} times the error in ten times the bins",
)

# %% [markdown]
# **Why.** Nothing is wrong with these predictions. A bin of $m$ samples is off by chance, by about
# $1/\sqrt m$ times the spread of one outcome; in ten times as many bins there are a tenth of the samples
# in each, so the error is about $\sqrt{10}$ times as large, in this sample a little more. It measures the
# bins.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} Too steep
# :label: probability-shift
# ```
# Two inputs, equally likely, are predicted .2 and .6, and both have a chance of .4. What is the smooth
# calibration error? Do it by hand: which $\eta$ is best?
# ```{exercise-end}
# ```
#
# ````{solution-start} probability-shift
# :class: dropdown
# ````

# %%
smooth = smooth_calibration_error([0.2, 0.6], [0.4, 0.4])
exercises.check("probability-shift", smooth)

# %% [markdown]
# **Why.** With $\eta(.2) = a$ and $\eta(.6) = b$ the expectation is $\tfrac12(.2 a - .2 b)$, and $a - b$ is at
# most .4, the distance of the two predictions: .04. The expected calibration error is .2, five times as
# much, as it may weigh neighbours as differently as it likes.

# %% [markdown]
# ````{solution-end}
# ````
