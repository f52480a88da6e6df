"""Writes nl-rx.csv and nl-rx.jsonl: the same sentences and regular expressions, the CSV by Python's own writer.

usage: csv_goldens.py synth_train.jsonl ../resources/iterator
"""

import csv
import json
import pathlib
import sys

source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
conversations = [json.loads(line)["messages"] for line in open(source, encoding="utf-8")][:60]
folder.mkdir(parents=True, exist_ok=True)
with open(folder / "nl-rx.csv", "w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["sentence", "regex"])
    writer.writerows([messages[-2]["content"], messages[-1]["content"]] for messages in conversations)
with open(folder / "nl-rx.jsonl", "w", encoding="utf-8") as file:
    for messages in conversations:
        file.write(json.dumps({"messages": messages[-2:]}, ensure_ascii=False) + "\n")
