"""What enters a run's numbers is in its fingerprint, and nothing else is: found by mutation."""

import ast
from functools import partial

import pytest

from nbcore.codebase.source import Source, read_package
from nbcore.errors import StoreError
from nbcore.measures.blocks import SETTINGS
from nbcore.runs import provenance, store
from nbcore.runs.fingerprint import closure, compare, entry_points, fingerprint
from nbcore.runs.plan import stored_plan

MAIN = "nbcore.toy"
#: how `toy.run` reaches what counts: the texts of modules, and what is then changed in which
PATHS = {
    "a function": ("def run(): return f()\ndef f(): return 1", {}, MAIN, "return 1", "return 2"),
    "a constant": ("K = 1\ndef run(): return K", {}, MAIN, "K = 1", "K = 2"),
    "a table": (
        "def f(): return 1\nT = {'f': f}\ndef run(): return T['f']()",
        {},
        MAIN,
        "return 1",
        "return 2",
    ),
    "an entry made later": ("T = {}\nT['a'] = 1\ndef run(): return T", {}, MAIN, "= 1", "= 2"),
    "a decorator": (
        "from nbcore.b import twice\n@twice\ndef run(): return 1",
        {"nbcore.b": "def twice(f): return lambda: 2 * f()"},
        "nbcore.b",
        "2 * f",
        "3 * f",
    ),
    "a table that a decorator fills": (
        "T = []\ndef known(f):\n T.append(f)\n return f\n@known\ndef f(): return 1\n"
        "def run(): return T[0]()",
        {},
        MAIN,
        "return 1",
        "return 2",
    ),
    "a lazy import": (
        "def run():\n from nbcore.b import f as g\n return g()",
        {"nbcore.b": "def f(): return 1"},
        "nbcore.b",
        "1",
        "2",
    ),
    "a module's part": (
        "import nbcore.b\nfrom nbcore import c\ndef run(): return nbcore.b.f() + c.f()",
        {"nbcore": "", "nbcore.b": "def f(): return 1", "nbcore.c": "def f(): return 3"},
        "nbcore.c",
        "3",
        "4",
    ),
    "another name of a package": (
        "from nbcore import p\ndef run(): return p.f()",
        {"nbcore": "", "nbcore.p": "from nbcore.b import f", "nbcore.b": "def f(): return 1"},
        "nbcore.b",
        "1",
        "2",
    ),
    "which of two is imported": (
        "from nbcore.b import f, e\nfrom nbcore.b import f as g\ndef run(): return f() + e() + g()",
        {"nbcore.b": "def f(): return 1\ndef e(): return 2"},
        MAIN,
        "import f as g",
        "import e as g",
    ),
    "a partial": (
        "from functools import partial\ndef f(x): return x + 1\ndef run(): return partial(f, 1)()",
        {},
        MAIN,
        "x + 1",
        "x + 2",
    ),
    "a method of what is annotated": (
        "class A:\n def m(self): return 1\ndef run(a: A): return a.m()",
        {},
        MAIN,
        "return 1",
        "return 2",
    ),
    "a method of what a function returns": (
        "from nbcore.b import make\ndef run():\n a = make()\n return a.m()",
        {
            "nbcore.b": "from nbcore.c import A\ndef make() -> A: return A()",
            "nbcore.c": "class A:\n def m(self): return 1",
        },
        "nbcore.c",
        "return 1",
        "return 2",
    ),
    "a method of an unknown object": (
        "class A:\n def m(self): return 1\ndef run(a): return a.m()",
        {},
        MAIN,
        "return 1",
        "return 2",
    ),
    "a method of a class below": (
        "class A:\n def m(self): return 1\nclass B(A):\n def m(self): return 2\n"
        "def run(a: A): return a.m() + f()\ndef f(): return B()",
        {},
        MAIN,
        "return 2",
        "return 3",
    ),
    "a method by its name in a text": (
        "class A:\n def m(self): return 1\ndef run(a: A): return getattr(a, 'm')()",
        {},
        MAIN,
        "return 1",
        "return 2",
    ),
    "a base class": (
        "from nbcore.b import B\nclass A(B): pass\ndef run(): return A().m()",
        {"nbcore.b": "class B:\n def m(self): return 1"},
        "nbcore.b",
        "return 1",
        "return 2",
    ),
    "what a foreign base calls": (
        "from torch import nn\nclass A(nn.Module):\n def forward(self, x): return x + 1\n"
        "def run(x): return A()(x)",
        {},
        MAIN,
        "x + 1",
        "x + 2",
    ),
    "a default of a field": (
        "from dataclasses import dataclass\n@dataclass\nclass A:\n x: int = 1\n"
        "def run(): return A().x",
        {},
        MAIN,
        "int = 1",
        "int = 2",
    ),
    "a property": (
        "class A:\n @property\n def p(self): return 1\ndef run(): return A().p",
        {},
        MAIN,
        "return 1",
        "return 2",
    ),
    "a module that is handed on": (
        "from nbcore import b\ndef run(name): return getattr(b, name)()",
        {"nbcore": "", "nbcore.b": "def f(): return 1"},
        "nbcore.b",
        "1",
        "2",
    ),
    "a module named in a text": (
        "from importlib import import_module\nREADER = 'nbcore.b:f'\n"
        "def run(): return import_module(READER)",
        {"nbcore.b": "def f(): return 1"},
        "nbcore.b",
        "1",
        "2",
    ),
    "a function inside": (
        "def run():\n def f(): return g()\n return [f() for _ in range(2)]\ndef g(): return 1",
        {},
        MAIN,
        "return 1",
        "return 2",
    ),
}


def toy(text: str, others: dict[str, str]) -> Source:
    return Source(({MAIN: text} | others).get)


@pytest.mark.parametrize("path", PATHS)
def test_what_is_reached_counts(path):
    text, others, where, old, new = PATHS[path]
    texts = {MAIN: text} | others
    assert old in texts[where]
    before = fingerprint([f"{MAIN}:run"], toy(text, others))
    texts[where] = texts[where].replace(old, new)
    after = fingerprint([f"{MAIN}:run"], toy(texts[MAIN], texts))
    assert compare(before, after) == [where]


SAME = '''
from nbcore.runs.config import param
from tqdm import tqdm

def run(x: int, progress=None) -> float:
    """Add."""
    # why
    if x < 0:
        raise ValueError(f"x must be 0 or more, not {x}.")
    assert x, "no x"
    total: float = sum(tqdm(range(x), "adding"))
    return f(total, progress="adding")

def f(total, progress=None):
    return total + 1

def other():
    return 1
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Add.", "Sum."),
        ("# why", "# because"),
        ("x must be 0 or more", "give another x"),
        ("no x", "x is 0"),
        ('tqdm(range(x), "adding")', "tqdm(range(x), disable=True)"),
        ('progress="adding"', "progress=None"),
        ("x: int", "x"),
        ("total: float =", "total ="),
        ("-> float", ""),
        ("progress=None):\n    return total", "progress=''):\n    return total"),
        ("return 1", "return 2"),
        ("total + 1", "(total\n        + 1)"),
    ],
)
def test_what_is_not_reached_or_only_shown_does_not_count(old, new):
    assert old in SAME
    before = fingerprint([f"{MAIN}:run"], toy(SAME, {}))
    assert before == fingerprint([f"{MAIN}:run"], toy(SAME.replace(old, new), {}))


def test_every_version_of_python_gives_one_fingerprint():
    code = (
        "class A:\n"
        "    y: int = 1\n"
        "    def f(self, x: int = 1, *, y=None) -> str:\n"
        '        return f"{x} {y!r}" if x else str([i for i in y])\n'
        "def run(): return A().f()\n"
    )
    # what Python 3.11 gave when this was written; no other may give anything else
    assert fingerprint([f"{MAIN}:run"], toy(code, {})) == {MAIN: "608dbad2c94a7f3c"}


def test_entry_points_name_functions_and_the_classes_of_what_is_bound_to_them():
    from nbcore.depths import ensembles, tables

    job = partial(ensembles.member, ensembles.Ensemble())
    assert entry_points([job, partial(tables.join, pool=job)]) == [
        "nbcore.depths.ensembles:member",
        "nbcore.depths.roster:Ensemble()",
        "nbcore.depths.tables:join",
    ]
    with pytest.raises(StoreError, match="no nbcore.depths.tables:gone in nbcore any more"):
        fingerprint(["nbcore.depths.tables:gone"])


# every kind of run in results/: functions that enter its numbers, found by reading the code

LOADING = ["nbcore.data.images:load", "nbcore.data.images:_pixels"]
TRAINING = [
    "nbcore.training.device:as_tensor",
    "nbcore.training.recipe:Recipe.rate",
    *(
        f"nbcore.training.loop:{name}"
        for name in ("train", "_batch", "_augment", "_order", "checkpoint_steps")
    ),
    *(f"nbcore.training.loop:{name}" for name in ("predict", "_loss", "_dataset")),
]
FOLLOWED = [
    "nbcore.chapters.learned_first.networks:convolutional",
    "nbcore.chapters.learned_first.networks:passes",
    "nbcore.chapters.learned_first.networks:follow",
    "nbcore.chapters.learned_first.networks:outputs",
    "nbcore.chapters.learned_first.pictures:pictures",
]
NETWORKS = ["nbcore.models.papers:vgg16", "nbcore.models.papers:_finish"]
SMALL = ["nbcore.models.small:small_cnn", "nbcore.models.small:Residual.forward"]
PRETRAINED = ["nbcore.models.pretrained:create", "nbcore.models.pretrained:Classifier.prepare"]
NEIGHBOURS = [
    "nbcore.measures.neighbours:nearest",
    "nbcore.measures.neighbours:_torch",
    "nbcore.models.probes:read",
    "nbcore.models.probes:_pass",
]
DEPTHS = [
    *NEIGHBOURS,
    "nbcore.measures.depth:knn_votes",
    "nbcore.measures.depth:prediction_depth",
    "nbcore.measures.learning:iteration_learned",
    "nbcore.training.ensemble:train_member",
    "nbcore.training.ensemble:probe_votes",
]
POOL = [
    "nbcore.depths.ensembles:plant_noise",
    "nbcore.depths.ensembles:member_seed",
    "nbcore.depths.ensembles:_pool",
    "nbcore.depths.roster:Ensemble.recipe",
    "nbcore.measures.selection:balanced_subset",
    "nbcore.training.ensemble:held_out_mask",
]
CURVES = ["nbcore.lines.packing:_packed", "nbcore.lines.trained:load_sets"]
TABLE = ["nbcore.lines.public:count_table", "nbcore.lines.public:keep_counts"]
KINDS = {
    "testbed-cifar10.1": [
        "nbcore.lines.public:count",
        "nbcore.lines.public:reduce_counts",
        "nbcore.measures.agreement:dominance_matrix",
        "nbcore.measures.agreement:solved_counts",
        "nbcore.data.testbeds:load_testbed",
    ],
    "timm-results": [
        "nbcore.lines.public:count_timm",
        "nbcore.lines.public:keep_counts",
        "nbcore.lines.public:TIMM_TOTALS",
        "nbcore.data.testbeds:load_timm_results",
    ],
    "imagenet-testbed": [*TABLE, "nbcore.data.accuracy_tables:load_imagenet_testbed"],
    "open-clip": [*TABLE, "nbcore.data.accuracy_tables:load_open_clip"],
    "timm-shifts": [*TABLE, "nbcore.data.accuracy_tables:load_timm_shifts"],
    "line-images": [
        "nbcore.chapters.line.images:_count",
        "nbcore.chapters.line.images:_line",
        "nbcore.measures.robustness:fit_line",
        "nbcore.data.testbeds:load_testbed",
    ],
    "small-testbed": [
        *LOADING,
        *TRAINING,
        *SMALL,
        *CURVES,
        "nbcore.training.testbed:_patch_features",
        "nbcore.training.testbed:_fit_sklearn",
        "nbcore.training.testbed:_fit_network",
    ],
    "margin-networks": [
        *LOADING,
        *NETWORKS,
        *NEIGHBOURS,
        *(
            f"nbcore.chapters.margins_and_depth.descent:{name}"
            for name in ("zero_hinge", "descend", "measured", "ended", "_chosen", "Descent.rate")
        ),
        *(
            f"nbcore.chapters.margins_and_depth.runs:{name}"
            for name in ("network", "probed", "scanned", "falls", "chosen", "_images", "_stacked")
        ),
        "nbcore.chapters.margins_and_depth.config:MarginsAndDepth.descent",
        "nbcore.measures.depth:prediction_depth",
        "nbcore.measures.margins:output_margin",
        "nbcore.training.loop:checkpoint_steps",
    ],
    "rise-and-fall": [
        *LOADING,
        *TRAINING,
        *PRETRAINED,
        *CURVES,
        "nbcore.chapters.rise_and_fall.config:conditions",
        "nbcore.chapters.rise_and_fall.runs:_features",
        "nbcore.training.loop:cached_features",
        "nbcore.lines.trained:build",
    ],
    "last-layers": [
        *LOADING,
        *TRAINING,
        *PRETRAINED,
        *CURVES,
        "nbcore.chapters.rise_and_fall.last_layers:_member",
        "nbcore.chapters.rise_and_fall.last_layers:_line",
        "nbcore.training.loop:cached_features",
        "nbcore.lines.trained:build",
        "nbcore.models.offline:with_linear_head",
        "nbcore.models.offline:build",
    ],
    "ensemble": [
        *LOADING,
        *TRAINING,
        *NETWORKS,
        *DEPTHS,
        *POOL,
        "nbcore.depths.tables:reduce_member",
    ],
    "sensitivity": [
        *LOADING,
        *TRAINING,
        *NETWORKS,
        *NEIGHBOURS,
        *POOL,
        "nbcore.chapters.prediction_depth.sensitivity:_votes",
        "nbcore.chapters.prediction_depth.sensitivity:_compare",
        "nbcore.chapters.prediction_depth.sensitivity:KS",
        "nbcore.measures.depth:prediction_depth",
    ],
    "label-noise": [
        *LOADING,
        *TRAINING,
        *NETWORKS,
        *DEPTHS,
        *POOL,
        "nbcore.chapters.corner_examples.label_noise:member_row",
        "nbcore.chapters.corner_examples.label_noise:_share",
    ],
    "zero-shot-class-maps": [
        *LOADING,
        *TRAINING,
        *PRETRAINED,
        "nbcore.measures.zeroshot:class_scores",
        "nbcore.measures.zeroshot:shuffled_map",
        "nbcore.data.classmaps:_from_csv",
        "nbcore.training.heads:MappedHead.forward",
        "nbcore.training.heads:regression_sweep",
        "nbcore.chapters.zero_shot_class_maps.runs:_pack",
        "nbcore.chapters.zero_shot_class_maps.runs:_gallery",
        "nbcore.chapters.zero_shot_class_maps.config:heads",
    ],
    "mnist-usps": [
        *LOADING,
        *TRAINING,
        *PRETRAINED,
        *SMALL,
        *CURVES,
        "nbcore.chapters.rise_and_fall.digits:_member",
        "nbcore.chapters.rise_and_fall.digits:_recipe",
        "nbcore.chapters.rise_and_fall.digits:_pretrain",
        "nbcore.chapters.rise_and_fall.digits:_features",
        "nbcore.training.loop:cached_features",
        "nbcore.models.offline:with_linear_head",
    ],
    "mapped-heads": [
        *LOADING,
        *TRAINING,
        *PRETRAINED,
        *CURVES,
        "nbcore.measures.zeroshot:class_scores",
        "nbcore.measures.zeroshot:shuffled_map",
        "nbcore.data.classmaps:_from_csv",
        "nbcore.training.heads:MappedHead.forward",
        "nbcore.training.loop:cached_features",
        "nbcore.models.offline:with_linear_head",
        "nbcore.chapters.zero_shot_class_maps.networks:prepare",
        "nbcore.chapters.zero_shot_class_maps.networks:of_one_length",
        "nbcore.chapters.zero_shot_class_maps.networks:_read",
    ],
    "held-heads": [
        *LOADING,
        *PRETRAINED,
        *CURVES,
        "nbcore.data.classmaps:_from_csv",
        "nbcore.training.replay:train",
        "nbcore.training.replay:_optimiser",
        "nbcore.training.replay:SharedHead.forward",
        "nbcore.training.interpolation:interpolate",
        "nbcore.training.loop:cached_features",
        "nbcore.models.offline:with_linear_head",
        "nbcore.lines.mapped:open_mapped",
        "nbcore.chapters.holding_on.heads:random_end",
    ],
    "replay": [
        *LOADING,
        *SMALL,
        *CURVES,
        "nbcore.training.loop:train",
        "nbcore.training.recipe:Recipe.rate",
        "nbcore.training.replay:train",
        "nbcore.training.replay:TwoHeaded.forward",
        "nbcore.training.interpolation:interpolate",
        "nbcore.chapters.holding_on.replay:pretrained",
        "nbcore.chapters.holding_on.replay:old_images",
        "nbcore.chapters.holding_on.replay:read",
    ],
    "whole-networks": [
        *LOADING,
        *TRAINING,
        *PRETRAINED,
        *CURVES,
        "nbcore.lines.whole:_recipe",
        "nbcore.lines.whole:_start",
        "nbcore.lines.whole:_path_of",
        "nbcore.lines.trained:build",
        "nbcore.training.interpolation:interpolate",
        "nbcore.training.loop:cached_features",
    ],
    "probed-ensemble": [
        *LOADING,
        *TRAINING,
        *NETWORKS,
        *NEIGHBOURS,
        *POOL,
        "nbcore.measures.depth:knn_votes",
        "nbcore.measures.depth:prediction_depth",
        "nbcore.measures.learning:iteration_learned",
        "nbcore.depths.probed:probed_part",
        "nbcore.depths.probed:held_out_of",
        "nbcore.depths.probed:_votes",
        "nbcore.depths.tables:reduce_member",
    ],
    "c-scores": [
        *LOADING,
        *TRAINING,
        *SMALL,
        "nbcore.chapters.example_difficulty.c_scores:member",
        "nbcore.chapters.example_difficulty.c_scores:_row",
        "nbcore.chapters.example_difficulty.networks:CScoreRun.recipe",
        "nbcore.depths.ensembles:member_seed",
        "nbcore.training.ensemble:held_out_mask",
    ],
    "example-difficulty": [
        *LOADING,
        *TRAINING,
        *PRETRAINED,
        *CURVES,
        "nbcore.training.phases:train_phases",
        "nbcore.measures.selection:select",
        "nbcore.measures.selection:falling_sizes",
        "nbcore.measures.cscores:c_scores",
        "nbcore.chapters.example_difficulty.choices:_recipe",
        "nbcore.chapters.example_difficulty.conditions:conditions",
        "nbcore.chapters.example_difficulty.c_scores:member",
    ],
    "other-scores": [
        *LOADING,
        "nbcore.data.scores:load_scores",
        "nbcore.data.scores:load_labels",
        "nbcore.measures.selection:select",
        "nbcore.chapters.example_difficulty.others:_published",
        "nbcore.chapters.example_difficulty.others:_people",
    ],
    "pretraining-size": [
        *LOADING,
        *TRAINING,
        *SMALL,
        *CURVES,
        "nbcore.chapters.example_difficulty.pretraining:_pretrained",
        "nbcore.chapters.example_difficulty.pretraining:pictures",
    ],
    "linear-risk": [
        "nbcore.chapters.more_data_can_hurt.linear:_along_n",
        "nbcore.chapters.more_data_can_hurt.linear:_along_d",
        "nbcore.chapters.more_data_can_hurt.linear:RIDGES",
        "nbcore.measures.generalization.ridge:ridge_errors",
        "nbcore.measures.generalization.ridge:optimal_ridge",
    ],
    "random-features": [
        *LOADING,
        "nbcore.chapters.more_data_can_hurt.features:_features",
        "nbcore.chapters.more_data_can_hurt.features:_errors",
        "nbcore.chapters.more_data_can_hurt.pictures:wrong_labels",
        "nbcore.chapters.more_data_can_hurt.pictures:shrunk",
    ],
    "noisy-kernels": [
        "nbcore.chapters.more_data_can_hurt.kernels:_costs",
        "nbcore.chapters.more_data_can_hurt.kernels:sizes",
        "nbcore.chapters.more_data_can_hurt.kernels:RIDGE_SIZE",
        "nbcore.measures.generalization.kernels:laplace",
        "nbcore.measures.generalization.kernels:relu_tangent",
        "nbcore.measures.generalization.kernels:gaussian_fit",
    ],
    "noisy-networks": [
        *LOADING,
        "nbcore.training.loop:checkpoint_steps",
        "nbcore.chapters.more_data_can_hurt.networks:train",
        "nbcore.chapters.more_data_can_hurt.networks:widths",
        "nbcore.chapters.more_data_can_hurt.stacked:train_stack",
        "nbcore.chapters.more_data_can_hurt.stacked:start",
        "nbcore.chapters.more_data_can_hurt.stacked:logits",
        "nbcore.chapters.more_data_can_hurt.pictures:wrong_labels",
    ],
    "group-calibration": [
        "nbcore.chapters.meaning_of_a_probability.tables:_fair",
        "nbcore.chapters.meaning_of_a_probability.tables:_randhie",
        "nbcore.chapters.meaning_of_a_probability.tables:_looks",
        "nbcore.chapters.meaning_of_a_probability.tables:COMPONENTS",
        "nbcore.chapters.meaning_of_a_probability.grouped:_judged",
        "nbcore.chapters.meaning_of_a_probability.grouped:_remedies",
        "nbcore.chapters.meaning_of_a_probability.grouped:TRAIN",
        "nbcore.measures.calibration.groups:multicalibrate",
        "nbcore.measures.calibration.groups:isotonic",
        "nbcore.measures.calibration.smooth:smooth_ece",
        "nbcore.measures.calibration.smooth:closest_lipschitz",
        "nbcore.measures.calibration.binned:by_value",
    ],
    "calibration-gap": [
        *LOADING,
        "nbcore.chapters.meaning_of_a_probability.networks:fit",
        "nbcore.chapters.meaning_of_a_probability.networks:RATE",
        "nbcore.chapters.meaning_of_a_probability.runs:_wrong",
        "nbcore.chapters.meaning_of_a_probability.runs:moments",
        "nbcore.measures.calibration.smooth:smooth_ece",
    ],
    "width-auditors": [
        *LOADING,
        "nbcore.chapters.meaning_of_a_probability.networks:fit",
        "nbcore.chapters.meaning_of_a_probability.networks:audit",
        "nbcore.chapters.meaning_of_a_probability.networks:AUDITORS",
        "nbcore.chapters.meaning_of_a_probability.networks:violation",
    ],
    "image-profiles": [
        "nbcore.chapters.every_image_its_own_line.runs:_splits",
        "nbcore.chapters.every_image_its_own_line.runs:FAMILIES",
        "nbcore.measures.generalization.profiles:falling",
        "nbcore.measures.generalization.profiles:equally_hard",
        "nbcore.data.testbeds:load_testbed",
    ],
    "holdout-studies": [
        "nbcore.chapters.honest_science.holdout:_member",
        "nbcore.chapters.honest_science.holdout:votes",
        "nbcore.chapters.honest_science.holdout:threshold",
        "nbcore.chapters.honest_science.holdout:first_yes",
        "nbcore.chapters.honest_science.holdout:until_yes",
    ],
    "noisy-questions": [
        "nbcore.chapters.honest_science.links:answers",
        "nbcore.chapters.honest_science.links:core_first",
        "nbcore.chapters.honest_science.links:core_sizes",
        "nbcore.chapters.honest_science.links:stated",
        "nbcore.chapters.honest_science.links:JUDGED",
    ],
    "simple-classifiers": [
        "nbcore.chapters.honest_science.simple:learn",
        "nbcore.chapters.honest_science.simple:linear_accuracy",
        "nbcore.chapters.honest_science.simple:clipped_accuracy",
        "nbcore.chapters.honest_science.simple:MEANS",
    ],
    "copied-labels": [
        *LOADING,
        "nbcore.chapters.test_set_remembers.copied:flip_chances",
        "nbcore.chapters.test_set_remembers.methods:kernel",
        "nbcore.chapters.test_set_remembers.methods:vgg",
        "nbcore.measures.generalization.copying:chosen",
        "nbcore.measures.generalization.copying:answers",
    ],
    "noisy-teachers": [
        *LOADING,
        "nbcore.chapters.test_set_remembers.taught:noisy",
        "nbcore.chapters.test_set_remembers.taught:learned",
        "nbcore.chapters.test_set_remembers.methods:mlp",
        "nbcore.measures.generalization.copying:chosen",
    ],
    "private-training": [
        *LOADING,
        "nbcore.chapters.test_set_remembers.private:train_privately",
        "nbcore.chapters.test_set_remembers.private:rotated",
        "nbcore.chapters.test_set_remembers.budget:noise_for",
        "nbcore.chapters.test_set_remembers.methods:perceptron",
    ],
    "analytic-sampling": [
        "nbcore.chapters.sampling_unseen.sampler:ddpm",
        "nbcore.chapters.sampling_unseen.sampler:langevin",
        "nbcore.chapters.sampling_unseen.guidance:pull",
        "nbcore.chapters.sampling_unseen.composition:succeeded",
        "nbcore.chapters.sampling_unseen.weighted:draw",
    ],
    "sequence-lengths": [
        "nbcore.chapters.sequences_and_rewards.lengths:train",
        "nbcore.chapters.sequences_and_rewards.lengths:accuracy",
        "nbcore.chapters.sequences_and_rewards.lengths:astray",
        "nbcore.chapters.sequences_and_rewards.tasks:weave",
        "nbcore.models.transformer:fit",
        "nbcore.models.transformer:exact",
    ],
    "reward-tuning": [
        "nbcore.chapters.sequences_and_rewards.rewards:SHARES",
        "nbcore.chapters.sequences_and_rewards.rewards:reinforce",
        "nbcore.chapters.sequences_and_rewards.rewards:teach",
        "nbcore.chapters.sequences_and_rewards.rewards:gradient_norms",
        "nbcore.models.transformer:log_chance",
    ],
    "worded-answers": [
        "nbcore.chapters.sequences_and_rewards.meanings:PREFERRED",
        "nbcore.chapters.sequences_and_rewards.meanings:concluded",
        "nbcore.chapters.sequences_and_rewards.meanings:spread_of",
        "nbcore.chapters.sequences_and_rewards.meanings:tune",
        "nbcore.models.transformer:sample",
    ],
    "explained-by-linear": [
        *LOADING,
        *FOLLOWED,
        "nbcore.training.loop:checkpoint_steps",
        "nbcore.measures.generalization.explained:joint_counts",
        "nbcore.chapters.learned_first.explained:_member",
        "nbcore.chapters.learned_first.explained:explainers",
        "nbcore.chapters.learned_first.explained:within",
        "nbcore.chapters.learned_first.networks:connected",
    ],
    "two-worlds": [
        *LOADING,
        *FOLLOWED,
        "nbcore.training.loop:checkpoint_steps",
        "nbcore.chapters.learned_first.networks:connected",
        "nbcore.chapters.learned_first.worlds:orders",
        "nbcore.chapters.learned_first.worlds:errors",
        "nbcore.chapters.learned_first.worlds:moved",
    ],
    "tangent-kernels": [
        *LOADING,
        *FOLLOWED,
        "nbcore.measures.generalization.kernels:kernel_distance",
        "nbcore.chapters.learned_first.scaling:train",
        "nbcore.chapters.learned_first.scaling:sizes",
        "nbcore.chapters.learned_first.scaling:_lazy_loss",
        "nbcore.chapters.learned_first.tangent:gradients",
        "nbcore.chapters.learned_first.tangent:regress",
        "nbcore.chapters.learned_first.tangent:curvature",
    ],
}
#: functions that enter the numbers of no run
NEVER = [
    "nbcore.charts.lines:accuracy_scatter",
    "nbcore.charts.theme:config",
    "nbcore.publish.book:_runs_table",
    "nbcore.publish.check:_problems",
    "nbcore.claims.words:show_number",
    "nbcore.cli_runs:runs_list",
    "nbcore.doctor:examine",
    "nbcore.data.fetch:download",
    "nbcore.runs.engines:compute_members",
    "nbcore.runs.store:publish",
    "nbcore.runs.verify:verify_all",
    "nbcore.publish.parameters:parameters_table",
    "nbcore.lines.curves:measure",
    "nbcore.measures.bounds:fit_bound",
    "nbcore.measures.blocks:FORWARD",
    "nbcore.measures.blocks:DISTANCE_BYTES",
    "nbcore.depths.roster:nice_name",
]


class _Mutation(ast.NodeTransformer):
    """Change one number, text, operator or result: the `wanted`-th of a definition."""

    def __init__(self, wanted: int):
        self.left = wanted

    def visit(self, node):
        if isinstance(node, ast.Raise | ast.Assert | ast.arg) or self.left < 0:
            return node
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("tqdm", "lru_cache"):
            return node
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return node
        if isinstance(node, ast.keyword) and node.arg in SETTINGS:
            return node
        changed = self.changed(node)
        if changed is not None:
            self.left -= 1
            if self.left < 0:
                return changed
        return self.generic_visit(node)

    def changed(self, node):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            other = node.value + "_" if isinstance(node.value, str) else node.value + 1
            return ast.Constant(other)
        if isinstance(node, ast.Compare):
            return ast.Compare(node.comparators[0], [ast.NotIn()], [node.left])
        if isinstance(node, ast.Return):
            return ast.Return(None)
        if isinstance(node, ast.BinOp):
            return ast.BinOp(node.right, ast.FloorDiv(), node.left)
        return None


def mutated(text: str, path: str, wanted: int) -> str | None:
    """The text with one change inside the definition at `path`; None when it has no such place."""
    tree = ast.parse(text)
    body = tree.body
    for name in path.split("."):
        found = next((s for s in body if name in _names(s)), None)
        assert found is not None, f"There is no {path} to mutate."
        body = getattr(found, "body", [])
    mutation = _Mutation(wanted)
    for field, value in ast.iter_fields(found):
        if field in ("body", "value"):
            new = (
                [mutation.visit(v) for v in value]
                if isinstance(value, list)
                else mutation.visit(value)
            )
            setattr(found, field, new)
    if mutation.left >= 0:
        return None
    return ast.unparse(ast.fix_missing_locations(tree))


def _names(statement) -> list[str]:
    targets = [*getattr(statement, "targets", []), getattr(statement, "target", None)]
    names = [n.id for t in targets if t for n in ast.walk(t) if isinstance(n, ast.Name)]
    return [*names, getattr(statement, "name", "")]


def mutations(place: str, at_most: int = 1):
    """Module and changed text, for the first places in a definition that can be changed."""
    module, _, path = place.partition(":")
    text = read_package(module)
    assert text is not None, f"There is no {module}."
    for wanted in range(at_most):
        changed = mutated(text, path, wanted)
        assert changed or wanted, f"There is nothing to mutate in {place}."
        if changed:
            yield module, changed


@pytest.fixture(scope="module")
def entries() -> dict[str, list[str]]:
    found = {}
    for run in store.all_runs():
        if run.origin == "stored" and run.experiment not in found:
            plan = stored_plan(run.manifest)
            assert plan is not None, f"No module says how {run.experiment} is computed."
            found[run.experiment] = entry_points(plan.functions)
    return found


@pytest.fixture(scope="module")
def source(entries) -> Source:
    """Read once: a mutated source keeps what the mutation does not touch."""
    source = Source()
    for entry in entries.values():
        closure(entry, source)
    return source


def test_every_kind_of_run_is_mutated(entries):
    assert set(entries) - {"testbed-imagenetv2"} == set(KINDS)


def test_ten_mutations_and_more_of_what_enters_a_run_are_noticed(entries, source):
    before = {kind: fingerprint(entries[kind], source) for kind in KINDS}
    noticed = dict.fromkeys(KINDS, 0)
    for place in sorted({place for places in KINDS.values() for place in places}):
        within = [kind for kind, places in KINDS.items() if place in places]
        few = any(len(KINDS[kind]) < 10 for kind in within)
        for module, text in mutations(place, 4 if few else 1):
            other = source.replaced({module: text})
            for kind in within:
                after = fingerprint(entries[kind], other)
                assert module in compare(before[kind], after), f"{place} is not in {kind}."
                noticed[kind] += 1
    assert min(noticed.values()) >= 10, noticed


def test_ten_mutations_and_more_of_what_enters_no_run_are_not_noticed(entries, source):
    before = {kind: fingerprint(entry, source) for kind, entry in entries.items()}
    assert len(NEVER) >= 10
    for place in NEVER:
        for module, text in mutations(place):
            other = source.replaced({module: text})
            for kind, entry in entries.items():
                assert fingerprint(entry, other) == before[kind], f"{place} marks {kind}."


@pytest.mark.parametrize(
    ("module", "old", "new", "marked"),
    [
        ("depths.ensembles", "[seed, 2]", "[seed, 3]", {"ensemble", "label-noise", "sensitivity"}),
        (
            "depths.ensembles",
            "hexdigest()[:7]",
            "hexdigest()[:6]",
            {"ensemble", "label-noise", "sensitivity", "c-scores", "example-difficulty"},
        ),
        ("measures.blocks", "FORWARD = 250", "FORWARD = 251", set()),
        ("training.loop", "the class of the largest logit", "the largest logit's class", set()),
        ("depths.roster", "networks on random splits", "networks", set()),
    ],
)
def test_the_sabotages_of_the_issue(module, old, new, marked, entries, source):
    module = f"nbcore.{module}"
    text = read_package(module)
    assert text and old in text
    other = source.replaced({module: text.replace(old, new)})
    found = {k for k, e in entries.items() if fingerprint(e, source) != fingerprint(e, other)}
    assert found >= marked and (marked or not found)


def test_a_run_of_which_nothing_is_known_and_one_whose_function_is_gone_say_so():
    assert provenance.changed_since({"source": {"nbcore.x": "0"}}) is None
    assert provenance.in_words(None) == "not known"
    gone = {"source": {}, "entry": ["nbcore.depths.tables:gone"]}
    assert provenance.changed_since(gone) == ["nbcore.depths.tables"]


def test_the_fingerprint_of_today_is_kept_and_found_again_where_the_cache_allows(
    own_cache, monkeypatch
):
    entry = ("nbcore.lines.public:count_timm",)
    today = provenance._today.__wrapped__
    first = today(entry)
    (kept,) = (own_cache / "fingerprints").glob("*.json")
    monkeypatch.setattr(provenance, "fingerprint", lambda *_: {"computed": "again"})
    assert today(entry) == first == fingerprint(entry, Source())
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert today(entry) == {"computed": "again"}
    monkeypatch.setattr(provenance, "_texts", lambda: "of changed modules")
    monkeypatch.setattr(provenance, "fingerprint", lambda *_: {"computed": "for them"})
    assert today(entry) == {"computed": "for them"}
    assert [*(own_cache / "fingerprints").glob("*.json")] == [kept]
    monkeypatch.setenv("NBCORE_CACHE", "/proc/nowhere")
    assert today(entry) == {"computed": "for them"}
