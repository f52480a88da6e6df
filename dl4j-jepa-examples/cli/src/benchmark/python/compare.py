"""Compare `jepa benchmark step` or `generate` with its PyTorch twin: both as short processes that take turns, paired by round.

Both get the same number of threads by OMP_NUM_THREADS. A ratio is ours over PyTorch's time of the same round, and
what is printed is the median over the rounds, so that below 1 is faster than PyTorch. From the repository's root:

    python dl4j-jepa-examples/cli/src/benchmark/python/compare.py --rounds 5 --threads 2
    python dl4j-jepa-examples/cli/src/benchmark/python/compare.py --shape smollm2 --steps 2 -- --compile
    python dl4j-jepa-examples/cli/src/benchmark/python/compare.py --shape smollm2 --lora-rank 16

    python dl4j-jepa-examples/cli/src/benchmark/python/compare.py --what generate --threads 1

With --lora-rank both train an adapter, and a third process trains all our weights. --what generate times a model of
SmolLM2's shape with random weights.

What follows -- goes to the twin alone.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

SHAPES = {
    "nl-rx": [],
    "smollm2": "--hidden 576 --layers 30 --heads 9 --kv-heads 3 --ffn 1536 --vocab 49152 --batch-size 4".split(),
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java", default="java -jar dl4j-jepa-examples/target/jepa.jar", help="what runs jepa")
    parser.add_argument("--python", default=sys.executable, help="what runs the twin; needs requirements.txt")
    parser.add_argument("--what", choices=["step", "generate"], default="step", help="default: step")
    parser.add_argument("--shape", choices=SHAPES, default="nl-rx", help="of model and batch of a step; default: nl-rx")
    parser.add_argument("--lora-rank", type=int, metavar="N", help="train an adapter of this rank")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), metavar="N", help="default: one a core")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="pairs of processes; default: 5")
    parser.add_argument("--steps", type=int, default=6, metavar="N", help="timed steps of each of a process's three turns, or ten times as many new tokens; default: 6")
    parser.add_argument("twin", nargs="*", metavar="OPTION", help="options of the twin, after --")
    return parser.parse_args()


def measure(command, threads):
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    process = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def flat(result):
    """A result with one number a key: those of a number of rows get its name."""
    numbers = {key: value for key, value in result.items() if key != "rows"}
    for of_rows in result.get("rows", []):
        numbers |= {f"{key.removesuffix('_ms')}_{of_rows['rows']}_rows_ms": of_rows[key] for key in ["prefill_ms", "step_ms"]}
    return numbers


def medians(results, keys):
    return {key: statistics.median(result[key] for result in results) for key in keys}


def ratios(ours, theirs, keys):
    return {key: statistics.median(a[key] / b[key] for a, b in zip(ours, theirs)) for key in keys}


def main():
    options = parse_arguments()
    # The first round of a process is spent on Java's compiler as well; the median leaves it out.
    arguments = ["--rounds", "3"]
    if options.what == "step":
        arguments += [*SHAPES[options.shape], "--threads", str(options.threads), "--steps", str(options.steps)]
    else:
        arguments += ["--new-tokens", str(10 * options.steps)]
    lora = [] if options.lora_rank is None else ["--lora-rank", str(options.lora_rank)]
    twin = str(pathlib.Path(__file__).with_name(options.what + ".py"))
    ours = [*options.java.split(), "benchmark", options.what, "--json", *arguments]
    commands = {"ours": [*ours, *lora], "pytorch": [options.python, twin, *arguments, *lora, *options.twin]}
    if lora:
        commands["ours_full"] = ours
    results = {name: [] for name in commands}
    for number in range(1, options.rounds + 1):
        # Each goes first every other round.
        for name in sorted(commands, reverse=number % 2 == 0):
            results[name].append(flat(measure(commands[name], options.threads)))
        print(f"round {number} of {options.rounds}", file=sys.stderr)
    keys = [key for key in results["ours"][0] if key.endswith("_ms") or key == "peak_rss_mb"]
    compared = {"pytorch": "_over_pytorch"} | ({"ours_full": "_over_full"} if lora else {})
    print(
        json.dumps(
            {
                "what": options.what,
                "shape": options.shape if options.what == "step" else "smollm2",
                "lora_rank": options.lora_rank,
                "params": results["ours"][0]["params"],
                "threads": options.threads,
                "rounds": options.rounds,
                "steps": options.steps,
                **{
                    key.removesuffix("_ms").removesuffix("_mb") + suffix: ratio
                    for name, suffix in compared.items()
                    for key, ratio in ratios(results["ours"], results[name], keys).items()
                },
                **{name: medians(of, keys) for name, of in results.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
