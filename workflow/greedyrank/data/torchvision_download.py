"""Download MNIST or Fashion-MNIST with torchvision: ``python -m greedyrank.data.torchvision_download NAME FOLDER``."""

from __future__ import annotations

import sys
from types import ModuleType


def datasets() -> ModuleType:
    """Import ``torchvision.datasets``, also beside a torch whose build torchvision's does not match.

    torchvision's CUDA build beside a CPU torch cannot load its compiled operators, and its import
    then stops at the two operators it registers fake versions of. Declaring them lets the import
    finish; the data sets need none of the operators.
    """
    try:
        from torchvision import datasets
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        import torch

        for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        from torchvision import datasets

        datasets._operators = library  # the declarations last as long as this object
    return datasets


if __name__ == "__main__":
    name, folder = sys.argv[1:]
    cls = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}[name]
    for train in (True, False):
        getattr(datasets(), cls)(folder, train=train, download=True)
