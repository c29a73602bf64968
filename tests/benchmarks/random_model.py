"""A Llama of random bfloat16 weights, as large as one likes."""

import json
import math
import pathlib
import random
import struct

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHAPES = {  # D, F, layers, heads, key and value heads: as SmolLM2-135M, -360M, Llama-3.2-1B
    "135M": (576, 1536, 30, 9, 3),
    "360M": (960, 2560, 32, 15, 5),
    "1B": (2048, 8192, 16, 32, 8),
}


def write(folder, width, ffn, layers, heads, kv_heads):
    """The model of that shape; the number of its blocks' parameters."""
    vocabulary, kv = 512, width // heads * kv_heads
    config = dict(
        architectures=["LlamaForCausalLM"],
        model_type="llama",
        hidden_act="silu",
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=ffn,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=2048,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        torch_dtype="bfloat16",
    )
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_bytes(
        (ROOT / "tests/golden/any-tokenizer.json").read_bytes()
    )
    block = {
        "input_layernorm": (width,),
        "post_attention_layernorm": (width,),
        "self_attn.q_proj": (width, width),
        "self_attn.k_proj": (kv, width),
        "self_attn.v_proj": (kv, width),
        "self_attn.o_proj": (width, width),
        "mlp.gate_proj": (ffn, width),
        "mlp.up_proj": (ffn, width),
        "mlp.down_proj": (width, ffn),
    }
    tensors = {"model.embed_tokens.weight": (vocabulary, width), "model.norm.weight": (width,)}
    for i in range(layers):
        tensors.update({f"model.layers.{i}.{name}.weight": shape for name, shape in block.items()})
    write_weights(folder / "model.safetensors", tensors)
    return layers * sum(math.prod(shape) for shape in block.values())


def write_weights(path, tensors):
    """Norms of ones, and matrices of noise that keep the size of what they are applied to."""
    header, at = {}, 0
    for name, shape in tensors.items():
        size = 2 * math.prod(shape)
        header[name] = dict(dtype="BF16", shape=shape, data_offsets=[at, at + size])
        at += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for shape in tensors.values():
            file.write(noise(shape))


def noise(shape, period=8191):
    """A prime number of draws again and again, so that rows differ."""
    num = math.prod(shape)
    if len(shape) == 1:
        return bfloat16(1.0) * num
    draw, scale = random.Random(1), shape[1] ** -0.5
    piece = b"".join(bfloat16(draw.gauss(0, scale)) for _ in range(min(num, period)))
    return (piece * (num // period + 1))[: 2 * num]


def bfloat16(x):
    return struct.pack("<f", x)[2:]
