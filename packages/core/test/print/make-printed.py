"""Makes printed.json: tensors and how PyTorch's own code prints them.

Run with a Python that has PyTorch. Three of its lines are changed, for what this project writes differently: dtypes have no
`torch.` before them, int32 goes without saying where PyTorch's default integer is int64, and the name of a gradient's
node has no number at its end.
"""

import base64
import json
import pathlib
import re
import types

import torch
import torch._tensor_str as original

source = pathlib.Path(original.__file__).read_text()
for old, new in [
    ("str(self.dtype)", "str(self.dtype)[6:]"),
    ("            torch.int64,\n            torch.bool,\n", "            torch.int32,\n            torch.bool,\n"),
    ("        torch.int64,\n        torch.bool,\n", "        torch.int32,\n        torch.bool,\n"),
    ("grad_fn_name = type(grad_fn).__name__", "grad_fn_name = type(grad_fn).__name__.rstrip('0123456789')"),
]:
    source = source.replace(old, new)
assert "torch.int32,\n        torch.bool" in source
printer = types.ModuleType("printer")
exec(compile(source, "printer", "exec"), printer.__dict__)

cases = []
DEFAULTS = dict(precision=4, threshold=1000, edgeitems=3, linewidth=80, sci_mode=None)


def case(x, **options):
    printer.set_printoptions(**{**DEFAULTS, **options})
    printed = printer._str(x)
    plain = x.detach()
    if plain.dtype in (torch.float16, torch.bfloat16):
        plain = plain.float()
    if plain.is_complex():
        plain = torch.view_as_real(plain)
    raw = plain.contiguous().numpy().tobytes()
    entry = dict(dtype=str(x.dtype)[6:], shape=list(x.shape), data=base64.b64encode(raw).decode(), printed=printed)
    if options:
        entry["options"] = {re.sub("_m", "M", key): value for key, value in options.items()}
    if x.requires_grad:
        entry["requiresGrad"] = True
    cases.append(entry)


t = torch.tensor
inf, nan = float("inf"), float("nan")
i32 = torch.int32

# Without dimensions, empty.
for value in [0.0, -0.0, 1.0, -4.0, 0.5, 1e-5, 123456789.0, 1e8, 1.5e8, 3.14159, inf, -inf, nan, 1e30, 99999.5, 0.03125, 2.5]:
    case(t(value))
case(t(7, dtype=i32)), case(t(-7, dtype=torch.int64)), case(t(True)), case(t(3, dtype=torch.uint8)), case(t(2.5, dtype=torch.float64))
for dtype in [torch.float32, torch.float64, i32, torch.int64, torch.bool]:
    case(torch.empty([0], dtype=dtype)), case(torch.empty([0, 3], dtype=dtype)), case(torch.empty([2, 0, 3], dtype=dtype))

# Floats: whole, mixed, ties, exponents, what is no number.
for values in [
    [4.0, 4.0, 4.0],
    [0.0, 0.0],
    [-0.0, 1.0],
    [-0.0, 0.5],
    [1.0, -20.0, 300.0],
    [1.0, nan],
    [1.0, inf, -inf],
    [nan, nan],
    [inf],
    [-inf, 0.0],
    [0.5, nan, inf],
    [0.5, nan, -inf, 100.0],
    [0.03125, 0.09375, -0.03125, 0.15625],
    [0.00001, 1.0],
    [0.0001, 0.05],
    [0.00009, 0.05],
    [1.0, 1001.0],
    [1.0, 1000.0],
    [1.5, 1500.6],
    [1.5, 1499.0],
    [1e8, 1.5e8],
    [100000000.0, 100000001.0],
    [3e38, 1e-38],
    [1e-45, 0.0],
    [5.0, 1e10],
    [1e9, nan, inf, 0.0],
    [12345.678, 54321.123],
    [0.1 + 0.2, 1 / 3],
    [99999.99999, 10000.0],
    [-1.5, 2.25, -3.125],
    [1e15, 3e15],
    [1.00005, 1.00015],
]:
    case(t(values)), case(t(values, dtype=torch.float64))
case(t([1e300, 1e-300, 1e-310], dtype=torch.float64)), case(t([1e100, 2.0], dtype=torch.float64))
case(t([1.0, 65504.0], dtype=torch.float16)), case(t([0.1, 0.2, 1e-5], dtype=torch.float16)), case(t([0.1, 3.0], dtype=torch.bfloat16))

# Integers and truths.
case(t([1, -20, 300], dtype=i32)), case(t([[1, 2], [30, 4]], dtype=torch.int64)), case(t([True, False])), case(t([[False], [True]]))
case(t([-(2**63), 2**63 - 1], dtype=torch.int64)), case(t([-(2**31), 2**31 - 1], dtype=i32))
case(t([255, 0], dtype=torch.uint8)), case(t([-128], dtype=torch.int8)), case(t([[1], [-32768]], dtype=torch.int16))

# Complex.
case(t([1 + 2j, 3.5 - 4j])), case(t(1 - 0.5j)), case(t([[1j, 2.0], [-3 - 1j, complex(nan, inf)]])), case(t([1e5 + 1e-5j, 1 + 1j]))

# Shapes: long lines, nesting, summaries.
g = torch.Generator().manual_seed(7)
case(torch.arange(30, dtype=i32)), case(torch.arange(100, dtype=torch.int64)), case(torch.arange(40.0)), case(torch.rand(20, generator=g))
case(torch.rand(3, 4, generator=g)), case(torch.rand(2, 15, generator=g)), case(torch.rand(2, 3, 4, generator=g)), case(torch.rand(1, 2, 2, 2, generator=g))
case(torch.rand(2, 1, 1, generator=g, dtype=torch.float64)), case(torch.randn(5, 5, generator=g) * 1000), case(torch.randn(3, 3, generator=g) * 1e-6)
case(torch.arange(1001, dtype=i32)), case(torch.arange(1000, dtype=i32)), case(torch.rand(1001, generator=g)), case(torch.rand(40, 40, generator=g))
case(torch.arange(1200.0).reshape(3, 400)), case(torch.arange(1200.0).reshape(400, 3))
case(torch.arange(1260.0).reshape(7, 20, 9)), case(torch.arange(1200, dtype=i32).reshape(2, 2, 300)), case(torch.arange(1536, dtype=torch.int64).reshape(8, 8, 3, 8))
case(torch.arange(2000) % 2 == 0), case((torch.arange(1500.0) - 3).reshape(6, 250) * 1e7), case(torch.zeros(2000, 1))
case(torch.full((2, 2, 2, 2, 2), 1.0)), case(torch.tensor([[True, False, True]] * 2)), case(torch.rand(9, 2, generator=g).t())

# What follows the elements, and lines that it does not fit into.
case(torch.rand(7, generator=g, dtype=torch.float64)), case(torch.rand(8, generator=g, dtype=torch.float64)), case(t([1.0, 2.0], requires_grad=True))
case(t(4.0, requires_grad=True)), case(torch.rand(6, generator=g).requires_grad_()), case(torch.rand(7, generator=g).requires_grad_())
case(torch.rand(2, 7, dtype=torch.float64, generator=g).requires_grad_()), case(torch.rand(0, 2).requires_grad_())
for size in range(18, 26):
    case(torch.arange(size, dtype=torch.int64)), case(torch.arange(size, dtype=torch.uint8))

# Options.
x = torch.rand(3, 9, generator=g)
for options in [
    dict(precision=2),
    dict(precision=0),
    dict(precision=8),
    dict(precision=20),
    dict(sci_mode=True),
    dict(sci_mode=False),
    dict(linewidth=40),
    dict(linewidth=1),
    dict(threshold=5),
    dict(threshold=5, edgeitems=1),
    dict(threshold=5, edgeitems=2, precision=1),
    dict(threshold=5, edgeitems=0),
    dict(threshold=0, edgeitems=1, linewidth=20),
    dict(edgeitems=0),
]:
    case(x, **options), case(x[0], **options), case(x[0, 0], **options), case(torch.arange(12, dtype=i32), **options)
case(t([1e25, 0.5], dtype=torch.float64), sci_mode=False), case(t([1e25, 3.0], dtype=torch.float64), sci_mode=False), case(t([1e-12, 5.0]), sci_mode=False)
case(t([2.5, 3.5, -2.5, 0.5]), precision=0), case(t([2.5, 3.5, 25.0, 0.0]), precision=0, sci_mode=True), case(t([1.0, 20.0, nan]), sci_mode=True)
case(t([0.125, 0.375, -0.625]), precision=2), case(t([1.25, 1.35, 13.5, 0.0125]), precision=1, sci_mode=True), case(torch.arange(20.0), threshold=10**9)

path = pathlib.Path(__file__).with_name("printed.json")
path.write_text("[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in cases) + "\n]\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
