"""A public model's tokenizer: words of anybody on one side, the template's control tokens on the other."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream


class ChatTokenizer:
    """A `tokenizer.json`. What users, labels and facts say never becomes a control token, whatever it spells."""

    def __init__(self, data: bytes) -> None:
        self._whole = Tokenizer.from_buffer(data)
        plain = json.loads(data)
        self.controls = frozenset(int(token["id"]) for token in plain.get("added_tokens") or ())
        plain |= {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None}
        self._plain = Tokenizer.from_str(json.dumps(plain))

    @property
    def n_ids(self) -> int:
        """One more than the largest id."""
        return 1 + max(self._whole.get_vocab(with_added_tokens=True).values())

    def encode(self, text: str) -> tuple[int, ...]:
        """Text of anybody; a control token's name in it is spelled out."""
        ids = self._plain.encode(text, add_special_tokens=False).ids
        return tuple(id for id in ids if id not in self.controls)

    @property
    def opening(self) -> tuple[int, ...]:
        """The ids that begin every text, as the file's own rule has them."""
        encoding = self._whole.encode("a")
        n = next((n for n, is_special in enumerate(encoding.special_tokens_mask) if not is_special), 0)
        return tuple(encoding.ids[:n])

    def encode_controls(self, text: str) -> tuple[int, ...]:
        """Text of the template, control tokens and all."""
        return tuple(self._whole.encode(text, add_special_tokens=False).ids)

    def name(self, id: int | None) -> str:
        """How a token is written, "" for none."""
        return "" if id is None else self._whole.id_to_token(id) or ""

    def decode(self, ids: Sequence[int]) -> str:
        return self._whole.decode(list(ids), skip_special_tokens=True)

    def stream(self) -> TextStream:
        return TextStream(self._whole)

    @property
    def file(self) -> str:
        """The tokenizer.json that it is."""
        return self._whole.to_str()


class TextStream:
    """Ids to text, one by one; bytes that do not yet make a character are held back."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)

    def feed(self, id: int) -> str:
        return self._stream.step(self._tokenizer, id) or ""
