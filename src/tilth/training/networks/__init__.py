"""Networks: small reference networks in PyTorch for images, recordings, texts and plain numbers.

A network is designed from the layout of the features (`Block`), learned by PyTorch, and written into the
graph as standard ONNX operators. The only room that imports PyTorch, and only where it learns or predicts.
"""

from __future__ import annotations

from tilth.training.networks.making import make_network

__all__ = ["make_network"]
