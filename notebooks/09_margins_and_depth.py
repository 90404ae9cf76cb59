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
# # Margins and depth
#
# Do examples that a network decides early have wide margins? Chapter
# [5](05_depth_learning_margins.ipynb) asks whether the two go together. Does one make the other? Baldock and
# others {cite}`baldock2021` intervened. They trained a network so that nothing asks for a margin, by a loss that is
# content once the right class leads and by steps too small to overshoot, and report that the classes then
# separate in the last layers only. This chapter trains one network in four ways, each with one change, the
# other, both or none.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
dataset = None  # data set: a name or a folder (cifar10)
train_images = None  # training images, class-balanced (2048)
test_images = None  # test images, class-balanced (1000)
image_size = None  # side to bring the images to, pixels
width = None  # channels of VGG16's first convolution (16)
batch = None  # images an update of SGD (32)
ce_sgd_lr = None  # cross-entropy with SGD: rate (0.01)
ce_sgd_steps = None  # its updates (2304)
# shares of them where its rate drops to a fifth (0.6666666666666666)
ce_sgd_drop_at = None
hinge_sgd_lr = None  # 0-hinge with SGD: rate (0.003)
# its updates, the last third at a fifth of the rate (2304)
hinge_sgd_steps = None
momentum = None  # momentum (0.9)
hinge_gd_momentum = None  # of 0-hinge with GD (0.95)
ce_gd_rates = None  # cross-entropy with GD: rates to try, from that of SGD down
ce_gd_steps = None  # its updates (8000)
hinge_gd_rates = None  # 0-hinge with GD: rates to try, from that of SGD down
hinge_gd_steps = None  # its updates (8000)
scan_steps = None  # updates with each rate that is tried (100)
window = None  # updates over which the loss is averaged (20)
checkpoints = None  # evaluations along training, in log steps (14)
k = None  # neighbours of a probe (30)
precision = None  # of training; auto is float32 for 0-hinge (auto)
# settings to train if they are not there yet (untrained, ce-sgd, 0-hinge-sgd)
train = None
seeds = None  # networks with SGD, and untrained ones (3)
full_batch_seeds = None  # networks with GD (2)
block = None  # images passed at once in a step of GD; 0: all (0)
resamples = None  # draws over seeds (1000)
workers = None  # processes (1)
device = None  # auto, cpu or cuda (auto)

# %% tags=["remove-input"]
import numpy as np
import torch
from nbcore import charts, exercises
from nbcore.chapters.margins_and_depth import (
    descent,
    figures,
    observe,
    runs,
    study,
)
from nbcore.chapters.margins_and_depth.study import half_gain_layer
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell, resolve

# %% tags=["remove-input"]
config = from_cell("margins-and-depth", globals())
found = study.load(config, fresh=fresh)
recorded = observe.record(found, preset)

# %% tags=["remove-input"]
figures.waiting(found)

# %% [markdown]
# ## The idea
#
# The **output margin** of an image is the largest of the network's logits $z$ minus the second. Cross-entropy,
# $-\log$ of the label's softmax, is never quite content: every image right, it still falls if all margins grow,
# so that training widens them on and on. A loss that does not care is the **0-hinge**: for an image with label $i$
#
# $$ \ell(x) = \sum_{j \neq i} \max(0,\ z_j - z_i) , $$
#
# which counts how far wrong classes lead, and nothing else. (The paper prints $z_i - z_j$, which would push the
# label down; the sign here is the one that its words ask for.) As soon as the label leads, by however little,
# the loss is 0 and so is its gradient. And it does not mind the scale: half of all logits is half of the loss,
# so that shrinking is a way down too.
#
# **By hand.** Three classes, the label is the first. Logits $(1, 3, 0.5)$: the second leads by 2, the third by
# nothing, the loss is 2. Logits $(1, 0.99, 0.5)$: the loss is 0, at a margin of $0.01$. Cross-entropy there is
# $\log(1 + e^{-0.01} + e^{-0.5}) = 0.95$, and twice the logits bring it to $0.85$.

# %%
label = torch.tensor([0])
for logits in ([1.0, 3.0, 0.5], [1.0, 0.99, 0.5], [2.0, 1.98, 1.0]):
    z = torch.tensor([logits])
    hinge, ce = (
        descent.zero_hinge(z, label),
        torch.nn.functional.cross_entropy(z, label),
    )
    print(f"0-hinge {hinge:.2f}, cross-entropy {ce:.2f}")

# %% [markdown]
# A large step overshoots: where the label should just lead, it ends up well ahead. So **stochastic gradient
# descent** (SGD), with steps that are large and differ from batch to batch, leaves some margin even with the
# 0-hinge. To leave none, the second change is **full-batch gradient descent** (GD): every step looks at all
# training images, and is very small.
#
# Where do the classes separate? As in chapter [3](03_prediction_depth.ipynb), let the 30 nearest training images
# vote on an image at every layer, and count right votes along depth. To name one layer for a curve, take the
# **half-gain layer**: the first at which the vote has made half of its improvement from input to softmax.

# %%
votes = np.array([0.30, 0.32, 0.45, 0.71, 0.95, 1.00])
print(half_gain_layer(votes))  # half of the gain from .30 to 1 is at .65

# %% [markdown]
# ## The experiment
#
# A VGG16 sees a few thousand images of CIFAR-10, a class-balanced choice, and is to learn them all. All four ways
# start from the same weights, seed by seed; the untrained network is measured too. Two things differ from the
# rest of this book. The last layer starts as large as the others: with a loss that ignores scale, a small start
# would be a small margin already. And 0-hinge is trained in float32, since a margin that is smaller than the
# spacing of bfloat16 numbers would be made of rounding. Margins and votes are always measured in float32.
#
# GD takes the largest rate with which the mean loss over windows of updates falls without exception, of those
# tried from SGD's own rate down. With the 0-hinge, training ends early once a whole window of updates has no loss:
# no gradient is left then.

# %% tags=["hide-input"]
figures.table(found)

# %% [markdown]
# ### What becomes of the margin

# %% tags=["hide-input"]
figures.margins(found)

# %% [markdown]
# Cross-entropy has a reason to lift the margin for as long as it trains. The 0-hinge has none, and a reason to
# lower it: its loss also falls where all logits shrink. What is to be seen is how far below the dashed line its
# curves come, and whether they still move at the end.

# %% tags=["hide-input"]
figures.accuracies(found)

# %% [markdown]
# ### Where the classes separate
#
# The bank of the vote are the training images, and a training image is among its own neighbours, as everywhere
# in this book; so its vote is never quite blind. What matters is where each curve leaves the untrained one.

# %% tags=["hide-input", "key-figure"]
figures.votes(found)

# %% tags=["hide-input"]
figures.votes(found, "test")

# %% [markdown]
# ### The rates of full-batch descent

# %% tags=["hide-input"]
figures.scans(found)

# %% [markdown]
# ## Live: the same start, two losses
#
# Three hundred digits at 16 pixels, a VGG16 of width 8, SGD: some seconds.

# %%
size = dict(train_images=300, width=8, batch=32)
steps = dict(ce_sgd_steps=300, hinge_sgd_steps=300)
few = resolve("margins-and-depth", "smoke", **size, **steps)
sets = runs.load_images(few)
for setting in ("ce-sgd", "0-hinge-sgd"):
    net = runs.network(few, sets, seed=0)
    course = descent.descend(net, sets.train, sets.test, few.descent(setting))
    end = course.isel(checkpoint=-1)
    right, margin = (
        float(end["train_accuracy"]),
        float(end["train_median_margin"]),
    )
    print(
        f"{setting}: {right:.0%} right, median margin {margin:.2g}, in training"
    )

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers. Every check compares with a network of full-batch descent; what SGD alone says of the two losses
# stands beside, as related evidence.

# %% tags=["remove-input"]
show_cards("margins-and-depth")

# %% [markdown]
# ## What could be wrong
#
# - **Few networks.** Two of a setting say little about others: no interval is claimed for them, and by the rules
#   of this book nothing is decided by fewer than three. `-p full_batch_seeds=3` asks for one more.
# - **Fewer steps, larger ones.** The paper's GD takes about a million steps at rates of about 10⁻⁵. Here it
#   takes thousands, at the largest rate that falls in a short scan; what such a rate does later is not known
#   beforehand. A divergence or a plateau would be seen in the figures.
# - **A smaller network on fewer images.** The paper's VGG16 is four times as wide and sees 4,096 images of a
#   subset of CIFAR-10 that is not known.
# - **Rates of SGD.** They were chosen before, in trials of one network each, by training accuracy alone. In such a
#   trial with the 0-hinge, about six times the rate and batches twice as large, the logits shrank, and to the last
#   of 800 updates only a tenth of the training images were right, as by chance.
# - **The end of SGD.** Both losses get equally many updates. Cross-entropy widens margins for as long as it is
#   trained, so that every number of orders of magnitude depends on where one stops. The 0-hinge learns more
#   slowly; as long as it does not fit its training images, its small margins and late votes may be those of a
#   network that is not yet trained, which is why nothing is decided then.
# - **Which images.** The paper does not say of which images its margins are. Here they are of test images; those
#   of training images are stored with the run.
# - **One cause?** Both changes at once leave a network with small margins, late separation and low accuracy.
#   Which of these brings the others is not decided by it.
#
# ## Rerun this chapter
#
# ```bash
# nbcore run margins-and-depth                  # from the stored run: half a minute
# nbcore run margins-and-depth -p preset=smoke  # digits, all four ways: half a minute
# nbcore run margins-and-depth -p hinge_sgd_lr=0.001  # trains anew: half an hour of a core
# ```
#
# A step of GD takes about two seconds of a CPU core in bfloat16 and more in float32, so that 8,000 of them take
# half a night: these networks are meant for a GPU. They are added to those that are there, member by member,
# and one that was interrupted goes on where it stopped:
#
# ```bash
# nbcore run margins-and-depth -p device=cuda \
#   -p 'train=["ce-gd", "0-hinge-gd"]' -p full_batch_seeds=3
# nbcore runs list                              # shows the run's address
# nbcore runs publish ADDRESS
# ```
#
# Where SGD was too short for the 0-hinge to fit its training images, more updates make a run of its own, with
# networks of all settings:
#
# ```bash
# nbcore run margins-and-depth -p device=cuda -p hinge_sgd_steps=9216 -p full_batch_seeds=3 \
#   -p 'train=["untrained", "ce-sgd", "0-hinge-sgd", "ce-gd", "0-hinge-gd"]'
# ```
#
# Where a step does not fit into the GPU's memory, its images are passed in halves of halves, which is said;
# `-p block=512` does so from the start.

# %% tags=["hide-input"]
charts.show(
    parameters_table("margins-and-depth"), caption="Parameters of this chapter"
)

# %% tags=["remove-input"]
from nbcore.charts.values import solution_plot

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} The loss by hand
# :label: margins-loss
# ```
# Two images of three classes, both with the first as label, have the logits $(1, 3, 0.5)$ and $(2, 1.5, 0)$. What
# is their mean 0-hinge loss? Check with `exercises.check("margins-loss", your_answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} margins-loss
# :class: dropdown
# ````

# %%
z, y = torch.tensor([[1.0, 3.0, 0.5], [2.0, 1.5, 0.0]]), torch.tensor([0, 0])
exercises.check("margins-loss", float(descent.zero_hinge(z, y)))

# %% tags=["hide-input"]
lead = np.linspace(-3, 3, 61)
solution_plot(
    lead,
    np.maximum(0, lead),
    x_title="lead of a wrong class over the label",
    y_title="what it adds to the loss",
    title="Only a class that leads adds to the loss, and by its lead",
)

# %% [markdown]
# **Why.** In the first image the second class leads by 2 and the third is behind. The second image is right, by
# half a logit, and adds nothing: the mean is half of 2.
#
# ````{solution-end}
# ````
#
# ```{exercise-start} A way down that learns nothing
# :label: margins-scale
# ```
# All logits of these two images are multiplied by a hundredth. By which factor does the loss change, while every
# prediction stays what it was?
# ```{exercise-end}
# ```
#
# ````{solution-start} margins-scale
# :class: dropdown
# ````

# %%
before, after = (
    float(descent.zero_hinge(scale * z, y)) for scale in (1.0, 0.01)
)
exercises.check("margins-scale", after / before)

# %% tags=["hide-input"]
scale = np.geomspace(0.01, 10, 40)
ce = [float(torch.nn.functional.cross_entropy(float(s) * z, y)) for s in scale]
solution_plot(
    np.log10(scale),
    ce,
    x_title="log10 of the factor",
    y_title="cross-entropy",
    level=(float(np.log(3)), "no logits at all"),
    title="Cross-entropy does not go to 0 as logits shrink: it goes to log 3",
)

# %% [markdown]
# **Why.** The loss is a sum of differences of logits, so that it scales as they do. It can be made as small as
# one likes without a single right answer more; cross-entropy cannot.
#
# ````{solution-end}
# ````
#
# ```{exercise-start} Half of the gain
# :label: margins-layer
# ```
# From input to softmax a vote is right for 30, 34, 40, 58, 70, 90 and 100 % of the images. What is its half-gain
# layer, the input being 0?
# ```{exercise-end}
# ```
#
# ````{solution-start} margins-layer
# :class: dropdown
# ````

# %%
votes = np.array([0.30, 0.34, 0.40, 0.58, 0.70, 0.90, 1.00])
exercises.check("margins-layer", half_gain_layer(votes))

# %% tags=["hide-input"]
solution_plot(
    np.arange(len(votes)),
    votes,
    x_title="layer",
    y_title="right votes",
    level=(float(votes[[0, -1]].mean()), "half of the gain"),
    x_format="d",
    y_format="~%",
    title=f"The vote crosses half of its gain at layer {half_gain_layer(votes):.0f}",
)

# %% [markdown]
# **Why.** The gain is 70 points, and half of it is reached at 65 %. The fourth layer is the first above.
#
# ````{solution-end}
# ````
