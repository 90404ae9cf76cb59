"""The papers' definitions: what each says, its function here, and an example to check by hand."""

from typing import NamedTuple


class Definition(NamedTuple):
    """One definition.

    name: in words; where: paper and place, as docstrings name them, or the paper as the book cites
    it; formula: LaTeX; function: its full name; code: an example whose last line is an expression;
    by_hand: what that line gives when it is computed on paper.
    """

    name: str
    where: str
    formula: str
    function: str
    code: str
    by_hand: list[float]


THREE = "line = fit_line([0.50, 0.75, 0.90], [0.25, 0.50, 0.75])  # odds by 3"
FIVE = (
    "said = np.array([[1, 1, 1, 1, 2]]).T  # five networks: cat four times, dog once\n"
    "label, all_held_out, classes = [2], np.ones((5, 1), bool), 3"
)
COINS = "p, chances = [0.49, 0.51], [0, 1]  # two coins that hardly look different"
ROBUSTNESS, AGREEMENT = "nbcore.measures.robustness", "nbcore.measures.agreement"
CALIBRATION = "nbcore.measures.calibration"

DEFINITIONS = (
    Definition(
        "The line of a testbed",
        "ER appendix A, eq. 5",
        r"\operatorname{logit}(a_\text{ood}) = A \operatorname{logit}(a_\text{id}) + B",
        f"{ROBUSTNESS}.fit_line",
        f"{THREE}\nline.slope, line.intercept",
        [1.0, -1.0986],
    ),
    Definition(
        "Effective robustness",
        "ER §3, eq. 1",
        r"\rho = a_\text{ood} - \beta(a_\text{id})",
        f"{ROBUSTNESS}.effective_robustness",
        f"{THREE}\neffective_robustness(0.75, 0.60, line)",
        [0.10],
    ),
    Definition(
        "What counts as effectively robust",
        "ER §3",
        r"\operatorname{low}_{95}(a_\text{ood}, n) > \beta(a_\text{id})",
        f"{ROBUSTNESS}.is_significant",
        f"{THREE}\nis_significant([0.75, 0.75], [0.60, 0.60], np.array([20, 2000]), line)",
        [0.0, 1.0],
    ),
    Definition(
        "Averages over bins of accuracy",
        "ER appendix B.5",
        r"\bar\rho_b = \frac{1}{|b|} \sum_{a_\text{id} \in b} \rho",
        f"{ROBUSTNESS}.binned_average",
        "binned_average([0.1, 0.3, 0.7, 0.9], [1, 3, 10, 20], bins=2, range=(0, 1)).mean",
        [2.0, 15.0],
    ),
    Definition(
        "The share of the gap that is closed",
        "ER appendix D",
        r"\rho \,/\, (a_\text{id} - \beta(a_\text{id}))",
        f"{ROBUSTNESS}.gap_fraction",
        f"{THREE}\ngap_fraction(0.75, 0.60, line)  # ten of twenty-five points",
        [0.4],
    ),
    Definition(
        "A mixed classifier",
        "ER appendix D.1",
        r"a(\alpha) = \alpha\, a_\text{low} + (1 - \alpha)\, a_\text{high}",
        f"{ROBUSTNESS}.mixed_classifier",
        "mixed_classifier([0.50, 0.25], [0.90, 0.75], 0.5)",
        [0.70, 0.50],
    ),
    Definition(
        "Dominance probability",
        "ER eq. 2",
        r"\Pr[\text{lower right and higher wrong}]",
        f"{AGREEMENT}.dominance_probability",
        "dominance_probability([1, 1, 0, 0], [0, 1, 1, 1])  # the first image alone",
        [0.25],
    ),
    Definition(
        "Mean dominance over a model's pairs",
        "ER C.10",
        r"\frac{1}{m}\sum_j \Pr[\text{lower of } i, j \text{ right, higher wrong}]",
        f"{AGREEMENT}.mean_dominance",
        "mean_dominance([1, 0, 0, 0], np.array([[0, 1, 1, 1], [1, 1, 1, 1]]))",
        [0.125],
    ),
    Definition(
        "Scores through a class map",
        "ER C.7",
        r"s_t = \max_{c \in M(t)} p_c \quad\text{or the mean, or the sum}",
        "nbcore.measures.zeroshot.class_scores",
        'birds_cats = {"bird": [0, 1, 2], "cat": [3]}\n'
        'class_scores([[0.2, 0.1, 0.2, 0.5]], birds_cats, "sum")',
        [0.5, 0.5],
    ),
    Definition(
        "Prediction depth",
        "PD §2.1",
        r"\min\{\,\ell : \text{probe}_k(x) = f(x) \text{ for all } k \ge \ell\,\}",
        "nbcore.measures.depth.prediction_depth",
        "cat, dog = 0, 1\n"
        "prediction_depth([[cat, dog, cat, dog, dog]], [dog])  # from the fourth probe on",
        [3.0],
    ),
    Definition(
        "A probe of nearest neighbours",
        "PD §2.1",
        r"\text{probe}(x) = \text{the class with most of the } k \text{ nearest}",
        "nbcore.measures.depth.knn_predict",
        "bank = np.array([[0.0], [1], [2], [5], [6]], np.float32)\n"
        "knn_predict(bank, np.array([0, 0, 1, 1, 1]), np.array([[1.2]], np.float32), k=3)",
        [0.0],
    ),
    Definition(
        "Consensus class",
        "PD §3.1",
        r"\hat y(x) = \arg\max_c \#\{\,i : f_i(x) = c\,\}",
        f"{AGREEMENT}.consensus_class",
        f"{FIVE}\nconsensus_class(said, label, all_held_out, classes)",
        [1.0],
    ),
    Definition(
        "Consistency score",
        "PD eq. 1",
        r"\hat C(x, y) = \Pr_i[f_i(x) = y]",
        f"{AGREEMENT}.consistency_score",
        f"{FIVE}\nconsistency_score(said, label, all_held_out, classes)",
        [0.2],
    ),
    Definition(
        "Consensus-consistency",
        "PD eq. 2",
        r"C^*(x) = \Pr_i[f_i(x) = \hat y(x)]",
        f"{AGREEMENT}.consensus_consistency",
        f"{FIVE}\nconsensus_consistency(said, label, all_held_out, classes)",
        [0.8],
    ),
    Definition(
        "Entropy of the predictions",
        "PD eq. 3",
        r"-\sum_c p_c \ln p_c",
        f"{AGREEMENT}.prediction_entropy",
        f"{FIVE}\nprediction_entropy(said, label, all_held_out, classes)",
        [0.5004],
    ),
    Definition(
        "Iteration learned",
        "PD §3.2",
        r"\min\{\,t : f_s(x) = f_T(x) \text{ for all } s \ge t\,\}",
        "nbcore.measures.learning.iteration_learned",
        "cat, dog = 0, 1\niteration_learned([[dog, cat, cat, dog, cat, cat]], [cat])",
        [4.0],
    ),
    Definition(
        "Updates on one scale",
        "PD note 6",
        r"t_i \,/\, \text{the 95th percentile of } t",
        "nbcore.measures.learning.scaled_steps",
        "scaled_steps([0, 1, 1], [0, 40])",
        [0.0, 1.0, 1.0],
    ),
    Definition(
        "Output margin",
        "PD §3.3",
        r"z_{(1)} - z_{(2)}",
        "nbcore.measures.margins.output_margin",
        "output_margin([[3.0, 1.0, 2.5]])",
        [0.5],
    ),
    Definition(
        "0-hinge loss",
        "PD §3.3",
        r"\sum_{j \ne i} \max(0, z_j - z_i)",
        "nbcore.chapters.margins_and_depth.descent.zero_hinge",
        "import torch\n"
        "z = torch.tensor([[1.0, 3.0, 0.5], [2.0, 1.5, 0.0]])  # the label is the first class\n"
        "zero_hinge(z, torch.tensor([0, 0]))  # one class leads by 2, in one of two images",
        [1.0],
    ),
    Definition(
        "Input margin",
        "PD §3.3",
        r"\min_{j \ne i} |z_i - z_j| \,/\, \lVert \nabla_x (z_i - z_j) \rVert",
        "nbcore.measures.margins.input_margin",
        "import torch\n"
        "plane = torch.nn.Linear(2, 2, bias=False)\n"
        "plane.weight.data = torch.tensor([[3.0, 4.0], [0.0, 0.0]])\n"
        "input_margin(plane, np.array([[2.0, 1.0]]))  # ten over the length five",
        [2.0],
    ),
    Definition(
        "The plane of two depths and its corners",
        "PD §4",
        r"\left(\tfrac{v - v_{\min}}{v_{\max} - v_{\min}},"
        r"\ \tfrac{t - t_{\min}}{t_{\max} - t_{\min}}\right)",
        "nbcore.measures.corners.scaled_plane",
        "scaled_plane([0, 12, 9], [1, 11, 3])[:, 2]",
        [0.75, 0.20],
    ),
    Definition(
        "What privacy leaves between training and test images",
        "{cite:t}`kulynych2022`",
        r"(e^\varepsilon - 1 + 2\delta) \,/\, (e^\varepsilon + 1)",
        "nbcore.measures.generalization.copying.privacy_bound",
        "privacy_bound(np.log(3), delta=0)  # (3 - 1) / (3 + 1)",
        [0.5],
    ),
    Definition(
        "Smooth calibration error",
        "{cite:t}`blasiok2022`",
        r"\max_\eta\, \mathbb{E}[\eta(p)(y - p)],"
        r"\quad |\eta| \le 1,\ |\eta(p) - \eta(p')| \le |p - p'|",
        f"{CALIBRATION}.smooth.smooth_calibration_error",
        f"{COINS}\nsmooth_calibration_error(p, chances)  # half of .49 times .02",
        [0.0049],
    ),
    Definition(
        "Distance from calibration",
        "{cite:t}`blasiok2022`",
        r"\min_q\, \mathbb{E}\,|p - q|, \quad \mathbb{E}[y \mid q] = q",
        f"{CALIBRATION}.distance.distance_from_calibration",
        f"{COINS}\ndistance_from_calibration(p, chances)  # from one half for both",
        [0.01],
    ),
    Definition(
        "SmoothECE",
        "{cite:t}`blasiok2023smooth`",
        r"\sigma = \int_0^1 \bigl|\mathbb{E}[(y - p)\, K_\sigma(v, p)]\bigr|\, \mathrm{d}v",
        f"{CALIBRATION}.smooth.smooth_ece",
        "smooth_ece([0.2, 0.6], [0.4, 0.8])  # all too low by .2: smoothing loses nothing of it",
        [0.2],
    ),
    Definition(
        "Post-processing gap",
        "{cite:t}`blasiok2023loss`",
        r"\mathbb{E}(y - p)^2 - \min_\eta\, \mathbb{E}(y - p - \eta(p))^2,"
        r"\quad |\eta(p) - \eta(p')| \le |p - p'|",
        f"{CALIBRATION}.smooth.post_processing_gap",
        f"{COINS}\npost_processing_gap(p, chances)  # .49 squared less .48 squared",
        [0.0097],
    ),
    Definition(
        "Performance correlation",
        "{cite:t}`nakkiran2019sgd`",
        r"\mu(F; L) = I(F; Y) - I(F; Y \mid L)",
        "nbcore.measures.generalization.explained.performance_correlation",
        "counts = np.zeros((2, 2, 2))  # prediction, label, explainer\n"
        "counts[0, 0, 0] = counts[1, 1, 1] = 2  # all right: log 2, and a twin explains it\n"
        "performance_correlation(counts)",
        [0.6931],
    ),
    Definition(
        "Kernel distance",
        "{cite:t}`vyas2022`",
        r"1 - \langle A, B \rangle \,/\, \lVert A \rVert \lVert B \rVert",
        "nbcore.measures.generalization.kernels.kernel_distance",
        "kernel_distance(np.eye(2), np.ones((2, 2)))  # 2 over the root of 2 times 2",
        [0.2929],
    ),
    Definition(
        "A guided score",
        "{cite:t}`bradley2024`",
        r"\gamma\, \nabla \log p_t(x \mid c) + (1 - \gamma)\, \nabla \log p_t(x)",
        "nbcore.chapters.sampling_unseen.guidance.pull",
        "x = 2.0  # from N(0, 1) with the condition, from N(0, 2) without; no noise\n"
        "-x * pull(gamma=3.0, t=0.0)  # 3 times -2, less 2 times -1",
        [-4.0],
    ),
    Definition(
        "The power of the corrector within guidance",
        "{cite:t}`bradley2024`",
        r"g = 2\gamma - 1",
        "nbcore.chapters.sampling_unseen.guidance.corrector",
        "gamma = 3.0\ncorrector(gamma)  # (1 + 5) / 2 is 3 again",
        [5.0],
    ),
    Definition(
        "The pull of a reward on a policy of two answers",
        "{cite:t}`razin2023`",
        r"\frac{\mathrm{d}p}{\mathrm{d}\theta} = p\,(1 - p), \quad p = 1 / (1 + e^{-\theta})",
        "nbcore.chapters.sequences_and_rewards.by_hand.pull",
        "pull(chance=0.1)  # the squared standard deviation of the reward",
        [0.09],
    ),
    Definition(
        "The least-degree interpolator of a majority",
        "{cite:t}`zhou2023`",
        r"\tfrac12 (x_1 + x_2 + x_3) - \tfrac12\, x_1 x_2 x_3",
        "nbcore.chapters.sequences_and_rewards.by_hand.disagreement",
        "disagreement(seen=3, places=5)  # two to one, and both new signs side with the one",
        [0.1875],
    ),
    Definition(
        "The threshold of a holdout set",
        "{cite:t}`nakkiran2018`",
        r"\tfrac12 + \sqrt{\log(k / \alpha) \,/\, 2n}",
        "nbcore.chapters.honest_science.holdout.threshold",
        "threshold(queries=5, samples=100, level=0.05)  # log 100 is 4.605",
        [0.6517],
    ),
)
