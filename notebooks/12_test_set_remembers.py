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
# # The test set remembers the train set
#
# How well a classifier generalizes is mostly told by one number, how often it is right on test images. But two
# classifiers that are equally often right can be wrong in quite different ways. This chapter asks what test
# images still know of the labels that a classifier was trained on. Label some of the trousers as bags, fit every
# label, and see how many test trousers are called bags {cite}`nakkiran2020distributional`. Let such a
# classifier teach another, and see what the other learns {cite}`kaplun2022models`. At last, train so that no
# single image can be remembered, and see whether what happens in training is what happens afterwards
# {cite}`kulynych2022`.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
datasets = None  # pictures whose labels are copied (fashion-mnist, cifar10)
dataset = None  # pictures of the other two studies (fashion-mnist)
epochs = None  # passes of an MLP that copies labels (160)
epsilons = None  # privacy budgets, rising (0.5, 2.0, 8.0)
delta = None  # chance with which a budget may not hold (1e-05)
seeds = None  # members of the first two studies (5)
private_seeds = None  # members of the study on privacy (5)
resamples = None  # bootstrap resamples (1000)
workers = None  # processes (1)
device = None  # nothing here needs another (cpu)

# %% tags=["remove-input"]
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.test_set_remembers import (
    budget,
    figures,
    observe,
    private_figures,
    study,
)
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell

# %% tags=["remove-input"]
config = from_cell("test-set-remembers", globals())
found = study.load(config, fresh=fresh)
recorded = observe.record(found, preset)

# %% [markdown]
# ## The idea
#
# Let a classifier $f$ be trained until it gives every training image $x_i$ its label $y_i$, wrong labels too. Its
# error in training is 0, and on test images it is not, so in that sense it does not generalize. It may do so in
# another: that the *pairs* $(x, f(x))$ on test images are distributed like the pairs $(x, y)$ in training. Not
# in every detail, since then $f$ would have to know each image, but for whatever it can tell apart. If $L(x)$ is a
# coarse description of an image, such as its class, which the same method could learn well from equally
# many images, then
#
# $$ \bigl(L(x),\, f(x)\bigr) \;\approx\; \bigl(L(x),\, y\bigr) . $$
#
# For one nearest neighbour one can see why. The label of a test image is that of *one* training image. If the
# neighbour of a test trouser is a training trouser, then it is a trouser like any other, and its label is
# wrong as often as those of trousers are. Nothing is averaged, so a share of 30% comes out as
# 30%. With 25 neighbours it is different: the wrong label wins only if it has 13 votes.
#
# **By hand.** Ten training trousers, three of them labelled as bags, and a test trouser that is as near to each. One
# neighbour: a bag with chance $\tfrac3{10}$. Three neighbours: a bag if two or three of them are wrong, which is so
# in $3 \cdot 7 + 1 = 22$ of the 120 ways to choose three of ten, about .18. All ten: never.

# %%
wrong = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
rng = np.random.default_rng(0)
for k in (1, 3, 5, 9):
    votes = np.array(
        [rng.choice(wrong, k, replace=False).sum() for _ in range(20_000)]
    )
    print(f"{k} neighbours: a bag with chance {(2 * votes > k).mean():.2f}")

# %% [markdown]
# ## The experiment
#
# ### Trousers as bags
#
# | part | here |
# |---|---|
# | pictures | Fashion-MNIST {cite}`xiao2017` at 14×14 pixels, 2,000 of them: trousers labelled as bags; CIFAR-10 {cite}`krizhevsky2009`, 2,500: automobiles labelled as horses. Each picture of the class is relabelled with chance .3 |
# | what methods see | pixels; of CIFAR-10 the features of a network pretrained on ImageNet |
# | fit every label | one neighbour; a tree; one hidden layer (MLP); six convolutions with batch norm (VGG), on Fashion-MNIST only; Laplace's kernel without a ridge, a narrow and a wide one |
# | do not | 25 neighbours; the MLP after a twentieth of the passes |
#
# The paper's example is dogs as cats, by a residual network. Small networks take dogs for cats without being
# told to; so here two classes were chosen, before any run, that one does not take for each other.

# %% tags=["hide-input"]
figures.rates(found)

# %% [markdown]
# Points on the dashed line copy exactly what was planted. Farther down are the two methods that must not: both had
# the same labels, and did not fit them. The two kernels differ in width only. The narrow one hears almost nothing but the nearest
# picture; the wide one fits every label too, but between the pictures it takes an average.
#
# What can a method copy at all? If it knows the class in a share $a$ of the cases after training on right labels,
# and gives the wrong label in a share $b$ without a reason, then $p\,a + b$ is what one expects of it with a share
# $p$ relabelled. A method that cannot tell the class has nothing to pin the wrong label to. That is what the claim says too: it is
# about what a method can tell apart. Where *class known* is far below one, the share that reappears is too, and the
# number to compare it with is the one *expected*.

# %% tags=["hide-input"]
charts.show(
    figures.told_apart(found),
    caption="What each method fits, knows, and copies",
    percent=[
        "labels fitted",
        "class known",
        "wrong without reason",
        "expected",
        "wrong",
    ],
    digits=0,
)

# %% [markdown]
# And the other classes? They were not touched, and a classifier that spread the wrong label evenly would be
# just as wrong in training.

# %% tags=["hide-input"]
figures.elsewhere(found, config.datasets[0])

# %% [markdown]
# ### Finer cells than classes
#
# Now the labels are two groups of classes, such as tops and dresses against all else, and every class has its
# own share of flipped labels, from none to 40%. Nobody tells the methods that there are ten classes. If the answers
# know of them all the same, then the flips of test images follow those of training images class by class. A method that
# takes an average follows the group.

# %% tags=["hide-input"]
figures.cells(found)

# %% [markdown]
# A line as steep as the one of training means that a method answers by the class, of which it was never told; a flat
# one, that it answers by the group.
#
# Labels that were made wrong are met in other chapters too: chapter [8](08_corner_examples.ipynb) looks for them
# among the examples that networks learn late and would have called something else, and chapter
# [7](07_example_difficulty.ipynb) asks what the hard examples of a set do to a network. There the question is what becomes of the
# wrong example; here it is what becomes of its neighbours.
#
# ### Bad teachers, good students
#
# A method that copies wrong labels is a bad classifier: with 40% of all labels wrong it is wrong in as many cases,
# and some more. But think of it as a machine that, asked about an image, *draws* a label, with the chances that labels have
# for such images. The best possible classifier would answer with the label that is drawn most often. So it can be learned from the
# machine: ask it about many images without labels, and train a student that takes an average of what
# it says.

# %% tags=["hide-input", "key-figure"]
figures.students(found)

# %% [markdown]
# Three things could make this look better than it is. The teacher might not matter: labels in a random order should make
# its student useless. The student might not matter: one that copies, like the teacher, should gain nothing. And the
# teacher might not be needed: the same student can learn from the teacher's own noisy labels.

# %% tags=["hide-input"]
figures.pupils(found)

# %% [markdown]
# ### What you see is what you get
#
# What a classifier remembers of single images shows as a gap between training and test images. The gap is not the same for all:
# rare groups are remembered most. Here one picture in twenty is turned by a quarter.
#
# Training is $(\varepsilon, \delta)$-**private** if with one image more or less every set of outcomes has nearly the
# same chance, up to a factor $e^\varepsilon$ and a summand $\delta$. **DP-SGD** draws each image for a step
# with a chance of its own, cuts its gradient to a largest norm, and adds normal noise in proportion to
# that norm. How much noise a budget $(\varepsilon, \delta)$ asks for is computed by an accountant, here that of Rényi
# differential privacy in Opacus {cite}`yousefpour2021`.
#
# Then there can be no large gap, for any group. Let $\varphi$ be any score in $[0, 1]$ of an image and a trained network, such as
# being right. Take an image $x$ of the training set and another one, $x'$, of the same group. Whether the
# network was trained with $x$ or with $x'$ in its place, it is nearly the same in distribution; and asking about $x$ a network that was
# trained with $x'$ is asking about a test image. So the expected scores differ by no more than the two distributions do,
#
# $$ | \mathbb{E}\,\varphi_\text{train} - \mathbb{E}\,\varphi_\text{test} | \;\le\;
# \frac{e^{\varepsilon'} - 1 + 2\delta'}{e^{\varepsilon'} + 1} , \qquad \varepsilon' = 2\varepsilon,\;
# \delta' = (1 + e^\varepsilon)\,\delta , $$
#
# where $\varepsilon'$ and $\delta'$ are for one image in another's place: one step away and one back. The size of the group
# does not occur.

# %%
from nbcore.measures.generalization.copying import privacy_bound, replaced

for epsilon in (0.25, 0.5, 2.0):
    bound = privacy_bound(*replaced(epsilon, 1e-5))
    noise = budget.noise_for(epsilon, 1e-5, images=8000, batch=256, steps=468)
    print(f"ε = {epsilon:4g}: a gap of {bound:.3f} at most, noise {noise:.1f}")

# %% tags=["hide-input"]
private_figures.groups(found)

# %% tags=["hide-input"]
private_figures.budgets(found)

# %% [markdown]
# The bound holds, and says little at budgets that are used in practice. The dashed line is what the same network does without privacy.
#
# A network that has learned little has no gap either. So the one trained by SGD is looked at twice: at the end, and at the moment
# when it is as good in training as the private one with the largest budget. If that one has no gap, then the gap alone does not tell
# private training from training that was short. What remains is that privacy promises it beforehand, for every score and group, and
# stopping early does not. The table also says what the promise costs.

# %% tags=["hide-input"]
charts.show(
    private_figures.accuracies(found),
    caption="Noise, in units of the largest gradient's norm, and accuracies by budget",
    percent=[
        "in training",
        "on test images",
        "rotated, in training",
        "rotated, on test images",
    ],
    digits=1,
)

# %% [markdown]
# A budget that no noise can meet, in the books of this accountant, is refused with a sentence:

# %%
import textwrap

from nbcore.errors import ParameterError

try:
    budget.noise_for(0.05, 1e-5, images=8000, batch=256, steps=468)
except ParameterError as error:
    print(textwrap.fill(str(error), 72))

# %% [markdown]
# ## Live: digits that were relabelled
#
# A thousand digits, 30% of the zeros labelled as sevens, and two numbers of neighbours.

# %%
from nbcore.measures.depth import knn_predict
from nbcore.measures.generalization.copying import chosen
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
chances = np.where(np.arange(10) == 0, 0.3, 0.0)
given = np.where(chosen(y, chances, seed=0), 7, y)
for k in (1, 25):
    said = knn_predict(x[:1000], given[:1000], x[1000:], k=k)
    zeros, others = (said[m] == 7 for m in (y[1000:] == 0, y[1000:] > 0))
    right = (said == y[1000:])[y[1000:] > 0].mean()
    print(
        f"{k:2d}: {zeros.mean():.2f} of zeros; other digits right {right:.2f}"
    )

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("test-set-remembers")

# %% [markdown]
# ## What could be wrong
#
# - **Small networks.** The claim on copied labels is about classes that a method can tell apart. The
#   paper's residual network sees 50,000 pictures; six convolutions on a few thousand pictures of CIFAR-10 would know
#   too little of an automobile to say anything, and were not asked.
# - **Two pairs of classes**, chosen because they are unlike each other. Other pairs, other shares and wrong labels that depend on
#   how an image looks were not tried.
# - **Features.** The network that sees CIFAR-10 was pretrained on photographs of the same kinds of things, without
#   wrong labels.
# - **The same pictures.** Of CIFAR-10 the members draw from 6,000 training pictures, and all are tested on the same 4,000, so that
#   their intervals do not cover other pictures.
# - **The best possible classifier** is not known. A student of right labels stands for it.
# - **A bound that says little.** At the budgets of practice it is near 1, and what is measured lies far below. That the
#   gap is small there is not explained by it.
# - **Neither proof nor audit.** That training was private is by construction, of Opacus and its accountant; nobody tried to
#   attack it. Seeds of the noise are fixed, so that the run can be repeated: whoever knows them knows the noise.
# - **What is left out**: methods that are designed by this principle; see [what is not run here](../not_run.md).
#
# ## Rerun this chapter
#
# ```bash
# nbcore run test-set-remembers                  # from the stored runs
# nbcore run test-set-remembers -p fresh=true    # all of them: a quarter of an hour
# nbcore run test-set-remembers -p preset=smoke  # digits: half a minute
# nbcore run test-set-remembers -p 'epsilons=[1,3]' -p delta=1e-6
# ```

# %% tags=["hide-input"]
charts.show(
    parameters_table("test-set-remembers"), caption="Parameters of this chapter"
)

# %% tags=["remove-input"]
from nbcore.charts.values import solution_plot
from scipy.stats import binom

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} Twenty-five neighbours
# :label: remembers-vote
# ```
# All 25 nearest neighbours of a test image are of its class, and each was relabelled with chance .3, all as the
# same other class. With which chance does the vote go to the wrong label? Check with
# `exercises.check("remembers-vote", your_answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} remembers-vote
# :class: dropdown
# ````

# %%
exercises.check("remembers-vote", binom.sf(12, 25, 0.3))

# %% tags=["hide-input"]
share = np.linspace(0, 0.7, 71)
solution_plot(
    share,
    binom.sf(12, 25, share),
    x_title="share relabelled",
    y_title="chance of the wrong label",
    level=(0.3, "one neighbour, at .3"),
    title=f"With .3 relabelled, 25 neighbours are wrong in {binom.sf(12, 25, 0.3):.1%}",
)

# %% [markdown]
# **Why.** Votes are an average, and an average of 25 is seldom on the other side of one half from its
# expectation, .3. At .5 nothing is left of that.
#
# ````{solution-end}
# ````
#
# ```{exercise-start} Two teachers
# :label: remembers-student
# ```
# Two teachers saw different training images. Each copies labels of which 40% are wrong, evenly among nine
# other classes, and would be right without them. How often do they agree?
# ```{exercise-end}
# ```
#
# ````{solution-start} remembers-student
# :class: dropdown
# ````

# %%
exercises.check("remembers-student", 0.6 * 0.6 + 0.4 * 0.4 / 9)

# %% tags=["hide-input"]
noise = np.linspace(0, 0.9, 91)
solution_plot(
    noise,
    (1 - noise) ** 2 + noise**2 / 9,
    x_title="share of wrong labels",
    y_title="agreement",
    level=(0.1, "by chance"),
    title=f"At .4 two samplers agree in {0.36 + 0.16 / 9:.0%}",
)

# %% [markdown]
# **Why.** Both right, or both wrong in the same way. Two *samplers* agree with each other less often than
# each is right. That is how one can tell them from classifiers that make mistakes of their own, without any right label.
#
# ````{solution-end}
# ````
#
# ```{exercise-start} A budget for a bound
# :label: remembers-budget
# ```
# The gap is to be at most .05 for sure. Which $\varepsilon$ does it take, for an image more or less, if $\delta$
# is as good as 0?
# ```{exercise-end}
# ```
#
# ````{solution-start} remembers-budget
# :class: dropdown
# ````

# %%
exercises.check("remembers-budget", np.arctanh(0.05))

# %% tags=["hide-input"]
epsilons = np.linspace(0.01, 1, 100)
solution_plot(
    epsilons,
    [privacy_bound(*replaced(e, 0.0)) for e in epsilons],
    x_title="ε",
    y_title="bound on the gap",
    level=(0.05, "wanted"),
    title=f"A gap of .05 at most takes ε = {np.arctanh(0.05):.2f}",
)

# %% [markdown]
# **Why.** With $\delta = 0$ the bound is $\tanh\varepsilon$, which is nearly $\varepsilon$ as long as it is
# small. So a guarantee of a few points asks for a budget of a few hundredths, which is far less than what is common.
#
# ````{solution-end}
# ````
