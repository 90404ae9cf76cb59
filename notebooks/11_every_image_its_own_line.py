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
# # Every image has its own line
#
# Chapter [1](01_line.ipynb) draws one point per model: its accuracy on some images against its
# accuracy on others. {cite:t}`kaplun2022` turn that around and draw one curve per *image*: how likely is
# a model of a given accuracy to be right on this one? Most such profiles rise. Some, they find, fall: the
# better the model, the surer it is wrong. Collect enough of these, and the line itself is to turn around.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
subset = None  # images chosen in each split, of 10,000 (100)
splits = None  # splits of the model families (20)
# CSV of 30 or more networks on CIFAR-10 and CIFAR-10-Neg: model, id, ood
negative = None
resamples = None  # bootstrap resamples (1000)
workers = None  # processes (1)
device = None  # nothing here needs another (cpu)

# %% tags=["remove-input"]
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.every_image_its_own_line import figures, observe, runs
from nbcore.measures.generalization.profiles import (
    profile_correlation,
    set_correlation,
)
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell

# %% tags=["remove-input"]
config = from_cell("every-image-its-own-line", globals())
run = runs.load_profiles(config.profiles, fresh)
recorded = observe.record(run, config, preset)
table = run.table("imagenetv2")

# %% [markdown]
# ## The idea
#
# The **profile** of an image $x$ is the share of models of accuracy $a$ that are right on it, $p_x(a)$. Its
# mean over all images of a test set is what chapter 1 plots, accuracy there as a function of $a$:
#
# $$ \text{accuracy}(a) = \frac1N \sum_x p_x(a). $$
#
# So the line is the average of thousands of curves, and says little about any of them.
#
# **By hand.** Four models have accuracies .6, .7, .8, .9. The weaker two are right on an image, the
# stronger two wrong. Its profile falls; being right correlates with accuracy at $-2/\sqrt5$.

# %%
falls = profile_correlation(
    [[True], [True], [False], [False]], [0.6, 0.7, 0.8, 0.9]
)
print(f"{falls[0]:.3f}")

# %% [markdown]
# **A model of learning that forbids it.** Suppose that a model has one ability and an image one
# difficulty, and that the chance to be right depends on the difference of the two: tests of pupils are
# often scored so. Whatever the difficulties, no profile can fall. Images that fall for more than
# luck would refute it: better models are not simply those that know more.

# %% tags=["hide-input"]
figures.threshold()

# %% [markdown]
# ## The experiment
#
# | part | here |
# |---|---|
# | models | the public models of chapter 1: of ImageNet, from image descriptors of before deep learning to networks of 2018, and of CIFAR-10 |
# | accuracy of a model | on ImageNet's 50,000 validation images, or CIFAR-10's test set |
# | images | 10,000 of ImageNetV2 {cite}`recht2019`; 2,000 of CIFAR-10.1 |
#
# ### Profiles

# %% tags=["hide-input"]
figures.line(run)

# %% tags=["hide-input"]
figures.correlations(run)

# %% tags=["hide-input"]
figures.difficulty(run)

# %% [markdown]
# Pick *falls* and move through the images. Answers alone do not tell why a profile falls: the label may be
# wrong, or not the only right one, or better models may have learned a rule that this image breaks.

# %% tags=["hide-input"]
figures.pager(run)

# %% [markdown]
# ### How many fall is no evidence
#
# With some dozens of models and thousands of images, some profiles fall by luck. Shuffle the accuracies
# among the models and count again:

# %% tags=["hide-input"]
charts.show(
    observe.shares_table(run),
    caption="Images whose correlation is below 0 by a one-sided test at 2.5 %",
    percent=("fall significantly", "with shuffled models", "shuffled, at most"),
)

# %% tags=["remove-input"]
observe.shares_told(run)

# %% [markdown]
# A share that shuffles make as well is no evidence, whatever its size. What chance cannot do is to fall
# *again*, on models that had no part in the choice.
#
# ### Choose on some families, judge on others
#
# Models of one family err alike, so they must not stand on both sides. In each split half of the
# families choose the images on which they fall most; the other half are judged on these. The
# control takes images that as many of the first half's models solve, without regard to how they fall.

# %% tags=["hide-input", "key-figure"]
figures.splits(run)

# %% [markdown]
# Why do splits of all models differ so much? The three weakest models are not networks at all but Fisher
# vectors, image descriptors of before deep learning. A split that has them among its judges lets three
# points far to the left weigh in a correlation; here are the splits one by one.

# %% tags=["hide-input"]
figures.leverage(run, config)

# %% [markdown]
# The rows without Fisher vectors are not what the check asks, so they decide nothing. CIFAR-10.1 has
# fewer images, its models are good, and most of its images are solved by all of them.

# %% tags=["hide-input"]
figures.scatter(run)

# %% [markdown]
# ### The published set
#
# CIFAR-10-Neg was chosen by its authors from CINIC-10 in this way, for networks on CIFAR-10. Chapter
# [2](02_rise_and_fall.ipynb) shows last layers of a few networks on it. The check here asks for thirty
# networks from 20 to 90% accuracy, which have not been measured. They can be given as a file:
#
# ```bash
# nbcore run rise-and-fall -p 'ood=["cifar10-neg"]' # trains 28 models
# nbcore run every-image-its-own-line -p negative=networks.csv
# ```
#
# ## Live: a set that turns the line around, in a second
#
# Forty models learn two thousand made-up examples. On one in twenty the label is what a simple rule would
# *not* say, and better models follow the rule more closely. Half of the models choose; the others judge.

# %%
rng = np.random.default_rng(0)
ability = np.linspace(-1, 2, 40)[:, None]
sign = np.where(rng.random(2000) < 0.05, -1, 1)
chance = 1 / (1 + np.exp(-(sign * ability - rng.normal(0, 1, 2000))))
right = rng.random(chance.shape) < chance
accuracy, first = right.mean(1), np.arange(40) % 2 == 0
falls = profile_correlation(right[first], accuracy[first])
chosen = np.argsort(np.nan_to_num(falls))[:50]
others = set_correlation(right[~first][:, chosen], accuracy[~first])
print(f"on the other half of the models: {others:+.2f}")

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("every-image-its-own-line")

# %% [markdown]
# ## What could be wrong
#
# - **Which models.** Families are told by architecture. Models also share their training set, so those of the
#   other half are not independent of the first; a set chosen here may be a set for ImageNet networks of 2018.
# - **A correlation of leverage.** Accuracies are not evenly spread, and a few weak models weigh much, as
#   the splits one by one show.
# - **Splits** of one set of models overlap. Their spread stands for the error of the whole, as in a
#   jackknife that leaves half out, and is rough.
# - **Images with two labels.** ImageNetV2's labels are not perfect; an image that falls may be mislabelled.
#
# ## Rerun this chapter
#
# ```bash
# nbcore run every-image-its-own-line                # stored: a minute
# nbcore run every-image-its-own-line -p fresh=true  # ten seconds more
# nbcore run every-image-its-own-line -p subset=50 -p splits=100
# ```

# %% tags=["hide-input"]
charts.show(
    parameters_table("every-image-its-own-line"),
    caption="Parameters of this chapter",
)

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} Falling by hand
# :label: own-hand
# ```
# Compute the correlation of the worked example, to two digits. Check with
# `exercises.check("own-hand", your_answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} own-hand
# :class: dropdown
# ````

# %%
exercises.check("own-hand", -2 / np.sqrt(5))

# %% [markdown]
# **Why.** Both columns have mean nought once their means are taken off, and the correlation is
# their product over both lengths. It is not $-1$, since the answers are two steps and the
# accuracies four.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} Images without a profile
# :label: own-unsolved
# ```
# On which share of ImageNetV2's images are all models right, or all wrong?
# ```{exercise-end}
# ```
#
# ````{solution-start} own-unsolved
# :class: dropdown
# ````

# %%
share = float(np.isnan(table["correlation"]).mean())
print(f"{share:.3f}")
exercises.check("own-unsolved", share)

# %% [markdown]
# **Why.** If all models answer alike there is nothing to correlate. Whatever falls or rises is
# decided by the other images.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} Networks alone
# :label: own-networks
# ```
# What is the median held-out correlation without the Fisher vectors?
# ```{exercise-end}
# ```
#
# ````{solution-start} own-networks
# :class: dropdown
# ````

# %%
kept = table["held_out"].sel(models=runs.NETWORKS, subset=runs.CHOSEN)
exercises.check("own-networks", float(np.median(kept)))

# %% [markdown]
# **Why.** Without three very weak models the judged correlations are those of networks alone. The
# check asked for all models, and one may not change a check after seeing its outcome; so this
# number is shown and decides nothing.

# %% [markdown]
# ````{solution-end}
# ````
