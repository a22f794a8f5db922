"""Download MNIST or Fashion-MNIST with torchvision: ``python -m greedyrank.data.torchvision_download NAME FOLDER``."""

from __future__ import annotations

import sys
from types import ModuleType


def datasets() -> ModuleType:
    """Import ``torchvision.datasets``, also with a build of torch that does not match that of torchvision.

    A CUDA build of torchvision cannot load its compiled operators with a CPU build of torch, and its import then fails
    at two operators of which it registers fake versions. Declaring the two lets the import finish; the data sets need
    none of the operators.
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
