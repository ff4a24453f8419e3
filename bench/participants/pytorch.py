"""PyTorch, where Python has it: answers the same requests as participant.js."""
import json
import math
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
L, H, D, T, B, V = 4, 4, 128, 64, 12, 65


def gemm(n):
    a, b = torch.randn(n, n), torch.randn(n, n)
    return lambda: a @ b


def mlp(_):
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, t = torch.randn(64, 784), torch.randint(0, 10, (64,))

    def run():
        optimizer.zero_grad()
        F.cross_entropy(model(x), t).backward()
        optimizer.step()

    return run


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = torch.nn.LayerNorm(D), torch.nn.LayerNorm(D)
        self.c_attn, self.c_proj = torch.nn.Linear(D, 3 * D), torch.nn.Linear(D, D)
        self.fc, self.proj = torch.nn.Linear(D, 4 * D), torch.nn.Linear(4 * D, D)

    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = (a.view(b, t, H, D // H).transpose(1, 2) for a in self.c_attn(self.ln_1(x)).split(D, dim=2))
        mask = torch.ones(t, t, dtype=torch.bool).tril()
        w = F.softmax((q @ k.transpose(-2, -1) / math.sqrt(D // H)).masked_fill(~mask, -math.inf), -1)
        x = x + self.c_proj((w @ v).transpose(1, 2).reshape(b, t, D))
        return x + self.proj(F.gelu(self.fc(self.ln_2(x))))


class Gpt(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe, self.ln_f = torch.nn.Embedding(V, D), torch.nn.Embedding(T, D), torch.nn.LayerNorm(D)
        self.h = torch.nn.Sequential(*[Block() for _ in range(L)])

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        return F.linear(self.ln_f(self.h(x)), self.wte.weight)


def step(_):
    model = Gpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    x, t = torch.randint(0, V, (B, T)), torch.randint(0, V, (B, T))

    def run():
        optimizer.zero_grad()
        F.cross_entropy(model(x).view(-1, V), t.view(-1)).backward()
        optimizer.step()

    return run


def generation(_):
    model = Gpt()

    def run():
        with torch.no_grad():
            tokens = torch.tensor([[1]])
            while tokens.shape[1] < T:
                tokens = torch.cat([tokens, torch.multinomial(F.softmax(model(tokens)[0, -1:], -1), 1)], 1)

    return run


tasks = {"gemm": gemm, "mlp": mlp, "step": step, "generation": generation}
answer = lambda value: print(json.dumps(value), flush=True)
# Debian builds PyTorch on whichever BLAS is installed, by default the unoptimised reference; others bring a fast one.
blas = "".join(item.split("=")[1] for item in torch.__config__.show().replace("\n", ",").split(",") if "BLAS_INFO" in item)
answer({"name": f"PyTorch {torch.__version__.split('+')[0]} (BLAS: {blas or 'unknown'}), 1 thread"})
run = None
for line in sys.stdin:
    request = json.loads(line)
    if "make" in request:
        make = tasks.get(request["make"])
        run = None if make is None else make(request.get("size"))
        answer({"able": run is not None, "work": T - 1 if request["make"] == "generation" else 1})
    elif "rounds" in request:
        began = time.perf_counter()
        for _ in range(request["rounds"]):
            run()
        answer({"milliseconds": 1000 * (time.perf_counter() - began)})
    else:
        answer({})
