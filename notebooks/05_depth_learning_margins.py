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
# %% [markdown]
# # Depth, learning and margins
#
# [Chapter 3](03_prediction_depth.ipynb) measured how deep inside a network an answer is settled.
# {cite:t}`baldock2021` relate this depth to two other things: *when* in training the network
# settles on its answer, and *how far* the answer is from another one. What is decided in early
# layers, they report, is learned early and has wide margins.
#
# This chapter repeats both comparisons, and asks how much of them is left among images that are
# equally easy to get right.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
# data sets: names or folders (fashion-mnist, cifar10, cifar10, cifar10)
datasets = None
# a network each: mlp, vgg16, resnet18 (mlp, vgg16, resnet18, mlp)
networks = None
scale = None  # size of networks and pools (small)
examples = None  # training examples in each pool
members = None  # networks on random splits
full_members = None  # networks on a whole pool
width = None  # width of the networks
k = None  # neighbours of a probe (30)
seed = None  # changes every draw (0)
resamples = None  # bootstrap resamples (500)
workers = None  # processes (2)
device = None  # auto, cpu or cuda (auto)
layout = None  # how your folders are read, where that can be doubted

# %% tags=["remove-input"]
from nbcore import charts, exercises
from nbcore.chapters.depth_learning_margins import controls, figures
from nbcore.chapters.depth_learning_margins import observe as page
from nbcore.chapters.prediction_depth.sensitivity import load_sensitivity
from nbcore.charts.words import nothing
from nbcore.depths.ensembles import Ensemble, load, load_pool
from nbcore.measures.learning import iteration_learned, scaled_steps
from nbcore.measures.margins import output_margin
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell
from nbcore.training import ensemble
from nbcore.training.loop import Recipe

# %% tags=["remove-input"]
config = from_cell("depth-learning-margins", globals())
runs = load(config, fresh=fresh)
found = page.studies(runs, config)
main = page.main(found)
linear = load_sensitivity(config, fresh=fresh).get(main.key)
recorded = page.record(found, runs, linear, config, preset)

# %% [markdown]
# ## The idea
#
# **Iteration learned.** While a network trains, ask it again and again what an image shows. The
# image is learned at the first update from which the answer stays the one it ends with, right or
# wrong. To compare networks, the updates of each are scaled so that 95% of its images are
# learned by 1.
#
# **By hand.** A network was asked after 0, 10, 20, 40 and 80 updates about four images:

# %%
cat, dog = 0, 1
history = [
    [cat, cat, cat, cat, cat],  # never changes: learned at the start
    [dog, cat, cat, cat, cat],  # from the second time on
    [cat, dog, cat, dog, dog],  # cat again in between: only from the fourth on
    [dog, dog, dog, dog, cat],  # changes its mind at the very end
]
learned = iteration_learned(history, [cat, cat, dog, cat])
print("learned at evaluation:", learned)
print("scaled updates:", scaled_steps(learned, [0, 10, 20, 40, 80]).round(2))

# %% [markdown]
# **Margins.** The *output margin* is the largest logit minus the second largest. The *input
# margin* is how far the image itself would have to be changed until another class wins; to first
# order {cite}`jiang2018` this is
#
# $$\gamma \approx \min_{j \ne i}\ \frac{|z_i - z_j|}{\lVert \nabla_x (z_i - z_j) \rVert}$$
#
# with the logits $z$ and the predicted class $i$. For a linear classifier it is exactly the
# distance to the nearest plane between two classes.

# %%
print(output_margin([[2.0, 0.5, 1.5], [0.1, 0.0, 0.2]]))

# %% [markdown]
# ## The experiment
#
# The ensembles of [chapter 4](04_depth_bounds.ipynb). The networks on splits were evaluated along
# training; the networks on the whole pool give the margins of test images.

# %% tags=["hide-input"]
charts.show(
    page.ensembles_table(found),
    caption="The ensembles; accuracies at the end of training, mean over the networks "
    "on splits",
    percent=["training accuracy", "held out"],
)

# %% [markdown]
# ### Where the decisions are made

# %% tags=["hide-input"]
figures.shares(found)

# %% [markdown]
# Claim B16 is about Fashion-MNIST alone, most of which is decided at the input in the paper.
#
# ## Decided early, learned early?
#
# For every prediction on a held-out image: its depth in this network, and the update at which
# this network learned it (claim B14).

# %% tags=["hide-input", "key-figure"]
figures.learned_by_depth(found)

# %% [markdown]
# Depths are whole numbers, and at the largest there are few predictions. The other way to look at
# it goes example by example: mean depth and mean step over the networks, in training and when
# held out (claim B15).

# %% tags=["hide-input"]
figures.examples(main)

# %% tags=["hide-input"]
charts.show(
    controls.summary(found),
    caption="Spearman's correlation of mean depth with mean step learned "
    "[95 %, bootstrap over images]",
)

# %% [markdown]
# ### Over the updates

# %% tags=["hide-input"]
figures.learned_over_time(main)

# %% [markdown]
# ### Is it depth, or being easy?
#
# An image on which the networks are right is shallow *and* learned early, so a part of the
# relation may come from correctness, or from easy and hard classes. Here it is once more among
# right predictions within each class, with the depth taken from one half of the networks and the
# step from the other, and with shuffled depths.

# %% tags=["hide-input"]
figures.learning_controls(main)

# %% [markdown]
# ## Decided early, wide margins?
#
# Every test image: its mean depth over the networks on the whole pool, and the logarithm of its
# mean margin (claims B17 and B18).

# %% tags=["hide-input"]
figures.margin_density(main, "output")

# %% tags=["hide-input"]
figures.margin_density(main, "input")

# %% [markdown]
# ### Everywhere?
#
# Claim B20: the relation holds for all networks and data sets, in training and in test.

# %% tags=["hide-input"]
figures.margins_everywhere(found)

# %% tags=["hide-input"]
figures.margin_controls(main)

# %% [markdown]
# ### Do margins vary less where depth is large?
#
# The paper says so (claim B19). A smaller mean alone makes a variance smaller, so the second
# figure shows the variance of the *logarithm*, which does not shrink with the mean.

# %% tags=["hide-input"]
figures.spread(main)

# %% tags=["hide-input"]
figures.spread(main, log=True)

# %% [markdown]
# ## Separable, or clustered?
#
# Why nearest neighbours, and not linear probes? The paper notes that a logistic regression
# separates the training images after the first convolution (claim B45), so that a linear probe
# would call every training image decided there.

# %% tags=["hide-input"]
figures.separability(linear, main.name) if linear is not None else nothing(
    "the main ensemble has no run of single networks"
)

# %% [markdown]
# ## Live: all of it in one network
#
# A small MLP is trained for real on digits; its depths, steps and margins are compared.

# %%
pool = load_pool(Ensemble(dataset="digits", examples=1000, test_examples=300))
network = ensemble.Network("mlp", width=64, depth=5)
recipe = Recipe(steps=400, batch=64, lr=0.03, weight_decay=0.0, checkpoints=20)
held_out = ensemble.held_out_mask(len(pool.labels), 0, 0.2, "folds")
member = ensemble.train_member(
    pool, network, recipe, held_out, seed=1, input_margins=300, device="cpu"
)
charts.show(controls.live(member), caption="One small network", digits=2)

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("depth-learning-margins")

# %% [markdown]
# ## What could be wrong
#
# - **Coarse clocks.** Networks are evaluated only now and then, at times evenly spaced in the
#   logarithm, so an image learned between two evaluations counts as learned at the later one.

# %% tags=["hide-input"]
charts.show(
    page.checkpoints_table(main),
    caption=f"{main.name}: when held-out predictions become final",
    percent=["learned since the one before"],
)

# %% [markdown]
# - **Networks share their images.** Two networks of an ensemble train on mostly the same images.
#   The intervals draw images again, not networks or data sets.
# - **Few networks on the whole pool.** The paper has 25; the cards say how many are here. With
#   few networks a mean depth is coarse, which weakens correlations and raises the largest mean.
# - **Training accuracy.** Predictions without a depth are left out, and there are more of them
#   where a network has not fitted its training set; the table above gives their share.
# - **First order.** The input margin is a linear estimate, and images are not bounded to valid
#   pixels. It is measured on the first 1,000 images of the pool and on the test images, in grey
#   levels of 0 to 255.
# - **One kind of order.** What a network learns first can also be asked of classifiers instead of
#   examples: chapter [15](15_learned_first.ipynb) measures how much of it is linear.
# - **Nothing causal.** Depth, learning time and margins may all follow from how typical an image
#   is.
#
# ## Rerun this chapter
#
# ```bash
# nbcore run depth-learning-margins                      # stored runs
# nbcore run depth-learning-margins -p preset=smoke      # digits: a minute
# nbcore run depth-learning-margins -p fresh=true        # train all: hours
# # a data set of your own
# nbcore run depth-learning-margins \
#   -p datasets=[./mine] -p networks=[vgg16]
# # the paper's networks: a GPU, and patience
# nbcore run depth-learning-margins -p preset=paper -p device=cuda
# ```

# %% tags=["hide-input"]
charts.show(
    parameters_table("depth-learning-margins"),
    caption="Parameters of this chapter",
)

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} When was it learned?
# :label: learning-when
# ```
# Asked after 0, 5, 10, 20, 40 and 80 updates, a network says: dog, cat, cat, dog, cat, cat, and
# its final answer is cat. After how many updates does the image count as learned? Check with
# `exercises.check("learning-when", answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} learning-when
# :class: dropdown
# ````

# %%
updates = [0, 5, 10, 20, 40, 80]
at = iteration_learned([[dog, cat, cat, dog, cat, cat]], [cat])[0]
print(updates[at])
exercises.check("learning-when", updates[at])

# %% [markdown]
# **Why.** The image was right before but lost again. What counts is from where on the answer stays,
# so the clock starts anew after the last other answer.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} How far to the other class?
# :label: learning-margin
# ```
# A linear classifier of the plane has the logits $z_1 = 3x + 4y$ and $z_2 = 0$. How large is the
# input margin of the point $(2, 1)$?
# ```{exercise-end}
# ```
#
# ````{solution-start} learning-margin
# :class: dropdown
# ````

# %%
difference = 3 * 2 + 4 * 1
slope = (3**2 + 4**2) ** 0.5
print(difference / slope)
exercises.check("learning-margin", difference / slope)

# %% [markdown]
# **Why.** A linear function changes along its gradient at an even rate, its length. So the distance
# to where the two logits are equal is their difference over that length, here exactly.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} The mean, then the logarithm
# :label: learning-log
# ```
# An image has the output margins 1 and 9 in two networks. The chapter correlates depth with the
# logarithm of the *mean* margin. By how much is it larger than the mean of the two logarithms?
# ```{exercise-end}
# ```
#
# ````{solution-start} learning-log
# :class: dropdown
# ````

# %%
import numpy as np

margins = np.array([1.0, 9.0])
gap = np.log(margins.mean()) - np.log(margins).mean()
print(gap)
exercises.check("learning-log", gap)

# %% [markdown]
# **Why.** The logarithm bends downwards, so the logarithm of a mean is never below the mean of the
# logarithms (Jensen's inequality). One network with a wide margin raises the first much more than
# the second, which is why the definition has to say the order.

# %% [markdown]
# ````{solution-end}
# ````
