"""Tiny checkpoints of each family, made once, and real servers for them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from taskflow.backbones import Message
from taskflow.backbones.dialects.qwen3 import STOP_THOUGHT

from ...tiny_qwen3 import PLAIN_CHATML, Lesson, make_checkpoint
from . import tiny_baichuan2
from .gguf_file import write_gguf
from .small_server import SmallServer, running

ASKED, ANSWER = "Where is my parcel?", "It is on its way."
ASKED_ZH, ANSWER_ZH = "我要退货，可以吗？", "可以退货。"
PONDERED = "Think for long."
THOUGHT = "\n" + "So I look at it again. " * 14 + "\n"
AT_ONCE, AT_LENGTH, STOPPED = "At once.", "After long thought.", "Enough thought."
LESSONS = (Lesson((Message("user", ASKED),), ANSWER), Lesson((Message("user", ASKED_ZH),), ANSWER_ZH))
THOUGHTFUL = (
    *LESSONS,
    Lesson((Message("user", PONDERED),), AT_ONCE),
    Lesson((Message("user", PONDERED),), f"<think>{THOUGHT}</think>\n\n{AT_LENGTH}", thinking=True),
    *(
        Lesson((Message("user", PONDERED),), STOPPED, True, f"<think>{THOUGHT[:letters]}{STOP_THOUGHT.text}")
        for letters in (1, 25, 100, 200)
    ),
)

_LLAMA_CPP = """\
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.hostnames, params.port = sys.argv[1], ["127.0.0.1"], int(sys.argv[2])
params.n_ctx, params.n_parallel = 2048, 1
server = xllamacpp.Server(params)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family's tiny checkpoint, taught when it is first asked for."""
    folder = tmp_path_factory.mktemp("families")

    @cache
    def made(family: str) -> Path:
        if family == "baichuan2":
            pytest.importorskip("sentencepiece", reason="Baichuan 2's tokenizer needs sentencepiece: pip install it")
            return tiny_baichuan2.make_checkpoint(folder / family, [(ASKED, ANSWER), (ASKED_ZH, ANSWER_ZH)])
        if family == "llama":
            return make_checkpoint(folder / "tiny-llama", LESSONS, kind="llama", template=PLAIN_CHATML)
        if family == "qwen3-moe":
            return make_checkpoint(folder / "tiny-qwen3-moe", LESSONS, kind="qwen3_moe")
        return make_checkpoint(folder / "tiny-qwen3", THOUGHTFUL)

    return made


@pytest.fixture(scope="session")
def served(checkpoint: Callable[[str], Path]) -> Iterator[Callable[..., SmallServer]]:
    """A small server for a family, running."""
    with ExitStack() as stack:

        @cache
        def started(family: str, **how: bool | str) -> SmallServer:
            return stack.enter_context(running(SmallServer(checkpoint(family), **how)))

        yield started


@pytest.fixture(scope="session")
def transformers_serve(checkpoint: Callable[[str], Path]) -> Iterator[Callable[[str], tuple[str, str]]]:
    """The address and the model's name of transformers' own server."""
    missing = [name for name in ("fastapi", "uvicorn", "accelerate") if find_spec(name) is None]
    if missing:
        pytest.skip(f"transformers serve needs {', '.join(missing)}: pip install 'transformers[serving]'")
    with ExitStack() as stack:

        @cache
        def started(family: str) -> tuple[str, str]:
            folder, port = str(checkpoint(family)), _free_port()
            command = [sys.executable, "-m", "transformers.cli.transformers", "serve", folder, "--port", str(port)]
            Path(f"{folder}-hub", "hub").mkdir(parents=True)
            quiet = {"HF_HUB_OFFLINE": "1", "HF_HOME": f"{folder}-hub", "PYTHONPATH": os.pathsep.join(sys.path)}
            process = subprocess.Popen(
                command, env=os.environ | quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.enter_context(process)
            stack.callback(process.terminate)
            _wait_for(f"http://localhost:{port}/health", process)
            return f"http://localhost:{port}/v1", folder

        yield started


@pytest.fixture(scope="session")
def gguf(checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """The tiny Qwen3 as one file."""

    @cache
    def written() -> Path:
        pytest.importorskip("gguf", reason="GGUF files need the package gguf: pip install gguf accelerate")
        return write_gguf(checkpoint("qwen3"), tmp_path_factory.mktemp("gguf") / "tiny-qwen3.gguf")

    return written


@pytest.fixture(scope="session")
def llama_cpp(gguf: Callable[[], Path]) -> Iterator[Callable[[], str]]:
    """The address of llama.cpp's own server."""
    pytest.importorskip("xllamacpp", reason="llama.cpp's server comes with the package xllamacpp: pip install it")
    with ExitStack() as stack:

        @cache
        def started() -> str:
            port = _free_port()
            process = subprocess.Popen(
                [sys.executable, "-c", _LLAMA_CPP, str(gguf()), str(port)],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            _wait_for(f"http://127.0.0.1:{port}/health", process)
            return f"http://127.0.0.1:{port}/v1"

        yield started


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "the server ended at once"
        try:
            with urlopen(url, timeout=1):  # noqa: S310
                return
        except HTTPError as error:  # it is up, and not ready: what it says holds a socket
            error.close()
            time.sleep(0.1)
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Path]:
    """A checkpoint of one's own, to change."""
    return lambda folder: Path(shutil.copytree(folder, tmp_path / folder.name))
