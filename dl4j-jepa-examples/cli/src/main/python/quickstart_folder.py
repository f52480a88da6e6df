"""Make the quickstart's tokenizer and configuration: src/main/resources/quickstart.

From the repository's root, after `mvn test-compile`:

    examples=dl4j-jepa-examples
    java -cp dl4j-jepa-core/target/classes:$examples/dl4j/target/classes:$examples/dl4j/target/test-classes \\
        io.github.dl4jjepa.examples.data.PrintGrammar 20000 0 \\
        | python $examples/cli/src/main/python/quickstart_folder.py $examples/cli/src/main/resources/quickstart

Needs tokenizers and transformers (tokenizers 0.23, transformers 5.23 wrote what is committed); the same
versions write the same files. Standard input holds the texts to learn from, one a line.
"""

import json
import pathlib
import sys

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
ROLES = ["system", "user", "assistant"]
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# A character class, an operator and a word of a regular expression is a token each, so that a row is short.
PIECES = r"\[[^\]]*\]|\(\?[=!]|\\b|\.\*|\{\p{N}|,\}|\$\)| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]|\s+"
MAX_VOCABULARY = 512
# Weights of 0.02, Llama's, are small for a width of 128: the decoder then needs many times the steps before it
# copies words from sentence to expression.
INITIALIZER_RANGE = 0.06


def tokenizer(texts):
    result = Tokenizer(models.BPE())
    result.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    result.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=MAX_VOCABULARY,
        min_frequency=2,
        special_tokens=[PAD, START, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    result.train_from_iterator(texts + ROLES * len(texts), trainer)
    return result


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    made = tokenizer(sys.stdin.read().splitlines())
    made.save(str(folder / "tokenizer.json"))

    special = json.loads(made.to_str())["added_tokens"]
    tokenizer_config = {
        "added_tokens_decoder": {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in special},
        "bos_token": START,
        "eos_token": END,
        "pad_token": PAD,
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 128,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": CHATML,
    }
    text = json.dumps(tokenizer_config, ensure_ascii=False, indent=2) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8", newline="\n")

    LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=made.get_vocab_size(),
        hidden_size=128,
        intermediate_size=344,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        initializer_range=INITIALIZER_RANGE,
        pad_token_id=made.token_to_id(PAD),
        bos_token_id=made.token_to_id(START),
        eos_token_id=made.token_to_id(END),
        dtype="float32",
    ).save_pretrained(folder)
    print(f"{folder}: {made.get_vocab_size()} tokens", file=sys.stderr)


if __name__ == "__main__":
    main()
