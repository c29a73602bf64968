"""Writes dequant.safetensors: random blocks of every quantised type, and the numbers that llama.cpp's
own Python package (gguf, by its maintainers; compared with their C code there) makes of them.

    venv/bin/pip install gguf numpy safetensors
    venv/bin/python make_dequant.py dequant.safetensors [BLOCKS]

BLOCKS times as many as are in the tree: test_parsers_dequant FILE checks any such file.
"""

import sys

import numpy
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants
from safetensors.numpy import save_file

# where a block's 16-bit scales are
TYPES = {
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q8_0": [0],
    "IQ4_NL": [0],
    "Q2_K": [80, 82],
    "Q3_K": [108],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
    "Q8_K": [],
    "IQ4_XS": [0],
}

# zeros, the smallest, a subnormal, the smallest normal, the largest, infinity
ODD = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00]


def make_blocks(chance, kind, num):
    _, size = GGML_QUANT_SIZES[kind]
    blocks = chance.integers(0, 256, (num, size), dtype=numpy.uint8)
    for at in TYPES[kind.name]:
        usual = chance.normal(0, 0.01, num).astype(numpy.float16)
        odd = chance.choice(numpy.array(ODD, numpy.uint16), num).view(numpy.float16)
        scale = numpy.where(chance.random(num) < 0.4, odd, usual)
        blocks[:, at : at + 2] = scale.astype("<f2").view(numpy.uint8).reshape(num, 2)
    if kind.name == "Q8_K":
        scale = chance.normal(0, 0.01, num).astype("<f4")
        blocks[:, :4] = scale.view(numpy.uint8).reshape(num, 4)
    return blocks


def read_blocks(blocks, kind):
    if kind.name != "Q8_K":
        return quants.dequantize(blocks, kind)
    # which the package does not read: float32 d, 256 int8
    d = blocks[:, :4].copy().view("<f4")
    return d * blocks[:, 4:260].view(numpy.int8).astype(numpy.float32)


def main():
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    chance = numpy.random.default_rng(6)
    tensors = {}
    for name in TYPES:
        kind = GGMLQuantizationType[name]
        values, _ = GGML_QUANT_SIZES[kind]
        blocks = make_blocks(chance, kind, times * (4 if values == 256 else 12))
        with numpy.errstate(invalid="ignore"):
            out = read_blocks(blocks, kind).astype("<f4").reshape(-1)
        tensors[name + ".blocks"] = blocks.reshape(-1)
        tensors[name + ".values"] = out
    save_file(tensors, sys.argv[1])


main()
