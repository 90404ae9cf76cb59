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
# # The line
#
# Take many image classifiers, measure each on the test set it was made for and on a second test set
# drawn from slightly different photographs. Nearly all of them get worse. The surprise is how
# orderly they get worse: plotted against each other, the two accuracies lie on a line
# {cite}`recht2018,recht2019,taori2020,miller2021`. Whoever knows a model's accuracy on the first
# set can tell its accuracy on the second, and almost no ordinary model is better than the line says by
# more than a point.
#
# This chapter draws that line through public **testbeds**, that is, sets of models measured on the
# same two test sets; measures how far models stand from it; and looks at what being *on* the line
# means for individual images. The claims are those of {cite:t}`andreassen2022`. The
# [glossary](../glossary.md) explains the terms, and the next section the idea.

# %% tags=["parameters", "remove-input"]
preset = "book"  # smoke, book or paper
fresh = False  # true: compute again instead of reading the stored runs
level = None  # level of every interval (0.95)
bins = None  # bins of the ER curve's average (A39) (100)
resamples = None  # bootstrap resamples over models (2000)
seed = None  # seed of the bootstrap (0)
testbed = None  # testbed that your own models are drawn on (imagenetv2)
recount = None  # whether fresh=true counts the public predictions again (true)
models = None  # CSV of your own models: columns model, id, ood

# %% tags=["remove-input"]
import numpy as np
from nbcore import charts, exercises
from nbcore.chapters.line import figures, images, own_page, relating, told
from nbcore.chapters.line import observe as page
from nbcore.lines.public import load_testbed
from nbcore.measures import agreement, robustness
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell

# %% tags=["remove-input"]
config = from_cell("line", globals())
beds = {
    name: load_testbed(name, config.level, fresh and config.recount)
    for name in page.PUBLIC
}
cifar, imagenet = beds["cifar10.1"], beds["imagenetv2"]
timm, adversarial = beds["timm:imagenetv2"], beds["timm:imagenet-a"]
drawn = images.load_images(fresh and config.recount)
recorded = page.record(beds, config, preset)
beside = relating.relate(beds, config, preset, drawn)

# %% [markdown]
# ## The idea
#
# Accuracies are squeezed near 0 and 100%: going from 98 to 99% halves the errors, going from 50 to
# 51% hardly matters. The **logit** undoes the squeeze. It is the logarithm of the odds,
#
# $$\operatorname{logit}(a) = \log \frac{a}{1-a},$$
#
# so 50% has odds 1 and logit 0, 75% has odds 3, and 90% has odds 9. The **line** of a testbed is a
# straight line between the logits of the two accuracies,
#
# $$\operatorname{logit}(a_\text{ood}) = A\,\operatorname{logit}(a_\text{id}) + B ,$$
#
# and a model's **effective robustness** is the height of its point above that line, measured in
# plain accuracy: $\rho = a_\text{ood} - \beta(a_\text{id})$, where $\beta$ is the line turned back
# from logits into accuracies.
#
# **By hand.** Suppose a shift divides everybody's odds by 3. A model with 90% (odds 9) falls to
# odds 3, which is 75%; one with 75% falls to 50%; one with 50% to 25%. In logits this is a
# line of slope 1 and intercept $-\log 3 = -1.0986$. A fourth model comes with 75% and 60%: ten
# points above the 50% that the line expects.

# %%
by_hand = robustness.fit_line([0.50, 0.75, 0.90], [0.25, 0.50, 0.75])
newcomer = robustness.effective_robustness(0.75, 0.60, by_hand)
print(
    f"slope {by_hand.slope:.4f}, intercept {by_hand.intercept:.4f}, "
    f"newcomer {newcomer:+.2f}"
)

# %% [markdown]
# ## The experiment
#
# Until the live cell nothing is trained. Other people trained the models and published what each one
# answered on every image (for timm: how many it got right), so the chapter only has to count.
#
# | testbed | models | in distribution | out of distribution |
# |---|---|---|---|
# | `cifar10.1` | 30 | CIFAR-10 test, 10,000 images {cite}`krizhevsky2009` | CIFAR-10.1 v6, 2,000 images {cite}`recht2018` |
# | `imagenetv2` | 67 | ImageNet validation, 50,000 {cite}`russakovsky2015` | ImageNetV2 matched frequency, 10,000 {cite}`recht2019` |
# | `imagenet-testbed:imagenetv2` | 335, line through 87 trained in the standard way | ImageNet validation | ImageNetV2 {cite}`taori2020` |
# | `timm:imagenetv2` | about 1,300 | ImageNet validation | ImageNetV2 {cite}`wightman2019` |
# | `timm:imagenet-a` | the same | ImageNet, the 200 classes of ImageNet-A | ImageNet-A, 7,500 {cite}`hendrycks2021` |
#
# The first two are public image by image, and the third is the kind of testbed that the paper used;
# timm's table stands beside them because it is far larger and holds models that the paper could not
# know. Nineteen more testbeds are one click away, in [the explorer](../explorer.md). Intervals are
# 95% ones: on an accuracy exact binomial {cite}`clopper1934`, on R² from drawing the models again
# with replacement (a bootstrap). On slope and intercept they are 1.96 standard errors, in which the
# scatter of the models and the noise of the images are added: had other images been drawn, all
# models would have done better or worse together, and the line would lie elsewhere without scatter.

# %% tags=["hide-input"]
charts.show(
    page.fits_table(beds), caption="The line of each testbed, in logits"
)

# %% [markdown]
# ### The paper's line, and what the images decide
#
# The paper's line on ImageNetV2 had slope .9225 and intercept −.4896. Two testbeds stand beside it:
# the networks of the ImageNet testbed that were trained in the standard way, and the models of
# ImageNetV2's authors. Three of the latter are Fisher vectors {cite}`recht2019`, weak classifiers
# from before deep learning. They stand alone at the lower end, where a point pulls a line most.
#
# Two intervals belong to a line. One says what other *models* would have done. The other says what
# other *images* would have done: all models look at the same ones, so an easier draw lifts them
# together and the intercept with them.

# %% tags=["remove-input"]
told.paper_line(beds, drawn)

# %% tags=["hide-input"]
charts.show(
    relating.lines_table(beds, drawn),
    caption="ImageNetV2's line by testbed, in logits",
)

# %% tags=["hide-input", "key-figure"]
figures.line(
    imagenet, title=f"{len(imagenet.models)} ImageNet models on one line"
)

# %% tags=["hide-input"]
figures.line(cifar, title=f"{len(cifar.models)} CIFAR-10 models on one line")

# %% [markdown]
# Left are plain accuracies, right the same points on logit axes, where the fitted curve is straight.
# A model below the dashed diagonal lost accuracy, although ImageNetV2 was collected by following
# ImageNet's own recipe.
#
# ### Which scale?
#
# The paper found the logit scale to give the straightest line on both testbeds, the probit a close
# second, and plain accuracy the least straight. With the models that are public:

# %% tags=["remove-input"]
told.scales(beds, config)

# %% tags=["hide-input"]
charts.show(page.scales_table(beds, config), caption="R² of the line by scale")

# %% [markdown]
# Before believing that CIFAR is different, look at what the two testbeds contain. Every public CIFAR
# model is a good one (the first table has the range of their accuracies); the paper's testbed also
# had weak scikit-learn models, which were never published. ImageNet lets us test whether that
# matters, since its testbed *does* have weak models. Take the weakest away, one by one, and see what
# becomes of the advantage of the curved scales.

# %% tags=["hide-input"]
figures.floor(imagenet, config)

# %% [markdown]
# If a scale's advantage comes from the weak models, it shrinks as they leave, and among the strong
# ones the scales cannot be told apart. Now CIFAR, whose weakest model is already strong:

# %% tags=["hide-input"]
figures.floor(cifar, config)

# %% [markdown]
# What distinguishes the scales is how they treat weak models. A testbed without any can favour one of
# them by the few models at its lower end, but does not settle the matter. Chapter 2 trains weak
# models too.

# %% tags=["hide-input"]
figures.residuals(imagenet)

# %% [markdown]
# ### Who leaves the line?
#
# Effective robustness is the vertical distance from the line. The shaded band is what chance alone
# does to a model that is exactly on the line. The fewer the test images, the wider it is: a single
# model a point above the line of CIFAR-10.1, which has 2,000 images, has shown nothing yet. A model
# counts as effectively robust only above the band, and only within the range of accuracies that the
# line was fitted on. One model in forty lands above the band by luck.

# %% tags=["hide-input"]
figures.robustness(imagenet)

# %% tags=["hide-input"]
figures.robustness(cifar)

# %% [markdown]
# ### A thousand models more
#
# The library timm publishes the accuracy of very many models. Pick what a family of models was
# pretrained on and see which of them rise above the line.

# %% tags=["hide-input"]
figures.families(timm)

# %% tags=["hide-input"]
charts.show(
    page.families_table(timm),
    caption="Effective robustness by pretraining data",
)

# %% tags=["remove-input"]
told.families(timm)

# %% [markdown]
# Networks of image and text were fine-tuned to ImageNet before they were measured here; chapter 2 is
# about what that does. Few models are weak, so the line is drawn by the many strong ones and need not
# fit at its lower end. (± is 1.96 standard errors over models.)
#
# Not every shift has a line. ImageNet-A was built from photographs that one particular ResNet-50 got
# wrong. Models weaker than that network are kept near zero by this choice, stronger ones are not, and
# the points can bend. No effective robustness is read off this fit in this book.

# %% tags=["hide-input"]
figures.bent(adversarial)

# %% [markdown]
# ### What being on the line means for single images
#
# {cite:t}`mania2020` explain the line by two properties. One, not measured here, is that three models
# agree and disagree about as often on the new images as on the old. The other is that models err
# alike: the **dominance probability** of a pair, the share of images that the *weaker* model gets
# right and the stronger one gets wrong, is small. If two models of accuracies $a < b$ erred independently it would
# be $a (1 - b)$.

# %% tags=["hide-input"]
figures.dominance(imagenet)

# %% tags=["hide-input"]
figures.dominance_pairs(imagenet)

# %% [markdown]
# The same agreement shows in how many models solve an image. If errors were independent nearly all
# images would be solved by a middling number of models; where models err alike, images pile up at
# both ends. Chapter [11](11_every_image_its_own_line.ipynb) follows single images over the models.

# %% tags=["hide-input"]
figures.solvers(imagenet)

# %% [markdown]
# ### The shape of effective robustness
#
# Two facts about the measure itself, to keep in mind in every later chapter.
#
# First, the most that a model can have without being *better* on the second test set than on the
# first is the gap between $y = x$ and the line, and that gap is itself a hill: near zero at both ends
# and highest in between. A curve of effective robustness that rises and falls during training partly
# inherits this shape. The remedy is to divide by the gap (`gap_fraction`).
#
# Second, the line sags below its own chord over most of the range, so a **mixed classifier**, which flips a coin
# between a weak and a strong model on the line, moves along the straight chord above it. It
# has effective robustness without knowing anything new.

# %% tags=["hide-input"]
figures.shape(cifar, config)

# %% [markdown]
# ## Related evidence
#
# Some claims of the paper need private networks or thousands of runs. What finished, public models
# say about them stands here and in the claims' cards as *related*: other test sets, no
# trajectories, no verdict. Effective robustness is measured against standard models on the same
# classes and given only inside the range of the line's own models (a dash elsewhere).
#
# **Does robustness vanish on every shift?** (A9) The paper says that it depends on the shift. Here
# are networks that were fine-tuned to ImageNet after more data: a ResNet-101 after 300 million images
# of JFT, and BiT-M {cite}`kolesnikov2020` after ImageNet-21k.

# %% tags=["remove-input"]
told.standing(beside["A9"])

# %% [markdown]
# **Is it the words, or asking without fitting?** (A14) BiT-M's networks straight from ImageNet-21k
# answer with those of its classes that are ImageNet's; CLIP is asked in words {cite}`radford2021`.
# Neither was fitted to ImageNet. If only one of them is robust, it is not the fitting alone: then
# either the pretraining images do it, or how the classes were learned.

# %% tags=["remove-input"]
told.standing(beside["A14"])

# %% tags=["hide-input"]
charts.show(
    relating.finished_table(config),
    caption="Effective robustness in points of models with more data, by shift",
)

# %% [markdown]
# **Does CLIP lose it by fitting?** (A15) The same networks before and after; the line here goes
# through timm's models of ImageNet-1k alone.

# %% tags=["remove-input"]
told.fitted(beside["A15"])

# %% tags=["hide-input"]
charts.show(
    relating.clip_table(),
    caption="The same CLIP networks in words and fine-tuned: ER in points",
    digits=1,
)

# %% [markdown]
# **Does more pretraining help?** (A17) CLIP models saw from few to very many pairs of image and text.
# Size goes with architecture, filtering and length of training in this table, so nothing here says
# what size alone does.

# %% tags=["remove-input"]
told.effects(
    beside["A17"],
    "Spearman of size with ER",
    "The rank correlation of size and effective robustness",
)

# %% tags=["hide-input"]
relating.sizes(config)

# %% [markdown]
# **Does wider pretraining help, and does one more step on ImageNet-1k cost?** (A19, A20) timm has
# some architectures with and without ImageNet-21k, and BiT-M's networks before and after a further
# step on ImageNet-1k, which in the paper costs robustness. The table has controls beside them, with
# sizes or families shuffled over models; they ought to give nothing.

# %% tags=["remove-input"]
told.effects(
    beside["A19"],
    "ER with 21k minus without",
    "The mean gain with ImageNet-21k",
    "points",
)

# %% tags=["remove-input"]
told.effects(
    beside["A20"],
    "ER with the step minus without",
    "The mean gain by the further step",
    "points",
)

# %% tags=["hide-input"]
charts.show(
    relating.related_table(beside, ("A15", "A17", "A19", "A20")),
    caption="Related evidence with intervals and its controls",
)

# %% [markdown]
# **Do triplets of models stay together?** (A30) The theory wants events about three models to be
# about as probable on the new images as on the old. The paper counts the triplets inside a cone and
# does not say which cone, so this is a curve and no verdict.

# %% tags=["hide-input"]
relating.cone(drawn)

# %% [markdown]
# ## Live: a line in two seconds
#
# Everything above was counted from stored predictions. This cell really trains: fourteen
# scikit-learn models on half of scikit-learn's digits, tested on the other half as it is and moved
# right by 0.4 pixels.

# %%
from nbcore.training.classical import digits_testbed

digits = digits_testbed(seed=0)
right_id = digits["id_correct"].mean("example")
right_ood = digits["ood_correct"].mean("example")
digits_line = robustness.fit_line(right_id, right_ood)
print(
    f"slope {digits_line.slope:.2f}, "
    f"intercept {digits_line.intercept:.2f}, R² {digits_line.r2:.3f}"
)

# %% tags=["hide-input"]
figures.digits(digits, digits_line, config)

# %% tags=["remove-input"]
told.digits(digits, digits_line)

# %% [markdown]
# Do these very different models err alike too? Compare the mean dominance probability of all pairs
# with what independent errors would give.

# %%
difference, dominance = agreement.dominance_pairs(digits["id_correct"])
low, high = np.sort(right_id)[np.array(np.triu_indices(right_id.size, k=1))]
independent = agreement.independent_dominance(low, high)
print(f"{dominance.size} pairs of models")
print(
    f"dominance {dominance.mean():.3f}, if independent {independent.mean():.3f}"
)

# %% [markdown]
# ## Your own models
#
# With `models=FILE` the chapter draws the models of a CSV file (columns `model`, `id`, `ood`, as
# fractions) on one of the testbeds.

# %% tags=["hide-input"]
own_page.own(beds[config.testbed], config)

# %% [markdown]
# ## The claims, one by one
#
# What was wanted, what was seen, and the verdict that follows from both. Open a card to see its
# numbers.

# %% tags=["remove-input"]
show_cards("line")

# %% [markdown]
# ## What could be wrong
#
# - **Which models are in the testbed.** The line is a property of models *and* shift. A2 is judged on
#   the models of ImageNetV2's authors, as was fixed before the run. The standard models of the
#   ImageNet testbed, which are nearer to the paper's, stand beside them as related evidence.
# - **Other shifts have worse lines.** Where standard models themselves scatter beyond the chance of
#   the images, as they can on ImageNet-R and Sketch, "above chance" is easily reached.
# - **Range.** A line says nothing outside the accuracies it was fitted on. The figures and verdicts
#   keep to that range, except for the geometry figure and claim A35, which are about the formula.
# - **What "true by construction" means.** A4, A35, A37 and A39 are rules and identities: that this
#   code obeys them says nothing about networks, and they are counted apart.
# - **A3 rests on the large table.** A share of few models has a wide interval.
# - **Dependence.** The models of timm are not independent draws: dozens are variants of one recipe.
#   Bootstrap intervals over models are therefore too narrow, most of all for the large table.
# - **The band.** It is the chance of a single model against a line taken as known. With 67 models a
#   two-sided 95% band is left by three or four of them by luck, half of these upwards, so
#   "significant" for one of many models is weaker than it sounds.
# - **Selection.** ImageNetV2 has three variants; only matched-frequency is used here.
#
# ## Rerun this chapter
#
# ```bash
# nbcore run line                 # as published: about a minute, under 1 GB
# nbcore run line -p fresh=true   # count the public predictions again
# nbcore run line -p seed=1 -p resamples=500
# nbcore run line -p models=my_models.csv -p testbed=imagenetv2
# ```
#
# The last one in the terminal, without the page:
#
# ```bash
# nbcore line my_models.csv --testbed imagenet-testbed:imagenetv2
# nbcore line --list   # twenty-four testbeds
# ```

# %% tags=["hide-input"]
charts.show(parameters_table("line"), caption="Parameters of this chapter")

# %% tags=["remove-input"]
from nbcore.charts.values import solution_plot

# %% [markdown]
# ## Exercises
#
# ```{exercise-start} What does the line expect?
# :label: line-expect
# ```
# A new ImageNet model has 80% accuracy on the validation set. Which accuracy on ImageNetV2 puts it
# exactly on the line of the 67 models? Check with `exercises.check("line-expect", your_answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} line-expect
# :class: dropdown
# ````

# %%
answer = float(imagenet.line.predict(0.80))
exercises.check("line-expect", answer)

# %% [markdown]
# **Why.** The line is fitted to logits, so the accuracy is turned into a logit, put into the line
# and turned back. Subtracting a fixed number of points would be right at one accuracy only, since a
# straight line in logits is bent in accuracies.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} How many images does a claim need?
# :label: line-images
# ```
# Your CIFAR-10 model is right on 90% of the test set and stands one point above the line of
# CIFAR-10.1, on as many out-of-distribution images as you care to collect. From how many on does one
# point lie outside the 95% chance band? Check with `exercises.check("line-images", your_answer)`;
# any number within 5% is accepted.
# ```{exercise-end}
# ```
#
# ````{solution-start} line-images
# :class: dropdown
# ````

# %%
needed = 2000
while robustness.chance_band(0.90, needed, cifar.line)[1] >= 0.01:
    needed += 10
print(needed)
exercises.check("line-images", needed)

# %% tags=["hide-input"]
sizes = np.arange(500, 4 * needed, needed // 20)
solution_plot(
    sizes,
    [robustness.chance_band(0.90, n, cifar.line)[1] for n in sizes],
    x_title="images",
    y_title="upper edge of the band",
    y_format="~%",
    level=(0.01, "one point"),
    title=f"With {needed:,} images or more, one point is outside the band",
)

# %% [markdown]
# **Why.** The band's width is that of a share of right answers among the images, which falls as one
# over the square root of their number. Half the height therefore asks for four times the images,
# and small effects for very many.

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise-start} Robust without knowing more
# :label: line-mix
# ```
# Mix the weakest and the strongest model of the ImageNet testbed. Which share $\alpha$ of answers
# should come from the weak one for the largest effective robustness, and how large is it? Check the
# share with `exercises.check("line-mix", your_answer)`.
# ```{exercise-end}
# ```
#
# ````{solution-start} line-mix
# :class: dropdown
# ````

# %%
ends = imagenet.models.sort_values("id")[["id", "ood"]].to_numpy()[[0, -1]]
share = np.linspace(0, 1, 1001)
mixed = robustness.mixed_classifier(ends[0], ends[1], share)
gain = robustness.effective_robustness(mixed[:, 0], mixed[:, 1], imagenet.line)
print(
    f"alpha {share[gain.argmax()]:.2f}, effective robustness {gain.max():+.3f}"
)
exercises.check("line-mix", share[gain.argmax()])

# %% tags=["hide-input"]
solution_plot(
    share,
    gain,
    x_title="share of the weak model",
    y_title="effective robustness",
    x_format="~%",
    y_format="~%",
    title=f"A mixture gains most with {share[gain.argmax()]:.0%} of the weak model",
)

# %% [markdown]
# **Why.** A mixture moves on the chord between its two models, and the line sags below this chord.
# The best share is where chord and line are furthest apart. Nothing new was learned: whoever reads
# effective robustness as knowledge is deceived here.

# %% [markdown]
# ````{solution-end}
# ````
