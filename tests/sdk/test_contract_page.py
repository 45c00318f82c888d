"""docs/contract.md's grpcurl session: each call names a method that there is, and its messages are that method's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAND_IN = """#!{python}
import json, os, sys
from google.protobuf import descriptor_pool, json_format, message_factory
from scenewright.v1 import (
    dialogue_pb2, embedding_pb2, language_pb2, model_pb2, scene_pb2, session_pb2, speech_pb2
)

arguments = sys.argv[1:]
data = arguments[arguments.index("-d") + 1] if "-d" in arguments else ""
if data == "@":
    data = sys.stdin.read()
called = {{"symbol": arguments[-1], "messages": 0}}
pool = descriptor_pool.Default()
if "/" in arguments[-1]:
    service, method = arguments[-1].split("/")
    request = pool.FindServiceByName(service).methods_by_name[method].input_type
    while data := data.strip():
        value, end = json.JSONDecoder().raw_decode(data)
        json_format.ParseDict(value, message_factory.GetMessageClass(request)())
        called["messages"] += 1
        data = data[end:]
elif arguments[-2] == "describe":
    pool.FindMessageTypeByName(arguments[-1])
with open(os.environ["CALLS"], "a") as file:
    file.write(json.dumps(called) + "\\n")
print(json.dumps({{"session": {{"id": "s1"}}}}, indent=2))
"""


def test_the_session_is_well_formed(tmp_path):
    (script,) = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "contract.md").read_text(encoding="utf-8"), re.S)
    grpcurl, calls = tmp_path / "grpcurl", tmp_path / "calls"
    grpcurl.write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
    grpcurl.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls)}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script + "\necho $SESSION"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "s1"
    made = [tuple(json.loads(line).values()) for line in calls.read_text(encoding="utf-8").splitlines()]
    assert [(symbol.rpartition("/")[2], n) for symbol, n in made] == [
        ("list", 0),
        ("scenewright.v1.AskRequest", 0),
        ("ListModels", 0),
        ("DescribeScene", 1),
        ("Ask", 1),
        ("CreateSession", 1),
        ("Ask", 1),
        ("Converse", 2),
    ]
