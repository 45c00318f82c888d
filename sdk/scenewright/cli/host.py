"""The commands that need the server's code, imported when one of them runs: serve, train, eval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from scenewright.cli import show
from scenewright.cli.connect import JsonOption, ModelOption, bundle_path, needing
from scenewright.cli.paths import check_picture, check_readable
from scenewright.errors import InvalidInputError, ScenewrightError


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command(epilog="Example: scenewright serve --address 0.0.0.0:7447 --metrics-port 9090")(serve)
    example = "Example: scenewright train --config examples/persona/shopkeeper.toml --out runs/shopkeeper"
    app.command(epilog=example)(train)
    app.command("eval", epilog="Example: scenewright eval --n 500 --seed 7 --split test --picture worst.png")(evaluate)


def serve(
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="diorama, or the path of a bundle; may be given again. The first is meant by requests that name none.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="TOML", help="A file of settings; options win over it."),
    ] = None,
    address: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where to listen.")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(metavar="PEM")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="PEM")] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Let in only who has a token of which this file has the SHA-256."),
    ] = None,
    until_stdin_closes: Annotated[
        bool | None, typer.Option("--until-stdin-closes", help="End with the program that started this one.")
    ] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Prometheus at this port.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N.")] = None,
    slots: Annotated[int | None, typer.Option(help="Requests worked on at once.")] = None,
    log_format: Annotated[str | None, typer.Option(help="console or json.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Serve a model over gRPC until SIGTERM or Ctrl-C, then let running calls end.

    Every option can also stand in the environment (SCENEWRIGHT_ADDRESS) or in the file that --config names.
    """
    with needing("server"):
        from scenewright_server.families.bundle import BundleError, find_bundle, read_manifest
        from scenewright_server.service.app import run
        from scenewright_server.service.settings import load_settings
    try:
        settings = load_settings(
            config,
            models=model or None,
            address=address,
            tls_certificate=tls_certificate,
            tls_key=tls_key,
            tokens=tokens,
            until_stdin_closes=until_stdin_closes,
            metrics_port=metrics_port,
            device=device,
            slots=slots,
            log_format=log_format,
            log_level=log_level,
        )
    except ValueError as error:
        raise InvalidInputError(_settings_message(error)) from error
    try:
        for name in settings.models:
            read_manifest(find_bundle(name))
    except BundleError as error:
        raise InvalidInputError(f"models: {error}") from error
    try:
        run(settings)
    except (ValueError, OSError, RuntimeError) as error:  # no bundle there, no file there, the port is taken
        raise ScenewrightError(f"cannot serve: {error}") from error


def _settings_message(error: ValueError) -> str:
    """One line of pydantic's ValidationError; others are one already."""
    if not hasattr(error, "errors"):
        return str(error)
    lines = []
    for item in error.errors():
        name, message = ".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {message}, got {item['input']!r}" if name else message)
    return "; ".join(lines)


def train(
    config: Annotated[Path | None, typer.Option(metavar="TOML", help="The recipe's settings.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="For checkpoints, curves and the bundle.")] = Path(
        "runs/diorama"
    ),
    stage: Annotated[list[str] | None, typer.Option(help="Only this stage; may be given again.")] = None,
) -> None:
    """Train a bundle from scratch on scenes of the diorama, or what a table of the TOML says: \\[adapter], an adapter
    (LoRA) of a chat model on your own dialogues or plans; \\[finetune], a bundle on a folder of your own frames;
    \\[planner], the adapter with which a chat model plans; \\[pretraining], a whole decoder on what `prepare` wrote.
    Goes on where an earlier run in --out stopped."""
    with needing("train"):
        import scenewright_server.training.recipe as recipe
        from scenewright_server.families.bundle import BundleError
        from scenewright_server.training.finetune.folder import FolderError
        from scenewright_server.training.finetune.run import finetune
    check_readable(config)
    console = Console(highlight=False)
    try:
        tables = ("adapter", "planner", "finetune", "pretraining")
        adapts, plans, finetunes, pretrains = (recipe.has_table(config, name) for name in tables)
        if (adapts or plans or finetunes or pretrains) and stage:
            raise InvalidInputError(f"--stage is of a recipe; the tables {', '.join(tables)} have no stages")
        if config is not None and pretrains:
            _pretrain(console, config, out)
            return
        if config is not None and adapts:
            _train_adapter(console, config, out)
            return
        if config is not None and plans:
            with needing("train"):
                from scenewright_server.training.planner import train_planner
            console.print(f"adapter: {train_planner(config, out)}")
            return
        if config is not None and finetunes:
            made = finetune(config, out)
            show.print_scores(console, {"before": made.before, "after": made.after})
            path = made.path
        else:
            path = recipe.run(config, out, tuple(stage or ()))
    except (recipe.RecipeError, FolderError, BundleError) as error:
        raise ScenewrightError(f"cannot train: {error}") from error
    if path.exists():
        console.print(f"bundle: {path}")


def _train_adapter(console: Console, config: Path, out: Path) -> None:
    with needing("train"):
        from scenewright_server.training.adapter import train_adapter
        from scenewright_server.training.dialogues import LineError
        from scenewright_server.training.shards import ShardError
    try:
        made = train_adapter(config, out, lambda line: console.print(line, markup=False))
    except (LineError, ShardError) as error:
        raise ScenewrightError(f"cannot train: {error}") from error
    for one in made.answers:
        console.print(f"{one.question}\n  before: {one.before}\n  after:  {one.after}", markup=False, soft_wrap=True)
    console.print(
        f"adapter: {made.path}\nNext: scenewright import adapter {made.path} --bundle ... --name ... --out ..."
    )


def _pretrain(console: Console, config: Path, out: Path) -> None:
    with needing("train"):
        from scenewright_server.training.pretraining import pretrain
        from scenewright_server.training.shards import ShardError
    try:
        made = pretrain(config, out)
    except ShardError as error:
        raise ScenewrightError(f"cannot train: {error}") from error
    console.print(f"perplexity of what was held out: {made.before:.2f} before, {made.after:.2f} after")
    console.print(f"bundle: {made.path}", soft_wrap=True)


def evaluate(
    model: ModelOption = None,
    n: Annotated[int, typer.Option(min=1, help="Fresh cases of each split.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same cases.")] = 7,
    split: Annotated[list[str] | None, typer.Option(help="Only this split; may be given again.")] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
    photos: Annotated[
        Path, typer.Option(metavar="DIR", help="Photographs and their questions.json, for --split photos alone.")
    ] = Path("examples/photos"),
    picture: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Save the worst cases, truth and prediction side by side.")
    ] = None,
    half: Annotated[
        str,
        typer.Option(
            help="Of the split people: held, dev (to tune on); freer speech: free-held, free-dev; everyday wishes: "
            "everyday-held, everyday-dev."
        ),
    ] = "held",
    out: Annotated[
        Path | None, typer.Option(metavar="JSONL", help="Save every answer to the split people, and how it was judged.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a bundle on fresh scenes that it was not trained on.

    The split people asks questions that people wrote, one by one, about scenes that stay the same; it is asked alone.
    """
    if split and "people" in split:
        _evaluate_people(model, split, half, jobs, out, as_json)
        return
    check_picture("--picture", picture)
    with needing("train"):
        from scenewright_server.families.bundle import BundleError
        from scenewright_server.training.evaluation.photos import evaluate_photos
        from scenewright_server.training.evaluation.picture import draw_worst
        from scenewright_server.training.evaluation.run import EvaluationError
        from scenewright_server.training.evaluation.run import evaluate as measure
    with Progress(console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def report(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done)

        try:
            if split == ["photos"]:
                result = {"splits": {"photos": evaluate_photos(bundle_path(model), photos, report)}}
            else:
                result, outcomes = measure(bundle_path(model), n, seed, report, split or (), jobs)
                if picture is not None:
                    draw_worst(outcomes, seed, picture)
        except (BundleError, EvaluationError, OSError, ValueError, KeyError) as error:
            raise ScenewrightError(f"cannot evaluate: {error}") from error
    if as_json:
        show.print_json(result)
    else:
        show.print_scores(Console(highlight=False), result["splits"])


def _evaluate_people(
    model: str | None, splits: list[str], half: str, jobs: int, out: Path | None, as_json: bool
) -> None:
    with needing("train"):
        from scenewright_server.families.bundle import BundleError
        from scenewright_server.training.evaluation import people_answers as people
    found = next((known for known in people.HALVES if known == half), None)
    if found is None:
        raise InvalidInputError(f"--half {half}: expected one of {', '.join(people.HALVES)}")
    if set(splits) != {"people"}:
        raise InvalidInputError("--split people is asked alone")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("scenes", total=None)
        try:
            scores, answers = people.evaluate_people(
                bundle_path(model), found, lambda n, n_all: progress.update(task, completed=n, total=n_all), jobs
            )
            if out is not None:
                lines = (json.dumps(people.as_json(answer), ensure_ascii=False) for answer in answers)
                out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        except (BundleError, OSError) as error:
            raise ScenewrightError(f"cannot evaluate: {error}") from error
    if as_json:
        show.print_json(scores)
    else:
        show.print_people(Console(highlight=False), scores)
