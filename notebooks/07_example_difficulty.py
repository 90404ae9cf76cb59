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
# # Example difficulty
#
# Some training images are easy: a network that never saw them classifies them correctly. Others
# stay wrong until they are learned by heart. {cite:t}`andreassen2022` sort the training images of
# CIFAR-10 by such a score, fine-tune on the hardest, on random and on the easiest of them, and find
# that hard examples lift a network highest above the line of [chapter 1](01_line.ipynb), at a price
# in accuracy.
#
# This chapter estimates the score, asks how far it can be trusted, and then trains on what it
# selects: only hard or only easy examples, fewer and fewer easy ones, and hard ones at the end.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
# pretrained network: a timm or torchvision name (efficientnet_lite0)
model = None
weights = None  # state dict to use instead of the published weights
id = None  # data set to train on: a name or a folder (cifar10)
ood = None  # shifted test sets, same classes (cinic10-imagenet)
image_size = None  # side to which all images are first brought (32)
feature_size = None  # side for last-layer training (128)
test_images = None  # ID test images, class-balanced (4000)
conditions = None  # conditions to run; none means all
testbed = None  # models of the line, KIND-N; none means the book's networks
# models shown beside it, KIND-N; none means classical ones beside the book's
# networks
apart = None
epochs = None  # training of the testbed's networks, relative (1.0)
resamples = None  # bootstrap resamples of images and seeds (500)
workers = None  # processes (2)
device = None  # auto, cpu or cuda (auto)
layout = None  # how your folders are read, where that can be doubted
# c-scores, depth, published, or a file of scores (.npy, .npz, .csv; low is
# hard) (c-scores)
difficulty = None
subset = None  # hard, random or easy examples, class-balanced (5000)
# also schedules from random weights, and choices by depth for the whole network
# (false)
extended = None
seeds = None  # seeds where the whole network is trained (3)
# seeds from random weights, and of the small networks of A17 (2)
scratch_seeds = None
head_seeds = None  # seeds where the last layer is (5)
control_seeds = None  # seeds of the whole network's controls and schedules (1)
size = None  # side for whole-network training (64)
steps = None  # steps of fine-tuning on a subset (300)
random_steps = None  # steps from random weights on a subset (600)
head_steps = None  # steps of last-layer training (4000)
ends = None  # examples left at the end of a schedule (1000, 5000, 10000)
phases = None  # phases of a schedule (10)
schedule_steps = None  # steps of fine-tuning on all or on a schedule (300)
random_schedule_steps = None  # the same from random weights (700)
further_steps = None  # steps of going on with a subset (150)
batch = None  # images a step (256)
lr = None  # rate of fine-tuning (0.02)
random_lr = None  # rate from random weights (0.1)
head_lr = None  # rate of last-layer training (0.001)
checkpoints = None  # evaluations, in log steps (12)
score_members = None  # networks behind the C-scores (40)
depth_members = None  # networks behind the depths (1)
# what the networks of A17 are pretrained on (fashion-mnist)
pretrain_set = None
pretrain_images = None  # how many of its images (0, 600, 6000, 60000)
pretrain_steps = None  # steps of pretraining, whatever the number (500)
tuned_steps = None  # steps of fine-tuning the networks of A17 (600)

# %% tags=["remove-input"]
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.example_difficulty import (
    figures,
    progress,
    related,
    tables,
)
from nbcore.chapters.example_difficulty import observe as page
from nbcore.chapters.example_difficulty import score_figures as scoring
from nbcore.chapters.example_difficulty.c_scores import CScoreRun, run_c_scores
from nbcore.chapters.example_difficulty.config import score_run
from nbcore.chapters.example_difficulty.runs import study
from nbcore.lines.tables import summary
from nbcore.measures import cscores, robustness, selection
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell, resolve

# %% tags=["remove-input"]
config = from_cell("example-difficulty", globals())
scores = scoring.gather(run_c_scores(score_run(config), fresh))
result = study(config, fresh=fresh)
recorded = page.record(result, config, preset)

# %% [markdown]
# ## The idea
#
# The **C-score** (consistency score) of {cite:t}`jiang2020` is the chance that a network classifies
# an example correctly without having seen it:
#
# $$C(x, y) = \Pr_S\bigl[f_S(x) = y\bigr],$$
#
# where $f_S$ is trained on a random set $S$ that does not contain $(x, y)$. A score of 1 belongs to an image that follows from the others. A score of 0 belongs to one that
# can only be memorised: a strange view, a confusing background, or a wrong label.
#
# **By hand.** Five networks are each trained on some of four images, and say something of all of
# them. An answer counts only where the image was *not* among those that the network learned.

# %%
held_out = np.array(
    [[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0]],
    dtype=bool,
)
correct = np.array(
    [[1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1]],
    dtype=bool,
)
print(cscores.c_scores(correct, held_out).score.round(2))

# %% [markdown]
# The first image was held out three times and always right: 1. The second and the third were right
# once in three: .33. Nobody held out the fourth, so it has no score, although every network gets it
# right: they all trained on it.
#
# A score then chooses training examples, the same number of each class. Low is hard. Of six images
# of two classes, the hardest two and the easiest two are:

# %%
by_hand = [0.9, 0.2, 0.1, 0.8, 0.5, 0.3]
classes = ["cat", "dog", "cat", "dog", "cat", "dog"]
for kind in ("hard", "easy"):
    print(kind, selection.select(kind, by_hand, classes, n=2))

# %% [markdown]
# Image 0 is the easiest cat and image 2 the hardest. Without the balance, a choice by difficulty
# would mostly be a choice of cats over ships.
#
# ## The scores
#
# Small networks, each trained on a random half of the training images, are asked about the other
# half. Every image is thus held out by half of them.

# %% tags=["hide-input"]
scoring.distribution(scores)

# %% tags=["hide-input"]
scoring.pictures(scores, related.disputed(scores, config))

# %% [markdown]
# Images: CIFAR-10 {cite}`krizhevsky2009`. Where a class with a question mark stands under an image,
# most of three people saw that class instead of the label {cite}`wei2022`.
#
# ### Published scores, and ours
#
# The published scores {cite}`jiang2020` average over training sets of many sizes and over far more
# networks, larger ones. These come from one size, half of the images. How far do they agree?

# %% tags=["hide-input"]
from nbcore.chapters.example_difficulty import published

published.against_ours(scores, config)

# %% tags=["hide-input"]
charts.show(
    published.same_choice(scores, config),
    caption=f"The {config.subset:,} hardest and easiest images by either score",
    percent=["by chance"],
)

# %% [markdown]
# A correlation over all images says little of the ends, and the ends are what is chosen. Where many
# images are tied, a smaller share can be in common than the correlation leads one to expect.
#
# ### Can they be trusted?
#
# A score from $k$ networks is a share of $k$ votes, with a standard error of up to $1/(2\sqrt k)$.
# Whether that is good enough is best asked directly: do two groups of networks that have no member
# in common rank the images alike? For groups that are $f$ times as large as those compared, a
# correlation of $r$ is expected to grow to
#
# $$r_f = \frac{f\,r}{1 + (f - 1)\,r}.$$

# %% tags=["hide-input"]
scoring.reliability(scores)

# %% [markdown]
# For this chapter another question matters more. If the other half of the networks had been asked,
# which of the chosen images would have been chosen too? And how many of the chosen have the same
# score as images that were left out, so that only the draw decides?

# %% tags=["hide-input"]
charts.show(
    scoring.repeated_choices(scores, config),
    caption=f"{config.subset:,} hardest and easiest images: share chosen by both halves "
    "of the networks, by chance, and share tied with images left out",
    percent=["in common", "by chance", "left to the draw"],
)

# %% [markdown]
# Where many images share a score, it cannot choose among them. At the easy end an image that every
# network gets right cannot be told from another one, and whoever takes "the easiest" of them takes a
# draw. More networks of the same kind help little there. Smaller training sets would, and the
# published scores average over those too.
#
# ### What other measures say
#
# The same images have a [prediction depth](03_prediction_depth.ipynb) and an update from which on
# they were [learned](05_depth_learning_margins.ipynb), in other networks and by other definitions.
# And people have labelled all of CIFAR-10's training images again {cite}`wei2022`, three each. How
# many of the three disagree with the label is stored with this book, as are the ranks of the
# published scores, so that this page says the same on every machine.

# %% tags=["hide-input"]
others = related.measures(scores, config)
related.by_score(scores, others)

# %% tags=["hide-input"]
charts.show(
    related.table(scores, others),
    caption="Rank correlation of other measures of difficulty with the C-score's "
    "(1 − C-score); positive: the same images are hard",
)

# %% [markdown]
# ### What is chosen
#
# Before training on the hardest examples one should know what they are. Where people have labelled
# the images again, the last column counts those for which most of them chose another class than the
# label. People err too: the share among images that every network gets right without having seen
# them is mostly theirs. What the hardest have beyond it is likely to be doubtful or wrong labels. What
# a network that fits wrong labels does with similar test images is asked in chapter
# [12](12_test_set_remembers.ipynb).

# %% tags=["hide-input"]
in_choices = related.contents(scores, config)
charts.show(
    in_choices,
    caption="What the choices contain",
    percent=in_choices.columns[3:],
)

# %% [markdown]
# ## Training on what was chosen
#
# Everything else is as in [chapter 2](02_rise_and_fall.ipynb): the same test images, the same
# testbed and line, the same network.

# %% tags=["hide-input"]
charts.show(tables.experiment_table(config), caption="The experiment")

# %% [markdown]
# By which scores an example is hard stands in the table's first row and under the figures.

# %% tags=["hide-input"]
figures.choices(result, "full")

# %% tags=["hide-input"]
figures.choices(result, "scratch")

# %% tags=["hide-input"]
figures.choices(result, "head")

# %% [markdown]
# Each curve is one way of choosing the examples, the mean over seeds. Steps are the same for all, so
# the curves differ in how far they get: look at equal ID accuracy first, then at the ends. The
# intervals come from one bootstrap in which every draw takes the same test images for all models,
# refits the line and lets other seeds stand in, as in chapter 2. With two seeds the intervals are wide
# to the point of saying nothing; with one they hold the images alone.

# %% tags=["hide-input"]
charts.show(
    tables.differences(result),
    caption="Claims A22 (peaks) and A23 (final ID accuracies): differences in points "
    "[95 %]; ✓ the interval settles the sign",
)

# %% [markdown]
# ### Two controls that the paper lacks
#
# If hard examples help, is it because they are *these* examples? **Hard, shuffled** deals the scores
# out anew among the images of each class before the hardest are taken, which is a random choice by
# another way: its difference to random examples has to be nothing but chance. **Hard by depth** takes
# the images that are decided latest, another idea of difficulty, from other networks.

# %% tags=["hide-input", "key-figure"]
figures.gains(result)

# %% [markdown]
# The paper's order of the peaks is hard above random above easy. Where the interval of a difference
# includes zero, or the shuffled control strays as far, the order is not shown to be more than chance.
#
# ### What it costs

# %% tags=["hide-input"]
figures.final_against_peak(result)

# %% [markdown]
# Random examples give the best final accuracy, says claim A23, and "final" needs training to have
# ended. After few steps a network is still learning what is easy, and whoever shows it nothing else
# is ahead. So here is who leads along the way. Until the rate falls, at seven tenths of the steps, a
# curve also says where a shorter training would stand; the end says where this one does.

# %% tags=["hide-input"]
progress.learning(result)

# %% tags=["hide-input"]
charts.show(
    progress.turning(result),
    caption="Random against easy examples: passes over the subset, from when on random ones are "
    "ahead to the end, and the final difference of ID accuracy in points [95 %]",
)

# %% [markdown]
# Where random examples are never ahead, training was too short to judge the claim for that start, or
# the claim does not hold for it: one length cannot tell these apart.
#
# All numbers, of every condition of this chapter, fold out here:

# %% tags=["hide-input", "hide-output"]
charts.show(
    summary(result, page.words),
    caption="Final accuracies in percent; effective robustness in points at the start, "
    "the peak (with 95 % interval) and the end, and the chance band at the peak",
)

# %% [markdown]
# ### A control that must fail
#
# With the labels of the shifted images shuffled nobody can be robust, whatever it was trained on.

# %% tags=["hide-input"]
charts.show(
    tables.shuffled_control(study(config, shuffled=True)),
    caption="Shuffled labels: the six conditions of largest ER, and the chance band there, "
    "in points",
)

# %% [markdown]
# ## Phasing out the easy examples
#
# Can one have both, the accuracy of all examples and the robustness of the hard ones? Training
# starts on everything. From phase to phase the easiest are dropped, class by class and by the same
# factor, until a hard core is left. The comparison, *all examples*, is trained in as many phases,
# with the same rates and the same restarts.

# %% tags=["hide-input"]
figures.schedules(result, "full")

# %% tags=["hide-input"]
figures.schedules(result, "scratch")

# %% [markdown]
# The paper sees no effect with any schedule (claim A24). Here each checkpoint of a schedule is compared
# with training on everything where that had the same ID accuracy. Along a schedule accuracy falls and
# rises, so that one accuracy stands for several networks: only the curve of all examples, which
# rises, is interpolated.

# %% tags=["hide-input"]
figures.schedule_differences(result)

# %% [markdown]
# Equal accuracy compares a late, hard phase with an early one. The other way to look is phase by phase:
# a schedule and training on everything after equally many steps, at the same rates.

# %% tags=["hide-input"]
progress.phases(result, "full")

# %% tags=["hide-input"]
progress.phases(result, "scratch")

# %% [markdown]
# Once the easy images are gone, a schedule trains on hard examples alone, and behaves as such training
# does. The paper's schedules end at a high accuracy after many passes, these after a few.
#
# ## Going on with hard examples
#
# Now the network has learned all it can from all examples, and only then sees hard ones. The paper
# reports that its robustness rises again while its accuracy falls (claim A25). But going on at the
# first learning rate, and on few images, changes a network whichever images they are. So the same is
# done with *random* ones.

# %% tags=["hide-input"]
figures.going_on(result)

# %% tags=["hide-input"]
charts.show(
    tables.going_on_table(result),
    caption="What going on changes, in points [95 %]",
)

# %% [markdown]
# Where both accuracies fall and the shifted one falls by less than the line expects, effective
# robustness rises: that is the rise of claim A25, and nothing is solved that was not solved before.
# Random images say how much of it comes from going on at all.
#
# ## More pretraining images: a stand-in
#
# In the paper the peak grows with the number of photographs that a network was pretrained on, up to
# a plateau (claim A17). The photographs are private and the networks large. In their place a small
# residual network is pretrained here on more and more pictures of another data set, named under the
# figure, for the same number of steps, and then trained on the same random examples as above. This is
# **not** the paper's experiment, and a failure here says little about it: the pictures are small and
# few, and they may show other things than the photographs do.

# %% tags=["hide-input"]
figures.pretraining(result)

# %% tags=["hide-input"]
charts.show(
    tables.steps_up(result),
    caption="Does it level off? Peak of ER minus that with the next smaller number of images, in "
    "points [95 %]; ✓ the interval settles the sign",
)

# %% [markdown]
# ## Live: the hardest digits
#
# The same code for real: eight small networks, each trained on a random half of the digits, say
# which digits are hard.

# %%
digits = scoring.gather(
    run_c_scores(CScoreRun.resolve("smoke", members=8, seed=1), fresh=True)
)
scoring.hardest(digits)

# %% [markdown]
# And three networks learn the digits 0 to 4 from fifty hard, random and easy examples, with chapter
# 2's shift (digits moved to the right). One seed and 250 test images show the machinery, and
# are no evidence.

# %%
live = study(
    resolve(
        "example-difficulty",
        "smoke",
        subset=50,
        seeds=1,
        score_members=4,
        conditions=["scratch-hard", "scratch-random", "scratch-easy"],
        testbed=[
            f"{k}-{n}" for k in ("knn", "mlp", "plain16") for n in (10, 30)
        ],
    ),
    fresh=True,
)
charts.show(
    summary(live, page.words)[["condition", "ID", "OOD"]],
    caption="Digits: final accuracies in percent",
)

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("example-difficulty")

# %% [markdown]
# ## What could be wrong
#
# - **Hard for whom?** Our C-scores say what is hard for small networks trained on half of the
#   images. The paper's scores come from larger networks and training sets of many sizes; the table
#   above says how many images both choose. `-p difficulty=published` and `-p difficulty=c-scores`
#   train on either choice.
# - **The easy end is a draw.** Among images that every network gets right the score cannot choose.
# - **Wrong labels are hard examples.** A network that is trained on the hardest images learns some
#   labels that are wrong, which costs accuracy whatever robustness does.
# - **Effective robustness is a difference.** Where ID accuracy falls, the line expects less, and ER
#   can rise although the shifted images are classified no better. Read "what going on changes" with
#   this in mind, and see the last exercise.
# - **The peak is chosen and measured on the same images,** which flatters every peak a little, and
#   a curve with more covered checkpoints a little more.
# - **Few seeds.** Where a condition was trained once (the table of the experiment says which were),
#   its interval holds the chance of the test images, and none of the training.
# - **Equal steps are not equal progress.** Easy examples are learned within few steps, hard ones
#   are not. One learning rate for each start, none tuned for a choice of examples.
# - **The shift comes from ImageNet,** as in chapter 2, and the network was pretrained there.
# - **Short training.** The paper trains for 100 epochs at full resolution; "the end" here is the
#   last of a few passes at a small one.
#
# ## Rerun this chapter
#
# ```bash
# nbcore run example-difficulty                        # the stored runs
# nbcore run example-difficulty -p preset=smoke        # digits: two minutes
# # another measure of difficulty, another size
# nbcore run example-difficulty -p difficulty=depth
# nbcore run example-difficulty -p difficulty=mine.csv
# nbcore run example-difficulty -p subset=1000
# # the published scores, where a network can fetch them
# nbcore data get cifar10-c-scores
# nbcore run example-difficulty -p difficulty=published
# # three seeds of everything, schedules from random weights too, and from these as many passes
# # over a subset as in the paper, a hundred
# nbcore run example-difficulty -p extended=true -p scratch_seeds=3 -p control_seeds=3 \
#   -p random_steps=2000 -p random_schedule_steps=2000
# # pretraining on a sixteenth to all of Tiny ImageNet
# nbcore run example-difficulty -p pretrain_set=tiny-imagenet-32 -p scratch_seeds=3 \
#   -p pretrain_images=[6250,12500,25000,50000,100000] -p pretrain_steps=2000
# # your own images: one folder for each class, in both
# nbcore run example-difficulty -p id=./mine -p ood=[./theirs] \
#   -p subset=200 -p ends=[100] -p device=cuda
# ```
#
# The book preset trains sixty networks: two hours on two cores. On an NVIDIA H200 that fourteen of
# them shared, the first thirteen took two and a half minutes. Every one is kept as soon as it is
# done, and `-p conditions=[full-hard,full-random]` trains only those; `-p extended=true` adds the
# schedules from random weights. A file of scores is `.npy`, `.npz` (`scores`, perhaps `labels`) or `.csv` (column
# `score`, perhaps `label`), one score for every training image in order, low for hard. Labels in the
# file have to be those of the images, or it is refused.

# %% tags=["hide-input"]
charts.show(
    parameters_table("example-difficulty"), caption="Parameters of this chapter"
)

# %% tags=["remove-input"]
from nbcore.charts.values import solution_plot

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} Whose answer counts?
# :label: difficulty-score
# ```
# Eight networks classify an image; six of them correctly. Three of the eight were trained on it, and
# these three are all right. What is its C-score? Check with
# `exercises.check("difficulty-score", answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} difficulty-score
# :class: dropdown
# ````

# %%
held = np.array([True] * 5 + [False] * 3)
right = np.array([True, True, True, False, False, True, True, True])
c = cscores.c_scores(right[:, None], held[:, None])
print(c.score, "standard error", c.standard_error.round(2))
exercises.check("difficulty-score", c.score[0])

# %% [markdown]
# **Why.** The three networks that learned the image say nothing about it. Of the five others three
# are right. Had all eight been counted, the score would be higher, and for an image with a wrong
# label much higher.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} How many networks?
# :label: difficulty-members
# ```
# The C-scores of two groups of ten networks have a rank correlation of .8. How many networks does a
# group need to reach .95?
# ```{exercise-end}
# ```
#
# ````{solution-start} difficulty-members
# :class: dropdown
# ````

# %%
size = 10
while cscores.spearman_brown(0.8, size / 10) < 0.95:
    size += 1
print(size)
exercises.check("difficulty-members", size)

# %% tags=["hide-input"]
sizes = np.arange(5, 2 * size)
solution_plot(
    sizes,
    [float(cscores.spearman_brown(0.8, n / 10)) for n in sizes],
    x_title="networks in a group",
    y_title="expected correlation",
    level=(0.95, "wanted"),
    title=f"Groups of {size} networks are expected to agree by .95",
)

# %% [markdown]
# **Why.** Averaging leaves what the networks have in common and takes away what is each one's own.
# The last few hundredths of a correlation cost the most networks.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} More robust, and worse
# :label: difficulty-trade
# ```
# Let the line divide everybody's odds by three. A network has 90% accuracy in distribution and
# 78% on shifted images. It goes on with hard examples and ends at 86% and 74%, worse on both. By
# how much does its effective robustness change?
# ```{exercise-end}
# ```
#
# ````{solution-start} difficulty-trade
# :class: dropdown
# ````

# %%
odds_by_three = robustness.fit_line([0.50, 0.75, 0.90], [0.25, 0.50, 0.75])
er = robustness.effective_robustness([0.90, 0.86], [0.78, 0.74], odds_by_three)
print(er.round(3), f"change {er[1] - er[0]:+.3f}")
exercises.check("difficulty-trade", er[1] - er[0])

# %% [markdown]
# **Why.** At the lower accuracy the line expects less, and the network lost less than that. It is
# worse on both sets and yet more robust in the sense of the definition: the measure is a
# difference, and both of its terms have to be looked at.

# %% [markdown]
# ````{solution-end}
# ````
