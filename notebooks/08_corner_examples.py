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
# # Corner examples: four kinds of difficulty
#
# How deep a prediction is ([chapter 3](03_prediction_depth.ipynb)) is one number for an image that
# the network was trained on, and another for the same image held out. {cite:t}`baldock2021` plot
# one against the other. The four corners of that plane hold four kinds of images: easy ones, those
# that look like another class, those that are ambiguous unless somebody tells the label, and those
# that are ambiguous all the same.
#
# This chapter finds the corners, looks at what is in them, and asks what a practitioner gains:
# better answers, or wrong labels found.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
datasets = None  # data sets: names or folders (fashion-mnist, cifar10)
networks = None  # a network each: mlp, vgg16, resnet18 (mlp, vgg16)
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
corner = None  # examples in a corner on the cards (100)
planted = None  # share of labels planted to be found (0.1)
noise = None  # share of labels planted to be watched (0.4)

# %% tags=["remove-input"]
from nbcore import charts, exercises
from nbcore.chapters.corner_examples import figures, pictures, relabel
from nbcore.chapters.corner_examples import noise_figures as wrong
from nbcore.chapters.corner_examples import observe as page
from nbcore.depths.ensembles import Ensemble, load_pool
from nbcore.measures.corners import corner_examples, scaled_plane
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell
from nbcore.training import ensemble
from nbcore.training.loop import Recipe

# %% tags=["remove-input"]
config = from_cell("corner-examples", globals())
chapter = page.gather(config, fresh=fresh)
main = chapter.main
recorded = page.record(chapter, preset)

# %% [markdown]
# ## The idea
#
# Every image has two mean depths: over the networks that did not train on it (*validation*), and
# over those that did (*training*). The first says how hard it is to recognise, the second how hard
# it is to connect with other images of the class that its label names.
#
# |  | early when trained on | late when trained on |
# |---|---|---|
# | **early when held out** | easy | looks like another class |
# | **late when held out** | ambiguous unless labelled | ambiguous |
#
# A mislabelled cat is recognised early as a cat. Only when the network has to call it a dog does
# it need its last layers. An ostrich is hard to recognise as a bird; once the label is given, its
# neighbours in an early layer are birds.
#
# Each axis is scaled by itself, from the smallest mean depth among the images (0) to the largest
# (1), which the paper leaves open. An image with the mean depths $v$ (validation) and $t$ (training)
# lies at the distance
#
# $$
# d = \sqrt{\left(\frac{v - v_{\min}}{v_{\max} - v_{\min}} - c_v\right)^2
#          + \left(\frac{t - t_{\min}}{t_{\max} - t_{\min}} - c_t\right)^2}
# $$
#
# from the corner $(c_v, c_t)$, whose coordinates are 0 or 1. A corner's examples are the nearest to
# it, and of equally near ones the first.
#
# **By hand.** Six images, in networks of twelve layers:

# %%
validation = [0, 1, 9, 10, 5, 2]
training = [0, 10, 1, 9, 5, 1]
print(scaled_plane(validation, training).round(2))
for name, found in corner_examples(validation, training, n=1).items():
    print(f"{name}: image {found[0]}")

# %% [markdown]
# Image 4, in the middle, and image 5, almost easy, are in no corner of one.
#
# ## The experiment
#
# The ensembles of [chapter 4](04_depth_bounds.ipynb): many networks, each on a random part of the
# images, so that every image is held out by some and trained on by others. An image that was never
# in one of the two roles has no place in the plane; the table counts them. More networks were
# trained on wrong labels, for the second half of the chapter.

# %% tags=["hide-input"]
charts.show(
    page.ensembles_table(chapter),
    caption="The ensembles; held out right: share of single predictions",
    percent=["held out right", "consensus right"],
)

# %% [markdown]
# ### One image, two depths

# %% tags=["hide-input", "key-figure"]
figures.planes(main)

# %% [markdown]
# The *consensus class* is the answer of most networks that held the image out. Where it is the
# label, the paper finds the two depths alike; where it is another class they can be far apart,
# which fills the corners at the top left and the bottom right (claim B29). How far apart they are
# here, and how much of that is noise:

# %% tags=["hide-input"]
page.by_noise(main)

# %% [markdown]
# ### What is in the corners
#
# Choose a class. Point at a mark to see its image, or walk through the images with the arrow keys;
# the ring shows where in the plane each one lies. Under an image stands its consensus class.

# %% tags=["hide-input"]
pictures.plane(main, chapter.runs[main.key])

# %% tags=["hide-input"]
page.ties(chapter)

# %% [markdown]
# ### Are they what they are called?
#
# How often are networks right that did not train on these images (claims B30 to B33)?

# %% tags=["hide-input"]
page.sizes(chapter)

# %% tags=["hide-input"]
figures.right_by_corner(chapter)

# %% tags=["hide-input"]
charts.show(
    page.corners_table(main),
    caption=f"{main.name}: the corners, and what held-out networks say of them",
    percent=["held out right", "consensus = label"],
)

# %% [markdown]
# Networks should agree on the clear corners, rightly or wrongly, and disagree on the ambiguous
# ones (claim B34).

# %% tags=["hide-input"]
figures.agreement_by_corner(chapter)

# %% [markdown]
# ## On the way through the network
#
# At every layer the 30 nearest training images vote. How many of the votes are for the label, how
# many for the consensus class, and which class wins (claims B35 to B38)?

# %% tags=["hide-input"]
figures.along_layers(main)

# %% [markdown]
# The third corner is the odd one. In the paper its images are given their own class by the early
# layers, and later layers talk the network out of it. Where do the two lines cross?

# %% tags=["hide-input"]
figures.where_they_cross(chapter)

# %% [markdown]
# ## A middle layer to the rescue?
#
# If an early layer is right and the network wrong, why not ask the early layer? For its 100 images
# the paper reports 98% instead of 25% (claim B39). Before believing that, consider how these
# images were found: a small training depth means that an early probe agrees with the *label*. Who
# selects images so has looked at the answer. Hence four ways to measure it:
#
# 1. as in the paper: the same networks choose the images and are scored;
# 2. one half of the networks chooses the images, the other half is scored;
# 3. the middle probe is compared with the best single probe for all images;
# 4. a rule decides without the label when to trust the middle probe.
#
# The middle probe is fixed beforehand at four tenths of the layers, the place of the paper's. The
# control takes images that are decided just as late when held out, whatever their training depth.

# %% tags=["hide-input"]
figures.rescued(main)

# %% tags=["hide-input"]
figures.probes_by_set(main)

# %% [markdown]
# To choose the images of the corner one has to know their labels: that is what the control takes
# away.

# %% tags=["hide-input"]
charts.show(
    page.rescue_table(chapter),
    caption="Accuracy of held-out predictions, and what the middle probe adds [95 %]",
    percent=["networks", "middle probe", "best single"],
)

# %% [markdown]
# What remains is the practitioner's question. For the fourth way the middle probe answers wherever
# the depth of a held-out prediction and the confidence of the middle vote pass two thresholds.
# They are chosen on half of the networks and half of the images, and scored on the other halves of
# both.

# %% tags=["hide-input"]
figures.overall(chapter)

# %% [markdown]
# The images of one corner are few. Even if somebody told us which are ambiguous unless labelled, the
# accuracy over all images could not move by more than their share.
#
# ## Wrong labels
#
# ### How they are learned
#
# Now many of the training labels (40% in the paper and here) are drawn anew at random, and the
# networks are trained until they have learned most of them. The images whose label changed are
# followed on the way: by their original class, and by the one that they were given (claims B21 and
# B22).

# %% tags=["hide-input"]
wrong.along(chapter.watch, "training")

# %% [markdown]
# The paper finds the same course from layer to layer of the trained network (claim B23). Every
# probe counts an image among its own neighbours, so that a wrong label has at least one vote in
# thirty.

# %% tags=["hide-input"]
wrong.along(chapter.watch, "depth")

# %% tags=["hide-input"]
charts.show(
    wrong.watched_table(chapter),
    caption="Rise and fall of the accuracy for the original class; how much later "
    "(scaled updates) and deeper (layers) wrong labels are learned",
    percent=["wrong labels", "training accuracy"],
)

# %% [markdown]
# Where raw pixels already tell the classes apart, the vote at the input is at its best, and there
# is no rise along depth to see.
#
# ### In which corner they lie
#
# Fewer labels are planted, so that the classes stay what they are, and networks are trained on
# random splits of them. Where CIFAR-10 is read there is real noise too, the labels that people gave
# in CIFAR-10N: as labels to train on, and as a second opinion on images that were trained with
# their original label. By how much does each corner have more wrong labels than there are overall
# (claim B31)?

# %% tags=["hide-input"]
wrong.errors_by_corner(chapter)

# %% tags=["hide-input"]
by_corner = wrong.errors_table(chapter)
charts.show(
    by_corner,
    caption="Wrong labels: among a corner's nearest images, and by nearest corner",
    percent=by_corner.columns[2:],
)

# %% [markdown]
# ### A use for it
#
# If wrong labels gather in “looks like another class”, the simplest rule a practitioner can take
# from this is to distrust the labels of the images nearest to that corner. Inspect as many as
# there are wrong labels; how many of the inspected are wrong? (As many are inspected as are wrong,
# so precision and recall are the same.)

# %% tags=["hide-input"]
charts.show(
    wrong.ranking(chapter),
    caption="Images nearest to “looks like another class”: share with a wrong label",
    percent=["wrong among them", "wrong overall"],
)

# %% [markdown]
# `nbcore difficulty` (below) uses a sharper rule. It suggests to **relabel** an image when the
# networks that held it out see another class, at least two of three of them agree, and it is
# decided earlier when held out than when trained on. **Confident learning** {cite}`northcutt2021`
# is what practitioners use today, as the library cleanlab: it needs the held-out probabilities, but
# no depths. Both get the same networks and the same labels, and neither sees which are wrong. The
# probabilities are the votes of the last probe, averaged over the networks that held the image out.

# %% tags=["hide-input"]
compared = relabel.comparisons(chapter)
relabel.found_by_method(compared)

# %% tags=["hide-input"]
relabel.who_wins(compared)

# %% tags=["hide-input"]
charts.show(
    relabel.table(compared),
    caption="Wrong labels found; mended: share of them whose suggested class is "
    "the original one; ranking: average precision",
    percent=["precision", "recall", "mended"],
)

# %% [markdown]
# cleanlab appears with its default settings, with two other of its filters, and with its ranking cut
# at as many images as the rule suggests, which tells whether the cut or the ranking makes the
# difference. Where the networks themselves are often wrong, any method that trusts them suspects the
# images that are hard for them.
#
# ### Your own data
#
# The same for a folder of your own images: heads are fitted to a pretrained network's features (or
# networks trained, or extended), and every image gets a row with its depths, agreement, learning
# order, margin, corner and suggested action, as parquet and CSV, and a page to look at what was
# suggested.
#
# ```bash
# nbcore difficulty ./mine                        # one folder for each class
# nbcore difficulty fashion-mnist -p members=20   # more networks, steadier rows
# nbcore difficulty --help
# ```

# %% [markdown]
# ## Live: the corners of digits
#
# Ten small networks are trained for real, each on four fifths of the digits.

# %%
pool = load_pool(Ensemble(dataset="digits", examples=500, test_examples=50))
network = ensemble.Network("mlp", width=32, depth=4)
recipe = Recipe(steps=200, batch=32, lr=0.03, weight_decay=0.0)
trained = []
for i in range(10):
    held_out = ensemble.held_out_mask(len(pool.labels), i, 0.2, "folds")
    trained.append(
        ensemble.train_member(
            pool, network, recipe, held_out, seed=i, device="cpu"
        )
    )
pictures.live(trained, pool)

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("corner-examples")

# %% [markdown]
# ## What could be wrong
#
# - **The size of a corner.** The further from the corner, the less an image is what the corner is
#   called. The table repeats every check with the paper's share of the images (one in 500, but at
#   least 20), in the other ensemble, and with images drawn at random in place of corners. A check
#   that random images pass says little about a corner.

# %% tags=["hide-input"]
charts.show(
    page.variants(chapter),
    caption="Every check on corners, under other choices (✓ holds, ✗ misses)",
)

# %% [markdown]
# - **Few held-out networks for an image.** A mean validation depth over a handful of networks is
#   noisy, and whoever takes extremes takes some of the noise. This is why claim B39 is
#   also asked with other networks scored than those that chose.
# - **Small networks on few images are often wrong.** Where half of the held-out answers are wrong,
#   an image can look like another class to these networks and like its own to anybody else.
# - **A scaled plane hangs on its extremes.** One image with an unusual depth stretches an axis for
#   all. The order of the images along an axis stays the same.
# - **Wrong labels known to be wrong.** Planted ones are random, while people confuse classes that
#   look alike. CIFAR-10N's majority label is an opinion as well: part of what it disputes is right
#   in the original. Chapter [12](12_test_set_remembers.ipynb) follows labels that are wrong in one class
#   only to the test images.
# - **Intervals** draw images (for planted labels: networks) anew; they know nothing of another
#   architecture, data set or schedule.
#
# ## Rerun this chapter
#
# ```bash
# nbcore run corner-examples                      # stored runs
# nbcore run corner-examples -p preset=smoke      # digits: a minute
# nbcore run corner-examples -p corner=20         # smaller corners
# nbcore run corner-examples -p fresh=true        # train all: hours
# # a data set of your own
# nbcore run corner-examples -p datasets=[./mine] -p networks=[vgg16]
# # the paper's networks: a GPU, and patience
# nbcore run corner-examples -p preset=paper -p device=cuda
# ```

# %% tags=["hide-input"]
charts.show(
    parameters_table("corner-examples"), caption="Parameters of this chapter"
)

# %% tags=["remove-input"]
from nbcore.charts.values import solution_plot

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} How far from the corner?
# :label: corners-far
# ```
# Mean validation depths run from 0 to 12, mean training depths from 1 to 11. An image has the
# depths 9 and 3. How far is it, in the scaled plane, from “ambiguous unless labelled”? Check with
# `exercises.check("corners-far", answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} corners-far
# :class: dropdown
# ````

# %%
x, y = 9 / 12, (3 - 1) / (11 - 1)
far = ((1 - x) ** 2 + (0 - y) ** 2) ** 0.5
print(far)
exercises.check("corners-far", far)

# %% [markdown]
# **Why.** Each axis is scaled by its own extremes first. Without this the axis with the longer
# range would decide alone which images are near a corner.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} Where they cross
# :label: corners-crossing
# ```
# At four layers, 0 to 3, the label of an image has .6, .5, .4 and .2 of the votes, the consensus
# class .2, .3, .5 and .7. At which layer do the two lines cross?
# ```{exercise-end}
# ```
#
# ````{solution-start} corners-crossing
# :class: dropdown
# ````

# %%
import numpy as np

lead = np.array([0.6, 0.5, 0.4, 0.2]) - np.array([0.2, 0.3, 0.5, 0.7])
crossing = 1 + lead[1] / (lead[1] - lead[2])
print(crossing)
exercises.check("corners-crossing", crossing)

# %% tags=["hide-input"]
solution_plot(
    np.arange(4),
    lead,
    x_title="layer",
    y_title="lead of the first class in votes",
    x_format="d",
    level=(0.0, "as many votes"),
    title=f"The lead is lost at layer {crossing:.2f}",
)

# %% [markdown]
# **Why.** Between two layers both curves are straight, and so is their difference. It falls from a
# lead to a deficit, and crosses nought in proportion to the two.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} What is a rescue worth?
# :label: corners-overall
# ```
# In the paper the middle layer lifts 100 of 50,000 images from 25 to 98%. By how much, as a
# fraction, does that raise the accuracy over all of them?
# ```{exercise-end}
# ```
#
# ````{solution-start} corners-overall
# :class: dropdown
# ````

# %%
worth = 100 * (0.98 - 0.25) / 50_000
print(worth)
exercises.check("corners-overall", worth)

# %% [markdown]
# **Why.** A large gain on few images is a small one on all. Whether a rescue matters depends on how
# many can be found without knowing their labels.

# %% [markdown]
# ````{solution-end}
# ````
