"""Writes random programs of views, in-place changes and gradients, with what PyTorch makes of them.

usage: programs.py FOLDER    (pip install torch; the same PyTorch gives the same files)

Each program begins with leaves and goes on with calls of methods on the tensors that it has; what they return is added to
these. In the end they are joined to one loss, and the gradients of the leaves are taken. Programs that PyTorch refuses, or in
which tensors overlap themselves or each other in part, are left out.
"""

import base64
import json
import os
import random
import sys

import torch

SHAPES = [[3, 4], [4], [2, 3, 4], [3, 1], [2, 2], [5], [1, 4], []]
UNARY = ['neg', 'tanh', 'sigmoid', 'sin', 'square', 'relu', 'exp', 'clone', 'abs', 'cos']
BINARY = ['add', 'mul', 'sub', 'maximum', 'mm']
CHANGES = ['tanh_', 'sigmoid_', 'relu_', 'square_', 'neg_', 'sin_', 'zero_']
FILES, PROGRAMS = 6, 40


def encode(x):
    x = x.detach().contiguous()
    dtype = str(x.dtype).replace('torch.', '')
    data = base64.b64encode(x.numpy().tobytes()).decode()
    return {'$': 'tensor', 'dtype': dtype, 'shape': list(x.shape), 'b64': data}


class Refused(Exception):
    """The call means nothing on these tensors, or is not for these programs."""


class Program:
    def __init__(self, seed):
        self.random = random.Random(seed)
        torch.manual_seed(seed)
        self.tensors = []
        self.steps = []
        for _ in range(self.random.randint(1, 3)):
            wants = self.random.random() < 0.75
            self.leaf(torch.rand(self.random.choice(SHAPES)) * 2 - 1, wants)
        for _ in range(self.random.randint(6, 20)):
            try:
                self.step(*self.choose())
            except (Refused, RuntimeError, IndexError, ValueError):
                pass

    def leaf(self, x, wants=False):
        self.steps.append({'leaf': {**encode(x), **({'requiresGrad': True} if wants else {})}})
        self.tensors.append(x.requires_grad_(wants))
        return len(self.tensors) - 1

    def step(self, name, target, *arguments):
        """Calls a method; arguments are plain values, or ('tensor', index)."""
        values = [self.tensors[a[1]] if isinstance(a, tuple) else a for a in arguments]
        without_graph = name.endswith('_') and self.random.random() < 0.15
        with torch.set_grad_enabled(not without_graph):
            result = getattr(self.tensors[target], name)(*values)
        made = [] if name.endswith('_') else list(result) if isinstance(result, (tuple, list)) else [result]
        if any(not x.isfinite().all() or x.abs().amax() > 50 for x in made + [self.tensors[target]] if x.numel() > 0):
            raise OverflowError
        self.tensors += made
        self.steps.append({
            'call': name,
            'on': target,
            'args': [{'of': a[1]} if isinstance(a, tuple) else a for a in arguments],
            **({'noGrad': True} if without_graph else {}),
        })

    def choose(self):
        pick, chance = self.random.choice, self.random.random()
        target = self.random.randrange(len(self.tensors))
        other = ('tensor', self.random.randrange(len(self.tensors)))
        if not self.tensors[target].is_floating_point() or not self.tensors[other[1]].is_floating_point():
            raise Refused
        if chance < 0.15:
            return pick(UNARY), target
        if chance < 0.3:
            return pick(BINARY), target, other
        if chance < 0.36:
            return pick(['sum', 'mean', 'cumsum']), target, 0
        if chance < 0.6:
            return self.view(target)
        return self.change(target, other)

    def view(self, target):
        draw, pick = self.random.randint, self.random.choice
        x = self.tensors[target]
        name = pick(['transpose', 'select', 'narrow', 'reshape', 'unsqueeze', 'squeeze', 'expand', 'chunk', 'unbind',
                     'diagonal', 'permute', 'detach', 'split', 'unfold', 'movedim', 't'])
        rank = x.dim()
        if name in ('detach', 't'):
            return name, target
        if name == 'unsqueeze':
            return name, target, draw(-rank - 1, rank)
        if name == 'reshape':
            # Of a tensor in another order PyTorch's operators keep the order; then it copies where we do not.
            if not x.is_contiguous():
                raise Refused
            return name, target, pick([[-1], [1, -1], [-1, 2]])
        if rank == 0:
            raise Refused
        dim = self.random.randrange(rank)
        size = x.shape[dim]
        match name:
            case 'transpose' | 'movedim':
                return name, target, draw(-rank, rank - 1), draw(-rank, rank - 1)
            case 'select':
                return name, target, dim, draw(-size, size - 1)
            case 'narrow':
                start = draw(0, size - 1)
                return name, target, dim, start, draw(1, size - start)
            case 'squeeze' | 'unbind':
                return name, target, dim
            case 'expand':
                return name, target, [3 if n == 1 else -1 for n in x.shape]
            case 'chunk' | 'split':
                return name, target, draw(1, 3), dim
            case 'unfold':
                return name, target, dim, 2, 2
            case 'permute':
                return name, target, self.random.sample(range(rank), rank)
            case _:
                return name, target

    def change(self, target, other):
        pick = self.random.choice
        x = self.tensors[target]
        if 0 in x.stride() and x.numel() > 1:
            raise Refused
        name = pick(CHANGES + ['add_', 'mul_', 'sub_', 'copy_', 'lerp_', 'fill_', 'div_', 'clamp_min_', 'cumsum_', 'tril_',
                               'masked_fill_', 'index_add_', 'index_fill_'])
        if name in CHANGES + ['tril_']:
            return name, target
        if name in ('add_', 'mul_', 'sub_', 'copy_', 'lerp_'):
            y = self.tensors[other[1]]
            if y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr():
                raise Refused
            return (name, target, other, 0.25) if name == 'lerp_' else (name, target, other)
        if name in ('fill_', 'div_', 'clamp_min_'):
            return name, target, pick([0.5, -0.25, 2.0])
        if name == 'cumsum_':
            return name, target, 0
        if name == 'masked_fill_':
            return name, target, ('tensor', self.leaf(x.detach() > 0)), 0.125
        if x.dim() == 0:
            raise Refused
        index = ('tensor', self.leaf(torch.tensor(self.random.sample(range(x.shape[0]), min(2, x.shape[0])))))
        return (name, target, 0, index, 0.375) if name == 'index_fill_' else (name, target, 0, index, other)

    def finish(self):
        floats = [i for i, x in enumerate(self.tensors) if x.is_floating_point()]
        joined = [i for i in floats if self.random.random() < 0.6] or floats[-1:]
        loss = sum((self.tensors[i] * (i * 0.1 + 0.3)).sin().sum() for i in joined)
        wanted = [x for x in self.tensors if x.requires_grad and x.is_leaf]
        if not loss.requires_grad or len(self.steps) < 6 or not any(s.get('call', '').endswith('_') for s in self.steps):
            raise Refused
        gradients = torch.autograd.grad(loss, wanted, allow_unused=True)
        return {
            'dtype': 'float32',
            'steps': self.steps,
            'values': [encode(x) for x in self.tensors],
            'joined': joined,
            'grads': [None if g is None or not g.any() else encode(g) for g in gradients],
        }


def programs(seed):
    while True:
        seed += 1
        try:
            yield Program(seed).finish()
        except (Refused, RuntimeError, OverflowError):
            pass


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for file in range(FILES):
        source = programs(file * 1_000_000)
        cases = [next(source) for _ in range(PROGRAMS)]
        with open(os.path.join(folder, f'programs.{file + 1}.json'), 'w') as out:
            json.dump({'programs': True, 'cases': cases}, out)


main(sys.argv[1])
