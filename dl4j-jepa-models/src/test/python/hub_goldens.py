"""What huggingface_hub makes of environment variables, proxies and names: writes hub/goldens.json of the test resources.

    pip install huggingface_hub        (made with 2.4.0)
    python hub_goldens.py
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

OUT = pathlib.Path(__file__).parent.parent / "resources/io/github/dl4jjepa/models/hub/goldens.json"

# TMP stands for a folder that holds the files; HOME is TMP/home unless a case sets it.
FILES = {
    "home/.cache/huggingface/token": "hf_home\n",
    "hf/token": "\n\n hf_hfhome \n\n",
    "xdg/huggingface/token": "hf_xdg\r\n",
    "elsewhere": "hf_elsewhere",
    "blank": " \n",
    "two": "hf_first\nhf_second",
}
ENVIRONMENTS = [
    {},
    {"HF_HOME": "TMP/hf"},
    {"XDG_CACHE_HOME": "TMP/xdg"},
    {"XDG_CACHE_HOME": "TMP/xdg", "HF_HOME": "TMP/hf"},
    {"HF_HOME": "~/hf"},
    {"HF_HOME": "~"},
    {"HF_HOME": "a~/hf"},
    {"HF_HOME": "$DISK/hf", "DISK": "/mnt"},
    {"HF_HOME": "${DISK}/hf$DISK", "DISK": "/mnt"},
    {"HF_HOME": "/a/$UNKNOWN/${UNKNOWN}/$/b"},
    {"HF_HOME": "$DISK", "DISK": "~/x$OTHER", "OTHER": "y"},
    {"XDG_CACHE_HOME": "~/$DISK", "DISK": "mnt"},
    {"HF_HUB_CACHE": "/c/hub", "HF_HOME": "TMP/hf"},
    {"HUGGINGFACE_HUB_CACHE": "/old/hub", "HF_HOME": "TMP/hf"},
    {"HUGGINGFACE_HUB_CACHE": "/old/hub", "HF_HUB_CACHE": "~/hub"},
    {"HUGGINGFACE_HUB_CACHE": "~/$DISK", "DISK": "mnt"},
    {"HF_TOKEN": "hf_env"},
    {"HF_TOKEN": " hf_env\r\n"},
    {"HF_TOKEN": "hf_\nenv"},
    {"HF_TOKEN": "  ", "HF_HOME": "TMP/hf"},
    {"HF_TOKEN": "  ", "HUGGING_FACE_HUB_TOKEN": "hf_old", "HF_HOME": "TMP/hf"},
    {"HUGGING_FACE_HUB_TOKEN": "hf_old"},
    {"HUGGING_FACE_HUB_TOKEN": "hf_old", "HF_TOKEN": "hf_env"},
    {"HUGGING_FACE_HUB_TOKEN": "hf_old", "HF_TOKEN": ""},
    {"HF_TOKEN_PATH": "TMP/elsewhere"},
    {"HF_TOKEN_PATH": "TMP/elsewhere", "HF_TOKEN": "hf_env"},
    {"HF_TOKEN_PATH": "TMP/elsewhere", "HF_HOME": "TMP/hf"},
    {"HF_TOKEN_PATH": "TMP/blank", "HF_HOME": "TMP/hf"},
    {"HF_TOKEN_PATH": "TMP/two"},
    {"HF_TOKEN_PATH": "TMP/none"},
    {"HF_TOKEN_PATH": "$D/elsewhere", "D": "TMP"},
    {"HF_TOKEN": "hf_env", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"},
    {"HF_HOME": "TMP/hf", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "yes"},
    {"HF_HOME": "TMP/hf", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0"},
    {"HF_ENDPOINT": "https://mirror.example/"},
    {"HF_ENDPOINT": "https://host:8443/artifactory/api/huggingfaceml/repo//"},
    {"HF_HUB_OFFLINE": "1"},
    {"HF_HUB_OFFLINE": "on"},
    {"HF_HUB_OFFLINE": "True"},
    {"HF_HUB_OFFLINE": "2"},
    {"TRANSFORMERS_OFFLINE": "YES"},
    {"TRANSFORMERS_OFFLINE": "1", "HF_HUB_OFFLINE": "0"},
    {"TRANSFORMERS_OFFLINE": "1", "HF_HUB_OFFLINE": ""},
    {"TRANSFORMERS_OFFLINE": "0", "HF_HUB_OFFLINE": "1"},
    {"HF_HUB_ETAG_TIMEOUT": "30"},
    {"HF_HUB_DOWNLOAD_TIMEOUT": "60", "HF_HUB_ETAG_TIMEOUT": "0"},
    {"HF_HUB_DISABLE_SYMLINKS": "1"},
    {"HF_HUB_DISABLE_SYMLINKS_WARNING": "true"},
]

PROXIES = [
    {},
    {"HTTP_PROXY": "http://p:3128"},
    {"HTTPS_PROXY": "http://p:3128"},
    {"https_proxy": "http://lower:1", "HTTPS_PROXY": "http://upper:2"},
    {"https_proxy": "", "HTTPS_PROXY": "http://upper:2"},
    {"ALL_PROXY": "http://all:1"},
    {"ALL_PROXY": "http://all:1", "HTTPS_PROXY": "http://p:3128"},
    {"all_proxy": "http://all:1", "HTTP_PROXY": "http://p:3128"},
    {"HTTPS_PROXY": "p:3128"},
    {"HTTPS_PROXY": "http://p"},
    {"HTTPS_PROXY": "http://user:pa%40ss%3Aw+rd@p:3128/"},
    {"HTTPS_PROXY": "http://user@p:3128"},
    {"HTTPS_PROXY": "http://[::1]:3128"},
    {"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"},
    {"http_proxy": "http://p:1", "REQUEST_METHOD": "GET"},
] + [
    {"ALL_PROXY": "http://all:1", "NO_PROXY": value}
    for value in [
        "*",
        "huggingface.co",
        ".huggingface.co",
        "*.huggingface.co",
        "HUGGINGFACE.CO",
        "gface.co",
        "co",
        " example.com , cdn-lfs.huggingface.co ",
        "localhost",
        "127.0.0.1",
        "127.0.0.0/8",
        "10.0.0.0/8,192.168.1.0/24",
        "::1",
        "[::1]",
        "fe80::/10",
        "huggingface.co:443",
        "127.0.0.1:8080",
        "localhost:8080",
        "https://huggingface.co",
        "http://huggingface.co",
        "all://huggingface.co",
        "example.com,*",
        ",,",
        "host/8",
    ]
] + [
    {"ALL_PROXY": "http://all:1", "no_proxy": "huggingface.co", "NO_PROXY": "*"},
    {"ALL_PROXY": "http://all:1", "no_proxy": "", "NO_PROXY": "*"},
]
URLS = [
    "https://huggingface.co/a",
    "http://huggingface.co/a",
    "https://cdn-lfs.huggingface.co/a",
    "https://notgface.co/a",
    "http://localhost:8080/a",
    "http://127.0.0.1:8080/a",
    "http://127.0.0.1/a",
    "https://192.168.1.7/a",
    "http://[::1]:8080/a",
    "http://[fe80::1]/a",
    "https://huggingface.co:8443/a",
]

NAMES = [
    "gpt2", "org/name", "Org-1/na.me_2", "_a/_b", "a/b/c", "datasets/a/b", "a--b", "a/b--c", "a..b", "a/..", ".a", "a.",
    "-a", "a-", "a/-b", "a/b-", "a/.b", "a.git", "a/b.git", "a.github", "a/b.gitx", "", "/", "a/", "/a", "a b", "a\\b", "caf\u00e9",
    "a" * 96, "a" * 97, "a" * 96 + "/" + "b" * 96, "a/" + "b" * 97, "a:b", "1/2", "a/b\n", "~/a", "./a",
]  # fmt: skip

READ = """
import json
from huggingface_hub import constants as c
from huggingface_hub.utils._headers import get_token_to_send
print(json.dumps({
    "cache": c.HF_HUB_CACHE, "endpoint": c.ENDPOINT, "offline": c.HF_HUB_OFFLINE, "token": get_token_to_send(None),
    "metadataTimeout": c.HF_HUB_ETAG_TIMEOUT, "downloadTimeout": c.HF_HUB_DOWNLOAD_TIMEOUT,
    "links": not c.HF_HUB_DISABLE_SYMLINKS, "warnsOfCopies": not c.HF_HUB_DISABLE_SYMLINKS_WARNING,
}))
"""


def settings(environment):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            file = pathlib.Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        given = {"HOME": "TMP/home", **environment}
        env = {name: value.replace("TMP", folder) for name, value in given.items()}
        out = subprocess.run([sys.executable, "-c", READ], env=env, capture_output=True, text=True, check=True).stdout
        return {"environment": given, **json.loads(out.replace(folder, "TMP"))}


def proxies(environment):
    import httpx2
    from httpx2._utils import URLPattern, get_environment_proxies

    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ.pop("REQUEST_METHOD", None)
    os.environ.update(environment)
    mounts = sorted((URLPattern(key), value) for key, value in get_environment_proxies().items())
    for name in environment:
        del os.environ[name]
    chosen = {}
    for url in URLS:
        value = next((value for pattern, value in mounts if pattern.matches(httpx2.URL(url))), None)
        proxy = value and httpx2.Proxy(value)
        chosen[url] = proxy and {
            "host": proxy.url.host,
            "port": proxy.url.port or 80,
            "user": proxy.raw_auth and b":".join(proxy.raw_auth).decode(),
        }
    return {"environment": environment, "chosen": chosen}


def is_name(text):
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(text)
        return True
    except HFValidationError:
        return False


golden = {
    "files": FILES,
    "settings": [settings(environment) for environment in ENVIRONMENTS],
    "proxies": [proxies(environment) for environment in PROXIES],
    "names": {name: is_name(name) for name in NAMES},
}
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(golden, indent=1) + "\n")
print(OUT, *(f"{key}: {len(value)}" for key, value in golden.items()))
