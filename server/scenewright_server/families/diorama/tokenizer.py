"""Text to token ids and back: a byte-level BPE of our own, with the markup tokens that the model speaks in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Bpe

from scenewright_server.scene.words import WIDE

N_REFS = 24
SPECIALS = (
    "<pad>", "<bos>", "<eot>", "<user>", "<describe>", "<assistant>", "<call>", "<say>", "<end>",
    *(f"<ref_{k}>" for k in range(N_REFS)),
)  # fmt: skip


class Tokenizer:
    """Ids of text and of markup. Text is encoded with its leading space: " red chair"."""

    def __init__(self, bpe: Bpe):
        self._bpe = bpe
        self.n_vocab: int = bpe.get_vocab_size()
        ids = {name: id for name in SPECIALS if (id := bpe.token_to_id(name)) is not None}
        missing = [name for name in SPECIALS if name not in ids]
        if missing:
            raise ValueError(f"tokenizer lacks the markup tokens {missing}")
        self.pad, self.bos, self.eot = ids["<pad>"], ids["<bos>"], ids["<eot>"]
        self.user, self.describe, self.assistant = ids["<user>"], ids["<describe>"], ids["<assistant>"]
        self.call, self.say, self.end = ids["<call>"], ids["<say>"], ids["<end>"]
        self.refs: tuple[int, ...] = tuple(ids[f"<ref_{k}>"] for k in range(N_REFS))
        self.n_specials = len(SPECIALS)

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """From a `tokenizer.json` (Hugging Face tokenizers' format)."""
        return cls(Bpe.from_file(str(path)))

    @classmethod
    def train(cls, texts: Iterable[str], n_vocab: int) -> Tokenizer:
        """A byte-level BPE of `n_vocab` tokens, markup included, learnt from `texts`."""
        bpe = Bpe(models.BPE())
        # Chinese does not part its words: each character is a token, so that no merge joins two words.
        bpe.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(r"\p{Han}|[，、]"), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
        bpe.decoder = decoders.ByteLevel()
        bpe.train_from_iterator(
            texts,
            trainers.BpeTrainer(
                vocab_size=n_vocab,
                special_tokens=list(SPECIALS),
                initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                show_progress=False,
            ),
        )
        return cls(bpe)

    def save(self, path: Path) -> None:
        self._bpe.save(str(path))

    def encode(self, text: str) -> list[int]:
        """Ids of a text as it stands. Markup in the text is text: nobody types a `<ref_3>`."""
        return [id for piece in re.split(r"(<)", text) for id in self._bpe.encode(piece).ids]

    def words(self, text: str) -> list[int]:
        """Ids of words inside a sentence, with the leading space that joins them to what came before (no Chinese)."""
        return self.encode(text if re.match(rf"[{WIDE},]", text) else " " + text) if text else []

    def raw(self, ids: Iterable[int]) -> str:
        """The text of ids as it stands, markup left out; half a character becomes U+FFFD."""
        return self._bpe.decode(list(ids), skip_special_tokens=True)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids without its leading space."""
        return self.raw(ids).removeprefix(" ")
