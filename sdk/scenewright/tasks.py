"""What people ask language models for, as prompts to go on from: by examples, which base and instructed models follow.

Each task is a prompt, how to go on, and what is read of the text. `Client.translate` and its like send them.
"""

from __future__ import annotations

from dataclasses import dataclass

from scenewright.errors import InvalidInputError
from scenewright.types import Sampling

TRANSLATE = """\
Translate from English to German.
English: The door is open.
German: Die Tür ist offen.

Translate from German to English.
German: Wo ist der Bahnhof?
English: Where is the station?

Translate from {source} to {target}.
{source}: {text}
{target}:"""

SUMMARIZE = """\
Text: The old bridge over the river had to be closed on Monday because the storm had loosened several of its stones. \
Workers hope to have it repaired by the end of the week. Until then, people must take the ferry.
Summary: The storm damaged the bridge, which will stay closed for about a week.

Text: {text}
Summary:"""

ANSWER = """\
Text: The museum opens at nine and closes at five. On Mondays it stays closed. A ticket costs four euros.
Question: How much is a ticket?
Answer: four euros

Text: Anna gave the blue book to her brother Paul, who lives in Rome.
Question: Who lives in Rome?
Answer: Paul

Text: {context}
Question: {question}
Answer:"""

SENTIMENT = """\
Text: I loved every minute of it.
Sentiment: positive

Text: The food was cold and nobody came to help us.
Sentiment: negative

Text: What a friendly place, we will be back!
Sentiment: positive

Text: It broke after two days.
Sentiment: negative

Text: {text}
Sentiment:"""

SENTIMENTS = ("positive", "negative")
LINE = ("\n",)
CODE_ENDS = ("\ndef ", "\nclass ", "\nif __name__", "\nprint(", "\n#", "\n\n\n")


@dataclass(frozen=True)
class Task:
    """A prompt, and how to go on from it: greedily."""

    prompt: str
    sampling: Sampling


def translate(text: str, target: str, source: str) -> Task:
    prompt = TRANSLATE.format(text=_line(text, "text"), target=_line(target, "to"), source=_line(source, "source"))
    return Task(prompt, Sampling(max_new_tokens=96, stop=LINE))


def summarize(text: str) -> Task:
    return Task(SUMMARIZE.format(text=_line(text, "text")), Sampling(max_new_tokens=64, stop=LINE))


def answer(question: str, context: str) -> Task:
    prompt = ANSWER.format(question=_line(question, "question"), context=_line(context, "context"))
    return Task(prompt, Sampling(max_new_tokens=32, stop=LINE))


def sentiment(text: str) -> Task:
    return Task(SENTIMENT.format(text=_line(text, "text")), Sampling(max_new_tokens=4, stop=LINE))


def complete_code(code: str) -> Task:
    if not code.strip():
        raise InvalidInputError("code: expected some to go on from, got none")
    return Task(code, Sampling(max_new_tokens=128, stop=CODE_ENDS))


def read_sentiment(text: str) -> str:
    """ "positive" or "negative"; "" for anything else."""
    words = text.lower().split()
    return words[0].strip(".,!") if words and words[0].strip(".,!") in SENTIMENTS else ""


def _line(text: str, field: str) -> str:
    """As one line: a new line would begin another part of the prompt."""
    line = " ".join(text.split())
    if not line:
        raise InvalidInputError(f"{field}: expected words, got none")
    return line
