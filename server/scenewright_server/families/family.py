"""All that the rest of the house may know of a model.

A family (the embedded one, chat models ...) hides its networks, vocabulary and prompts behind these types. A question
goes through them in one direction: `fit`, `see` and `hear` make percepts, `open` makes a script of them, and the engine
runs the script's passes on the decoder.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor

from scenewright_server.model.gpt import Cache
from scenewright_server.scene.entries import Detections, Entry, GraphObject
from scenewright_server.scene.geometry import Intrinsics
from scenewright_server.scene.pointing import Ray

if TYPE_CHECKING:
    from scenewright_server.families.endpoint import Completion, Endpoint
    from scenewright_server.families.writing import Writer

SAMPLE_RATE_HZ = 16_000
"""Of every recording that a family hears: mono float32."""


class ModelError(Exception):
    """A request that a model refuses. `reason` is UPPER_SNAKE; `metadata` repeats the message's numbers.

    Reasons: CONTEXT_FULL (scene and question alone pass the model's context), SCENE_TOO_LARGE (more things, seen and
    told together, than the model can tell apart), AUDIO_TOO_LONG (for the model's hearing), OVERLOADED (the queue is
    full), FIELD_INVALID, FIELD_OUT_OF_RANGE, FIELD_REQUIRED, SHUTTING_DOWN; of a decoder that lives elsewhere
    ENDPOINT_UNAVAILABLE (it is not there, is too busy or broke off), ENDPOINT_TIMEOUT, ENDPOINT_REFUSED (it does not
    take the request or the key), ENDPOINT_INVALID (what it answers is not what was asked for). `retry_after_s`: when
    another try may help, where the model knows.
    """

    def __init__(self, reason: str, message: str, *, retry_after_s: float | None = None, **metadata: Any) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after_s = retry_after_s
        self.metadata = {key: str(value) for key, value in metadata.items()}


@dataclass(frozen=True)
class Spec:
    """What a model is and can do.

    capabilities: of "describe", "ask", "voice", "scene_graph", "transcribe", "embed_image", "embed_text",
    "instructions", "generate". fusion: how "image", "audio" and "scene_graph" reach the decoder, "soft" or "text"; a
    sense that is missing is not named. languages, speech_languages: BCP 47 tags of what it reads and writes, and of
    what it hears, the default first.
    """

    name: str
    version: str
    sha256: str
    architecture: str
    n_parameters: int
    capabilities: frozenset[str]
    languages: tuple[str, ...]
    speech_languages: tuple[str, ...]
    fusion: dict[str, str]
    knows: str
    knows_not: str
    license: str
    max_audio_s: float
    max_objects: int
    n_frames_at_once: int = 1  # that `see` does faster together than one by one


@dataclass(frozen=True)
class Heard:
    """What was said in a recording: words (empty for none), how sure, 0 to 1, and what only the family reads."""

    text: str
    confidence: float
    opaque: Any = None


@dataclass(frozen=True)
class Turn:
    """One response to make: a description, or an answer to a typed question or a spoken one, about what is seen, a
    scene graph, or both.

    language: of the response; empty: an answer takes its question's, a description the model's first. lens: of the
    frame, None where it is not known. ray: what the user points along, in the camera's frame. instructions: who the
    model is and how it is to speak; only for a model that can "instructions".
    """

    task: Literal["describe", "ask"]
    detections: Detections | None = None
    graph: tuple[GraphObject, ...] = ()
    question: str | Heard | None = None
    language: str = ""
    max_new_tokens: int = 160
    lens: Intrinsics | None = None
    ray: Ray | None = None
    instructions: str = ""


SpanKind: TypeAlias = Literal["image", "scene", "audio", "text", "past"]


@dataclass(frozen=True)
class Span:
    """A stretch of the decoder's input, by which positions are told apart and counted.

    rows: token ids, or embeddings (T, D). key: equal for equal embeddings; ids are their own key. is_whole: its
    positions see each other both ways; only the first span may. counts: how many positions are of which kind.
    """

    rows: tuple[int, ...] | Tensor
    counts: tuple[tuple[SpanKind, int], ...]
    key: bytes = b""
    is_whole: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def marks(self) -> list[object]:
        """One mark a position: two spans whose marks agree up to a position have the same keys and values there."""
        return list(self.rows) if isinstance(self.rows, tuple) else [(self.key, i) for i in range(len(self.rows))]


@dataclass(frozen=True)
class TextDelta:
    """Words to append to the text."""

    text: str


@dataclass(frozen=True)
class Mention:
    """The answer points at `entry`, the `ref`-th of the scene, and calls it `label`.

    n_chars: the last so many characters of the text so far are the words that mean it; 0 where the answer only rests
    on the entry.
    """

    ref: int
    label: str
    confidence: float  # 0..1
    entry: Entry
    n_chars: int = 0


Event: TypeAlias = TextDelta | Mention


class FinishReason(str, enum.Enum):
    STOP = "stop"  # the model ended its turn, or a stop string came
    TOKEN_LIMIT = "token_limit"  # max_new_tokens, or the end of the context
    CANCELLED = "cancelled"
    NO_SPEECH = "no_speech"  # the audio held no words, so nothing was asked


class Constraint(Protocol):
    """What may come next in a pass."""

    @property
    def forced(self) -> Sequence[int]:
        """The tokens that must come now, whatever the decoder would say."""

    @property
    def said(self) -> Sequence[int]:
        """The tokens of text so far: a repetition penalty falls on them."""

    def mask(self, logits: Tensor) -> Tensor:
        """logits (V,) with what may not come next at -inf."""


@dataclass(frozen=True)
class Pass:
    """One run of the decoder. `adapter` names the weights that are added to it, "" for none. A `greedy` one takes the
    likeliest token each time, however the caller wants its answer sampled."""

    spans: tuple[Span, ...]
    max_new_tokens: int
    constraint: Constraint
    adapter: str = ""
    greedy: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a token, or a script's beginning, gives: events, and the next pass or the end of all. A pass is a completion
    where the decoder is an endpoint."""

    events: Sequence[Event] = ()
    next: Pass | Completion | None = None
    over: FinishReason | None = None


class Memory(Protocol):
    """What a session keeps of its turns for the next one; immutable."""

    @property
    def n_turns(self) -> int:
        """Complete turns that the next one will remember."""

    @property
    def n_positions(self) -> int:
        """Positions of the decoder's context that the scene and the turns take."""


class Script(Protocol):
    """The course of one response, made of passes. The engine calls `begin`, then `take`, then `finish`, and nobody
    else does."""

    def begin(self) -> Outcome:
        """The first pass, or what is said without any."""

    def take(self, token: int, probability: float) -> Outcome:
        """A token came, forced or chosen; `probability` is the one that the decoder gave it."""

    def finish(self) -> Sequence[Event]:
        """What is left to tell when the tokens end."""

    @property
    def confidence(self) -> float:
        """The probability that what the answer says is so, as far as the model can tell."""

    def memory(self, n_chars: int | None = None) -> Memory:
        """What the next turn will remember if the user took in the first `n_chars` characters of the text, None for
        all of a complete answer. Of an answer of which nothing is left, the question is forgotten too. Pure; for any
        thread, once the engine has ended the script."""


@dataclass(frozen=True)
class KVShape:
    """Of a decoder's keys, and of its values: (n_layers, 1, n_kv_heads, n_ctx, d_head) for each sequence."""

    n_layers: int
    n_kv_heads: int
    n_ctx: int
    d_head: int
    device: torch.device
    dtype: torch.dtype


class Decoder(Protocol):
    """A decoder on this machine. Only the engine's thread runs `forward`."""

    @property
    def shape(self) -> KVShape: ...

    def embed(self, ids: Sequence[int]) -> Tensor:
        """Embeddings (T, D) of token ids."""

    def forward(self, x: Tensor, caches: Sequence[Cache], *, prefix_len: int = 0, adapter: str = "") -> Tensor:
        """Next-token logits (B, V) float32 after embeddings x (B, T, D), one cache a row; with several rows T is 1.

        The first `prefix_len` positions of the context see each other both ways.
        """


@dataclass(frozen=True)
class Encoder:
    """An encoder whose features are taken: how its input is prepared, and the rows (1 to max_rows, n_columns) float32
    that it gives."""

    id: str
    preprocessing_id: str
    preprocessing: str
    n_columns: int
    max_rows: int


class FeatureError(ValueError):
    """Features that no encoder gives: `value` is found, `bound` is wanted."""

    def __init__(self, value: str, bound: str) -> None:
        super().__init__(f"{value}, needs {bound}")
        self.value, self.bound = value, bound


class Codec(Protocol):
    """What the image encoder made of a frame, as rows of numbers and back."""

    @property
    def encoder(self) -> Encoder: ...

    def pack(self, detections: Detections, embedding: np.ndarray, aspect: float) -> np.ndarray:
        """Rows of a frame: its detections, its embedding (E,) and its width over its height."""

    def aspect(self, rows: np.ndarray) -> float:
        """The frame's width over its height, whatever else the rows hold."""

    def unpack(self, rows: np.ndarray) -> tuple[Detections, np.ndarray]:
        """Detections and embedding back. Raises FeatureError."""


class AudioCodec(Protocol):
    """What the audio encoder made of a recording, as rows of numbers and back."""

    @property
    def encoder(self) -> Encoder: ...

    def pack(self, heard: Heard) -> np.ndarray:
        """Rows of a recording."""

    def unpack(self, rows: np.ndarray) -> Heard:
        """The same back. Raises FeatureError."""


class Embedder(Protocol):
    """Images and texts in one space. Texts have at most `max_tokens` tokens."""

    @property
    def dimension(self) -> int: ...

    @property
    def scale(self) -> float:
        """What cosines are multiplied with before a softmax over labels."""

    @property
    def max_tokens(self) -> int: ...

    def n_tokens(self, text: str) -> int: ...

    def embed_image(self, frame: np.ndarray) -> np.ndarray:
        """The unit embedding (E,) float32 of a frame that was fitted."""

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Unit embeddings (N, E) float32."""


class Family(Protocol):
    """A loaded model. `fit`, `read`, `open` and `warm` are pure; `see`, `hear` and the embedder run on perception's
    thread. What a model cannot do, its spec does not name, and nobody calls."""

    @property
    def spec(self) -> Spec: ...

    @property
    def variants(self) -> Sequence[Family]:
        """The same model with an adapter on, each under a name of its own, "guide:shopkeeper". All else is shared."""

    @property
    def decoder(self) -> Decoder | Endpoint: ...

    @property
    def embedder(self) -> Embedder | None: ...

    @property
    def writer(self) -> Writer[Any] | None: ...

    @property
    def codec(self) -> Codec | None: ...

    @property
    def audio_codec(self) -> AudioCodec | None: ...

    def fit(self, frame: np.ndarray) -> np.ndarray:
        """An upright RGB frame (H, W, 3) uint8 at the size that the model looks at."""

    def see(self, frames: Sequence[np.ndarray]) -> list[Detections]:
        """What is in frames that were fitted."""

    def hear(self, clip: np.ndarray) -> Heard:
        """What is said in (n,) float32 mono at SAMPLE_RATE_HZ. Raises ModelError AUDIO_TOO_LONG."""

    def read(self, text: str) -> str:
        """The words of a typed question, "" where it has none."""

    def fault(self, label: str) -> tuple[str, str] | None:
        """Why an object of a scene graph cannot be called so: what the label is and what it must be, as in
        ("20 tokens", "at most 16"); None where it can."""

    def past(self, history: Sequence[tuple[str, str]]) -> Memory:
        """What remembers these questions and answers, oldest first, as if they had been its own."""

    def open(self, turn: Turn, memory: Memory | None = None) -> Script:
        """The script of a response after what is remembered. Raises ModelError CONTEXT_FULL, SCENE_TOO_LARGE."""

    def warm(self, turn: Turn, memory: Memory | None = None) -> Script | None:
        """A script that says nothing and runs what that of a question will begin with, before the question is known:
        `turn` has none. None where nothing can be run ahead. Raises what `open` does."""
