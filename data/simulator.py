"""Turns the gold trees and the wordings of `after_sale/` into logged dialogues.

`python data/simulator.py` writes the files that stand beside it, byte for byte. Standard library only.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

from material import DIGRESSIONS, LANGUAGES, Language, Node, Tree, read, read_language, read_trees
from speech import Speech

SEED = 20250602
DIALOGUES = 600
FIRST_DAY = datetime(2025, 3, 1, 8, tzinfo=timezone(timedelta(0)))
# How many customers in a hundred come with each need.
NEEDS = {
    "return": 19,
    "refund_status": 17,
    "late_parcel": 17,
    "damaged_item": 16,
    "cancel_order": 16,
    "change_address": 15,
}
SATISFACTION = {"resolved": (3, 4, 4, 5, 5, 5), "handed_off": (1, 2, 3, 3, 4), "unresolved": (1, 1, 2, 3)}
CLOSINGS = {"anything_else", "goodbye", "hand_over"}


@dataclass(slots=True)
class Walk:
    """One dialogue in the making: a walk down a tree, and what real logs add to it."""

    tree: Tree
    calls: dict[str, Any]
    speech: Speech
    known: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    turns: list[dict[str, Any]] = field(default_factory=list)
    digressed: bool = False
    outcome: str = "resolved"

    def run(self) -> None:
        self._greet()
        node: Node | None = self._open()
        while node is not None:
            follow = self._pass(node)
            self.seen.add(node["id"])
            node = follow

    def _greet(self) -> None:
        if self.speech.chance(0.3):
            self._customer("greet")
            self._agent("offer_help")
        elif self.speech.chance(0.35):
            self._agent("offer_help")

    def _open(self) -> Node | None:
        """Say the opening; when it holds the order number, the agent does not ask for it."""
        speech, action = self.speech, self.tree.root["action"]
        opening = speech.customer_wording(action)
        if "{order_number}" not in opening and speech.chance(0.1):
            opening = speech.join(opening, speech.customer_wording("give_order_number"))
        if speech.chance(0.12):
            opening = speech.join(opening, speech.aside())
        self._log("user", speech.customer_text(opening), action)
        ask = self.tree.follow(self.tree.root)
        if ask is None or "{order_number}" not in opening:
            return ask
        self.known.add("order_number")
        give = self.tree.follow(ask)
        return self.tree.follow(give) if give else None

    def _pass(self, node: Node) -> Node | None:
        """Speak or call at a node; the next one, or None where the dialogue ends."""
        if node["speaker"] == "system":
            typed = self._branch(node)
            self._call(node["action"], typed["action"].partition(":")[2])
            return self.tree.follow(typed)
        if node["speaker"] == "user":
            return self._answer(node)
        follow = self.tree.follow(node)
        if node["action"] == "hand_over":
            self.outcome = "handed_off"
        if follow is not None and follow["action"] == "thanks":
            return self._tell(node, follow)
        self._agent(node["action"])
        if follow is None or node["action"] in CLOSINGS:
            return follow
        return self._hear(node)

    def _tell(self, node: Node, thanks: Node) -> Node | None:
        """Say a result; a brisk agent asks at once whether there is anything else."""
        closing = self.tree.follow(thanks)
        if closing is not None and self.speech.habit["brisk"] and self.speech.chance(0.5):
            wordings = (self.speech.agent_wording(action) for action in (node["action"], closing["action"]))
            self._log("agent", self.speech.agent_text(self.speech.join(*wordings), node["action"]), node["action"])
            return self.tree.follow(closing)
        self._agent(node["action"])
        return thanks

    def _hear(self, node: Node) -> Node | None:
        """The customer's answer to a question, or what comes between: leaving, or another question first."""
        if self.speech.chance(0.03):
            self.outcome = "unresolved"
            if self.speech.chance(0.6):
                self._customer("give_up")
            return None
        if not self.digressed and self.speech.chance(0.05):
            self.digressed = True
            subject = self.speech.rng.choice(DIGRESSIONS)
            self._customer(f"ask_{subject}")
            self._agent(f"answer_{subject}")
            if self.speech.chance(0.5):
                self._agent(node["action"])
        return self._branch(node)

    def _branch(self, node: Node) -> Node:
        """A child by its share; the first one, which goes well, when the walk comes here again."""
        children = self.tree.children[node["id"]]
        if node["id"] in self.seen:
            return self.tree.target(children[0])
        shares = [child.get("share", 1.0) for child in children]
        return self.tree.target(self.speech.rng.choices(children, shares)[0])

    def _answer(self, node: Node) -> Node | None:
        gives, action = node["action"].startswith("give_"), node["action"]
        self._correct(node)
        if gives and self.speech.chance(0.04):
            self._log("user", self.speech.customer_text(self.speech.aside()), None)
        self._customer(action)
        if gives:
            self.known.add(action.removeprefix("give_"))
        if action == "thanks" and self.speech.chance(0.15):
            return None
        return self.tree.follow(node)

    def _correct(self, node: Node) -> None:
        """What is given a second time was wrong the first time."""
        if node["action"] == "give_order_number" and "order_number" in self.known:
            self.speech.correct("order_number")
        elif node["action"] == "give_address" and node["id"] in self.seen:
            self.speech.correct("address")
        elif node["action"] == "give_email":
            self.known.discard("order_number")

    def _call(self, name: str, outcome: str) -> None:
        if self.speech.chance(0.15):
            self._agent("wait")
            if self.speech.chance(0.6):
                self._customer("ack")
        spec = self.calls[name]
        arguments = {key: self.speech.values[key] for key in spec["arguments"] if key in self.known}
        typed = spec["outcomes"][outcome]
        result = {"outcome": outcome}
        if "reason" in typed:
            result["reason"] = typed["reason"]
        result |= {fact: self.speech.fact(fact) for fact in typed["facts"]}
        self.known |= {"order_number"} & result.keys()
        self._log("system", json.dumps(arguments, ensure_ascii=False), name)
        self.turns[-1]["result"] = result

    def _customer(self, action: str) -> None:
        self._log("user", self.speech.customer_text(self.speech.customer_wording(action)), action)

    def _agent(self, action: str) -> None:
        text, habit = self.speech.agent_wording(action), self.speech.habit
        if action not in CLOSINGS | {"offer_help", "wait"}:
            if habit["before"] and self.speech.chance(0.2):
                text = self.speech.join(habit["before"], text)
            if habit["after"] and self.speech.chance(0.2):
                text = self.speech.join(text, habit["after"])
        self._log("agent", self.speech.agent_text(text, action), action)

    def _log(self, speaker: str, text: str, action: str | None) -> None:
        self.turns.append({"speaker": speaker, "text": text, "action": action})


def simulate(language: Language, trees: dict[str, Tree], count: int, seed: int) -> list[dict[str, Any]]:
    """The dialogues of one language, in the order of time; every fifth is held."""
    rng, calls = Random(f"{seed}-{language.code}"), read("calls.json")
    minutes = sorted(rng.randrange(100 * 24 * 60) for _ in range(count))
    dialogues = []
    for place, minute in enumerate(minutes):
        need = rng.choices(list(NEEDS), list(NEEDS.values()))[0]
        held = place % 5 == 4
        started = FIRST_DAY + timedelta(days=minute // 1440, minutes=minute % 1440 * 14 // 24)
        walk = Walk(trees[need], calls, Speech(rng, language, need, held, started))
        walk.run()
        asked = rng.random() < 0.6
        dialogues.append(
            {
                "dialogue_id": f"{language.code}-{place + 1:04d}",
                "need": need,
                "outcome": walk.outcome,
                "satisfaction": rng.choice(SATISFACTION[walk.outcome]) if asked else None,
                "started_at": started.isoformat(),
                "split": "held" if held else "mined",
                "turns": walk.turns,
            }
        )
    return dialogues


def gold_flow(tree: Tree) -> dict[str, Any]:
    """The tree in the form of a flow truth: start, nodes, edges."""
    keys = ("id", "speaker", "action", "jump_to")
    return {
        "start": tree.root["id"],
        "nodes": [{key: node[key] for key in keys if key in node} for node in tree.nodes.values()],
        "edges": [
            {"from": node["parent"], "to": node["id"]} for node in tree.nodes.values() if node["parent"] is not None
        ],
    }


def write_gzip(path: Path, dialogues: Iterable[dict[str, Any]]) -> None:
    """One dialogue a line; no time and no file name in the header, so that equal text gives equal bytes."""
    lines = "".join(json.dumps(dialogue, ensure_ascii=False) + "\n" for dialogue in dialogues)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(lines.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the after-sale corpus: dialogues and their gold trees.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--dialogues", type=int, default=DIALOGUES, help="how many a language")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent, help="the folder to write to")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    trees = read_trees()
    for code in LANGUAGES:
        dialogues = simulate(read_language(code), trees, options.dialogues, options.seed)
        for name, split in ((f"after-sale.{code}", "mined"), (f"after-sale.{code}.held", "held")):
            write_gzip(options.out / f"{name}.jsonl.gz", (d for d in dialogues if d["split"] == split))
    truth = json.dumps({name: gold_flow(tree) for name, tree in trees.items()}, indent=1)
    (options.out / "after-sale.flow.json").write_bytes(f"{truth}\n".encode())


if __name__ == "__main__":
    main()
