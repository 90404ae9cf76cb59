"""The papers' definitions: what each says, its function here, and an example to check by hand."""

from nbcore.teach.definition import Definition
from nbcore.teach.definitions_generalization import GENERALIZATION

THREE = "line = fit_line([0.50, 0.75, 0.90], [0.25, 0.50, 0.75])  # odds by 3"
FIVE = (
    "said = np.array([[1, 1, 1, 1, 2]]).T  # five networks: cat four times, dog once\n"
    "label, all_held_out, classes = [2], np.ones((5, 1), bool), 3"
)
ROBUSTNESS, AGREEMENT = "nbcore.measures.robustness", "nbcore.measures.agreement"

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
    *GENERALIZATION,
)
