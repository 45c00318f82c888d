"""A public language model behind the seam."""

from __future__ import annotations

from dataclasses import replace

from scenewright_server.families.chat.base import ChatBase
from scenewright_server.families.chat.memory import ChatMemory
from scenewright_server.families.chat.planned import PLAN, PlannedScript
from scenewright_server.families.chat.prompt import Prompter
from scenewright_server.families.chat.script import ChatScript, never_said, words_of
from scenewright_server.families.chat.storage import Bundle
from scenewright_server.families.chat.writer import ChatWriter
from scenewright_server.families.decoder import GPTDecoder
from scenewright_server.families.family import Memory, Turn
from scenewright_server.model.gpt import GPT
from scenewright_server.model.quantised import name_type


class Chat(ChatBase):
    """See `families.family.Family`."""

    def __init__(self, bundle: Bundle) -> None:
        gpt = bundle.gpt
        super().__init__(bundle.info, bundle.senses, _describe(gpt), gpt)
        self.decoder = GPTDecoder(gpt, {} if bundle.planner is None else {PLAN: bundle.planner})
        self.plans = bundle.planner is not None
        self.tokenizer, self.stops, self.line_end = bundle.tokenizer, bundle.stops, bundle.line_end
        self.prompter = Prompter(bundle.tokenizer, bundle.template)
        self.never = never_said(gpt.config.vocab_size, bundle.tokenizer, bundle.stops, self.decoder.shape.device)
        self.writer = ChatWriter(bundle.tokenizer, bundle.stops, gpt.config.vocab_size, self.decoder.shape)
        self.spec = replace(self.spec, capabilities=self.spec.capabilities | {"generate"})

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


def _describe(gpt: GPT) -> str:
    config = gpt.config
    return (
        f"decoder of {config.n_layers} layers, {config.d_model} wide, vocabulary {config.vocab_size}, "
        f"context {config.n_ctx}, {name_type(gpt) or str(gpt.dtype).removeprefix('torch.')}"
    )
