"""`scenewright live`: a spoken conversation, from sound files or a microphone; and the check of its log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from scenewright import aio, conformance, live
from scenewright.cli import live_show
from scenewright.cli.connect import (
    JsonOption,
    ModelOption,
    SceneOption,
    ServerOption,
    TimeoutOption,
    TlsOption,
    TlsRootOption,
    TokenOption,
    needing,
    reach,
)
from scenewright.cli.paths import check_readable, check_writable
from scenewright.errors import InvalidInputError, ScenewrightError
from scenewright.live.floor import Floor
from scenewright.live.microphone import Microphone, read_voice

QUIET_S = 0.5
MICROPHONE_RATE_HZ = 16_000
_SOUNDS = (".wav", ".flac", ".ogg")


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("live", epilog="Example: scenewright live room.jpg --voice question.wav another.wav")(converse)


def converse(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[IMAGE] [AUDIO]...", help="What is seen, optional with --scene; then more voices."),
    ] = None,
    voice: Annotated[
        list[Path] | None,
        typer.Option("--voice", metavar="AUDIO...", help="Said one after the other, in real time: WAV, FLAC or OGG."),
    ] = None,
    mic: Annotated[bool, typer.Option("--mic", help="Listen to the microphone until Ctrl-C.")] = False,
    scene: SceneOption = None,
    log: Annotated[
        Path | None,
        typer.Option(metavar="JSONL", help="Write down every message, both ways, without sound and pixels."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(metavar="JSONL", help="Check such a log against the contract's rules of order, and do no more."),
    ] = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
    tls: TlsOption = False,
    tls_root: TlsRootOption = None,
    token: TokenOption = None,
    model: ModelOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Talk about an image, a scene graph or both, by voice; answers come as they are made and can be interrupted."""
    if check is not None:
        _check(check, as_json)
        return
    image, voices = _sort(paths or [], voice or [])
    if image is None and scene is None:
        raise typer.BadParameter("give an IMAGE, --scene graph.json, or both")
    if mic == bool(voices):
        raise typer.BadParameter("give --voice AUDIO or --mic, and exactly one of them")
    check_readable(image, scene)
    check_writable("--log", log)
    sounds, rate_hz = _read_voices(voices)
    microphone = _sounddevice() if mic else None
    show = live_show.print_json if as_json else live_show.Printer(Console(highlight=False))
    with ExitStack() as stack:
        writer = stack.enter_context(conformance.LogWriter(log)) if log is not None else None
        target = stack.enter_context(reach(server, model, tls, tls_root, token))

        async def talk() -> None:
            client = aio.Client(
                target.address, tls=target.tls, model=target.model, token=target.token, timeout_s=timeout
            )
            async with client:
                conversation = client.converse(image, scene=scene, hearing=live.Hearing(rate_hz), log=writer)
                async with conversation, _shown(conversation, show) as floor:
                    if microphone is not None:
                        await _listen(microphone, conversation)
                    else:
                        await _play(sounds, rate_hz, conversation, floor)

        with suppress(KeyboardInterrupt):
            asyncio.run(talk())


@asynccontextmanager
async def _shown(conversation: live.Conversation, show: live_show.Show) -> AsyncIterator[Floor]:
    """Show the events beside what is done within, and those that are left when it is done."""
    floor = Floor()

    async def follow() -> None:
        try:
            async for event in conversation:
                floor.take(event)
                show(event)
        finally:
            floor.end()

    following = asyncio.create_task(follow())
    try:
        yield floor
        conversation.finish()
        await following
    finally:
        following.cancel()


async def _play(sounds: Sequence[np.ndarray], rate_hz: int, conversation: live.Conversation, floor: Floor) -> None:
    async with Microphone(conversation, rate_hz) as microphone:
        for sound in sounds:
            n_spoken = floor.n_spoken + 1
            await microphone.say(sound)
            await floor.settled(QUIET_S, n_spoken=n_spoken)


async def _listen(sounddevice: Any, conversation: live.Conversation) -> None:
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    def take(data: Any, *_: Any) -> None:
        loop.call_soon_threadsafe(heard.put_nowait, bytes(data))

    block = MICROPHONE_RATE_HZ * 32 // 1000
    with sounddevice.RawInputStream(MICROPHONE_RATE_HZ, block, channels=1, dtype="int16", callback=take):
        while True:
            await conversation.send_audio(await heard.get())


def _sounddevice() -> Any:
    """The optional package, once it has found a device that records."""
    try:
        with needing("mic"):
            import sounddevice
    except OSError as error:
        raise ScenewrightError(f"--mic needs the library PortAudio (apt install libportaudio2): {error}") from error
    try:
        sounddevice.check_input_settings(channels=1, dtype="int16", samplerate=MICROPHONE_RATE_HZ)
    except (sounddevice.PortAudioError, ValueError) as error:
        raise ScenewrightError(f"--mic found no microphone for {MICROPHONE_RATE_HZ} Hz: {error}") from error
    return sounddevice


def _sort(paths: Sequence[Path], voices: Sequence[Path]) -> tuple[Path | None, list[Path]]:
    """The image, and every voice: `--voice a.wav b.wav` leaves b.wav among the arguments."""
    images = [path for path in paths if path.suffix.lower() not in _SOUNDS]
    if len(images) > 1:
        raise typer.BadParameter(f"give one IMAGE, not {len(images)}: {', '.join(map(str, images))}")
    return (images[0] if images else None), [*voices, *(path for path in paths if path not in images)]


def _read_voices(paths: Sequence[Path]) -> tuple[list[np.ndarray], int]:
    read = [read_voice(path) for path in paths]
    rates = {rate_hz: path for path, (_, rate_hz) in zip(paths, read, strict=True)}
    if len(rates) > 1:
        found = ", ".join(f"{path} has {rate_hz} Hz" for rate_hz, path in rates.items())
        raise InvalidInputError(f"--voice: all files must have one rate: {found}")
    return [samples for samples, _ in read], next(iter(rates), MICROPHONE_RATE_HZ)


def _check(path: Path, as_json: bool) -> None:
    entries = list(conformance.read_log(path))
    violations = conformance.check(entries)
    if as_json:
        live_show.print_check(len(entries), violations)
    else:
        for violation in violations:
            print(violation)
        print(f"{path}: {len(entries)} lines, {len(violations) or 'no'} violations")
    if violations:
        raise typer.Exit(1)
