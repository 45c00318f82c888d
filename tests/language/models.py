"""Random GPT-2, Llama and Qwen2 of transformers, as bundles, with a tokenizer whose every token is plain ASCII."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from scenewright_server.importers.bundles import Origin, Parts, write_bundle
from scenewright_server.importers.fields import Fields
from scenewright_server.importers.hf_names import read_config, read_state
from scenewright_server.importers.parts import LanguagePart
from scenewright_server.importers.tensors import Tensors
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|end|>"
CORPUS = [
    "the goblin king of the old castle lends a lamp to the quick brown fox that jumps over lazy dogs by night"
] * 9
PROMPT = "the quick king of the castle"
KINDS = ("gpt2", "llama", "qwen2")


def make_tokenizer() -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=90, special_tokens=[END]))
    return made


TOKENIZER = make_tokenizer()
N_VOCAB = TOKENIZER.get_vocab_size()


@dataclass(frozen=True)
class Source:
    """A model of transformers and the bundle that was made of it."""

    model: Any
    bundle: Path

    @property
    def tokenizer(self) -> transformers.PreTrainedTokenizerFast:
        return transformers.PreTrainedTokenizerFast(tokenizer_object=TOKENIZER, eos_token=END)

    def generate(self, prompt: str, **how: Any) -> list[tuple[list[int], float | None]]:
        """What transformers' own `generate` gives: each sequence's ids up to its end, and a beam search's score."""
        ids = torch.tensor([TOKENIZER.encode(prompt).ids])
        given = {"do_sample": False, "eos_token_id": self.end, "pad_token_id": N_VOCAB, **how}
        out = self.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            return_dict_in_generate=True,
            output_scores=True,
            tokenizer=self.tokenizer,
            **given,
        )
        found = [row[ids.shape[1] :].tolist() for row in out.sequences]
        whole = [[id for id in row if id != N_VOCAB] for row in found]
        scores = out.sequences_scores.tolist() if "num_beams" in how else [None] * len(whole)
        return list(zip(whole, scores, strict=True))

    @property
    def end(self) -> int:
        return TOKENIZER.token_to_id(END)


def make_source(kind: str, directory: Path) -> Source:
    """Weights large enough that every position matters, and an end that comes now and then."""
    torch.manual_seed(3)
    sizes = {
        "vocab_size": N_VOCAB, "max_position_embeddings": 128, "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    }  # fmt: skip
    if kind == "gpt2":
        config = transformers.GPT2Config(vocab_size=N_VOCAB, n_positions=128, n_embd=32, n_layer=2, n_head=4)
        model: Any = transformers.GPT2LMHeadModel(config)
    elif kind == "llama":
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes))
    else:
        model = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**sizes))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.5)
    model.eval()
    config = read_config(Fields("config.json", model.config.to_dict()))
    state = read_state(config, kind, Tensors("weights", model.state_dict()))
    part = LanguagePart(config, state, TOKENIZER.to_str().encode(), None, None, (TOKENIZER.token_to_id(END),))
    origins = {"language": Origin(kind, "made here", "CC0-1.0")}
    bundle = write_bundle(directory / kind, Parts(part, None, None, origins), name=kind, dtype="float32")
    return Source(model, bundle)
