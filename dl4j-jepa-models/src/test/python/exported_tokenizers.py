"""Loads exported tokenizers with the transformers at hand, from source folders of many kinds.

    mvn -q -B -DskipTests package
    python exported_tokenizers.py build /tmp/e ../../../../dl4j-jepa-examples/target/jepa.jar    once
    python exported_tokenizers.py check /tmp/e                                                  with transformers 4 and 5

`build` makes the source folders and has jepa.jar fine-tune each for a step; `check` compares what transformers makes
of the exported folder with what it makes of the source: the same special tokens, the same ids, and the [PRED] token as
one special token. It exits 1 where they differ.
"""

import json
import os
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TOKENIZERS = HERE.parent / "resources/tokenizers"
CHATML = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
TEXT = "lines that end with a vowel<|predictor_1|> x"


def edit(file, change):
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(value, indent=2))


def model(folder, vocabulary):
    """A Llama with random weights."""
    hidden, inner = 16, 32
    rng = random.Random(7)
    shapes = {"model.embed_tokens.weight": [vocabulary, hidden], "model.norm.weight": [hidden]}
    p = "model.layers.0."
    for name in ("input_layernorm", "post_attention_layernorm"):
        shapes[f"{p}{name}.weight"] = [hidden]
    for name in "qkvo":
        shapes[f"{p}self_attn.{name}_proj.weight"] = [hidden, hidden]
    shapes |= {f"{p}mlp.{n}_proj.weight": s for n, s in
               {"gate": [inner, hidden], "up": [inner, hidden], "down": [hidden, inner]}.items()}
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = struct.pack(f"<{count}f", *(rng.gauss(0, 0.1) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": hidden,
        "intermediate_size": inner, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
        "max_position_embeddings": 1024, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": True,
        "vocab_size": vocabulary, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}))


def slow_files(folder):
    """The files of a slow byte-level tokenizer, as GPT-2 and Qwen2 have them beside tokenizer.json."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    added = {t["content"]: t["id"] for t in tokenizer["added_tokens"]}
    bpe = tokenizer["model"]
    (folder / "vocab.json").write_text(json.dumps({k: v for k, v in bpe["vocab"].items() if k not in added}))
    merges = [m if isinstance(m, str) else " ".join(m) for m in bpe["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    (folder / "added_tokens.json").write_text(json.dumps(added))


def as_class(name):
    return lambda folder: edit(folder / "tokenizer_config.json", lambda c: c.update(tokenizer_class=name))


def without_decoder(folder):
    edit(folder / "tokenizer_config.json", lambda c: c.pop("added_tokens_decoder"))


def tokens_in_the_map_alone(folder):
    def drop(config):
        config.pop("added_tokens_decoder")
        for key in ("bos_token", "eos_token", "pad_token"):
            config.pop(key)

    edit(folder / "tokenizer_config.json", drop)


def additional(folder):
    edit(folder / "tokenizer_config.json", lambda c: c.update(additional_special_tokens=["<|im_start|>", "<|im_end|>"]))


def extra(folder):
    edit(folder / "tokenizer_config.json", lambda c: c.update(
        extra_special_tokens=["<|im_start|>", "<|im_end|>"], tokenizer_class="TokenizersBackend", backend="tokenizers"))


def named_extra(folder):
    edit(folder / "tokenizer_config.json", lambda c: c.update(extra_special_tokens={"turn_token": "<|im_start|>"}))


def only(*names):
    def remove(folder):
        for name in ("tokenizer_config.json", "special_tokens_map.json"):
            if name not in names:
                (folder / name).unlink()

    return remove


BPE, SPM = "nlrx-bpe-1k", "nlrx-spm-600-llama2"
VARIANTS = {
    "whole": (BPE, []),
    "tokenizer-alone": (BPE, [only()]),
    "tokenizer-and-map": (BPE, [only("special_tokens_map.json")]),
    "without-decoder": (BPE, [without_decoder]),
    "tokens-in-the-map-alone": (BPE, [tokens_in_the_map_alone]),
    "slow-files": (BPE, [slow_files]),
    "slow-files-gpt2": (BPE, [slow_files, as_class("GPT2Tokenizer")]),
    "slow-files-qwen2": (BPE, [slow_files, as_class("Qwen2Tokenizer")]),
    "slow-files-gpt2-without-decoder": (BPE, [slow_files, as_class("GPT2Tokenizer"), without_decoder]),
    "slow-files-qwen2-without-decoder": (BPE, [slow_files, as_class("Qwen2Tokenizer"), without_decoder]),
    "additional": (BPE, [additional]),
    "additional-without-decoder": (BPE, [additional, without_decoder]),
    "extra": (BPE, [extra]),
    "named-extra": (BPE, [named_extra]),
    "llama": (SPM, [as_class("LlamaTokenizer")]),
    "llama-fast": (SPM, [as_class("LlamaTokenizerFast")]),
    "llama-without-decoder": (SPM, [as_class("LlamaTokenizerFast"), without_decoder]),
    "llama-tokens-in-the-map-alone": (SPM, [tokens_in_the_map_alone, as_class("LlamaTokenizer")]),
    "llama-tokenizer-alone": (SPM, [only()]),
}


def build(root, jar):
    for name, (tokenizer, changes) in VARIANTS.items():
        source = root / "source" / name
        shutil.rmtree(source, ignore_errors=True)
        shutil.rmtree(root / "exported" / name, ignore_errors=True)
        shutil.copytree(TOKENIZERS / tokenizer, source)
        (source / "golden.json").unlink()
        if tokenizer == BPE:
            edit(source / "tokenizer_config.json", lambda c: c.pop("chat_template"))
            (source / "chat_template.jinja").write_text(CHATML)
        else:
            (source / "chat_template.jinja").write_text(
                "{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
                "{% else %} {{ m['content'] }}</s>{% endif %}{% endfor %}")
        model(source, 1000 if tokenizer == BPE else 600)
        for change in changes:
            change(source)
        data = root / "pairs.jsonl"
        data.write_text(json.dumps({"messages": [{"role": "user", "content": "lines with a vowel"},
                                                 {"role": "assistant", "content": ".*[aeiou].*"}]}) + "\n")
        done = subprocess.run(["java", "-jar", str(jar), "finetune", "--model", str(source), "--train", str(data),
                               "--output", str(root / "exported" / name), "--max-steps", "1"],
                              capture_output=True, text=True)
        log = [line for line in done.stderr.splitlines() if "CheckpointExporter" in line]
        print(name, "exit", done.returncode, *(log if done.returncode == 0 else [done.stderr[-600:]]), sep="\n  ")


def check(root):
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    import transformers
    from transformers import AutoTokenizer

    print("transformers", transformers.__version__)
    failures = 0
    for name in VARIANTS:
        wrong = []
        try:
            source = AutoTokenizer.from_pretrained(root / "source" / name)
        except Exception as e:
            print(f"{name}: transformers does not load the source: {type(e).__name__}: {str(e)[:120]}")
            continue
        try:
            exported = AutoTokenizer.from_pretrained(root / "exported" / name)
            # Where transformers has a tokenizer in Python too, it reads the other files (transformers 4).
            if name.startswith("slow-files"):
                slow = AutoTokenizer.from_pretrained(root / "exported" / name, use_fast=False)
                if slow(TEXT)["input_ids"].count(exported.convert_tokens_to_ids("<|predictor_1|>")) != 1:
                    wrong.append(f"{type(slow).__name__} does not know the predictor")
            again = root / "again" / name
            exported.save_pretrained(again / "exported")
            source.save_pretrained(again / "source")
            pairs = [("", source, exported),
                     ("saved again: ", *map(AutoTokenizer.from_pretrained, (again / "source", again / "exported")))]
            for what, source, t in pairs:
                predictor = t.convert_tokens_to_ids("<|predictor_1|>")
                for key in ("bos_token", "eos_token", "pad_token", "unk_token"):
                    if getattr(t, key) != getattr(source, key):
                        wrong.append(f"{what}{key} is {getattr(t, key)}, was {getattr(source, key)}")
                ids = t(TEXT, add_special_tokens=False)["input_ids"]
                head, tail = TEXT.split("<|predictor_1|>")
                if ids[: ids.index(predictor) if predictor in ids else 0] != source(head, add_special_tokens=False)["input_ids"]:
                    wrong.append(f"{what}ids {ids}")
                if len(t) != len(source) + 1 or ids.count(predictor) != 1:
                    wrong.append(f"{what}{len(t)} tokens, were {len(source)}; predictor {predictor} in {ids}")
                if "predictor" in t.decode(ids, skip_special_tokens=True):
                    wrong.append(f"{what}the predictor is not skipped")
                lost = set(source.all_special_tokens) - set(t.all_special_tokens)
                if lost:
                    wrong.append(f"{what}no longer special: {sorted(lost)}")
                for token in source.added_tokens_decoder.values():
                    if token not in t.added_tokens_decoder.values():
                        wrong.append(f"{what}{token!r} is lost or has changed")
                special = "</s>" if name.startswith("llama") else "<|im_end|>"
                if t(f"{special}x y")["input_ids"] != source(f"{special}x y")["input_ids"]:
                    wrong.append(f"{what}text with special tokens is encoded otherwise")
        except Exception as e:
            wrong.append(f"{type(e).__name__}: {str(e)[:200]}")
        print(f"{name} ({type(source).__name__}): {'; '.join(wrong) or 'ok'}")
        failures += bool(wrong)
    sys.exit(failures > 0)


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        check(Path(sys.argv[2]))
