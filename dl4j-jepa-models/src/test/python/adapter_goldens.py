"""Adapters made by peft, and the check of those that we export.

    python adapter_goldens.py make    # writes ../resources/adapters
    python adapter_goldens.py check ../../../target/adapters

`make` writes an adapter folder for each case, on a base of ../resources/models, and the logits and
the gradients of their sum of squares that peft computes with it. `check` loads the adapters that
PeftAdapterTest has exported, under the same names, and compares their logits with the golden ones.
Needs requirements.txt, and peft 0.21.2.
"""

import json
import shutil
import sys
import warnings
from pathlib import Path

import torch
from peft import AutoPeftModelForCausalLM, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

warnings.simplefilter("ignore")
HERE = Path(__file__).parent
MODELS = HERE / "../resources/models"
ADAPTERS = HERE / "../resources/adapters"
IDS = torch.tensor([[7, 9, 298, 7, 11, 299, 3], [30, 31, 298, 5, 299, 40, 41]])

CASES = {
    "llama-patterns": (
        "llama",
        dict(
            r=4,
            lora_alpha=6,
            target_modules="all-linear",
            rank_pattern={r"layers\.0\.self_attn\.q_proj": 2, "down_proj": 3},
            alpha_pattern={"down_proj": 5, "v_proj": 7},
            trainable_token_indices=[299, 298],
        ),
    ),
    "mistral-untied-tokens": (
        "mistral",
        dict(
            r=2,
            lora_alpha=3,
            use_rslora=True,
            target_modules=["q_proj", "mlp.up_proj"],
            exclude_modules=["layers.1.self_attn.q_proj"],
            trainable_token_indices={"embed_tokens": [298, 299], "lm_head": [298]},
        ),
    ),
    "phi3-fused": (
        "phi3",
        dict(r=2, target_modules="all-linear", trainable_token_indices=[298]),
    ),
    "gpt2-transposed": (
        "gpt2",
        dict(r=2, target_modules=r".*\.(c_attn|c_fc|c_proj)", trainable_token_indices=[298, 299]),
    ),
    "gemma-tokens": ("gemma", dict(r=2, target_modules=["v_proj"], trainable_token_indices=[298])),
    "phi-all": ("phi", dict(r=2, target_modules="all-linear")),
}


def logits(model):
    return model(input_ids=IDS).logits


def make():
    shutil.rmtree(ADAPTERS, ignore_errors=True)
    for name, (base, settings) in CASES.items():
        torch.manual_seed(20261126)
        folder = ADAPTERS / name
        model = AutoModelForCausalLM.from_pretrained(MODELS / base, attn_implementation="eager")
        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings)).eval()
        with torch.no_grad():
            for key, value in model.named_parameters():
                if value.requires_grad:
                    value.add_(0.2 * torch.randn_like(value))
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = f"../../models/{base}"
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        out = logits(model)
        # Not of the logits' size alone, so that every gradient is different from zero.
        (out * torch.linspace(-1, 1, out.shape[-1])).pow(2).sum().backward()
        golden = {"input_ids": IDS.to(torch.int32), "logits": out.detach().contiguous()}
        for key, value in model.named_parameters():
            if value.requires_grad:
                golden["grad." + key.replace(".default", "")] = value.grad.contiguous()
        save_file(golden, folder / "golden.safetensors")
        print(name, len(golden) - 2, "gradients")


def check(exported):
    for name, (base, _) in CASES.items():
        golden = load_file(ADAPTERS / name / "golden.safetensors")["logits"]
        model = AutoPeftModelForCausalLM.from_pretrained(exported / name).eval()
        with torch.no_grad():
            error = ((logits(model) - golden).norm() / golden.norm()).item()
        print(name, f"{error:.1e}")
        assert error < 1e-6, name


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make()
    else:
        check(Path(sys.argv[2]))
