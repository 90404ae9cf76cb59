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
# # Sequences and rewards
#
# A transformer is trained to say what comes next. Three questions about what that teaches. Does it find an
# algorithm, which would work on sequences longer than any it has seen {cite}`zhou2023`? What happens if it is then
# tuned by rewards, and hardly ever earns one {cite}`razin2023`? And does it know how sure it may be, not of a
# token, but of what its answer means {cite}`nakkiran2025`? The papers ask large models. Here transformers of two
# layers are trained from nothing, on tasks that are stated in a line, so that all that matters is known.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
longest = None  # longest sequence of training (10)
steps = None  # updates, times the effort of a task (1000)
tuning = None  # updates by rewards at most (600)
task_seeds = None  # members of each task and of tuning (3)
seeds = None  # members of the run on worded answers (5)
resamples = None  # bootstrap resamples (1000)
workers = None  # processes (1)
device = None  # nothing here needs another (cpu)

# %% tags=["remove-input"]
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.sequences_and_rewards import (
    by_hand,
    figures,
    lengths,
    observe,
    study,
)
from nbcore.chapters.sequences_and_rewards.config import Lengths
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell

# %% tags=["remove-input"]
config = from_cell("sequences-and-rewards", globals())
found = study.load(config, fresh=fresh)
recorded = observe.record(found, preset)

# %% [markdown]
# ## The idea
#
# **Programs.** What one layer of a transformer does to a sequence can be written as an operation: look up the token
# before, find a token that equals this one, average over all that match. RASP is a language of such operations,
# and a program in it works at every length. The conjecture: a transformer trained on short sequences of a task
# tends to be right on longer ones if a *short* program of this kind solves it.
#
# This is not what every account of learning predicts. One has it that networks learn the **least-degree
# interpolator**: of all polynomials in the inputs that fit the training set, the one of least degree.
#
# **By hand.** The majority of three signs is $\tfrac12(x_1 + x_2 + x_3) - \tfrac12 x_1x_2x_3$: try all eight. Train
# on three signs only, with the places of $x_4$ and $x_5$ empty. A product with an empty place fits as well, and has
# a higher degree; so the interpolator does not look there, on longer sequences either. Of five signs it says the
# majority of the first three, and errs where those are two to one (3 of 4 cases) and both new signs side with the
# one (1 of 4): in 3 of 16. An average over all signs, which is a program, never errs.

# %%
majority = by_hand.least_degree(by_hand.majority, 3)
print(majority, f"wrong on {by_hand.disagreement(3, 5):.4f}")

# %% [markdown]
# **Rewards.** Tuning by rewards (REINFORCE) lets the model answer, and raises the log chance of each answer by its
# reward. If a reward is 1 for one answer, which has chance $p$, and else 0, the expected reward is $p$. Let $p =
# 1/(1 + e^{-\theta})$: the gradient by $\theta$ is $p(1 - p)$, the *square of the reward's standard deviation*. At $p
# = .01$ there is as much to gain as anywhere, and the gradient is .0099, a twenty-fifth of the largest. Supervised
# training raises $\log p$ instead, with gradient $1 - p$: it is steepest where most is wrong.

# %%
for chance in (0.1, 0.01, 0.001):
    steps = [
        by_hand.steps_to(chance, taught=taught) for taught in (False, True)
    ]
    print(
        f"from {chance:g} to .9: {steps[0]:,} steps by rewards, {steps[1]} supervised"
    )

# %% [markdown]
# **Meanings.** "Paris", "it is Paris" and "the answer is Paris" are one answer. A model is calibrated on meanings
# if, of all questions to which it gives some answer in 70 % of its tries, in whatever words, 70 % are answered so
# by the truth. Next-token training pays for calibrated *tokens*. If the model could lower its loss by moving all
# wordings of an answer up or down together, training would do so; therefore, where it can tell how its answer will
# turn out before it begins, meanings come out calibrated as well. Rewards for right answers pay for something
# else: always saying what is likeliest.
#
# ## The experiment
#
# ### Longer than ever seen
#
# Every task has an answer that follows from the prompt. *Hints* put an index before each item, in prompt and answer,
# counted from a random start so that all indices occur; a *scratchpad* has the parity so far, or the carry, written
# down.

# %% tags=["hide-input"]
charts.show(
    figures.programs(),
    caption="Tasks, their short programs, and why there is one or not",
)

# %% tags=["hide-input", "key-figure"]
figures.by_length(found)

# %% [markdown]
# Lengths are relative to the longest of training: ten items, for counting twenty numbers. Where a task fails beyond
# 1 and not before, the transformer learned something that serves as well in training as the program.

# %% tags=["hide-input"]
figures.interpolator(found)

# %% [markdown]
# ### Rewards that hardly vary
#
# Prompts ask for the most frequent of ten symbols, and begin with a style. In training the answer is the *next*
# symbol in a share of the cases, which depends on the style; from then on only the next symbol is rewarded. So all
# prompts want the same change, and differ in how often the model earns a reward before it.

# %% tags=["hide-input"]
figures.gradients(found)

# %% [markdown]
# Tuning takes plain gradient steps on 200 prompts of one style: where the reward was most frequent, or where it was
# rarest. Before the latter, there may be a lesson: thirty supervised steps on *two* of the prompts, a hundredth;
# or, as control, the same lesson with a wrong answer.

# %% tags=["hide-input"]
figures.tuning(found)

# %% [markdown]
# ### Sure of what it means
#
# A question shows twelve symbols of three kinds, and its true answer is that of a symbol picked at random: so the
# chance of each is known. An answer says one of three meanings in one of three wordings, which differ in length and
# do not begin alike. Most texts answer at once. In a third of them the author picks five symbols, writes
# them down, and concludes with the most frequent, as arguments do. Afterwards the model is tuned: it earns a
# reward if its answer means what a pick says. Confidence in a meaning adds up its wordings, and, where steps are
# written, all 243 sequences of steps.

# %% tags=["hide-input"]
figures.calibration(found)

# %% tags=["hide-input"]
charts.show(
    figures.confidence(found),
    caption="Confidence in the likeliest meaning, how often it is true, smooth calibration error",
    digits=3,
)

# %% [markdown]
# Shuffled rewards are the control: an answer earns one if it means what is true of another question.
#
# ## Live: a program found in seconds
#
# A transformer learns the mode of at most five symbols, and is asked for that of ten.

# %%
quick = Lengths(longest=5, steps=250)
model = lengths.train("mode", quick, seed=0)
for n in (3, 5, 10):
    right = lengths.accuracy(model, "mode", n, 500, np.random.default_rng(n))
    print(f"{n} symbols: {right:.0%} right")

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("sequences-and-rewards")

# %% [markdown]
# ## What could be wrong
#
# - **Small, and trained for seconds.** Two layers, 32 or 48 features, sequences of ten items. A failure at twice
#   the length says little against the conjecture, which is about what transformers tend to do when they are trained
#   long, on many lengths.
# - **Positions.** Attention is told distances up to three tokens and no more, so that no distance is new in a longer
#   sequence, and embeddings stay as they were drawn. Both help to reach beyond training, and neither is the
#   paper's; how much they help is not measured here.
# - **What counts as short.** Nobody measured the length of all programs; for tasks without one, none is known.
# - **Plain steps.** An optimizer that scales every step by past gradients moves as far on a rare reward as on a
#   frequent one, once there has been one. Nothing here says how much that saves.
# - **Rewards made rare on purpose**, by a style. In language models, nobody knows beforehand where they are.
# - **Steps that conclude as authors do.** The answer after steps is not drawn by the truth in the training texts
#   already, so a break there would be planted, and only say that next-token training has learned it. In large
#   models chains are said to break calibration because the answer cannot be told before they are written.
# - **Noise of tuning.** REINFORCE with few answers a step drifts by itself, and a policy that drifts grows sure. If
#   shuffled rewards break calibration too, what is rewarded need not be what broke it.
# - **What is left out**: benchmarks of language models; see [what is not run here](../not_run.md).
#
# ## Rerun this chapter
#
# ```bash
# nbcore run sequences-and-rewards                  # from the stored runs: half a minute
# nbcore run sequences-and-rewards -p fresh=true    # a quarter of an hour more
# nbcore run sequences-and-rewards -p preset=smoke  # a few updates: fifteen seconds
# nbcore run sequences-and-rewards -p steps=20000 -p longest=15
# ```

# %% tags=["hide-input"]
charts.show(
    parameters_table("sequences-and-rewards"),
    caption="Parameters of this chapter",
)

# %% tags=["remove-input"]
from nbcore.charts.values import solution_plot

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} Two more signs
# :label: sequences-majority
# ```
# On which share of all five signs does the least-degree interpolator of three err? Count, then check with
# `exercises.check("sequences-majority", your_answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} sequences-majority
# :class: dropdown
# ````

# %%
exercises.check("sequences-majority", 3 / 4 * 1 / 4)

# %% tags=["hide-input"]
places = np.arange(3, 12, 2)
wrong = [by_hand.disagreement(3, int(n)) for n in places]
solution_plot(
    places,
    wrong,
    x_title="signs",
    y_title="share on which it errs",
    title=f"An interpolator of three signs errs on {wrong[1]:.0%} of five and {wrong[-1]:.0%} of "
    f"{places[-1]}",
)

# %% [markdown]
# **Why.** The first three decide for the interpolator. Two new signs turn the majority over only if the three were
# two to one, and both are against the two.
#
# ````{solution-end}
# ````
#
# ```{exercise-start} How flat it gets
# :label: sequences-gradient
# ```
# A rewarded answer has chance .02. How large is the gradient of the expected reward, as a share of that at .5?
# ```{exercise-end}
# ```
#
# ````{solution-start} sequences-gradient
# :class: dropdown
# ````

# %%
exercises.check("sequences-gradient", 0.02 * 0.98 / 0.25)

# %% tags=["hide-input"]
chances = np.geomspace(0.001, 0.5, 40)
needed = [by_hand.steps_to(float(p)) for p in chances]
solution_plot(
    np.log10(chances),
    np.log10(needed),
    x_title="log10 of the chance",
    y_title="log10 of the steps to .9",
    title=f"From a chance of {chances[0]:g} it takes {needed[0]:,} steps, from {chances[-1]:g} "
    f"{needed[-1]}",
)

# %% [markdown]
# **Why.** The gradient is $p(1 - p)$, the squared deviation, .0196 against .25. Steps to a given aim go about
# with its inverse.
#
# ````{solution-end}
# ````
#
# ```{exercise-start} Sure by arguing
# :label: sequences-steps
# ```
# Meanings have true chances .6, .3 and .1. Three picks are written down, and the most frequent is concluded, or the
# first if all differ. How often is it the first meaning?
# ```{exercise-end}
# ```
#
# ````{solution-start} sequences-steps
# :class: dropdown
# ````

# %%
often = 0.6**3 + 3 * 0.6**2 * 0.4
exercises.check("sequences-steps", often + 6 * 0.6 * 0.3 * 0.1 / 3)

# %% tags=["hide-input"]
top = np.linspace(0.34, 0.99, 40)
rest = (1 - top) / 2
solution_plot(
    top,
    top**3 + 3 * top**2 * (1 - top) + 2 * top * rest**2,
    x_title="true chance of the likeliest meaning",
    y_title="how often it is concluded",
    title=f"A meaning that is true in 60% is concluded in {often + 0.036:.0%}",
)

# %% [markdown]
# **Why.** Two or three picks say it in .648 of the cases. All three differ in .108, and each of the meanings is
# then the first as often.
#
# ````{solution-end}
# ````
