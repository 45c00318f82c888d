"""A public language model behind the seam."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace

from scenewright_server.families.ahead import Ahead
from scenewright_server.families.chat.base import ChatBase
from scenewright_server.families.chat.memory import ChatMemory
from scenewright_server.families.chat.planned import PlannedScript
from scenewright_server.families.chat.prompt import Prompter, with_honesty
from scenewright_server.families.chat.script import ChatScript, never_said, words_of
from scenewright_server.families.chat.storage import PLAN, Bundle
from scenewright_server.families.chat.writer import ChatWriter
from scenewright_server.families.decoder import GPTDecoder
from scenewright_server.families.family import Memory, Turn
from scenewright_server.model.gpt import GPT
from scenewright_server.model.quantised import name_type


class Chat(ChatBase):
    """See `families.family.Family`. `adapter`: the one that is on when it speaks, "" for none."""

    adapter = ""
    variants: Sequence[Chat]

    def __init__(self, bundle: Bundle) -> None:
        gpt = bundle.gpt
        super().__init__(bundle.info, bundle.senses, _describe(gpt), gpt)
        planner = {} if bundle.planner is None else {PLAN: bundle.planner}
        self.decoder = GPTDecoder(gpt, {**bundle.adapters, **planner})
        self.plans, self.sure = bundle.planner is not None, bundle.sure
        self.tokenizer, self.stops, self.line_end = bundle.tokenizer, bundle.stops, bundle.line_end
        self.prompter = Prompter(bundle.tokenizer, bundle.template)
        self.never = never_said(gpt.config.vocab_size, bundle.tokenizer, bundle.stops, self.decoder.shape.device)
        self.writer = self._write_with("")
        self.spec = replace(self.spec, capabilities=self.spec.capabilities | {"generate"})
        self.variants = [self._speaking_with(name) for name in bundle.adapters]

    @property
    def n_ctx(self) -> int:
        return self.decoder.shape.n_ctx

    def n_tokens(self, text: str) -> int:
        return len(self.tokenizer.encode(text))

    def open(self, turn: Turn, memory: Memory | None = None) -> ChatScript | PlannedScript:
        assert memory is None or isinstance(memory, ChatMemory)
        before, question = memory or ChatMemory(), turn.question
        if self.plans and question is not None and words_of(question):
            return PlannedScript(self, turn, before)
        return ChatScript(self, turn, before)

    def warm(self, turn: Turn, memory: Memory | None = None) -> Ahead:
        assert memory is None or isinstance(memory, ChatMemory)
        kind = PlannedScript if self.plans else ChatScript
        return kind(self, replace(turn, question=""), memory or ChatMemory()).ahead()

    def speak(self, turn: Turn, memory: ChatMemory) -> ChatScript:
        """The script of an answer in the model's own words; where it plans, of one that no plan settles."""
        return ChatScript(self, with_honesty(turn) if self.plans else turn, memory)

    def _speaking_with(self, adapter: str) -> Chat:
        twin = copy(self)
        twin.adapter, twin.variants = adapter, ()
        twin.spec = replace(self.spec, name=f"{self.spec.name}:{adapter}")
        twin.writer = self._write_with(adapter)
        return twin

    def _write_with(self, adapter: str) -> ChatWriter:
        return ChatWriter(self.tokenizer, self.stops, len(self.never), self.decoder.shape, adapter)


def _describe(gpt: GPT) -> str:
    config = gpt.config
    return (
        f"decoder of {config.n_layers} layers, {config.d_model} wide, vocabulary {config.vocab_size}, "
        f"context {config.n_ctx}, {name_type(gpt) or str(gpt.dtype).removeprefix('torch.')}"
    )
