"""Writes promotion.json: what PyTorch's promotion makes of pairs of operands, and of one dtype in each operator.

Run with a Python that has PyTorch: python make-promotion.py, and format the table with biome.
"""

import json
import pathlib
import warnings

import torch

warnings.filterwarnings("ignore")

NAMES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split()
DTYPES = {name: getattr(torch, name) for name in NAMES}
SCALARS = {"true": True, "2": 2, "2.5": 2.5}

operands = {name: torch.ones(2, dtype=dtype) for name, dtype in DTYPES.items()}
operands |= {f"{name} []": torch.ones((), dtype=dtype) for name, dtype in DTYPES.items()}
operands |= SCALARS


def name_of(dtype):
    return str(dtype).removeprefix("torch.")


def pair(a, b):
    if not isinstance(a, torch.Tensor) and not isinstance(b, torch.Tensor):
        return None
    return name_of(torch.result_type(a, b))


def result(function, *args):
    try:
        out = function(*args)
    except (RuntimeError, NotImplementedError, TypeError):
        return "refused"
    return name_of(out.dtype)


F = torch.nn.functional
UNARY = """abs ceil floor round trunc frac neg positive sign signbit square reciprocal sqrt rsqrt exp log sin isnan isinf
isfinite relu sigmoid bitwise_not logical_not sinc logit erf lgamma nan_to_num tanh""".split()
ACTIVATIONS = """elu gelu hardshrink hardsigmoid hardswish leaky_relu logsigmoid mish selu silu softplus softshrink""".split()
BINARY = """add mul div true_divide floor_divide fmod remainder pow maximum minimum fmax eq lt logical_and bitwise_and
bitwise_left_shift xlogy atan2 hypot copysign logaddexp clamp_min""".split()
REDUCTIONS = "sum prod mean amax argmax all std var cumsum logsumexp median norm softmax".split()

ASKED = ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"]


def reduction(name):
    def call(x):
        if name in ("cumsum", "logsumexp", "softmax"):
            return getattr(torch, name)(x, 0)
        return getattr(torch, name)(x)

    return call


operators = {name: getattr(torch, name, None) or getattr(F, name) for name in UNARY}
operators |= {name: getattr(F, name) for name in ACTIVATIONS}
operators |= {name: reduction(name) for name in REDUCTIONS}
of_one = {op: {d: result(f, torch.ones(2, dtype=DTYPES[d])) for d in ASKED} for op, f in operators.items()}
of_two = {
    op: {d: result(getattr(torch, op), torch.ones(2, dtype=DTYPES[d]), torch.ones(2, dtype=DTYPES[d])) for d in ASKED}
    for op in BINARY
}
with_scalar = {
    op: {
        d: [result(getattr(torch, op), torch.ones(2, dtype=DTYPES[d]), scalar) for scalar in SCALARS.values()]
        for d in ASKED
    }
    for op in "add mul div floor_divide remainder pow eq clamp_min".split()
}

table = {
    "operands": list(operands),
    "pairs": {a: [pair(operands[a], operands[b]) for b in operands] for a in operands},
    "ofOne": of_one,
    "ofTwo": of_two,
    "scalars": list(SCALARS),
    "withScalar": with_scalar,
}
text = json.dumps(table, indent=1)
pathlib.Path(__file__).with_name("promotion.json").write_text(text + "\n")
