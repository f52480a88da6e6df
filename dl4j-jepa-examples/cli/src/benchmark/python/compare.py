"""Compare `jepa benchmark step` with its PyTorch twin: both as short processes that take turns, paired by round.

Both get the same threads, by OMP_NUM_THREADS and --threads. A ratio is ours over PyTorch's time of the same round, and
what is printed is the median over the rounds, so that below 1 is faster than PyTorch. From the repository's root:

    python dl4j-jepa-examples/cli/src/benchmark/python/compare.py --rounds 5 --threads 2
    python dl4j-jepa-examples/cli/src/benchmark/python/compare.py --shape smollm2 --steps 2 -- --compile
    python dl4j-jepa-examples/cli/src/benchmark/python/compare.py --shape smollm2 --lora-rank 16

With --lora-rank both train an adapter, and a third process trains all our weights.

What follows -- goes to step.py alone.
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
    "smollm2": "--hidden 576 --layers 30 --heads 9 --kv-heads 3 --ffn 1536 --vocab 49152 --batch 4".split(),
}
TIMES = ["plain_ms", "jepa_ms", "forward_ms"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java", default="java -jar dl4j-jepa-examples/target/jepa.jar", help="what runs jepa")
    parser.add_argument("--python", default=sys.executable, help="what runs step.py; needs requirements.txt")
    parser.add_argument("--shape", choices=SHAPES, default="nl-rx", help="of model and batch; default: nl-rx")
    parser.add_argument("--lora-rank", type=int, metavar="N", help="train an adapter of this rank")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), metavar="N", help="default: one a core")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="pairs of processes; default: 5")
    parser.add_argument("--steps", type=int, default=6, metavar="N", help="timed steps of each of a process's three turns; default: 6")
    parser.add_argument("twin", nargs="*", metavar="OPTION", help="options of step.py, after --")
    return parser.parse_args()


def measure(command, threads):
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    process = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def medians(results):
    return {key: statistics.median(result[key] for result in results) for key in [*TIMES, "peak_rss_mb", "gflops"]}


def main():
    options = parse_arguments()
    # The first round of a process is spent on Java's compiler as well; the median leaves it out.
    step = [*SHAPES[options.shape], "--threads", str(options.threads), "--steps", str(options.steps), "--rounds", "3"]
    lora = [] if options.lora_rank is None else ["--lora-rank", str(options.lora_rank)]
    twin = str(pathlib.Path(__file__).with_name("step.py"))
    commands = {
        "ours": [*options.java.split(), "benchmark", "step", "--json", *step, *lora],
        "pytorch": [options.python, twin, *step, *lora, *options.twin],
    }
    if lora:
        commands["ours_full"] = [*options.java.split(), "benchmark", "step", "--json", *step]
    results = {name: [] for name in commands}
    for number in range(1, options.rounds + 1):
        # Each goes first every other round.
        for name in sorted(commands, reverse=number % 2 == 0):
            results[name].append(measure(commands[name], options.threads))
        print(f"round {number} of {options.rounds}", file=sys.stderr)
    ratios = {
        key.removesuffix("_ms") + "_over_pytorch": statistics.median(
            ours[key] / theirs[key] for ours, theirs in zip(results["ours"], results["pytorch"])
        )
        for key in [*TIMES, "peak_rss_mb"]
    }
    if lora:
        ratios |= {
            key.removesuffix("_ms") + "_over_full": statistics.median(
                ours[key] / full[key] for ours, full in zip(results["ours"], results["ours_full"])
            )
            for key in [*TIMES, "peak_rss_mb"]
        }
    ratios["peak_rss_over_pytorch"] = statistics.median(
        ours["peak_rss_mb"] / theirs["peak_rss_mb"] for ours, theirs in zip(results["ours"], results["pytorch"])
    )
    print(
        json.dumps(
            {
                "shape": options.shape,
                "lora_rank": options.lora_rank,
                "params": results["ours"][0]["params"],
                "threads": options.threads,
                "rounds": options.rounds,
                "steps": options.steps,
                **ratios,
                **{name: medians(of) for name, of in results.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
