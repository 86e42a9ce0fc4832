"""Makes reference.safetensors, and reference.json with the same values: what PyTorch's own safetensors package writes.

Run with a Python that has PyTorch and safetensors.
"""

import base64
import json
import pathlib

import torch
from safetensors.torch import save

here = pathlib.Path(__file__).parent
g = torch.Generator().manual_seed(3)
tensors = {
    "layers.0.weight": torch.randn(3, 5, generator=g),
    "layers.0.bias": torch.randn(3, generator=g),
    "a.float64": torch.randn(2, 2, generator=g, dtype=torch.float64),
    "z.float16": torch.tensor([1.5, -0.0, float("inf"), float("nan"), 6e-8], dtype=torch.float16),
    "z.bfloat16": torch.tensor([[1.5, -3e38]], dtype=torch.bfloat16),
    "step": torch.tensor(2**62 + 1),
    "int64": torch.tensor([[-(2**63), 2**63 - 1]]),
    "int32": torch.tensor([-(2**31), 7], dtype=torch.int32),
    "int16": torch.tensor([-32768, 1, 2], dtype=torch.int16),
    "int8": torch.tensor([-128, 127], dtype=torch.int8),
    "uint8": torch.tensor([0, 255, 3], dtype=torch.uint8),
    "mask": torch.tensor([True, False, True]),
    "empty": torch.zeros(0, 4),
    "é\u0001\"\\/ 日本 😀": torch.tensor([1.0]),
    "\uffee": torch.tensor([2.0]),
    "__proto__": torch.tensor([3.0]),
    "constructor": torch.tensor([4.0]),
    "": torch.tensor([5.0]),
}
# One string only: the package writes several in no fixed order.
(here / "reference.safetensors").write_bytes(save(tensors, {"format": "pt"}))


def entry(x):
    raw = x.contiguous().flatten().view(torch.uint8) if x.numel() else torch.zeros(0, dtype=torch.uint8)
    return dict(dtype=str(x.dtype)[6:], shape=list(x.shape), data=base64.b64encode(raw.numpy().tobytes()).decode())


listed = [dict(name=name, **entry(x)) for name, x in tensors.items()]
(here / "reference.json").write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n")
