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
# # Depth bounds consistency
#
# Train many networks on different parts of a data set and ask each about an image that it has not
# seen. On some images they all agree, on others every network says something else.
# {cite:t}`baldock2021` report that the [prediction depth](03_prediction_depth.ipynb) of an image
# *bounds* this agreement by a straight line: what is decided in an early layer is decided alike by
# nearly all networks, whether they are right or wrong.
#
# This chapter fits such lines on one half of the networks, scores them on the other half, and
# tries to break them.

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
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.depth_bounds import figures, tables
from nbcore.chapters.depth_bounds import observe as page
from nbcore.chapters.depth_bounds import scores as scoring
from nbcore.chapters.depth_bounds.study import gather
from nbcore.charts.density import density
from nbcore.depths.ensembles import Ensemble, run_ensemble
from nbcore.depths.view import EnsembleView
from nbcore.measures import agreement
from nbcore.measures.bounds import fit_bound
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell

config = from_cell("depth-bounds", globals())
study = gather(config, fresh=fresh)

# %% tags=["remove-input"]
recorded = page.record(study, preset)

# %% [markdown]
# ## The idea
#
# Five networks that did not train on an image say what it shows. Four numbers sum up what they
# say:
#
# - the **consensus class**: what most of them say. If classes are tied and the label is among
#   them, it is the label; otherwise the tied class with the lowest number;
# - the **consistency score** $\hat C$: the share that says the label;
# - the **consensus-consistency** $C^*$: the share that says the consensus class;
# - the **entropy** of the answers, $-\sum_c p_c \ln p_c$, in nats: 0 when all say the same.
#
# A share of networks that agree is not yet a share of images on which they are right: whether it is,
# is asked in [when a probability means what it says](13_meaning_of_a_probability.ipynb).
#
# **By hand.** Four images and five answers to each; the classes are numbered in the order bird,
# cat, dog. In the last row bird and cat are tied at two answers each: the label is among them, so
# it is the consensus.

# %%
answers = [
    ["cat", "cat", "cat", "cat", "cat"],
    ["cat", "cat", "cat", "cat", "dog"],
    ["dog", "dog", "dog", "dog", "cat"],
    ["cat", "cat", "bird", "bird", "dog"],
]
labels = ["cat", "cat", "cat", "cat"]
charts.show(
    tables.by_hand(answers, labels, ["bird", "cat", "dog"]),
    caption="Five networks' answers to four images",
    digits=3,
)

# %% [markdown]
# The third image is where the two scores part: the networks agree, $C^* = 4/5$, but not with the
# label, $\hat C = 1/5$. So consistency with the *label* mixes two things, agreement and being
# right. The paper's finding is about agreement.
#
# ## The experiment
#
# Ensembles of the networks of [chapter 3](03_prediction_depth.ipynb). Networks take turns in
# leaving out a part of the images: with a tenth held out (Fashion-MNIST), ten networks hold out
# every image once, with a fifth (CIFAR-10), five do. The depth of an image is the mean over the
# networks that held it out.

# %% tags=["hide-input"]
charts.show(
    tables.summary(study),
    caption="The ensembles; all numbers are of their networks on splits. The ledger uses "
    "those whose examples were held out ten times or more, if there is one",
    percent=["accuracy", "consensus = label", "no depth"],
)

# %% [markdown]
# ### Consistency with the label
#
# Every image is counted in the first panel. The other two separate the images by whether the
# consensus class is the label (claims B5, B6 and B7).

# %% tags=["hide-input"]
figures.histograms(list(study.found.values())[0])

# %% tags=["hide-input"]
figures.histograms(list(study.found.values())[-1])

# %% [markdown]
# A **bound** is a straight line fitted to the lower (or upper) edge of the cloud in one half of
# the networks, so that 2.5% of the images lie beyond it there. It is scored on the other half:
# the ledger allows 5%. Depths and scores of both halves come from different networks.
#
# The reflected line is the paper's upper bound for outvoted labels that are decided early (claim
# B6). The line fitted to outvoted labels of all depths, drawn beside it, need not be near: a label
# that is outvoted by a clear majority has few votes left at any depth. An earlier check asked that
# the two lines coincide; it was misread, and what replaces it is judged on new networks only.
#
# Part of this is no finding. Where the consensus is the label, the label holds the most votes, so
# its share cannot be small; where it is not, the label has at most half of them (claim B7 is weak
# for this reason).
#
# ### Agreement, right or wrong

# %% tags=["hide-input"]
figures.agreement(study)

# %% [markdown]
# All images are in these panels (claim B8). The same holds upside down for the entropy of the
# answers (claim B12):

# %% tags=["hide-input"]
figures.entropy(study)

# %% tags=["hide-input"]
charts.show(
    tables.fitted(study),
    caption="Bounds fitted on one half of the networks "
    "and scored on the other; 95 % bootstrap intervals over images",
)

# %% [markdown]
# ### Does it bound anything?
#
# A line under a cloud always exists. It says something only if it would fail for depths that mean
# nothing. So the scoring half is scored once more with its depths shuffled among the images; the
# share beyond the line must then exceed 5%.

# %% tags=["hide-input"]
figures.controls(study)

# %% [markdown]
# ## What one network tells
#
# So far a depth was a mean over many networks. Does the depth in *one* network, which costs a
# single training, already tell how reliable its answer is? First, whether it is right (claim
# B10): every prediction for a held-out image, by its own depth.

# %% tags=["hide-input", "key-figure"]
figures.along(study, "accuracy")

# %% [markdown]
# The claim asks for a fall from each depth to the next. A curve that starts high and ends low but
# dips and recovers in between misses it; convolutional networks can dip where their first layers
# decide little.
#
# Then, whether *other* networks agree (claims B9 and B11): networks trained on the whole pool
# answer for test images; the depth comes from one of them, the scores from the rest.

# %% tags=["hide-input"]
figures.along(study, "agreement")

# %% tags=["hide-input"]
figures.along(study, "entropy")

# %% [markdown]
# ## How steep it is depends on the task
#
# The paper says that the slope depends on the difficulty of the task (claim B13), and our reading
# of its reason is that harder tasks, which are decided later, have flatter bounds. With two data
# sets in one architecture the rank correlation that the card asks for can only be 1 or −1: two
# points have an order and no more.

# %% tags=["hide-input"]
figures.slopes(study)

# %% [markdown]
# ## Live: an ensemble in seconds
#
# Twenty small networks are trained for real on 300 digits (about ten seconds the first time); a
# bound is fitted on one half of them and scored on the other.

# %%
tiny = Ensemble(
    dataset="digits",
    examples=300,
    test_examples=50,
    held_out=0.2,
    width=24,
    depth=3,
    steps=120,
    batch=32,
    lr=0.03,
    checkpoints=4,
    members=20,
    workers=1,
    device="cpu",
)

# %%
sample = scoring.Sample.of(EnsembleView.of("digits:mlp", run_ensemble(tiny)))
half = scoring.halves(sample.held_out)
a, b = (scoring.scores(sample.some(half == i)) for i in (0, 1))
bound = fit_bound(a.depth, a.agreement, "lower", share=0.025)
print(
    f"slope {bound.slope:+.2f}; below the line in the other half: "
    f"{bound.share_beyond(b.depth, b.agreement):.1%}"
)

# %% tags=["hide-input"]
whole = scoring.scores(sample)
density(
    whole.depth,
    whole.agreement,
    x_title="mean depth",
    y_title="consensus-consistency",
    bins=(12, 9),
    lines={"lower bound": (bound.slope, bound.intercept)},
    title=f"300 digits: the bound falls by {-bound.slope:.2f} over the depth",
    description="Histogram of consensus-consistency against mean depth for 300 "
    "digits and twenty small networks, with the fitted lower bound.",
)

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("depth-bounds")

# %% [markdown]
# ## What could be wrong
#
# Attempts to break the bound on consensus-consistency: the halves change places, depth and score
# come from different halves, the depth of a single network, images below one layer left out, and
# twenty other draws of the halves.

# %% tags=["hide-input"]
figures.attempts(study)

# %% [markdown]
# - **Part of the bound follows from the definition.** If the mean depth of an image is $m$ layers,
#   at least a share $1-m$ of the networks decides at the input, and all of these answer as the
#   image's nearest neighbours do. Networks share most of their training images, so that is nearly
#   one answer. Close to depth 0 a bound is therefore no surprise; the table says from which layer
#   on the fitted line promises more than this.

# %% tags=["hide-input"]
charts.show(
    tables.by_definition(study),
    caption="What the definition alone implies, beside the fitted line",
    percent=["fitted at one layer", "below the line by definition"],
)

# %% [markdown]
# - **Few predictions an image.** With ten held-out predictions, as in the CIFAR-10 ensembles, a
#   score is a multiple of a tenth, and each half has five. The paper has 25.
# - **Ties.** Claim B43 computes the verdicts of B5 to B12 again with other rules for tied
#   classes.
# - **One family of lines.** A straight line is the paper's choice. The clouds' edges bend.
# - **The images are not independent of the networks.** Intervals draw images again and keep the
#   networks; another set of networks would move them further.
# - **Cards mix ensembles.** Every check is judged on the ensemble that is least favourable to it,
#   by the end of its interval where the whole interval counts.
# - **Not all is fitted.** Training images that a network has not learned often have no depth, and
#   predictions without one are left out of the clouds; the table of the ensembles has their share.
# - **Small networks.** Widths and pools are smaller than the paper's, so slopes are not
#   comparable with its figures; signs and shares are.
#
# ## Rerun this chapter
#
# ```bash
# nbcore run depth-bounds                      # stored runs: two minutes
# nbcore run depth-bounds -p preset=smoke      # digits: a minute, 1 GB
# nbcore run depth-bounds -p members=20        # trains what is missing
# nbcore run depth-bounds -p fresh=true        # train all: hours, 6 GB
# # a data set of your own
# nbcore run depth-bounds -p datasets=[./mine] -p networks=[mlp] \
#   -p members=100
# # 250 networks of the paper's size: a GPU, and patience
# nbcore run depth-bounds -p preset=paper -p device=cuda
# ```

# %% tags=["hide-input"]
charts.show(
    parameters_table("depth-bounds"), caption="Parameters of this chapter"
)

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} Agreement without being right
# :label: bounds-consensus
# ```
# Eight networks say of an image labelled *dog*: cat, cat, cat, dog, dog, cat, bird, cat. What is
# its consensus-consistency? Check with `exercises.check("bounds-consensus", answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} bounds-consensus
# :class: dropdown
# ````

# %%
said = np.array([[1, 1, 1, 2, 2, 1, 0, 1]]).T  # bird 0, cat 1, dog 2
everywhere = np.ones(said.shape, bool)
score = agreement.consensus_consistency(said, [2], everywhere, 3)[0]
print(score)
exercises.check("bounds-consensus", score)

# %% [markdown]
# **Why.** The consensus is what most networks say. The label plays no part, so that networks which
# agree on a wrong answer are as consistent as those which agree on the right one.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} How scattered?
# :label: bounds-entropy
# ```
# What is the entropy, in nats, of those eight answers?
# ```{exercise-end}
# ```
#
# ````{solution-start} bounds-entropy
# :class: dropdown
# ````

# %%
share = np.array([1, 5, 2]) / 8
entropy = -(share * np.log(share)).sum()
print(entropy)
exercises.check("bounds-entropy", entropy)

# %% [markdown]
# **Why.** The entropy is nought if all say the same and $\ln 3$ if three classes are equally
# frequent. It sees how the minority is spread, which the consensus-consistency does not.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} Noise makes a bound
# :label: bounds-noise
# ```
# Scores on few predictions scatter. An image on which each network says the consensus class with
# probability .9 is held out five times: how likely is it that its share of such answers is at most
# 3/5?
# ```{exercise-end}
# ```
#
# ````{solution-start} bounds-noise
# :class: dropdown
# ````

# %%
from scipy.stats import binom

chance = binom.cdf(3, 5, 0.9)
print(chance)
exercises.check("bounds-noise", chance)

# %% [markdown]
# **Why.** A share out of five answers takes six values only. Some images therefore land far below
# where they belong by luck alone, and a bound with a fixed share of exceptions has to allow for it.

# %% [markdown]
# ````{solution-end}
# ````
