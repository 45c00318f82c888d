"""Live conversations: speech, frames and typed words go up while answers come down.

async with scenewright.aio.Client() as client, client.converse("room.jpg") as conversation:
    await conversation.send_text("what is on the table?")
    async for event in conversation:
        if isinstance(event, live.TextDelta):
            print(event.text, end="")
"""

from scenewright.live.conversation import Conversation
from scenewright.live.events import (
    Annotated,
    Cause,
    Event,
    GoAway,
    Hearing,
    Interrupted,
    Interruption,
    LiveEvent,
    Problem,
    ResponseDone,
    ResponseStarted,
    SceneDelta,
    SetupComplete,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    Transcript,
)
from scenewright.live.link import Log
from scenewright.live.microphone import Microphone, read_voice

__all__ = [
    "Annotated",
    "Cause",
    "Conversation",
    "Event",
    "GoAway",
    "Hearing",
    "Interrupted",
    "Interruption",
    "LiveEvent",
    "Log",
    "Microphone",
    "Problem",
    "ResponseDone",
    "ResponseStarted",
    "SceneDelta",
    "SetupComplete",
    "SpeechStarted",
    "SpeechStopped",
    "TextDelta",
    "Transcript",
    "read_voice",
]
