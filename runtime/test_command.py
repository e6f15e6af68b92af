"""The subcommand that runs conversation tests, and writes them from mined paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from runtime.commands import make_outfit
from runtime.config import RuntimeConfig
from runtime.conversation_run import Coverage, Result, Run, coverage
from runtime.conversation_tests import ConversationTestError, ReadTests, files_in, read_tests
from runtime.mined_tests import mined_tests, to_yaml
from runtime.target import Target, chart_target, find_target, staged
from taskflow.charts.form import ChartError
from taskflow.model import Assistant
from taskflow.options import Settings, as_json, print_json, say, with_settings


@click.command("test")
@click.argument("targets", nargs=-1, required=True, metavar="FILE|FOLDER…")
@click.option("--assistant", metavar="NAME", help="Talk to this assistant, whatever the files say.")
@click.option("--version", default="draft", show_default=True, metavar="draft|NUMBER", help="Which version of it.")
@click.option("--write", "folder", type=click.Path(path_type=Path), help="Write tests of the assistant ASSISTANT here.")
@click.option("--most", default=5, show_default=True, type=click.IntRange(min=1), help="Tests of each flow to write.")
@as_json
@with_settings
def test(  # noqa: PLR0913, PLR0917 - one parameter an option
    settings: Settings,
    targets: tuple[str, ...],
    assistant: str | None,
    version: str,
    folder: Path | None,
    most: int,
    as_json: bool,
) -> None:
    """Run conversation tests against the draft of an assistant, a published version, or a chart.

    Nothing is written where customers' conversations are. The exit code is 1 when a test fails, 2 when a file cannot
    be read. With --write it writes the commonest ways through each flow as such tests.

    \b
    Examples: taskflow test tests/shop.yaml
              taskflow test tests --assistant support --version 3 --json
              taskflow test --write tests support --most 10
    """
    if folder is not None:
        written = _write(settings, targets, folder, version, most)
        if as_json:
            print_json(written)
        else:
            for path, counts in written["files"].items():
                known = f", {counts['known_to_fail']} of them known to fail" if counts["known_to_fail"] else ""
                click.echo(f"{path}: {counts['conversations']} conversations{known}")
        return
    try:
        files = [read_tests(path) for path in files_in([Path(name) for name in targets])]
        runs = list(_runs(settings, files, assistant, version))
    except (ConversationTestError, ChartError) as error:
        click.echo(f"taskflow: {error}", err=True)
        raise click.exceptions.Exit(2) from error
    results = [result for _, found in runs for result in found]
    covered = {whom: coverage(shown, of) for whom, (shown, of) in _by_assistant(runs).items()}
    failed = [result for result in results if result.failed]
    if as_json:
        print_json(_json(results, covered))
    else:
        _print(results, covered)
    if failed:
        raise click.exceptions.Exit(1)


def _runs(
    settings: Settings, files: Sequence[ReadTests], assistant: str | None, version: str
) -> Iterator[tuple[Assistant, list[Result]]]:
    """Each file's results; files that talk to the same one in the same way share a stage."""
    config = settings.configuration.section("runtime", RuntimeConfig)
    groups: dict[tuple[str, str], list[ReadTests]] = defaultdict(list)
    for file in files:
        groups[_whom(file, assistant), file.settings(config).model_dump_json()].append(file)
    for of_one in groups.values():
        target = _target(settings, of_one[0], assistant, version)
        with staged(make_outfit(settings, of_one[0].settings(config)), target) as stage:
            run = Run(stage, target.version)
            for file in of_one:
                yield target.version.assistant, run.file(file)


def _whom(file: ReadTests, assistant: str | None) -> str:
    if assistant is not None or file.tests.assistant is not None:
        return f"assistant {assistant or file.tests.assistant}"
    if file.tests.chart is None:
        raise ConversationTestError(f"{file.path}, line 1: names no assistant and no chart: add one, or --assistant")
    return f"chart {(file.path.parent / file.tests.chart).resolve()}"


def _target(settings: Settings, file: ReadTests, assistant: str | None, version: str) -> Target:
    name = assistant or file.tests.assistant
    if name is not None:
        return find_target(settings.database, name, version)
    return chart_target(settings.encoder, file.path.parent / str(file.tests.chart))


def _write(settings: Settings, targets: Sequence[str], folder: Path, version: str, most: int) -> dict[str, Any]:
    """Write the tests, run them, and mark those that fail as known to: what is written is as it is today."""
    if len(targets) != 1:
        raise click.UsageError(f"--write takes one ASSISTANT, not {len(targets)}")
    config = settings.configuration.section("runtime", RuntimeConfig)
    target = find_target(settings.database, targets[0], version)
    told = {}
    folder.mkdir(parents=True, exist_ok=True)
    with staged(make_outfit(settings, config), target) as stage:
        run = Run(stage, target.version)
        for flow, values in mined_tests(target.version.assistant, most).items():
            path = folder / f"{flow}.yaml"
            path.write_text(to_yaml(values), encoding="utf-8")
            results = run.file(read_tests(path))
            for conversation, result in zip(values["conversations"], results, strict=True):
                for failure in result.failures[:1]:
                    sentence = f"step {result.step}, {failure.what}: {failure.expected}; it was {failure.happened}"
                    conversation["fails"] = sentence
            path.write_text(to_yaml(values), encoding="utf-8")
            told[str(path)] = {"conversations": len(results), "known_to_fail": sum(result.failed for result in results)}
    return {"assistant": targets[0], "files": told}


def _by_assistant(runs: Sequence[tuple[Assistant, list[Result]]]) -> dict[str, tuple[Assistant, list[Result]]]:
    found: dict[str, tuple[Assistant, list[Result]]] = {}
    for shown, results in runs:
        found.setdefault(shown.name, (shown, []))[1].extend(results)
    return found


def _print(results: Sequence[Result], covered: dict[str, Coverage]) -> None:
    for result in results:
        if result.failures and result.test.fails is not None:
            say(f"known to fail: {result.file}: {result.test.name}: {result.test.fails}")
        elif result.failed:
            click.echo(_told(result))
    failed = [result for result in results if result.failed]
    weight = sum(result.test.weight for result in results)
    passed = weight - sum(result.test.weight for result in failed)
    share = f"{passed / weight:.1%} by weight" if weight else "none"
    click.echo(f"{len(results) - len(failed)} of {len(results)} conversations as expected ({share})")
    for name, part in covered.items():
        click.echo(f"{name}: {part.share:.1%} of the real traffic covered ({part.visited} of {part.nodes} nodes)")


def _told(result: Result) -> str:
    if not result.failures:
        return f"FAILED {result.file}: {result.test.name}: goes well now, so take out 'fails'"
    lines = [f"FAILED {result.file}, line {result.line}: {result.test.name}, step {result.step}"]
    for failure in result.failures:
        lines += [f"  {failure.what}", f"    expected: {failure.expected}", f"    happened: {failure.happened}"]
    return "\n".join((*lines, *(f"  {why}" for why in result.why)))


def _json(results: Sequence[Result], covered: dict[str, Coverage]) -> dict[str, Any]:
    return {
        "conversations": len(results),
        "failed": sum(result.failed for result in results),
        "known_to_fail": sum(bool(result.failures) and not result.failed for result in results),
        "coverage": {name: asdict(part) | {"share": round(part.share, 4)} for name, part in covered.items()},
        "results": [
            {
                "file": result.file,
                "name": result.test.name,
                "weight": result.test.weight,
                "failed": result.failed,
                "fails": result.test.fails,
                "line": result.line or None,
                "step": result.step or None,
                "failures": [asdict(failure) for failure in result.failures],
                "explanation": list(result.why),
            }
            for result in results
        ],
    }
