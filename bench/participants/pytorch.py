"""PyTorch, where Python has it: answers the same requests as participant.js, with as many threads as its first argument says."""
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F

THREADS = int(sys.argv[1])
torch.set_num_threads(THREADS)
SMALL = {"layers": 4, "heads": 4, "width": 128, "context": 64, "vocabulary": 65}
GPT2 = {"layers": 12, "heads": 12, "width": 768, "context": 1024, "vocabulary": 50257}
TOKENS = 32


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
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.c_attn, self.c_proj = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.fc, self.proj = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)

    def forward(self, x, cache=None):
        """The output, and keys and values of all positions. A cache holds those of the positions before x, as one row each time, or nothing."""
        b, t, d = x.shape
        q, k, v = (a.view(b, t, self.heads, d // self.heads).transpose(1, 2) for a in self.c_attn(self.ln_1(x)).split(d, dim=2))
        if cache is not None:
            k, v = cache.extend(k, v)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=k.shape[2] == t and t > 1)
        x = x + self.c_proj(y.transpose(1, 2).reshape(b, t, d))
        return x + self.proj(F.gelu(self.fc(self.ln_2(x)), approximate="tanh"))


class Cache:
    """Room for the keys and values of a whole context, filled in place."""

    def __init__(self, context):
        self.context, self.filled, self.keys, self.values = context, 0, None, None

    def extend(self, k, v):
        b, h, t, d = k.shape
        if self.keys is None:
            self.keys, self.values = torch.empty(b, h, self.context, d), torch.empty(b, h, self.context, d)
        self.keys[:, :, self.filled:self.filled + t], self.values[:, :, self.filled:self.filled + t] = k, v
        self.filled += t
        return self.keys[:, :, :self.filled], self.values[:, :, :self.filled]


class Gpt(torch.nn.Module):
    def __init__(self, layers, heads, width, context, vocabulary):
        super().__init__()
        self.context = context
        self.wte, self.wpe, self.ln_f = torch.nn.Embedding(vocabulary, width), torch.nn.Embedding(context, width), torch.nn.LayerNorm(width)
        torch.nn.init.normal_(self.wte.weight, std=0.02)
        self.h = torch.nn.ModuleList([Block(width, heads) for _ in range(layers)])

    def caches(self):
        return [Cache(self.context) for _ in self.h]

    def hidden(self, tokens, caches=None):
        begin = 0 if caches is None else caches[0].filled
        x = self.wte(tokens) + self.wpe(torch.arange(begin, begin + tokens.shape[1]))
        for i, block in enumerate(self.h):
            x = block(x, None if caches is None else caches[i])
        return self.ln_f(x)

    def forward(self, tokens):
        return F.linear(self.hidden(tokens), self.wte.weight)

    def last(self, tokens, caches=None):
        """Logits of what follows the last token."""
        return F.linear(self.hidden(tokens, caches)[:, -1], self.wte.weight)


def training(sizes, batch):
    model = Gpt(**sizes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    shape = (batch, sizes["context"])
    x, t = torch.randint(0, sizes["vocabulary"], shape), torch.randint(0, sizes["vocabulary"], shape)

    def run():
        optimizer.zero_grad()
        F.cross_entropy(model(x).view(-1, sizes["vocabulary"]), t.view(-1)).backward()
        optimizer.step()

    return run


def generation(_):
    model = Gpt(**SMALL)

    def run():
        with torch.inference_mode():
            tokens, caches = torch.tensor([[1]]), model.caches()
            for _ in range(SMALL["context"] - 1):
                tokens = torch.multinomial(F.softmax(model.last(tokens, caches), -1), 1)

    return run


def without_cache(_):
    model = Gpt(**SMALL)

    def run():
        with torch.inference_mode():
            tokens = torch.tensor([[1]])
            while tokens.shape[1] < SMALL["context"]:
                tokens = torch.cat([tokens, torch.multinomial(F.softmax(model.last(tokens), -1), 1)], 1)

    return run


def prompt(length):
    model, tokens = Gpt(**GPT2), torch.randint(0, GPT2["vocabulary"], (1, length))

    def run():
        with torch.inference_mode():
            model.last(tokens, model.caches()).argmax()

    return run


class Continuation:
    """Tokens behind a prompt whose reading does not count."""

    def __init__(self, length):
        self.model, self.tokens = Gpt(**GPT2), torch.randint(0, GPT2["vocabulary"], (1, length))

    def timed(self, rounds):
        total = 0
        with torch.inference_mode():
            for _ in range(rounds):
                caches = self.model.caches()
                token = self.model.last(self.tokens, caches).argmax(-1, keepdim=True)
                began = time.perf_counter()
                for _ in range(TOKENS):
                    token = self.model.last(token, caches).argmax(-1, keepdim=True)
                total += time.perf_counter() - began
        return total


def seconds(run, rounds):
    if hasattr(run, "timed"):
        return run.timed(rounds)
    began = time.perf_counter()
    for _ in range(rounds):
        run()
    return time.perf_counter() - began


TASKS = {
    "gemm": gemm, "mlp": mlp, "generation": generation, "withoutCache": without_cache, "prompt": prompt, "continuation": Continuation,
    "step": lambda _: training(SMALL, 12), "stepOfRun": lambda _: training(SMALL, 12), "mlpOfRun": mlp, "contextStep": lambda context: training({**SMALL, "context": context}, 1),
    "gpt2Step": lambda size: training({**GPT2, "context": size["time"]}, size["batch"]), "initial": lambda _: lambda: Gpt(**GPT2),
}
WORK = {"generation": SMALL["context"] - 1, "withoutCache": SMALL["context"] - 1, "continuation": TOKENS}


def answer(value):
    print(json.dumps(value), flush=True)


# Debian builds PyTorch on whichever BLAS is installed, by default the unoptimised reference; others bring a fast one.
blas = "".join(item.split("=")[1] for item in torch.__config__.show().replace("\n", ",").split(",") if "BLAS_INFO" in item)
answer({"name": f"PyTorch {torch.__version__.split('+')[0]} (BLAS: {blas or 'unknown'})"})
run = None
for line in sys.stdin:
    request = json.loads(line)
    try:
        if "make" in request:
            make = TASKS.get(request["make"])
            run = None if make is None else make(request.get("size"))
            answer({"able": run is not None, "work": WORK.get(request["make"], 1)})
        elif "rounds" in request:
            milliseconds = 1000 * seconds(run, request["rounds"])
            answer({"milliseconds": milliseconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})
        else:
            answer({})
    except Exception as error:
        answer({"error": f"{type(error).__name__}: {error}"})
