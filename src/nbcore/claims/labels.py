"""Names as people write them, in place of the words by which the ledger and the runs know things.

A check is known by its name, which stays as it was when it was written; pages show its label: the
ledger's own `label` where it has one, and the name with these words put right otherwise.
"""

import re

#: a word of a name, in lower case -> as people write it
WORDS = {
    "timm:imagenetv2": "timm's models on ImageNetV2",
    "imagenetv2": "ImageNetV2",
    "imagenet-r": "ImageNet-R",
    "imagenet": "ImageNet",
    "objectnet": "ObjectNet",
    "cifar": "CIFAR",
    "cifar10.1": "CIFAR-10.1",
    "cifar10.1-v6": "CIFAR-10.1",
    "cifar10": "CIFAR-10",
    "cifar-10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "cifar-100": "CIFAR-100",
    "cifar-10-neg": "CIFAR-10-Neg",
    "cifar10-neg": "CIFAR-10-Neg",
    "cinic10-imagenet": "CINIC-10's ImageNet images",
    "tiny-imagenet-32": "Tiny ImageNet at 32 pixels",
    "svhn": "SVHN",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "usps": "USPS",
    "alexnet": "AlexNet",
    "wide-resnet-50-2": "Wide ResNet-50-2",
    "resnet18": "ResNet18",
    "resnet18-vgg16": "ResNet18–VGG16",
    "vgg16-mlp": "VGG16–MLP",
    "vgg16": "VGG16",
    "vgg": "VGG",
    "cnn": "CNN",
    "1-nn": "1-NN",
    "25-nn": "25-NN",
    "sgd": "SGD",
    "mlp": "MLP",
    "res16": "a small residual network",
    "lite0": "EfficientNet-Lite0",
    "lite1": "EfficientNet-Lite1",
    "lite2": "EfficientNet-Lite2",
    "efficientnet_lite0": "EfficientNet-Lite0",
    "efficientnet_lite1": "EfficientNet-Lite1",
    "efficientnet_lite2": "EfficientNet-Lite2",
    "mobilenet_v2": "MobileNetV2",
    "squeezenet1_0": "SqueezeNet",
    "ce-sgd": "cross-entropy with SGD",
    "ce-gd": "cross-entropy with full gradients",
    "0-hinge-sgd": "0-hinge with SGD",
    "0-hinge-gd": "0-hinge with full gradients",
    "r2": "R²",
    "spearman": "rank correlation",
    "auroc": "AUROC",
    "lambda": "λ",
    "x100": "with weight 100",
    "relu": "ReLU",
    "laplace": "Laplace",
    "gaussian": "Gaussian",
    "bayes": "Bayes",
    "scipy": "SciPy",
    "ddim": "DDIM",
    "ddpm": "DDPM",
}
#: sizes and pretraining of BiT, and claims by their letter
CAPITALS = re.compile(r"(?<![\w.-])(?:r\d+x\d|[ms]-(?:1k|21k)|[abc]\d{1,2})(?![\w-])")
_KNOWN = "|".join(sorted(map(re.escape, WORDS), key=len, reverse=True))
#: networks whose names are English words too
NETWORKS = re.compile(r"\bbit(?= r\d)|(?<=zero-shot )(?:bit|clip)\b")
KNOWN = re.compile(rf"(?<![\w.:-])(?:{_KNOWN})(?![\w-]|\.\d)")


def readable(name: str) -> str:
    """Return a name with the words that only a program writes so replaced by people's.

    >>> readable("smallest spearman between architectures, resnet18 on cifar10")
    'smallest rank correlation between architectures, ResNet18 on CIFAR-10'
    """
    known = KNOWN.sub(lambda m: WORDS[m[0]], name)
    known = NETWORKS.sub(lambda m: {"bit": "BiT", "clip": "CLIP"}[m[0]], known)
    return CAPITALS.sub(lambda m: m[0][0].upper() + m[0][1:], known)
