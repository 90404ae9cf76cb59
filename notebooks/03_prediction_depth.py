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
# # How deep is a prediction
#
# A deep network turns an image into a class through many layers, but not every image needs them
# all. {cite:t}`baldock2021` ask from which layer on an answer no longer changes. They call this
# layer the **prediction depth** and read it as the difficulty of the image *for this network*:
# what is decided at the input is easy, what is decided at the very end is confusing or wrongly
# labelled.
#
# This chapter defines the measure, shows what is shallow and what is deep, and asks whether depth
# belongs to the image or to the network that happened to look at it. Chapters 4 and 5 then ask
# what depth tells about the answer.

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
dataset = None  # images of your own: a folder or a name
model = None  # a pretrained network for them: a timm name
own_k = None  # neighbours of a probe, for them (30)
own_images = None  # at most so many of them
own_seed = None  # changes which of them are held out (0)

# %% tags=["remove-input"]
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.prediction_depth import agreement_figures as agreement
from nbcore.chapters.prediction_depth import figures, own_page, pictures, tables
from nbcore.chapters.prediction_depth import observe as page
from nbcore.depths.ensembles import Ensemble, load_pool
from nbcore.measures.depth import knn_votes, prediction_depth
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell
from nbcore.training import ensemble
from nbcore.training.loop import Recipe

config = from_cell("prediction-depth", globals())
study = page.gather(config, fresh=fresh and not config.dataset)
recorded = page.record(study, preset)

# %% [markdown]
# ## The idea
#
# Take an image and one layer. The layer turns the image, and every training image, into a list of
# numbers. A **probe** at this layer lets the 30 training images whose numbers are nearest vote
# for their class. There is a probe at the input, one after each layer, and one after the softmax.
# Nothing is trained for them.
#
# The **prediction depth** is the first layer from which on *all* probes give the network's own
# answer: 0 if even the neighbours among the raw images do. If the last probe still disagrees with
# the network, the depth is not defined.
#
# **By hand.** A network with three layers answers for four images. Five probes look on:
#
# | image | input | layer 1 | layer 2 | layer 3 | softmax | network | depth |
# |---|---|---|---|---|---|---|---|
# | A | cat | cat | cat | cat | cat | cat | 0: all agree |
# | B | dog | cat | cat | cat | cat | cat | 1 |
# | C | cat | dog | cat | dog | dog | dog | 3: layer 1 does not count, as layer 2 disagrees again |
# | D | cat | cat | dog | dog | cat | dog | none: the last probe disagrees |

# %%
cat, dog = 0, 1
probes = np.array(
    [
        [cat, cat, cat, cat, cat],
        [dog, cat, cat, cat, cat],
        [cat, dog, cat, dog, dog],
        [cat, cat, dog, dog, cat],
    ]
)
print(prediction_depth(probes, np.array([cat, cat, dog, dog])))  # -1: none

# %% [markdown]
# And one vote: at some layer, five training images lie at 0, 1, 2, 5 and 6, the first two of them
# cats. A new image lies at 1.2. Its three nearest are those at 1, 2 and 0: two cats, one dog.

# %%
bank = np.array([[0.0], [1.0], [2.0], [5.0], [6.0]])
print(knn_votes(bank, np.array([cat, cat, dog, dog, dog]), [[1.2]], k=3))

# %% [markdown]
# ### Two images on their way
#
# The same for two real images, in networks that were not trained on them. The lines are the
# shares of votes for the image's class and for its strongest rival.

# %% tags=["hide-input"]
pictures.passing(study)

# %% tags=["hide-input"]
pictures.passing_pictures(study)

# %% [markdown]
# ## The experiment
#
# | part | here | in the paper |
# |---|---|---|
# | data | 10,000 images of Fashion-MNIST {cite}`xiao2017`, 5,000 of CIFAR-10 {cite}`krizhevsky2009` | these sets as a whole, SVHN and CIFAR-100 |
# | networks | MLP (7 × 256), VGG16 and ResNet18 of width 16 | 7 × 2048, width 64 |
# | networks of a kind | see the table | 250 on random splits, 25 on everything |
# | training | a fixed number of updates, no augmentation | the same, to 100% |
# | probes | every convolution, every block, every hidden layer, before the ReLU | the same, as far as its text tells |
#
# Each network trains on a random part of the pool and leaves the rest out, so that every image is
# *training* image of some networks and *validation* image of others. It has a depth in both
# roles, and they mean different things: how hard it is to fit the given label, and how hard to
# guess it.

# %% tags=["hide-input"]
charts.show(
    tables.accuracies(study),
    caption="Accuracy by split, mean over all networks of an ensemble: those on "
    "random splits, and those on the whole pool, which have no validation images",
    percent=["train", "val", "test"],
)

# %% tags=["hide-input"]
charts.show(
    tables.depths(study),
    caption="Depth, mean over the same networks: in layers, validation images "
    "decided at the input, and predictions without a depth",
    percent=["at the input"],
)

# %% [markdown]
# The probe after the softmax should nearly always say what the network says (claim B41), but only
# when the network fits its training set: the neighbours vote with the labels of that set. These
# networks are narrow and see a small part of the data, so their accuracies on new images are not to
# be compared with the paper's. Both belong to the same reduction.
#
# ### At the paper's size
#
# A network of the paper's width, trained on a whole set by the paper's table 1, is work for a GPU.
# What was run so is here (claim B40; its card names the machine), with fewer networks than the
# paper's. CIFAR-10 is published in several forms, and copies saved as JPEG differ slightly in their
# pixels, which makes it a reduced setup. The second table compares the depths of its training images
# with those in the small networks above. Of the VGG16 the depth is measured of 10,000 of the 50,000
# images; one of its networks trained on all of them, the others held out half of the 10,000.

# %% tags=["hide-input"]
from nbcore.chapters.prediction_depth import full_size

full_size.table(study)

# %% tags=["hide-input"]
full_size.depths(study)

# %% [markdown]
# Do depths mean the same in a network that generalizes better? The share of answers that are right, by
# the layer that decides them, on images that a network has not seen:

# %% tags=["hide-input"]
full_size.by_depth(study)

# %% [markdown]
# ### Where predictions are made

# %% tags=["hide-input"]
figures.decided(study, "train")

# %% tags=["hide-input"]
figures.decided(study, "val")

# %% [markdown]
# Depths of different networks are put on one scale here, from 0 at the input to 1 at the softmax;
# a VGG16 has 15 probes and an MLP of seven layers has 9.
#
# ### What is shallow, what is deep
#
# No picture is chosen by hand: these are the extremes of the stored ones, by mean training depth.

# %% tags=["hide-input"]
pictures.by_depth(study, study.first)

# %% tags=["hide-input", "strip"]
pictures.by_depth(study, study.main)

# %% [markdown]
# Images: Fashion-MNIST {cite}`xiao2017` and CIFAR-10 {cite}`krizhevsky2009`.
#
# ### Are easy data sets shallow?
#
# The paper ranks four data sets by mean depth in the same network (claim B1). Two of the four are
# not at hand here, and the ledger's checks are between neighbours in the ranking, so none of them
# can be made; what is left is the comparison of the first with the third.

# %% tags=["hide-input", "key-figure"]
figures.sets(study)

# %% [markdown]
# ### Do early layers generalise, and later ones memorise?
#
# A probe's accuracy on images that were trained on, and on others. While the two curves run
# together the layers have learned something about the class; where they part, about these images.

# %% tags=["hide-input"]
figures.by_layer(study, study.main)

# %% tags=["hide-input"]
figures.by_layer(study, study.first)

# %% [markdown]
# A small part of the gap is built in. A training image is among its own nearest neighbours, so
# one of its 30 votes is for its own label.
#
# ## Does depth find wrong labels?
#
# If depth measures how hard a label is to fit, wrong labels must be deep (claim B2). Two kinds
# are tried: a tenth of the labels drawn anew at random, and the mistakes that people made when
# they labelled CIFAR-10 again {cite}`wei2022`, by majority of three.

# %% tags=["hide-input"]
figures.labels_by_depth(study)

# %% tags=["hide-input"]
figures.roc(study)

# %% [markdown]
# The area under such a curve is the chance that a wrong label lies deeper than a right one; ties
# count one half. Examples without a depth are left out. People's mistakes are not made at random
# but on images that look like the class given, which ought to make them easier to fit. The pictures
# show both ends.

# %% tags=["hide-input"]
pictures.mislabelled(study)

# %% [markdown]
# ## Does depth belong to the image?
#
# Do networks agree on what is deep? For every image the depths are averaged over networks, and
# two such means are compared by their ranks (claims B3 and B4): between two halves of one
# ensemble, which differ in nothing but their seeds and splits, and between architectures on the
# same images.

# %% tags=["hide-input"]
agreement.correlations(study)

# %% tags=["hide-input"]
agreement.agreement(study)

# %% tags=["hide-input"]
agreement.side_by_side(study)

# %% tags=["hide-input"]
charts.show(
    tables.correlations(study),
    caption="Spearman's ρ of depths: of means, of two single networks (training "
    "images), and with the depths shuffled among images, which must be near 0",
)

# %% [markdown]
# A mean over few networks is noisy, and noise lowers ρ. So architectures are compared over equally
# many networks each, and two single networks ought to agree less than two means. ρ does not say
# whether two networks decide an image at the same depth, only whether they rank images alike.
#
# ## How much hangs on the definition
#
# Many details could be otherwise. One at a time is changed here, in the same networks: which
# share of the depths moves?

# %% tags=["hide-input"]
agreement.choices(study, "train")

# %% tags=["hide-input"]
agreement.choices(study, "val")

# %% tags=["hide-input"]
charts.show(
    tables.sensitivity_table(study),
    caption="Share of depths that each choice changes",
    percent=[c for c in tables.sensitivity_table(study) if c != "choice"],
    digits=2,
)

# %% [markdown]
# The definition of this book: 30 neighbours, an image among its own neighbours in training, of
# tied classes the lowest number, distances in single precision, compared with the network's
# answer. A depth can be fragile, as a single vote may break the row of agreeing probes. Does the
# accuracy of a probe move less (claim B42; the figure shows one ensemble)?

# %% tags=["hide-input"]
agreement.neighbours(study)

# %% [markdown]
# ### Seven layers or fifteen
#
# The paper settled on an MLP of seven layers after a look at one of fifteen, on CIFAR-10 with
# random labels for 40% of the images (claim B44). The card compares the order of the layers by
# accuracy; how fast the curves rise may still differ.

# %% tags=["hide-input"]
figures.deep(study)

# %% [markdown]
# ## Live: the depths of digits
#
# This cell trains a small MLP for real, probes all its layers and sorts some digits by their
# depth.

# %%
pool = load_pool(Ensemble(dataset="digits", examples=1000, test_examples=200))
network = ensemble.Network("mlp", width=64, depth=5)
recipe = Recipe(steps=500, batch=64, lr=0.03, weight_decay=0.0)
held_out = ensemble.held_out_mask(len(pool.labels), 0, 0.2, "folds")
member = ensemble.train_member(
    pool, network, recipe, held_out, seed=1, device="cpu"
)
right = member["final"].values == pool.labels
print(
    f"right: training {right[~held_out].mean():.1%}, "
    f"held out {right[held_out].mean():.1%}"
)
pictures.live_gallery(member, pool)

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("prediction-depth")

# %% [markdown]
# ## What could be wrong
#
# - **Small networks, few images.** These networks are narrow and see a tenth of CIFAR-10 or a
#   sixth of Fashion-MNIST. Absolute depths and accuracies are not the paper's; orders and signs
#   are what is compared.
# - **Depth needs a fitted network.** Before training fits its labels, the softmax probe disagrees
#   with the network and many images have no depth. The table above gives the share, over training
#   and held-out images, and claim B41 takes the ensemble with most of them. On held-out images, of
#   which a small network gets many wrong, the disagreement is more frequent.
# - **Nearest neighbours in the input.** Depth 0 says that raw pixels suffice. This favours sets
#   whose images are centred and cropped, such as Fashion-MNIST; a shift by a few pixels would
#   change it.
# - **The choices above.** Whoever compares depths with another implementation should first
#   compare these. The place of the probe inside a residual block is lost from the paper's text;
#   here it is the sum, before the ReLU.
# - **Depths are whole numbers with many ties.** Ranks of means over few networks are coarse.
# - **Intervals** take the images, and where the card counts seeds also the networks, as drawn at
#   random. They know nothing of another architecture, data set or schedule.
# - **Planted labels** are drawn from all classes, so one in ten of them stays right. Those are
#   counted as right.
#
# ## Your own images
#
# Any folder with one subfolder per class, in any network of timm: a linear layer is fitted to
# your labels on top of the pretrained network, then the probes are read. What is set for them,
# `own_k`, `own_images` and `own_seed`, changes nothing of the networks above.
#
# ```bash
# nbcore run prediction-depth -p dataset=./mine \
#   -p model=tf_efficientnet_lite0
# ```

# %% tags=["hide-input"]
own_page.show_own(config, fresh) if config.model else None

# %% [markdown]
# ## Rerun this chapter
#
# ```bash
# nbcore run prediction-depth                  # stored runs: two minutes
# nbcore run prediction-depth -p preset=smoke  # digits: a minute, 1 GB
# nbcore run prediction-depth -p fresh=true    # train all: hours, 6 GB
# nbcore run prediction-depth -p members=20    # trains what is missing
# nbcore run prediction-depth -p k=10          # other probes: trains all
# # one set of your choice, and a folder counts as a set
# nbcore run prediction-depth \
#   -p datasets=[./mine] -p networks=[resnet18]
# # what B1 and B40 need: SVHN and CIFAR-100, a GPU, and patience
# nbcore run prediction-depth -p preset=paper -p device=cuda
# ```

# %% tags=["hide-input"]
charts.show(
    parameters_table("prediction-depth"), caption="Parameters of this chapter"
)

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} Count a depth
# :label: depth-count
# ```
# Seven probes, from the input to the softmax, say: bird, bird, ship, bird, plane, bird, bird. The
# network says bird. How deep is this prediction? Check with `exercises.check("depth-count",
# answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} depth-count
# :class: dropdown
# ````

# %%
bird, ship, plane = 0, 1, 2
said = [[bird, bird, ship, bird, plane, bird, bird]]
depth = prediction_depth(said, [bird])[0]
print(depth)
exercises.check("depth-count", depth)

# %% [markdown]
# **Why.** Going back from the softmax, the last two probes say bird and the one before says plane.
# What agreed earlier does not count, since the network's way led away again.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} How well does depth find them?
# :label: depth-auroc
# ```
# Three wrong labels have the depths 2, 5 and 7, four right ones 0, 0, 2 and 5. Draw one of each
# kind: what is the chance that the wrong one is deeper, if ties count one half?
# ```{exercise-end}
# ```
#
# ````{solution-start} depth-auroc
# :class: dropdown
# ````

# %%
wrong, right = np.array([2, 5, 7]), np.array([0, 0, 2, 5])
wins = (wrong[:, None] > right) + 0.5 * (wrong[:, None] == right)
print(wins.mean())
exercises.check("depth-auroc", wins.mean())

# %% [markdown]
# **Why.** The area under the curve *is* this chance. It does not depend on a threshold, nor on how
# many labels are wrong, which is why the chapter reports it.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} The vote for oneself
# :label: depth-self
# ```
# Let the probe at the input vote on all of scikit-learn's digits with $k = 5$. By how much is it
# more often right when each image is among its own neighbours than when it is left out?
# (`knn_predict` with `exclude_self=True` leaves it out.)
# ```{exercise-end}
# ```
#
# ````{solution-start} depth-self
# :class: dropdown
# ````

# %%
from nbcore.measures.depth import knn_predict
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
x = x.astype(np.float32)
right = [
    (knn_predict(x, y, x, k=5, exclude_self=left_out) == y).mean()
    for left_out in (False, True)
]
print(f"{right[0] - right[1]:.4f}")
exercises.check("depth-self", right[0] - right[1])

# %% [markdown]
# **Why.** At distance nought an image finds itself and votes for its own label. On training images
# that is part of the definition; on any other it would be a leak of the label.

# %% [markdown]
# ````{solution-end}
# ````
