"""Answers and likelihoods of a model on a task's data, as transformers computes them, to compare with `jepa evaluate`.

    python task_reference.py MODEL gsm8k.jsonl gsm8k ROWS MAX_NEW_TOKENS reference.jsonl
    jepa evaluate --model MODEL --data gsm8k.jsonl --task gsm8k --limit ROWS --max-new-tokens MAX_NEW_TOKENS --output ours.jsonl
    python task_reference.py --compare ours.jsonl reference.jsonl

One row at a time, float32, without padding. Only the tasks gsm8k and hellaswag (with its eight candidates).
"""

import json
import re
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def candidates(messages):
    parts = re.fullmatch(r"(.*?)\nA\) (.*)\nB\) (.*)\nC\) (.*)\nD\) (.*)", messages[-2]["content"], re.S).groups()
    for letter in "ABCD":
        yield messages[:-1] + [{"role": "assistant", "content": letter}]
    for ending in parts[1:]:
        yield [{"role": "user", "content": parts[0]}, {"role": "assistant", "content": ending.strip()}]


def main(folder, data, task, rows, most, out):
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")

    def render(messages, prompt):
        text = tokenizer.apply_chat_template(messages, add_generation_prompt=prompt, tokenize=False)
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    with open(out, "w") as file, torch.no_grad():
        for index, line in zip(range(int(rows)), open(data)):
            messages = json.loads(line)["messages"]
            prompt = render(messages[:-1], True)
            ids = model.generate(
                torch.tensor([prompt]), do_sample=False, max_new_tokens=int(most), eos_token_id=[end, tokenizer.eos_token_id],
                pad_token_id=end,
            )[0, len(prompt):].tolist()
            stopped = ids[-1] in (end, tokenizer.eos_token_id)
            likelihoods = []
            for answered in candidates(messages) if task == "hellaswag" else []:
                before = render(answered[:-1], True)
                row = render(answered, False)
                assert row[: len(before)] == before
                last = row.index(end, len(before))
                row = row[: last + 1]
                logits = model(torch.tensor([row]), use_cache=False).logits[0]
                logs = torch.log_softmax(logits.double(), -1)
                values = [logs[i - 1, row[i]].item() for i in range(len(before), last + 1)]
                likelihoods.append({"log_probability": sum(values[:-1]), "tokens": len(values) - 1, "end_log_probability": values[-1]})
            prediction = tokenizer.decode(ids[:-1] if stopped else ids, skip_special_tokens=True)
            file.write(json.dumps({"index": index, "prediction": prediction, "stopped": stopped, "likelihoods": likelihoods}) + "\n")
            file.flush()


def compare(ours, reference):
    same, worst, compared = 0, 0.0, 0
    pairs = list(zip(open(ours), open(reference)))
    for a, b in pairs:
        a, b = json.loads(a), json.loads(b)
        if (a["prediction"], a["stopped"]) == (b["prediction"], b["stopped"]):
            same += 1
        else:
            print("row", a["index"], "differs:", repr(a["prediction"]), "/", repr(b["prediction"]))
        for x, y in zip(a.get("likelihoods", []), b["likelihoods"], strict=True):
            assert x["tokens"] == y["tokens"], (a["index"], x, y)
            compared += 1
            worst = max(worst, *(abs(x[k] - y[k]) / max(1, x["tokens"]) for k in ("log_probability", "end_log_probability")))
    print(f"{same} of {len(pairs)} answers are the same; {compared} likelihoods differ by {worst:.1e} a token at most")


if __name__ == "__main__":
    compare(*sys.argv[2:]) if sys.argv[1] == "--compare" else main(*sys.argv[1:])
