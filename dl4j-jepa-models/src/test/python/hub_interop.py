"""Two libraries, one cache: huggingface_hub and our HuggingFaceHub against the tests' FakeHub.

    pip install huggingface_hub        (tried with 2.4.0 and 0.36.2)
    mvn -DskipTests package && python dl4j-jepa-models/src/test/python/hub_interop.py

Python downloads from the fake hub; we read its cache without a request. We download; Python reads our cache offline.
Exits 0 if both can; needs java on the path.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[4]
JAR = ROOT / "dl4j-jepa-examples/target/jepa.jar"
FAKE_HUB = ROOT / "dl4j-jepa-models/src/test/java/io/github/dl4jjepa/models/hub/FakeHub.java"
SNAPSHOT = """
class Snapshot {
    public static void main(String[] names) {
        System.out.println(io.github.dl4jjepa.models.hub.HuggingFaceHub.fromEnvironment().snapshot(names[0]));
    }
}
"""
FILES = {
    "config.json": b"{}",
    "tokenizer.json": b'{"version": "1.0"}',
    "empty.txt": b"",
    "additional_chat_templates/tool_use.jinja": b"{{ tools }}",
    "weights-a.safetensors": b"a" * 100_000,
    "weights-b.safetensors": b"b" * 100_000,
    "model.safetensors.index.json": json.dumps(
        {"weight_map": {"x": "weights-a.safetensors", "y": "weights-b.safetensors"}}
    ).encode(),
}
MODEL_FILES = [name for name in FILES if name != "empty.txt"]

PYTHON_DOWNLOADS = """
import sys, huggingface_hub as h
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError
folder = h.snapshot_download("org/model")
assert h.snapshot_download("old/name").endswith(folder.rsplit("/", 1)[-1])
for name, error in [("org/other", RepositoryNotFoundError), ("org/model", RevisionNotFoundError)]:
    try:
        h.snapshot_download(name, revision="v9" if name == "org/model" else None)
        sys.exit(f"no {error}")
    except error:
        pass
try:
    h.hf_hub_download("org/model", "chat_template.jinja")
    sys.exit("no EntryNotFoundError")
except EntryNotFoundError:
    pass
print(folder)
"""
PYTHON_READS = """
import sys, huggingface_hub as h
for name in sys.argv[1:]:
    with open(h.hf_hub_download("org/model", name), "rb") as file:
        print(name, len(file.read()))
assert h.try_to_load_from_cache("org/model", "chat_template.jinja") is h._CACHED_NO_EXIST
info = h.scan_cache_dir()
assert not info.warnings, info.warnings
assert [repo.repo_id for repo in info.repos] == ["org/model"]
"""


def run(command, cache, endpoint, offline=False):
    env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.startswith("HF_")}
    env.update(HF_HOME=str(cache), HF_ENDPOINT=endpoint, HF_HUB_DISABLE_TELEMETRY="1")
    if offline:
        env["HF_HUB_OFFLINE"] = "1"
    return subprocess.run([str(part) for part in command], env=env, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@contextlib.contextmanager
def fake_hub(folder):
    hub = subprocess.Popen(["java", str(FAKE_HUB), str(folder), "0"], stdout=subprocess.PIPE, text=True)
    try:
        yield hub.stdout.readline().strip()
    finally:
        hub.kill()


def check(folder):
    for name in MODEL_FILES:
        assert (pathlib.Path(folder) / name).read_bytes() == FILES[name], name


with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)
    for name, content in FILES.items():
        file = work / "model" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (work / "Snapshot.java").write_text(SNAPSHOT)
    java = ["java", "-cp", JAR, work / "Snapshot.java"]
    with fake_hub(work / "model") as endpoint:
        ours = work / "ours"
        theirs = work / "theirs"
        check(run([sys.executable, "-c", PYTHON_DOWNLOADS], theirs, endpoint))
        check(run([*java, "org/model"], ours, endpoint))
        check(run([*java, "old/name"], work / "renamed", endpoint))
    # The hub is gone: a request of either library would fail.
    check(run([*java, "org/model"], theirs, "http://hub.invalid"))
    check(run([*java, "org/model"], theirs, "http://hub.invalid", offline=True))
    print(run([sys.executable, "-c", PYTHON_READS, *MODEL_FILES], ours, endpoint, offline=True))
print("each library reads the other's cache")
