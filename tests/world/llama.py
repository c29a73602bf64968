"""A Llama decoder in plain PyTorch, float32 or float64, with the names of Hugging Face checkpoints.
Mistral's is the same for texts that fit into its window, Qwen2's has biases at q, k and v.

    h = h + o_proj(attention(rms(h)))        grouped queries, causal, rotary halves on q and k
    h = h + down_proj(silu(gate_proj(rms(h))) * up_proj(rms(h)))

Used to train the small world and to make the golden values, so it is written to be read, and
checked against transformers where that is installed (`python3 llama.py FOLDER`).
"""

import json, math, pathlib, sys
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn


def rope_frequencies(config):
    """theta^(-2i/E), scaled as the config says; float32, as the checkpoints were trained with."""
    width = head_dim(config)
    freq = 1.0 / config["rope_theta"] ** (torch.arange(0, width, 2).float() / width)
    scaling = config.get("rope_scaling")
    if scaling is None:
        return freq
    if scaling["rope_type"] == "linear":
        return freq / scaling["factor"]
    assert scaling["rope_type"] == "llama3", scaling
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    turns = scaling["original_max_position_embeddings"] * freq / (2 * math.pi)
    keep = ((turns - low) / (high - low)).clamp(0, 1)  # 1: turns often, left as it is
    return keep * freq + (1 - keep) * freq / scaling["factor"]


def head_dim(config):
    return config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]


def rotate(x, cos, sin):
    """x [.., heads, T, E]: pairs (i, i + E/2) turned by the angles of their position."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def linear(rows, cols, bias=False):
    return nn.Linear(cols, rows, bias=bias)


class Norm(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.weight, self.eps = (
            nn.Parameter(torch.ones(config["hidden_size"])),
            config["rms_norm_eps"],
        )

    def forward(self, x):
        return self.weight * (x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.eps))


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, self.e = config["hidden_size"], head_dim(config)
        self.heads, self.kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
        every = config.get("attention_bias", False)
        bias = every or config["model_type"] == "qwen2"
        self.q_proj = linear(self.heads * self.e, width, bias)
        self.k_proj = linear(self.kv_heads * self.e, width, bias)
        self.v_proj = linear(self.kv_heads * self.e, width, bias)
        self.o_proj = linear(width, self.heads * self.e, every)

    def forward(self, x, cos, sin):
        split = lambda y: y.unflatten(-1, (-1, self.e)).transpose(-2, -3)  # [.., heads, T, E]
        share = lambda y: y.repeat_interleave(self.heads // self.kv_heads, -3)
        q, k = (rotate(split(y), cos, sin) for y in (self.q_proj(x), self.k_proj(x)))
        out = F.scaled_dot_product_attention(
            q, share(k), share(split(self.v_proj(x))), is_causal=True
        )
        return self.o_proj(out.transpose(-2, -3).flatten(-2))


class Mlp(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, wide = config["hidden_size"], config["intermediate_size"]
        bias = config.get("mlp_bias", False)
        self.gate_proj, self.up_proj, self.down_proj = (
            linear(wide, width, bias),
            linear(wide, width, bias),
            linear(width, wide, bias),
        )

    def key(self, x):
        return F.silu(self.gate_proj(x)) * self.up_proj(x)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.self_attn, self.mlp = Attention(config), Mlp(config)
        self.input_layernorm, self.post_attention_layernorm = Norm(config), Norm(config)

    def forward(self, h, cos, sin):
        return self.key_and_output(h, cos, sin)[1]

    def key_and_output(self, h, cos, sin):
        """The key (input of down_proj) [.., T, F] and the block's output [.., T, D]."""
        h = h + self.self_attn(self.input_layernorm(h), cos, sin)
        key = self.mlp.key(self.post_attention_layernorm(h))
        return key, h + self.mlp.down_proj(key)


class Llama(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.model.layers = nn.ModuleList(Block(config) for _ in range(config["num_hidden_layers"]))
        self.model.norm = Norm(config)
        self.lm_head = linear(config["vocab_size"], config["hidden_size"])
        if config["tie_word_embeddings"]:
            self.lm_head.weight = self.model.embed_tokens.weight
        angles = torch.arange(config["max_position_embeddings"]).float()[
            :, None
        ] * rope_frequencies(config)
        self.cos, self.sin = angles.cos(), angles.sin()

    def embed(self, ids):
        return self.model.embed_tokens(ids)

    def tables(self, h):
        return [t[: h.shape[-2]].to(h.dtype) for t in (self.cos, self.sin)]

    def blocks(self, h, first, end):
        """Blocks first .. end-1 applied to the residual stream h [.., T, D]."""
        tables = self.tables(h)
        for block in self.model.layers[first:end]:
            h = block(h, *tables)
        return h

    def head(self, h):
        """Logits from outputs of the last block."""
        return self.lm_head(self.model.norm(h))

    def forward(self, ids):
        return self.head(self.blocks(self.embed(ids), 0, len(self.model.layers)))


def state_to_save(model, dtype):
    state = {k: v.detach().to(dtype).contiguous() for k, v in model.state_dict().items()}
    if model.config["tie_word_embeddings"]:
        del state["lm_head.weight"]
    return state


def load(folder, dtype):
    """The model of a folder: config.json and model.safetensors, its values as stored, in `dtype`."""
    folder = pathlib.Path(folder)
    model = Llama(json.loads((folder / "config.json").read_text()))
    state = {k: v.to(dtype) for k, v in load_file(folder / "model.safetensors").items()}
    if model.config["tie_word_embeddings"]:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model = model.to(dtype)
    model.load_state_dict(state)
    return model.requires_grad_(False)


def check_against_transformers(folder, length=151):
    """The largest differences of the logits, and of the gradient of the mean loss with respect to
    the embeddings, from those of transformers, relative to their spreads; all in float32."""
    from transformers import AutoModelForCausalLM

    ours = load(folder, torch.float32)
    theirs = AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32)
    ids = torch.randint(
        ours.config["vocab_size"], (1, length), generator=torch.Generator().manual_seed(5)
    )
    h = ours.embed(ids)
    pairs = []
    for run in (
        lambda x: ours.head(ours.blocks(x, 0, len(ours.model.layers))),
        lambda x: theirs(inputs_embeds=x).logits,
    ):
        x = h.clone().requires_grad_(True)
        logits = run(x)
        loss = F.cross_entropy(logits[0, :-1], ids[0, 1:])
        pairs.append((logits.detach(), torch.autograd.grad(loss, x)[0]))
    return [((a - b).abs().max() / (b.max() - b.min())).item() for a, b in zip(*pairs)]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        logits, gradient = check_against_transformers(name)
        print(f"{name}: logits {logits:.1e}, gradient {gradient:.1e} of their spreads")
