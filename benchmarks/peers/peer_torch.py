"""PyTorch as a peer: the same protocol and the same clock as `compare/peer.ts`, the same formula as `compare/data.ts`."""

import json
import math
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CHECKED_STEPS = 4
SAMPLES = 256
BATCH_MS = 20
JOB = json.load(sys.stdin)
START = time.perf_counter()
DEVICE = JOB["device"]
# On a device that computes while the program goes on, a call ends when all of its work is done.
ASYNCHRONOUS = DEVICE == "cuda"


def bits(seed, length):
    with np.errstate(over="ignore"):
        h = np.arange(length, dtype=np.uint32) + np.uint32((seed * 0x9E3779B1) & 0xFFFFFFFF)
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        return (h ^ (h >> np.uint32(16))) >> np.uint32(8)


def uniform(seed, shape, bound=1.0, base=0.0):
    values = base + bound * (bits(seed, math.prod(shape)).astype(np.float64) / 2**23 - 1)
    return torch.from_numpy(values.astype(np.float32)).reshape(list(shape)).to(DEVICE)


def classes(seed, shape, count):
    numbers = (bits(seed, math.prod(shape)) % np.uint32(count)).astype(np.int64)
    return torch.from_numpy(numbers).reshape(list(shape)).to(DEVICE)


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = None
        if inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.blocks = nn.Sequential(Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2))
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.blocks(F.relu(self.norm(self.stem(x)))).mean((2, 3)))


class SequenceClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(64, 128, batch_first=True)
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(128)
        self.qkv = nn.Linear(128, 384)
        self.out = nn.Linear(128, 128)
        self.norm2 = nn.LayerNorm(128)
        self.up = nn.Linear(128, 512)
        self.down = nn.Linear(512, 128)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(batch, length, 3, 4, width // 4).permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(256, 128)
        self.positions = nn.Parameter(torch.zeros(64, 128))
        self.blocks = nn.Sequential(*[Block() for _ in range(4)])
        self.norm = nn.LayerNorm(128)
        self.head = nn.Linear(128, 256)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.tokens(x) + self.positions))).reshape(-1, 256)


MODELS = {
    "mlp": lambda: nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)),
    "lenet": lambda: nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    ),
    "resnet": ResNet,
    "lstm": SequenceClassifier,
    "transformer": Transformer,
}


def operator(case):
    shapes = case["shapes"]
    if case["operator"] == "embedding":
        table, rows = uniform(1, shapes[0]), classes(2, shapes[1], shapes[0][0])
        return lambda: F.embedding(rows, table)
    if case["operator"] == "gather":
        lines, places = uniform(1, shapes[0]), classes(2, shapes[1], shapes[0][-1])
        return lambda: lines.gather(-1, places)
    x, y = [*[uniform(i + 1, shape) for i, shape in enumerate(shapes)], None][:2]
    if case["operator"] == "tiny-backward":
        x.requires_grad_()
        y.requires_grad_()

        def both():
            x.grad = None
            y.grad = None
            ((x * y + y) * x).sum().backward()
            return x.grad, y.grad

        return both
    return {
        "add": lambda: x + y,
        "relu": lambda: torch.relu(x),
        "exp": lambda: torch.exp(x),
        "gelu-tanh": lambda: F.gelu(x, approximate="tanh"),
        "sum": lambda: x.sum(),
        "matmul": lambda: x @ y,
        "argmax": lambda: x.argmax(-1),
        "cumsum": lambda: x.cumsum(-1),
        "sort": lambda: x.sort(-1).values,
        "softmax": lambda: x.softmax(-1),
        "softplus": lambda: F.softplus(x),
        "fmod": lambda: torch.fmod(x, y),
        "amax": lambda: x.amax(-1),
        "conv3x3": lambda: F.conv2d(x, y, padding=1),
    }[case["operator"]]


def training(case):
    model = MODELS[case["model"]]().to(DEVICE)
    own = dict(model.named_parameters())
    assert list(own) == [spec["name"] for spec in case["parameters"]] or set(own) == {
        spec["name"] for spec in case["parameters"]
    }, "the table and the model name other parameters"
    with torch.no_grad():
        for i, spec in enumerate(case["parameters"]):
            own[spec["name"]].copy_(uniform(101 + i, spec["shape"], spec["bound"], spec["base"]))
    shape, target = case["input"]["shape"], case["target"]
    count = case["input"].get("classes")
    x = uniform(1, shape) if count is None else classes(1, shape, count)
    labels = classes(2, [target["length"]], target["classes"])
    optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[case["optimizer"]](model.parameters(), lr=case["lr"])

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def sampled(results):
    values = torch.cat([result.detach().double().reshape(-1) for result in results])
    n = len(values)
    picked = [values[i * n // min(n, SAMPLES)].item() for i in range(min(n, SAMPLES))]
    return [*picked, values.mean().item(), values.abs().mean().item()]


def nanoseconds(run, milliseconds):
    def batch(calls):
        start = time.perf_counter()
        for _ in range(calls):
            run()
            if ASYNCHRONOUS:
                torch.cuda.synchronize()
        return (time.perf_counter() - start) * 1e3

    run()
    start = best_at = time.perf_counter()
    calls, best = 1, math.inf
    while True:
        elapsed = batch(calls)
        now = time.perf_counter()
        if elapsed / calls < 0.97 * best:
            best, best_at = elapsed / calls, now
        warm, settled = (now - start) * 1e3, (now - best_at) * 1e3
        if (warm >= 2 * milliseconds and settled >= milliseconds / 2) or warm >= 6 * milliseconds:
            break
        calls = max(1, round(calls * BATCH_MS / max(elapsed, BATCH_MS / 10)))
    calls = max(1, round(BATCH_MS / best))
    times = []
    until = time.perf_counter() + milliseconds / 1e3
    while len(times) < 3 or time.perf_counter() < until:
        times.append(batch(calls) * 1e6 / calls)
    return sorted(times)[len(times) // 2]


def outcome(case, job):
    name = case["name"]
    try:
        if case["kind"] == "operator":
            run = operator(case)
            if job["phase"] == "check":
                result = run()
                return {"name": name, "check": sampled(result if isinstance(result, tuple) else [result])}
        else:
            run = training(case)
            if job["phase"] == "check":
                return {"name": name, "check": sampled([run() for _ in range(CHECKED_STEPS)])}
        if case.get("first"):
            run().item()
            return {"name": name, "nanoseconds": (time.perf_counter() - START) * 1e9}
        return {"name": name, "nanoseconds": nanoseconds(run, job["milliseconds"])}
    except Exception as error:
        return {"name": name, "cannot": f"fails: {str(error).splitlines()[0]}"}


def environment():
    name = f"PyTorch {torch.__version__}"
    return f"{name}, {torch.cuda.get_device_name()}" if DEVICE == "cuda" and torch.cuda.is_available() else name


torch.set_num_threads(JOB["threads"])
# As flambeau's default: products of float32 keep all of their bits.
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
if DEVICE == "cpu" or (DEVICE == "cuda" and torch.cuda.is_available()):
    outcomes = [outcome(case, JOB) for case in JOB["cases"]]
else:
    outcomes = [{"name": case["name"], "cannot": f"has no device {DEVICE} here"} for case in JOB["cases"]]
print(json.dumps({"environment": environment(), "outcomes": outcomes}))
