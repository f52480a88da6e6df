"""Writes the fixtures of the safetensors tests with the Python library.

    python make_safetensors_fixtures.py ../resources/io/github/dl4jjepa/models/safetensors

Made with torch 2.15.0, safetensors 0.8.0 and huggingface_hub (as of transformers 5.23.0).
"""

import sys
from pathlib import Path

import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file


def bits32(*values):
    return torch.tensor(values, dtype=torch.int64).to(torch.int32).view(torch.float32)


def bits16(dtype, *values):
    return torch.tensor(values, dtype=torch.int32).to(torch.int16).view(dtype)


def dtypes():
    f32 = bits32(0, -0x80000000, 1, 0x7F7FFFFF, 0x7F800000, -0x800000, 0x7FC00001, 0x7FA12345, 0x3F800001)
    # No half NaN: torch fills its payload with ones.
    f16 = bits16(torch.float16, 0, -0x8000, 1, 0x3FF, 0x400, 0x7BFF, 0x7C00, -0x400, 0x3555, -0x7C01)
    bf16 = bits16(torch.bfloat16, 0, -0x8000, 1, 0x7F7F, 0x7F80, -0x80, 0x7FC1, 0x3EAB)
    f64 = torch.tensor([0.0, -0.0, 0.1, 1e300, -1e-300, float("inf"), 16777217.0], dtype=torch.float64)
    return {
        "bf16": bf16,
        "bf16.as_f32": bf16.float(),
        "bool": torch.tensor([True, False, True]),
        "empty": torch.empty(0, 3),
        "f16": f16,
        "f16.as_f32": f16.float(),
        "f32": f32.reshape(3, 3),
        "f32.bits": f32.view(torch.int32).clone(),
        "f64": f64,
        "f64.as_f32": f64.float(),
        "f8_e4m3": torch.ones(3).to(torch.float8_e4m3fn),
        "f8_e5m2": torch.ones(3).to(torch.float8_e5m2),
        "i16": torch.tensor([-1, 2], dtype=torch.int16),
        "i32": torch.tensor([[-(2**31)], [2**31 - 1]], dtype=torch.int32),
        "i64": torch.tensor([-(2**63), 2**63 - 1, -100], dtype=torch.int64),
        "i8": torch.tensor([-1], dtype=torch.int8),
        "scalar": torch.tensor(2.5),
        "u16": torch.tensor([65535], dtype=torch.uint16),
        "u32": torch.tensor([1], dtype=torch.uint32),
        "u64": torch.tensor([1], dtype=torch.uint64),
        "u8": torch.tensor([255, 0, 1], dtype=torch.uint8),
    }


def narrowing():
    """Float32 values all over the range, and what torch rounds them to."""
    generator = torch.Generator().manual_seed(1)
    anywhere = torch.randint(-(2**31), 2**31, (2048,), generator=generator).to(torch.int32).view(torch.float32)
    exponents = torch.randint(-28, 18, (2048,), generator=generator).float()
    halves = torch.randn(2048, generator=generator) * 2.0**exponents
    # Ties, and their neighbors, of both formats; the edges of half's range.
    ties = bits32(
        0x3F808000, 0x3F818000, 0x3F807FFF, 0x3F808001, 0x7F7F8000, 0x7F7F7FFF,
        0x3F801000, 0x3F803000, 0x3F800FFF, 0x3F801001,
        0x477FEFFF, 0x477FF000, 0x33000000, 0x33000001, 0x33800000, 0x33C00000, 0x387FC000, 0x387FE000, 0x38800000,
    )
    values = torch.cat([anywhere, halves, ties, -ties])
    values = values[~values.isnan()]
    return {"bf16": values.bfloat16(), "f16": values.half(), "f32": values}


def plain():
    generator = torch.Generator().manual_seed(2)
    return {
        "layers.0.weight": torch.randn(5, 7, generator=generator),
        "layers.1.bias": torch.randn(3, generator=generator),
        "scale": torch.tensor(0.1),
    }


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    pt = {"format": "pt"}
    save_file(dtypes(), out / "dtypes.safetensors", metadata=pt)
    save_file(narrowing(), out / "narrowing.safetensors", metadata=pt)
    for name, dtype in ("f32", torch.float32), ("bf16", torch.bfloat16), ("f16", torch.float16):
        save_file({k: v.to(dtype) for k, v in plain().items()}, out / f"plain-{name}.safetensors", metadata=pt)
    (out / "sharded").mkdir(exist_ok=True)
    save_torch_state_dict(plain(), out / "sharded", max_shard_size=144)


main()
