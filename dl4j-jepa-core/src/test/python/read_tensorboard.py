"""Prints what PyPI's tensorboard (2.21.0) reads from a folder of event files, as JSON.

  python read_tensorboard.py FOLDER

TensorBoardFileTest compares the bytes of tensorboard.tfevents; this is what tensorboard reads from that file:
see tensorboard.json beside it.
"""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0})
events.Reload()
tags = events.Tags()
read = {
    "scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in sorted(tags["scalars"])},
    "texts": {
        tag: [[e.step, make_ndarray(e.tensor_proto).item().decode()] for e in events.Tensors(tag)]
        for tag in sorted(tags["tensors"])
        if events.SummaryMetadata(tag).plugin_data.plugin_name == "text"
    },
}
print(json.dumps(read, indent=1, ensure_ascii=False))
