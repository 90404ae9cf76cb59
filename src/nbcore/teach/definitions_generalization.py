"""Definitions of the papers of the third part."""

from nbcore.teach.definition import Definition

COINS = "p, chances = [0.49, 0.51], [0, 1]  # two coins that hardly look different"
CALIBRATION = "nbcore.measures.calibration"

GENERALIZATION = (
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
