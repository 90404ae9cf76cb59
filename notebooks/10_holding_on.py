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
# # Holding on
#
# {cite:t}`andreassen2022` report that a pretrained network stands above the line for a while, and
# falls back to it as fine-tuning goes on; what of this is seen here is in
# [chapter 2](02_rise_and_fall.ipynb). Who wants a network that is accurate *and* robust asks
# whether the fall can be avoided. They try to keep the old task
# alive by replaying its images {cite}`ratcliff1990,rolnick2019`; the network then forgets less
# {cite}`kirkpatrick2017`, and its robustness is lost all the same. A later answer mixes the weights
# of the fine-tuned network with those it started from {cite}`wortsman2022`.
#
# This chapter puts both beside the simplest rival, training that is stopped early. A network that
# is less accurate tends to stand higher above the line, so everything is compared *at equal
# accuracy*.

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
# cifar10, digits, or a YAML file of target: [synset or index] (cifar10)
class_map = None
# networks whose last layers are trained; none means all five on CIFAR-10
networks = None
train_images = None  # training images of the last layers (10000)
head_steps = None  # steps of last-layer training (1000)
head_lr = None  # its rate (0.01)
head_batch = None  # its images a step (64)
head_replay = None  # old images that last layers replay (2000)
points = None  # points of a path, both ends among them (11)
# what the small network is pretrained on and replays: a name or a folder (tiny-
# imagenet-32)
replay_set = None
kind = None  # the small network, of the testbed's (res16)
pretrain_steps = None  # steps of its pretraining (1500)
tune_images = None  # training images that it is fine-tuned on (2500)
tune_steps = None  # steps of its fine-tuning (300)
tune_lr = None  # rate of its fine-tuning (0.01)
tune_batch = None  # images a step, and of each replayed batch (32)
replay_batches = None  # replayed batches for each batch (1, 10)
# loss weights of one replayed batch, instead of so many batches (100.0)
replay_weights = None
# true: train what is not stored yet; false: show what is (false)
compute = None
seeds = None  # seeds of everything that is trained (3)
checkpoints = None  # evaluations of last layers, in log steps (25)

# %% tags=["remove-input"]
import torch
from IPython.display import display
from nbcore import charts, exercises
from nbcore.chapters.holding_on import figures, observe
from nbcore.chapters.holding_on import study as measured
from nbcore.chapters.holding_on.config import HoldingOn
from nbcore.charts.tables import sentence
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell
from nbcore.training.interpolation import interpolate

# %% tags=["remove-input"]
config = from_cell("holding-on", globals())
heads = measured.last_layers(config, fresh=fresh)
small = measured.replayed(config, fresh=fresh)
digits = measured.digits(config)
whole = measured.whole_networks(config)
recorded = observe.record(heads, small, config, preset)

# %% [markdown]
# In one sentence, made from the numbers below:

# %% tags=["remove-input"]
sentence(observe.advice(heads, small, digits, config))

# %% [markdown]
# ## The idea
#
# Two networks of one architecture are two points in the space of weights. On the straight line
# between them lies, for every share $a$, a third network with the weights $(1-a)\,w_0 + a\,w_1$.
# Where both ends come from the same pretrained network, those in between often work, and no
# training is needed to try them: one reading of the test images each.
#
# **By hand.** A classifier of one weight says "cat" where $w x > 0$. It is mixed from $w_0 = -1$
# and $w_1 = 3$; an image of $x = 1$ is a cat. Which mixtures see it?

# %%
ends = {"w": torch.tensor([-1.0])}, {"w": torch.tensor([3.0])}
for share in (0.0, 0.2, 0.25, 0.3, 1.0):
    w = float(interpolate(*ends, share)["w"])
    print(f"{share:.2f} of the trained weights: w = {w:+.1f}, cat: {w > 0}")

# %% [markdown]
# Answers change where a weighted sum crosses another one, not evenly along the way.
#
# Which pretrained end? A last layer of zeros has no accuracy, and from zero the straight path only
# makes all logits larger, which changes no answer. The end that knows something is the network's own
# last layer, read through the class map of [chapter 6](06_zero_shot_class_maps.ipynb): each new
# class counts as the best of its ImageNet classes. Training starts there too.
#
# **The fair comparison.** Of the eleven points of a path the one nearest to the pretrained end is
# chosen that costs at most one point of ID accuracy. Its effective robustness is compared with that
# of training at the moment when it had the same accuracy.
#
# ```{warning}
# **The shift leaks.** The shifted images (CINIC-10's, {cite}`darlow2018`) come from ImageNet. So
# does what the networks were pretrained on, and so does Tiny ImageNet {cite}`le2015`, which is
# replayed here in place of ImageNet. Old images and shifted images are relatives, which favours
# replay and the pretrained end. MNIST to USPS, further down, has no such relation.
# ```
#
# ## Mixing last layers
#
# Networks of ImageNet (three sizes of EfficientNet-Lite {cite}`tan2019`, MobileNetV2
# {cite}`sandler2018`, SqueezeNet {cite}`iandola2016`), of which the last layer is trained on 10,000
# CIFAR-10 images.

# %% tags=["remove-input"]
observe.computed(heads, config)

# %% tags=["hide-input", "key-figure"]
figures.gains(heads, config)

# %% tags=["hide-input"]
figures.training_and_path(heads, config)

# %% tags=["hide-input"]
figures.along(heads, config)

# %% tags=["hide-input"]
observe.methods(heads, config)

# %% [markdown]
# ### Whole networks
#
# The same between whole networks: from the pretrained one, its last layer trained, to the fine-tuned
# one.

# %% tags=["hide-input"]
figures.whole_paths(whole)

# %% [markdown]
# ## Replaying old images
#
# A small residual network is pretrained on Tiny ImageNet at 32 pixels, and gets a second, fresh
# head for CIFAR-10. Each step takes a batch of CIFAR-10 and 1 or 10 batches of old images (claims A31,
# A32). A hundred batches are out of reach of two cores: in their place one batch gets a weight of
# 100 in the loss. It is a stand-in in every respect: for ResNet-18, for ImageNet, and for a training
# of 100 epochs.

# %% tags=["hide-input"]
display(*figures.section(small, config, "CIFAR-10"))

# %% [markdown]
# ### A shift without a leak
#
# The same with digits: a small network of Tiny ImageNet learns MNIST {cite}`lecun1998`, and is tested
# on USPS {cite}`hull1994`. The line is that of chapter 2's digits. Where its own networks scatter beyond
# chance, only differences between conditions count.

# %% tags=["hide-input"]
display(*figures.section(digits, config, "MNIST"))

# %% [markdown]
# ## Controls
#
# Replay must owe its effect to what the old images teach, and a path to where it leads.

# %% tags=["hide-input"]
observe.controls(heads, small, config)

# %% [markdown]
# With the labels of the shifted images shuffled nobody can be robust:

# %% tags=["hide-input"]
figures.shuffled(measured.last_layers(config, shuffled=True), config)

# %% [markdown]
# ## Live: digits that remember digits
#
# The same code in seconds: a network of the digits 5 to 9 learns 0 to 4 and replays the old ones.

# %% tags=["hide-input"]
tiny = HoldingOn.resolve("smoke", seeds=1)
live = measured.replayed(tiny)
observe.conditions(live, tiny, "Digits")

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("holding-on")

# %% [markdown]
# ## What could be wrong
#
# - **Replay slows the new task.** The loss is the mean (new + w · old) / (1 + w) and the rate is
#   raised by √(1 + w), so that the shared weights learn the new task at 1/√(1 + w) of the rate that
#   they have without replay; its own head learns at the full rate. At equal accuracy the comparison is fair,
#   at the end of training it favours replay.
# - **A weight is no batch.** One batch of weight 100 has the noise of one batch.
# - **A small network, trained briefly.** It forgets other things than a ResNet-18 does in 100 epochs.
# - **Last layers only.** Between whole networks mixing has more to gain; these are trained where a
#   GPU is at hand.
# - **A chosen point.** Which mixture is taken depends on ID accuracy alone, so that the shifted set
#   has no say in it; a practitioner can do the same.
# - **Relatives.** Three of the five networks are sizes of one family.
# - **Wide intervals.** Other seeds are drawn for a path and for the training that it is compared
#   with as if they were independent, though the path ends at that very training.
#
# ## Rerun this chapter
#
# ```bash
# nbcore run holding-on                    # what is stored: a minute
# nbcore run holding-on -p preset=smoke    # digits: 20 seconds
# nbcore run holding-on -p compute=true    # train what is missing: an hour of a core, 4 GB
# # your network and folders; the map is a YAML file of target: [synset]
# nbcore run holding-on -p compute=true -p networks=[resnet18] \
#   -p id=./mine -p ood=[./theirs] -p class_map=mine.yaml -p replay_set=./old
# # whole networks of ImageNet, of which paths are then shown here:
# # 100 minutes each on a core
# nbcore run rise-and-fall -p \
#   'whole_networks=["efficientnet_lite0@128, rate 0.001-seed0"]'
# ```
#
# A set to replay is a folder with one subfolder per class. For the last layers of `networks`, which
# replay too, the subfolders are called as the network's classes are, by synset.

# %% tags=["hide-input"]
charts.show(
    parameters_table("holding-on"), caption="Parameters of this chapter"
)

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} Where does the answer change?
# :label: holding-crossing
# ```
# In the worked example, from which share of the trained weights on is the image a cat?
# ```{exercise-end}
# ```
#
# ````{solution-start} holding-crossing
# :class: dropdown
# ````

# %%
exercises.check("holding-crossing", 1 / (3 + 1))

# %% [markdown]
# **Why.** The score is a straight line in the share, and the answer changes where it crosses
# nought: not in the middle of the path, but where the two ends balance.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} How much is kept?
# :label: holding-kept
# ```
# The paper's network has 69% on ImageNet before, 63% after fine-tuning with replay and 39% without.
# By how much does the *share* of the old accuracy that is kept differ?
# ```{exercise-end}
# ```
#
# ````{solution-start} holding-kept
# :class: dropdown
# ````

# %%
exercises.check("holding-kept", (63 - 39) / 69)

# %% [markdown]
# **Why.** Divided by what was there before, the two numbers can be compared between networks of
# different accuracy. In points the same loss weighs more for a weak network.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} What replay costs the new task
# :label: holding-rate
# ```
# Ten old batches go with every new one. At what share of the rate without replay do the shared
# weights learn the new task?
# ```{exercise-end}
# ```
#
# ````{solution-start} holding-rate
# :class: dropdown
# ````

# %%
exercises.check("holding-rate", 11**0.5 / 11)

# %% [markdown]
# **Why.** The mean over all batches divides the new loss by one more than the weight, and the rate
# is raised by the root of that number. Their product is one over the root: the new task is learned
# at that share of the speed.

# %% [markdown]
# ````{solution-end}
# ````
