"""Our own corpus, mined and held against its gold trees; the figures are printed, whatever they are."""

from __future__ import annotations

import json

import pytest

from mining.config import MiningConfig
from mining.evaluation.figures import evaluate, walk_all
from mining.evaluation.gold import read_gold
from mining.held_out import Assigner, replay_dialogues
from mining.logs import LoggedDialogue, LogOptions, read_log
from mining.runs import run_mining
from taskflow.sample import sample_path
from taskflow.store import open_database
from taskflow.store.assistants import load_draft
from taskflow.store.corpora import add_dialogues
from taskflow.store.runs import read_assignments


def dialogues(name: str) -> list[LoggedDialogue]:
    return [entry for entry in read_log(sample_path(name), LogOptions()) if isinstance(entry, LoggedDialogue)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_mined_trees_beside_the_gold_trees(tmp_path, encoder, capsys, language):
    database = open_database(f"sqlite:///{tmp_path / 'own.db'}")
    mined = dialogues(f"after-sale.{language}.jsonl.gz")
    add_dialogues(database, "own", [(entry.dialogue, entry.digest) for entry in mined])
    run_mining(database, "own", "own", encoder, MiningConfig(), lambda _: None)
    draft = load_draft(database, "own")
    rows = read_assignments(database, "own")
    assert rows is not None
    walks = walk_all(draft.assistant, [entry.dialogue for entry in mined], rows)
    spoken = [entry.dialogue for entry in dialogues(f"after-sale.{language}.held.jsonl.gz")]
    held = list(replay_dialogues(draft, Assigner(database, draft, encoder), spoken))
    gold = read_gold(sample_path("after-sale.flow.json"))
    figures = evaluate(draft.assistant, walks, gold, held).figures
    database.close()
    with capsys.disabled():
        told = {name: figures[name] for name in ("actions", "needs", "flows_mean", "replay", "hollow")}
        print(f"\n{language}: {json.dumps(told, ensure_ascii=False, indent=1)}")  # noqa: T201
    # Far below what is reached today: a change that breaks the mining shows, a change that tunes it passes.
    assert figures["needs"]["ACC"] > 0.75
    assert figures["actions"]["user"]["ACC"] > 0.75
    assert figures["actions"]["agent"]["ACC"] > 0.8
    assert figures["edge_F1_mean"] > 0.5
    assert figures["replay"]["all"]["hit_1"] > 0.5
