"""What a live conversation says: frozen dataclasses, one for each event of the contract that an app acts on."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from scenewright import types
from scenewright.errors import ScenewrightError


@dataclass(frozen=True)
class Hearing:
    """How the server is to listen: to audio of `sample_rate_hz`, 8 000 to 48 000.

    With `turns` "manual" the client says when the user speaks (push to talk); otherwise the server hears it, as
    `voice_activity` says or in its own way.
    """

    sample_rate_hz: int = 16_000
    turns: Literal["automatic", "manual"] = "automatic"
    voice_activity: types.VoiceActivity | None = None


Interruption: TypeAlias = Literal["none", "text", "speech"]
"""What stops an answer that is under way, beside `Conversation.interrupt()`; "speech" means typed turns too."""


@dataclass(frozen=True)
class SceneDelta:
    """Objects of the scene that are new or other (`upserts`) or gone; the rest stays as at `base_revision`."""

    base_revision: int
    revision: int
    upserts: Sequence[types.SceneObject] = ()
    removed_ids: types.Texts = ()
    handedness: types.Handedness | None = None


@dataclass(frozen=True)
class Event:
    """What every event has. `event_seq` counts the conversation's events from 1 and is 0 for those of one connection.

    `turn_index` counts the user's turns from 1; `response_id` is empty outside a response.
    """

    event_seq: int
    turn_index: int
    response_id: str


@dataclass(frozen=True)
class SetupComplete(Event):
    """The conversation begins, or goes on over a new connection (`resumed`); `model` answers.

    Nothing is lost between connections but, after a long break, the oldest `lost_audio_s` of what was said in it.
    """

    session_id: str
    resumed: bool = False
    lost_audio_s: float = 0.0
    model: str = ""
    server_version: str = ""
    contract: int = 0


@dataclass(frozen=True)
class SpeechStarted(Event):
    """The user begins to speak; `audio_ms` counts the conversation's audio.

    Unless the conversation's `interruption` forbids it, stop what is being read aloud.
    """

    audio_ms: int


@dataclass(frozen=True)
class SpeechStopped(Event):
    """The user has spoken; `cut` if the turn was ended because it had grown too long."""

    audio_ms: int
    cut: bool


@dataclass(frozen=True)
class Transcript(Event):
    """What the user says in this turn so far; it replaces the one before. `confidence` is set in the final one."""

    text: str
    is_final: bool
    confidence: float | None
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class ResponseStarted(Event):
    """An answer begins; it looks at the frame `frame_id` and knows the scene `scene_revision`."""

    question: types.Question
    frame_id: str
    scene_revision: int


@dataclass(frozen=True)
class TextDelta(Event):
    """The answer's next words, spaces included."""

    text: str


@dataclass(frozen=True)
class Annotated(Event):
    """The place of something the answer speaks of."""

    annotation: types.Annotation


class Cause(str, enum.Enum):
    """What interrupted an answer."""

    SPEECH = "speech"
    TEXT = "text"
    CLIENT = "client"
    UNKNOWN = "unknown"  # a newer server's


@dataclass(frozen=True)
class Interrupted(Event):
    """The answer stops here: drop what has not been presented. Its ResponseDone follows."""

    cause: Cause


@dataclass(frozen=True)
class ResponseDone(Event):
    """The answer's end, exactly one for each."""

    finish_reason: types.FinishReason
    usage: types.Usage
    timings: types.Timings
    confidence: float | None = None


@dataclass(frozen=True)
class GoAway(Event):
    """The server ends the connection within `time_left_s`; the conversation goes on over another by itself."""

    time_left_s: float


@dataclass(frozen=True)
class Problem(Event):
    """Something was refused or failed and the conversation goes on; `client_seq` is what `send_...` returned."""

    error: ScenewrightError
    client_seq: int


LiveEvent: TypeAlias = (
    "SetupComplete | SpeechStarted | SpeechStopped | Transcript | ResponseStarted | TextDelta | Annotated"
    " | Interrupted | ResponseDone | GoAway | Problem"
)
