"""Labels of every assistant turn, and tokens of documents, as transformers makes them.

    python assistant_label_goldens.py

Writes ``../resources/assistant-labels/golden.json``. For each tokenizer of ``../resources/tokenizers`` and each of a few
conversations: the ids of ``apply_chat_template``, and the spans of ids that a model learns from its assistant turns.
With ``nlrx-bpe-1k`` these are the runs of 1 in ``return_assistant_tokens_mask``, for the same template with
``{% generation %}`` around a turn and its end token. The others' templates are found by prefix rendering: a turn begins
after the tokens of the conversation before it with ``add_generation_prompt``, and ends with the next end token.
``documents`` has ``tokenizer(text).input_ids``. Needs transformers and jinja2. No network.
"""

import json
import pathlib

from transformers import PreTrainedTokenizerFast

RESOURCES = pathlib.Path(__file__).parent.parent / "resources"
GENERATION = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def turns(*contents):
    return [{"role": "assistant" if i % 2 else "user", "content": c} for i, c in enumerate(contents)]


CONVERSATIONS = [
    turns("lines with a vowel", ".*[AEIOUaeiou].*"),
    turns("lines with a vowel", ".*[AEIOUaeiou].*", "and a digit", "(.*[0-9].*)&(.*[aeiou].*)"),
    turns("one", "same", "two", "same", "three \U0001f642 é", "same"),
    [{"role": "system", "content": "translate"}] + turns("words", "\\b[a-z]+\\b", "again", "b"),
]
DOCUMENTS = ["lines with a vowel", " one\n\ntwo\tthree \U0001f642 é  ", "dog\n"]


def mask_spans(mask):
    spans, start = [], None
    for i, bit in enumerate(list(mask) + [0]):
        if bit and start is None:
            start = i
        elif not bit and start is not None:
            spans.append([start, i])
            start = None
    return spans


def prefix_spans(tokenizer, conversation, ids):
    spans = []
    for i, message in enumerate(conversation):
        if message["role"] != "assistant":
            continue
        before = tokenizer.apply_chat_template(conversation[:i], add_generation_prompt=True, return_dict=True)["input_ids"]
        assert ids[: len(before)] == before, (conversation, i)
        end = ids.index(tokenizer.eos_token_id, len(before)) + 1
        spans.append([len(before), end])
    return spans


def main():
    golden = {}
    for name in ["nlrx-bpe-1k", "nlrx-spm-600-llama2", "nlrx-spm-600-metaspace"]:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(RESOURCES / "tokenizers" / name)
        cases = []
        for conversation in CONVERSATIONS:
            ids = tokenizer.apply_chat_template(conversation, return_dict=True)["input_ids"]
            spans = prefix_spans(tokenizer, conversation, ids)
            if name == "nlrx-bpe-1k":
                masked = tokenizer.apply_chat_template(
                    conversation, chat_template=GENERATION, return_dict=True, return_assistant_tokens_mask=True
                )
                assert masked["input_ids"] == ids
                assert mask_spans(masked["assistant_masks"]) == spans
            cases.append({"messages": conversation, "ids": ids, "labels": spans})
        documents = [{"text": text, "ids": tokenizer(text)["input_ids"]} for text in DOCUMENTS]
        golden[name] = {"conversations": cases, "documents": documents, "eos": tokenizer.eos_token_id}
    out = RESOURCES / "assistant-labels" / "golden.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(golden) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
