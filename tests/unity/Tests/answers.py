"""Answers by the Python SDK, for the C# tests to compare with: a line of JSON in, a line of JSON out.

python answers.py HOST:PORT; each line has "question" or "audio" (a file) and perhaps "image" and "scene" (files), or
only these two, to be described.
"""

from __future__ import annotations

import json
import sys
import time

from scenewright import Client, types


def main() -> None:
    with Client(sys.argv[1]) as client:
        for line in sys.stdin:
            wanted = json.loads(line)
            image, scene = wanted.get("image"), wanted.get("scene")
            begun, first_ms, words = time.perf_counter(), 0.0, ""
            if "question" in wanted or "audio" in wanted:
                events = client.ask_stream(
                    wanted.get("question"), audio=wanted.get("audio"), frame=image, scene=scene, timeout_s=60
                )
            else:
                events = client.describe_stream(image, scene=scene, timeout_s=60)
            for event in events:
                if isinstance(event, types.TextDelta):
                    first_ms = first_ms or (time.perf_counter() - begun) * 1000
                    words += event.text
            print(json.dumps({"text": words, "first_ms": first_ms}), flush=True)


if __name__ == "__main__":
    main()
