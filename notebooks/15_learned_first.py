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
# # What is learned first
#
# A network that could learn anything does not learn everything at once. {cite:t}`nakkiran2019sgd` say that
# it begins with what a *linear* classifier knows, keeps it, and only then adds what is more complex.
# {cite:t}`nakkiran2020deep` say that how well it generalizes from few examples is decided by how fast it
# would learn from fresh ones. And {cite:t}`vyas2022` ask whether a network is a kernel machine in disguise,
# which never learns anything but weights of fixed features. Three views of one question: what happens
# between the first step and the last? This chapter measures all three on small networks.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
dataset = None  # pictures for linear learning and for kernels (cifar10)
clothes = None  # pictures for the two worlds (fashion-mnist)
images = None  # training pictures where learning is explained (4000)
epochs = None  # passes over them (40)
most = None  # training pictures at most beside kernels (2000)
seeds = None  # members of the first two runs (5)
kernel_seeds = None  # members of the run on kernels (3)
runs = None  # runs to compute now; none means those kept
resamples = None  # bootstrap resamples (1000)
workers = None  # processes (1)
device = None  # auto, cpu or cuda (cpu)

# %% tags=["remove-input"]
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.learned_first import (
    figures,
    kernel_figures,
    observe,
    study,
)
from nbcore.measures.generalization.explained import (
    explained_share,
    joint_counts,
    mutual_information,
)
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell

# %% tags=["remove-input"]
config = from_cell("learned-first", globals())
found = study.load(config, fresh=fresh)
recorded = observe.record(found, preset)

# %% [markdown]
# ## The idea
#
# Two classifiers may be equally accurate and yet know different things. How much of what a network predicts,
# $F$, about the label $Y$ is what a simpler classifier $L$ tells already? Ask how much $F$ tells about $Y$, and
# how much it still tells to someone who has seen $L$. The difference,
#
# $$ \mu(F; L) = I(F; Y) - I(F; Y \mid L) , $$
#
# is called **performance correlation**, with $I$ the mutual information. Divided by $I(F; Y)$ it is the share of
# the network's performance that $L$ explains. It is symmetric, $\mu = I(L; Y) - I(L; Y \mid F)$, so divided by
# $I(L; Y)$ it says how much of what $L$ knows the network has too.
#
# **By hand.** Eight pictures, four of each class; $L$ is right on six. A network $F$ that answers as $L$ does
# knows as much, and nothing beyond: $I(F; Y \mid L) = 0$, all is explained. Another network $G$ is right on six as
# well, but wrong on other two. To someone who knows $L$'s answer, $G$ still tells something, here even more than
# without it: the two together know more than both alone add up to, and the share is *negative*.

# %%
label = [0, 0, 0, 0, 1, 1, 1, 1]
linear = [0, 0, 0, 1, 0, 1, 1, 1]
other = [0, 0, 1, 0, 1, 0, 1, 1]
for name, network in (("F", linear), ("G", other)):
    counts = joint_counts(network, label, linear)
    knows, share = mutual_information(counts.sum(-1)), explained_share(counts)
    print(f"{name}: knows {knows:.3f} nats, explained {share:.0%}")

# %% [markdown]
# ## The experiment
#
# ### What the first steps gain
#
# | part | here |
# |---|---|
# | task | the first five classes of CIFAR-10 {cite}`krizhevsky2009` against the other five, 4,000 training pictures |
# | network | three convolutions with batch norm, trained until it hardly errs on its training pictures |
# | linear | least squares on pixels, with the ridge of the least squared error when each picture is left out |
# | one hidden layer | 256 ReLUs on pixels, ten passes |
# | random | the linear classifier's predictions, shuffled within each class: as accurate, blind to pictures |
#
# The papers have larger networks, so what follows is a reduced setup. The
# dashed level is what the linear classifier knows. If the first phase is linear, the curve of what it explains runs along the network's until
# that level, and stays there: what was learned is not lost.

# %% tags=["hide-input", "key-figure"]
figures.learning(found)

# %% tags=["hide-input"]
figures.told(found)

# %% [markdown]
# Is that which was learned first *retained*? A network that is right nearly everywhere has of course most of
# what any classifier knows. So the question is whether it has more of the linear one's knowledge than of that of
# a random classifier that is just as accurate.

# %% tags=["hide-input"]
figures.retained(found)

# %% [markdown]
# Chapter [5](05_depth_learning_margins.ipynb) asks for such an order example by example: whether pictures
# that are learned early are decided in early layers.
#
# ### Two worlds
#
# The test error of a network is usually split into its error on training examples and a gap. Here is another
# split. Let a twin take as many steps, from the same weights, but every step on *fresh* examples: the **Ideal
# World**, where there is nothing to overfit. Then
#
# $$ \text{test error} = \underbrace{\text{test error of the twin}}_{\text{how fast it optimizes}} +
# \underbrace{\text{the rest}}_{\text{what seeing examples again costs}} . $$
#
# The claim is that the rest is small, up to the time when the few examples are fitted. Here 5,000 pictures of
# Fashion-MNIST {cite}`xiao2017` are seen eleven times, against 55,000 seen once. The first pass is the same in
# both worlds, so the curves part only where pictures come for the second time. As a control, 150 pictures are
# seen for as many steps.

# %% tags=["hide-input"]
figures.two_worlds(found)

# %% [markdown]
# If the rest is small for both a convolutional network and a fully connected one, then the advantage of the
# first, with few examples, or its disadvantage, must already be there in the Ideal World: as a faster or slower
# descent. If an advantage is due to what convolutions know about pictures, it should be gone once the pixels of
# all pictures are put in one random order. To the fully connected network that order is all the same.

# %% tags=["hide-input"]
figures.race(found)

# %% [markdown]
# ### Is it a kernel?
#
# A step of gradient descent on a picture $x$ moves a network's output at $x'$ by the **tangent kernel**
# $K(x, x') = \langle \partial_w f(x), \partial_w f(x')\rangle$ times the error at $x$. In a very wide network $K$
# hardly moves, and training is kernel regression with the kernel that it has at the start. Does that describe real networks?
# One way to ask is by their **scaling**: the error falls as $n^{-\alpha}$ with the number of examples, and the
# exponent $\alpha$ says how much a doubling is worth.
#
# | learner | here |
# |---|---|
# | network | three convolutions without batch norm, one output, squared error on $\pm1$; animals against things of CIFAR-10 |
# | lazy network | the same with outputs multiplied by 100 and its start subtracted, so that it need hardly move |
# | kernel at the start | the network's own, before training |
# | widest kernel | that of a network of twice the width, a stand-in for infinite width |
# | pretrained kernel | the network's own, after training on 500 pictures, whatever $n$ |
#
# Kernels choose their ridge, and networks the moment to stop, on the same further 500 pictures.

# %% tags=["hide-input"]
kernel_figures.scaling_laws(found)

# %% tags=["hide-input"]
kernel_figures.exponents(found)

# %% [markdown]
# The kernel of a network that is trained does move. The question is when: if it settled after a few passes, the
# rest of training would be kernel regression after all.

# %% tags=["hide-input"]
kernel_figures.along(found)

# %% [markdown]
# ## Live: a kernel before and after training
#
# Handwritten digits, 0 to 4 against 5 to 9: a small network is trained for 20 passes, and on the way its kernel
# is used for regression.

# %% tags=["remove-input"]
from nbcore.chapters.learned_first import networks, scaling, tangent
from nbcore.chapters.learned_first.config import Tangent

# %%
tiny = dict(least=75, most=300, pretrained=75, tested=300)
own = scaling.sets(Tangent(dataset="digits", task="halves", **tiny), seed=0)
net = networks.convolutional(8, 1, channels=1, norm=False).eval()
first = tangent.tangent_kernel(net, own.x)[0]
rate = 1 / (2 * tangent.curvature(first))
_, along = scaling.train(own, net, 300, epochs=20, rate=rate, seed=0)
for moment, (_, error) in zip(scaling.MOMENTS, along, strict=True):
    print(f"after {moment:4.0%} of training: error by the kernel {error:.1%}")

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("learned-first")

# %% [markdown]
# ## What could be wrong
#
# - **Small networks, few pictures.** The papers train deep residual networks on all of CIFAR-10 or more. An exponent
#   is fitted here over a factor of eight in $n$, and says nothing beyond.
# - **Which linear classifier.** It is fitted to as many pictures as the network has. One fitted to more would know
#   more, and might explain more.
# - **A hard task for few pictures.** Five classes against five others is hard to learn from 4,000 pictures, and a network that
#   ends little above the linear classifier has little that could be late. The paper has all 50,000.
# - **When is early.** At the last of some evaluations before the network knows as much as the linear classifier;
#   a finer spacing would move it a little.
# - **Hard predictions.** Information is counted from predicted classes, not from probabilities.
#   Plug-in values are too high by about $1/2n$ nats for $n$ test pictures.
# - **One schedule.** Both worlds share a learning rate that falls to 0 with the last step, and one batch size. Pictures
#   are not augmented.
# - **A very small convolutional network.** Three strided layers of few channels with mean pooling see each picture but once
#   in the Ideal World. They need not be faster than a fully connected network there, as the paper's are.
# - **Stop before all is fitted.** The claim on two worlds ends where the few pictures are fitted; 150 pictures are fitted
#   long before the end, which is why they are the control and not a counterexample.
# - **The widest kernel is not infinitely wide.** Twice the width is what these cores allow; the true limit may have
#   another exponent.
# - **Few seeds** for kernels, with Student's t: an interval over three is wide. Where more pictures make
#   a network worse instead of better is the subject of chapter [14](14_more_data_can_hurt.ipynb).
# - **Learned first is not simplest in every sense.** Linear is one scale of complexity; depth is another, see
#   chapter [3](03_prediction_depth.ipynb).
#
# ## Rerun this chapter
#
# ```bash
# nbcore run learned-first                  # from the stored runs: half a minute
# nbcore run learned-first -p fresh=true    # all of them: a quarter of an hour
# nbcore run learned-first -p 'runs=["tangent"]'
# nbcore run learned-first -p preset=smoke  # digits: half a minute
# nbcore run learned-first -p clothes=mnist # two worlds of digits
# nbcore run learned-first -p dataset=cifar10 -p epochs=100 -p device=cuda
# ```

# %% tags=["hide-input"]
charts.show(
    parameters_table("learned-first"), caption="Parameters of this chapter"
)

# %% tags=["remove-input"]
from nbcore.charts.values import solution_plot

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} Equally accurate, and strangers
# :label: learned-share
# ```
# Two classes are equally likely. $L$ and $F$ are each right on three quarters of each class, independently of each
# other. Which share of what $F$ tells about the label does $L$ explain? Check with
# `exercises.check("learned-share", your_answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} learned-share
# :class: dropdown
# ````

# %%
right = np.array([[0.75, 0.25], [0.25, 0.75]])
table = np.einsum("fy,ly->fyl", right, right) / 2
exercises.check("learned-share", float(explained_share(table)))

# %% tags=["hide-input"]
chances = np.linspace(0.51, 0.99, 49)
tables = [np.array([[p, 1 - p], [1 - p, p]]) for p in chances]
shares = [
    float(explained_share(np.einsum("fy,ly->fyl", t, t) / 2)) for t in tables
]
solution_plot(
    chances,
    shares,
    x_title="share of right answers, of both",
    y_title="share explained",
    title=f"Independent classifiers that are right by .75 explain {np.interp(0.75, chances, shares):.0%} of each other",
)

# %% [markdown]
# **Why.** Even strangers agree where both are right. The more accurate both are, the more of each other they explain,
# which is why a random classifier is the control.
#
# ````{solution-end}
# ````
#
# ```{exercise-start} How much sooner?
# :label: learned-steps
# ```
# In the Ideal World one network ends at a soft error of .2. Another's is $1.2\,t^{-1/3}$ after $t$ steps. After how
# many steps is it where the first one ends?
# ```{exercise-end}
# ```
#
# ````{solution-start} learned-steps
# :class: dropdown
# ````

# %%
exercises.check("learned-steps", (1.2 / 0.2) ** 3)

# %% tags=["hide-input"]
t = np.arange(20, 1000, 20)
solution_plot(
    t,
    1.2 * t ** (-1 / 3),
    x_title="steps",
    y_title="soft error",
    level=(0.2, "where the other ends"),
    title=f"The second network is there after {(1.2 / 0.2) ** 3:.0f} steps",
)

# %% [markdown]
# **Why.** A power law is steep only at first: to halve the error takes eight times the steps. A small advantage in
# error is a large one in steps.
#
# ````{solution-end}
# ````
#
# ```{exercise-start} What an exponent is worth
# :label: learned-pictures
# ```
# At 250 pictures a network and its kernel both err on a quarter. The network's exponent is .3, the kernel's .15. How
# many pictures does the kernel need to be as good as the network with 4,000?
# ```{exercise-end}
# ```
#
# ````{solution-start} learned-pictures
# :class: dropdown
# ````

# %%
exercises.check("learned-pictures", 250 * 16 ** (0.3 / 0.15))

# %% tags=["hide-input"]
n = np.geomspace(250, 64_000, 40)
solution_plot(
    np.log10(n),
    0.25 * (n / 250) ** -0.15,
    x_title="log10 of the kernel's pictures",
    y_title="error",
    level=(0.25 * 16**-0.3, "the network with 4,000"),
    title=f"The kernel needs {250 * 16 ** (0.3 / 0.15):,.0f} pictures",
)

# %% [markdown]
# **Why.** With half the exponent, a factor in pictures has to be squared. That is why a difference of exponents is
# more than some points of accuracy.
#
# ````{solution-end}
# ````
