"""Golden values from PyTorch in double precision: /usr/bin/python3 test/golden/generate.py (Debian: python3-torch).

Each case names the PyTorch function that it mirrors. Tensors are written as {"shape": [...], "data": [...]}. The
weights of PyTorch's linear layers are stored output first; here they are transposed to ours, input first.
"""
import json
import math
import os

import torch
import torch.nn.functional as F

torch.manual_seed(20261124)
torch.set_default_dtype(torch.float64)

cases = []


def dump(value):
    if isinstance(value, torch.Tensor):
        return {"shape": list(value.shape), "data": value.detach().reshape(-1).tolist()}
    if isinstance(value, dict):
        return {key: dump(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [dump(item) for item in value]
    return value


def leaf(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).requires_grad_()


def gradient_case(name, mirrors, params, inputs, f):
    """Output, and the gradients of <dy, output> by every parameter and input."""
    y = f(params, inputs)
    dy = torch.randn_like(y)
    y.backward(dy)
    grads = lambda tree: {key: x.grad if x.grad is not None else torch.zeros_like(x) for key, x in tree.items() if x.requires_grad}
    cases.append({"name": name, "mirrors": mirrors, "params": dump(params), "input": dump(inputs), "output": dump(y), "dy": dump(dy),
                  "dParams": dump(grads(params)), "dInput": dump(grads(inputs))})


def unary(name, mirrors, f, *shape):
    gradient_case(name, mirrors, {}, {"x": leaf(*shape)}, lambda p, i: f(i["x"]))


unary("sigmoid", "torch.sigmoid", torch.sigmoid, 3, 4)
unary("tanh", "torch.tanh", torch.tanh, 3, 4)
unary("relu", "F.relu", F.relu, 3, 4)
unary("leakyRelu", "F.leaky_relu(0.01)", lambda x: F.leaky_relu(x, 0.01), 3, 4)
unary("gelu", "F.gelu", F.gelu, 3, 4)
unary("geluTanh", "F.gelu(approximate='tanh')", lambda x: F.gelu(x, approximate="tanh"), 3, 4)
unary("silu", "F.silu", F.silu, 3, 4)
unary("softmax", "F.softmax(dim=-1)", lambda x: F.softmax(x, -1), 3, 5)
unary("softmaxWith", "F.softmax(x / 0.7, dim=-1)", lambda x: F.softmax(x / 0.7, -1), 3, 5)
unary("logSoftmax", "F.log_softmax(dim=-1)", lambda x: F.log_softmax(x, -1), 3, 5)
gradient_case("linear", "F.linear(x, W.T, b)", {"weight": leaf(4, 3), "bias": leaf(3)}, {"x": leaf(2, 3, 4)},
              lambda p, i: F.linear(i["x"], p["weight"].T, p["bias"]))
gradient_case("layerNorm", "F.layer_norm(eps=1e-5)", {"weight": leaf(5), "bias": leaf(5)}, {"x": leaf(2, 3, 5)},
              lambda p, i: F.layer_norm(i["x"], (5,), p["weight"], p["bias"], 1e-5))
gradient_case("tokenEmbedding", "F.embedding", {"weight": leaf(6, 4)}, {"tokens": torch.tensor([[1, 3, 1], [5, 0, 3]])},
              lambda p, i: F.embedding(i["tokens"], p["weight"]))
gradient_case("unembedding", "F.linear(x, W)", {"weight": leaf(6, 4)}, {"x": leaf(2, 3, 4)}, lambda p, i: F.linear(i["x"], p["weight"]))


def attention(query, key, value, mask=None):
    """softmax(mask(Q K^T / sqrt(d))) V, as the documentation of F.scaled_dot_product_attention defines it."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return F.softmax(scores if mask is None else scores.masked_fill(~mask, -math.inf), -1) @ value


def causal(time):
    return torch.ones(time, time, dtype=torch.bool).tril()


def qkv(*shape):
    return {"query": leaf(*shape), "key": leaf(*shape), "value": leaf(*shape)}


gradient_case("attention", "F.softmax and torch.matmul", {}, qkv(2, 4, 3), lambda p, i: attention(i["query"], i["key"], i["value"]))
gradient_case("causalAttention", "F.softmax, masked_fill with a causal mask", {}, qkv(2, 2, 4, 3),
              lambda p, i: attention(i["query"], i["key"], i["value"], causal(4)))
keep = torch.tensor([[True, True, True, False], [True, False, False, False]])
gradient_case("paddedAttention", "F.softmax, masked_fill with a padding mask", {}, qkv(2, 2, 4, 3),
              lambda p, i: attention(i["query"], i["key"], i["value"], keep[:, None, None, :]))


def split_heads(x, heads):
    b, t, d = x.shape
    return x.view(b, t, heads, d // heads).transpose(1, 2)


def self_attention(p, prefix, x, heads):
    q, k, v = F.linear(x, p[prefix + "c_attn.weight"].T, p[prefix + "c_attn.bias"]).split(x.shape[-1], dim=2)
    y = attention(split_heads(q, heads), split_heads(k, heads), split_heads(v, heads), causal(x.shape[1]))
    y = y.transpose(1, 2).reshape(x.shape)
    return F.linear(y, p[prefix + "c_proj.weight"].T, p[prefix + "c_proj.bias"])


def attention_params(prefix, d):
    return {prefix + "c_attn.weight": leaf(d, 3 * d, scale=0.4), prefix + "c_attn.bias": leaf(3 * d, scale=0.2),
            prefix + "c_proj.weight": leaf(d, d, scale=0.4), prefix + "c_proj.bias": leaf(d, scale=0.2)}


gradient_case("multiHeadAttention", "F.multi_head_attention_forward, written out as in nanoGPT", attention_params("", 6), {"x": leaf(2, 4, 6)},
              lambda p, i: self_attention(p, "", i["x"], 2))


def gpt(p, tokens, layers, heads):
    d = p["wte.weight"].shape[1]
    x = F.embedding(tokens, p["wte.weight"]) + p["wpe.weight"][: tokens.shape[1]]
    for n in range(layers):
        h = f"h.{n}."
        x = x + self_attention(p, h + "attn.", F.layer_norm(x, (d,), p[h + "ln_1.weight"], p[h + "ln_1.bias"]), heads)
        up = F.gelu(F.linear(F.layer_norm(x, (d,), p[h + "ln_2.weight"], p[h + "ln_2.bias"]), p[h + "mlp.c_fc.weight"].T, p[h + "mlp.c_fc.bias"]), approximate="tanh")
        x = x + F.linear(up, p[h + "mlp.c_proj.weight"].T, p[h + "mlp.c_proj.bias"])
    return F.linear(F.layer_norm(x, (d,), p["ln_f.weight"], p["ln_f.bias"]), p["wte.weight"])


def gpt_params(vocabulary, context, d, layers):
    p = {"wte.weight": leaf(vocabulary, d, scale=0.4), "wpe.weight": leaf(context, d, scale=0.4)}
    for n in range(layers):
        h = f"h.{n}."
        p[h + "ln_1.weight"], p[h + "ln_1.bias"] = leaf(d), leaf(d, scale=0.2)
        p.update(attention_params(h + "attn.", d))
        p[h + "ln_2.weight"], p[h + "ln_2.bias"] = leaf(d), leaf(d, scale=0.2)
        p[h + "mlp.c_fc.weight"], p[h + "mlp.c_fc.bias"] = leaf(d, 4 * d, scale=0.4), leaf(4 * d, scale=0.2)
        p[h + "mlp.c_proj.weight"], p[h + "mlp.c_proj.bias"] = leaf(4 * d, d, scale=0.4), leaf(d, scale=0.2)
    p["ln_f.weight"], p["ln_f.bias"] = leaf(d), leaf(d, scale=0.2)
    return p


gradient_case("gpt", "GPT-2 with two layers and tied embeddings, written out as in nanoGPT", gpt_params(5, 4, 4, 2),
              {"tokens": torch.tensor([[1, 4, 2, 0], [3, 3, 1, 2]])}, lambda p, i: gpt(p, i["tokens"], 2, 2))

losses = []


def loss_case(name, mirrors, prediction, target, f):
    prediction.requires_grad_()
    value = f(prediction, target)
    value.backward()
    losses.append({"name": name, "mirrors": mirrors, "prediction": dump(prediction), "target": dump(target), "loss": value.item(), "gradient": dump(prediction.grad)})


for reduction in ("mean", "sum"):
    loss_case(f"meanSquaredError {reduction}", f"F.mse_loss(reduction='{reduction}')", torch.randn(3, 2), torch.randn(3, 2), lambda p, t: F.mse_loss(p, t, reduction=reduction))
    loss_case(f"binaryCrossEntropy {reduction}", f"F.binary_cross_entropy(reduction='{reduction}')", torch.rand(3, 2) * 0.9 + 0.05, torch.rand(3, 2),
              lambda p, t: F.binary_cross_entropy(p, t, reduction=reduction))
    loss_case(f"binaryCrossEntropyWithLogits {reduction}", f"F.binary_cross_entropy_with_logits(reduction='{reduction}')", torch.randn(3, 2) * 3, torch.rand(3, 2),
              lambda p, t: F.binary_cross_entropy_with_logits(p, t, reduction=reduction))
    loss_case(f"crossEntropy {reduction}", f"F.cross_entropy(reduction='{reduction}', ignore_index=-100)", torch.randn(4, 5) * 2, torch.tensor([1, -100, 4, 0]),
              lambda p, t: F.cross_entropy(p, t, reduction=reduction, ignore_index=-100))

optimizers = []


def optimizer_case(name, mirrors, make):
    weight, bias = torch.randn(2, 3).requires_grad_(), torch.randn(3).requires_grad_()
    start = dump({"weight": weight, "bias": bias})
    optimizer = make(weight, bias)
    steps = []
    for _ in range(5):
        weight.grad, bias.grad = torch.randn(2, 3), torch.randn(3)
        gradient = dump({"weight": weight.grad, "bias": bias.grad})
        optimizer.step()
        steps.append({"gradient": gradient, "params": dump({"weight": weight, "bias": bias})})
    optimizers.append({"name": name, "mirrors": mirrors, "start": start, "steps": steps})


optimizer_case("gradientDescent", "torch.optim.SGD(lr=0.1)", lambda w, b: torch.optim.SGD([w, b], lr=0.1))
optimizer_case("momentum", "torch.optim.SGD(lr=0.1, momentum=0.8)", lambda w, b: torch.optim.SGD([w, b], lr=0.1, momentum=0.8))
optimizer_case("adam", "torch.optim.Adam(lr=0.1, betas=(0.8, 0.95))", lambda w, b: torch.optim.Adam([w, b], lr=0.1, betas=(0.8, 0.95)))
optimizer_case("adamW", "torch.optim.AdamW(lr=0.1, betas=(0.8, 0.95), weight_decay=0.2), bias without decay",
               lambda w, b: torch.optim.AdamW([{"params": [w], "weight_decay": 0.2}, {"params": [b], "weight_decay": 0.0}], lr=0.1, betas=(0.8, 0.95)))

weight, bias = torch.zeros(2, 3).requires_grad_(), torch.zeros(3).requires_grad_()
weight.grad, bias.grad = torch.randn(2, 3), torch.randn(3)
before = dump({"weight": weight.grad, "bias": bias.grad})
norm = torch.nn.utils.clip_grad_norm_([weight, bias], 0.7)
clipping = {"mirrors": "torch.nn.utils.clip_grad_norm_(max_norm=0.7)", "gradient": before, "norm": norm.item(), "clipped": dump({"weight": weight.grad, "bias": bias.grad})}


def nanogpt_rate(step, peak=1e-3, final=1e-4, warmup=5, steps=20):
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    if step > steps:
        return final
    return final + 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / (steps - warmup))) * (peak - final)


schedule = {"mirrors": "get_lr of nanoGPT: peak 1e-3, final 1e-4, warm-up 5, 20 steps", "rates": [nanogpt_rate(step) for step in range(23)]}

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.json")
with open(path, "w") as file:
    json.dump({"torch": torch.__version__, "layers": cases, "losses": losses, "optimizers": optimizers, "clipping": clipping, "schedule": schedule}, file)
    file.write("\n")
print(f"{len(cases)} layers, {len(losses)} losses, {len(optimizers)} optimisers with PyTorch {torch.__version__}")
