"""Measures PyTorch's own cost for an operator and prints nanoseconds a call, by case, as one line of JSON."""

import json
import time

import torch

torch.set_num_threads(1)
BATCHES = 25


def nanoseconds(calls, body):
    for _ in range(calls):
        body()
    times = []
    for _ in range(BATCHES):
        start = time.perf_counter()
        for _ in range(calls):
            body()
        times.append((time.perf_counter() - start) * 1e9 / calls)
    return sorted(times)[BATCHES // 2]


x = torch.tensor([1.0, 2, 3, 4])
y = torch.tensor([5.0, 6, 7, 8])
a = torch.tensor([1.0, 2, 3, 4], requires_grad=True)
b = torch.tensor([5.0, 6, 7, 8], requires_grad=True)


def forward():
    return ((a * b + b) * a).sum()


def both():
    a.grad = None
    b.grad = None
    forward().backward()


both()
check = {"loss": forward().item(), "a": a.grad.tolist(), "b": b.grad.tolist()}
print(
    json.dumps(
        {
            "check": check,
            "nanoseconds": {
                "add, 4 elements": nanoseconds(8000, lambda: x + y),
                "forward and backward of ((a*b+b)*a).sum()": nanoseconds(600, both),
            },
        }
    )
)
