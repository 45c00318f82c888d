"""docs/contract.md's grpcurl session works as written, against the embedded model; a stand-in plays grpcurl."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from scenewright_server.service.app import serve_in_background

ROOT = Path(__file__).parents[2]
STAND_IN = """#!{python}
import json, os, sys
import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

arguments = sys.argv[1:]
data = arguments[arguments.index("-d") + 1] if "-d" in arguments else "{{}}"
data = (sys.stdin.read() if data == "@" else data).strip()
address = next(a for a in arguments if a.startswith("127.0.0.1:"))
channel = grpc.insecure_channel(address)
database = ProtoReflectionDescriptorDatabase(channel)
pool, symbol = descriptor_pool.DescriptorPool(database), arguments[-1]
if symbol == "list":
    print("\\n".join(database.get_services()))
elif "describe" in arguments:
    print(pool.FindMessageTypeByName(symbol).full_name)
else:
    service, name = symbol.split("/")
    method = pool.FindServiceByName(service).methods_by_name[name]
    asked, answer = map(message_factory.GetMessageClass, (method.input_type, method.output_type))
    requests = []
    while data:
        value, end = json.JSONDecoder().raw_decode(data)
        requests.append(json_format.ParseDict(value, asked()))
        data = data[end:].strip()
    up, down = method.client_streaming, method.server_streaming
    make = getattr(channel, ("stream" if up else "unary") + "_" + ("stream" if down else "unary"))
    call = make("/" + symbol, request_serializer=asked.SerializeToString, response_deserializer=answer.FromString)
    answers = call(iter(requests) if up else requests[0])
    for one in answers if down else [answers]:
        print(json_format.MessageToJson(one, preserving_proto_field_name=True))
"""


def test_the_session_works_as_written(tmp_path):
    (script,) = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "contract.md").read_text(encoding="utf-8"), re.S)
    grpcurl = tmp_path / "grpcurl"
    grpcurl.write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
    grpcurl.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with serve_in_background() as address:
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script.replace("localhost:7447", address)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    lines, messages = done.stdout.splitlines(), []
    assert "scenewright.v1.DialogueService" in lines and "scenewright.v1.AskRequest" in lines
    rest = done.stdout[done.stdout.index("{") :].strip()
    while rest:
        message, end = json.JSONDecoder().raw_decode(rest)
        messages.append(message)
        rest = rest[end:].strip()
    models, description, *answers = messages
    assert [model["name"] for model in models["models"]] == ["diorama"]
    assert "goblin king" in description["text"]
    events = [message["response_event"] for message in answers if "response_event" in message]
    said = "".join("|" if "done" in event else event.get("text_delta", {}).get("text", "") for event in events)
    assert [text != "" for text in said.split("|")] == [True, True, True, False], said
