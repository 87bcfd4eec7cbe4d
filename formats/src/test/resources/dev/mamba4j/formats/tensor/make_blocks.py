"""Makes decoded-blocks.txt: random blocks of each type and what PyPI's gguf decodes from them.

    pip install gguf==0.19.0 && python make_blocks.py > decoded-blocks.txt

A line is: type, the bytes of the blocks, the values as little-endian float32; both in hex.
The bytes are random but for the half-precision scales, which are finite: one block each with
usual scales, negative and large ones, and subnormal ones.
"""

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, dequantize

# Offsets of the half-precision scales in a block.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
    "IQ4_NL": [0], "IQ4_XS": [0],
}  # fmt: skip

random = np.random.default_rng(20261124)
print("# Made by make_blocks.py: type, blocks, values as little-endian float32.")
for name, halves in HALVES.items():
    kind = GGMLQuantizationType[name]
    blocks = random.integers(0, 256, (3, GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    for block, magnitudes in zip(blocks, ((0.001, 0.1), (-300, -20), (1e-7, 5e-5))):
        for at in halves:
            scale = np.float16(random.uniform(*magnitudes))
            block[at : at + 2] = np.frombuffer(scale.tobytes(), np.uint8)
    values = dequantize(blocks, kind).astype("<f4")
    print(name, blocks.tobytes().hex(), values.tobytes().hex())
