"""Tokens of whole conversations, as transformers makes them with published chat templates.

    python chat_token_goldens.py --shared /path/to/shared

Writes ``../resources/chat-tokens/golden.json``: for every template of ``shared/fixtures/chat`` a tokenizer (one of
``../resources/tokenizers`` whose added tokens are those of the published model, with their flags, written from the
models' published tokenizer.json) and, for every conversation of the template's golden.json that renders, how many tokens
``apply_chat_template(..., tokenize=True)`` gives and the first 16 digits of the SHA-256 of their ids, joined by blanks.
The templates and conversations themselves stay in shared/: others wrote them. Needs transformers and jinja2. No network.
"""

import argparse
import datetime
import hashlib
import json
import pathlib
import tempfile

from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

RESOURCES = pathlib.Path(__file__).parent.parent / "resources"
BPE, LLAMA2, METASPACE = "nlrx-bpe-1k", "nlrx-spm-600-llama2", "nlrx-spm-600-metaspace"


class StoppedClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 12, 0, 0, tzinfo=tz)


def tokens(*special, plain=(), rstrip=(), plain_rstrip=(), normalized=()):
    def entry(content, is_special, strips=False, is_normalized=False):
        flags = {"single_word": False, "lstrip": False, "rstrip": strips, "normalized": is_normalized}
        return {"content": content, **flags, "special": is_special}

    return (
        [entry(t, True) for t in special]
        + [entry(t, False) for t in plain]
        + [entry(t, True, strips=True) for t in rstrip]
        + [entry(t, False, strips=True) for t in plain_rstrip]
        + [entry(t, False, is_normalized=True) for t in normalized]
    )


SENTENCEPIECE = ("<unk>", "<s>", "</s>")
LLAMA3 = tokens("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>",
                "<|python_tag|>")
GEMMA = tokens("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>",
               plain=("\n\n", "\n\n\n", "▁▁", "▁▁▁", "<table>", "<b>", "</b>"))
QWEN25 = tokens("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>",
                plain=("<tool_call>", "</tool_call>", "<|fim_prefix|>"))
QWEN3 = QWEN25 + tokens(plain=("<tool_response>", "</tool_response>", "<think>", "</think>"))
DEEPSEEK = tokens("<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>",
                  plain=("<｜User｜>", "<｜Assistant｜>", "<|EOT|>", "<think>", "</think>", "<｜tool▁calls▁begin｜>"))
PHI3 = tokens("<unk>", "<s>", "<|endoftext|>", plain_rstrip=("</s>",),
              rstrip=("<|assistant|>", "<|placeholder1|>", "<|system|>", "<|end|>", "<|user|>"))
MISTRAL3 = tokens(*SENTENCEPIECE, "[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
                  "[/TOOL_RESULTS]")
OLMO2 = tokens("<|endoftext|>", "<|pad|>", normalized=("|||IP_ADDRESS|||", "|||EMAIL_ADDRESS|||"))
SMOLLM2 = tokens("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<file_sep>")

MODELS = {
    "llama-3-instruct": (BPE, "<|begin_of_text|>", "<|eot_id|>", LLAMA3),
    "llama-3.1-instruct": (BPE, "<|begin_of_text|>", "<|eot_id|>", LLAMA3),
    "llama-3.2-instruct": (BPE, "<|begin_of_text|>", "<|eot_id|>", LLAMA3),
    "gemma-2-it": (METASPACE, "<bos>", "<eos>", GEMMA),
    "gemma-3-it": (METASPACE, "<bos>", "<eos>", GEMMA),
    "olmo-2-instruct": (BPE, "<|endoftext|>", "<|endoftext|>", OLMO2),
    "qwen2.5-instruct": (BPE, None, "<|im_end|>", QWEN25),
    "qwen3": (BPE, None, "<|im_end|>", QWEN3),
    "qwen3-first": (BPE, None, "<|im_end|>", QWEN3),
    "deepseek-r1-distill-qwen": (BPE, "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", DEEPSEEK),
    "phi-3-mini": (LLAMA2, "<s>", "<|endoftext|>", PHI3),
    "phi-3.5-mini": (LLAMA2, "<s>", "<|endoftext|>", PHI3),
    "mistral-7b-instruct-v0.2": (LLAMA2, "<s>", "</s>", tokens(*SENTENCEPIECE)),
    "mistral-7b-instruct-v0.2-first": (LLAMA2, "<s>", "</s>", tokens(*SENTENCEPIECE)),
    "mistral-7b-instruct-v0.3": (LLAMA2, "<s>", "</s>", MISTRAL3),
    "tinyllama-chat": (LLAMA2, "<s>", "</s>", tokens(*SENTENCEPIECE)),
    "zephyr-7b-beta": (METASPACE, "<s>", "</s>", tokens(*SENTENCEPIECE)),
    "smollm2-instruct": (BPE, "<|im_start|>", "<|im_end|>", SMOLLM2),
}


def with_added(base, added):
    """The tokenizer.json of a base with other added tokens: ids of the vocabulary are kept, new ones follow."""
    tokenizer = json.loads((RESOURCES / "tokenizers" / base / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    entries, following = [], max(vocabulary.values()) + 1
    for token in added:
        if token["content"] in vocabulary:
            number = vocabulary[token["content"]]
        else:
            number, following = following, following + 1
        entries.append({"id": number, **token})
    tokenizer["added_tokens"] = sorted(entries, key=lambda e: e["id"])
    return tokenizer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", type=pathlib.Path, required=True)
    chat = parser.parse_args().shared / "fixtures/chat"
    chat_template_utils.datetime = StoppedClock
    golden = {}
    for name, (base, bos, eos, added) in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "tokenizer.json"
            file.write_text(json.dumps(with_added(base, added)), encoding="utf-8")
            tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(file), bos_token=bos, eos_token=eos)
        tokenizer.chat_template = (chat / name / "chat_template.jinja").read_text(encoding="utf-8")
        rows = {}
        for case in json.loads((chat / name / "golden.json").read_text()):
            if "error" in case:
                continue
            ids = tokenizer.apply_chat_template(
                case["messages"], tools=case.get("tools"), add_generation_prompt=case["add_generation_prompt"],
                tokenize=True, return_dict=False, **case.get("template_arguments", {}))
            text = " ".join(map(str, ids))
            rows[case["name"]] = f"{len(ids)} {hashlib.sha256(text.encode()).hexdigest()[:16]}"
        golden[name] = {"base": base, "bos_token": bos, "eos_token": eos, "added_tokens": added, "tokens": rows}
    out = RESOURCES / "chat-tokens/golden.json"
    lines = [json.dumps(n) + ": " + json.dumps(g, ensure_ascii=False) for n, g in golden.items()]
    out.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


main()
