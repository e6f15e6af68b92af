"""The way of the data that README tells, one row after the other, on a sample of data/."""

from __future__ import annotations

import gzip
from pathlib import Path

from mining.actions import find_actions
from mining.config import MiningConfig
from mining.induction import NeedDialogue, induce
from mining.logs import LoggedDialogue, LogOptions, read_log
from mining.pipeline import mine
from mining.responses import Phrasebook
from mining.sequences import sequence
from mining.wordings import collect
from runtime.config import RuntimeConfig
from runtime.dialogue_manager import DialogueManager
from taskflow.edits import RenameFlow, apply, inverse
from taskflow.model import Assistant, Speaker
from taskflow.sample import sample_path
from taskflow.store import open_database
from taskflow.store.assistants import add_edit, load_draft, load_version, publish, published_id
from taskflow.store.corpora import add_dialogues, read_corpus
from taskflow.store.runs import save_run
from webui.conversations import EventBody
from webui.shop import order_book


def test_a_log_line_becomes_a_bubble_in_the_widget(tmp_path, encoder):
    # a log line
    log = tmp_path / "log.jsonl"
    with gzip.open(sample_path("after-sale.en.jsonl.gz"), "rt", encoding="utf-8") as packed:
        log.write_text(packed.read(), encoding="utf-8")
    raw = log.read_text(encoding="utf-8")

    # dialogues, masked
    read = [entry for entry in read_log(log, LogOptions()) if isinstance(entry, LoggedDialogue)]
    dialogues = [entry.dialogue for entry in read]
    assert "TF-2" in raw
    assert not any("TF-2" in utterance.text for d in dialogues for utterance in d.utterances)

    # distinct texts, vectors, clusters, Dialogue Actions
    spoken = collect(dialogues)
    vectors = {who: encoder.encode([w.text for w in spoken.wordings[who]]) for who in (Speaker.USER, Speaker.AGENT)}
    found = find_actions(spoken, vectors, MiningConfig())
    assert {action.speaker for action in found.actions} == set(Speaker)

    # sequences, then a TaskFlow for the commonest need
    sequences = [sequence(dialogue, found) for dialogue in dialogues]
    needs = found.needs.tolist()
    commonest = max(set(needs), key=needs.count)
    chosen = [
        NeedDialogue(dialogue.id, steps)
        for dialogue, steps, need in zip(dialogues, sequences, needs, strict=True)
        if need == commonest
    ]
    phrasebook = Phrasebook([u.text for u in d.utterances if u.speaker is Speaker.AGENT] for d in dialogues)
    flow = induce("the commonest need", chosen, phrasebook, MiningConfig()).flow
    assert flow.support == len(chosen)

    # rows
    database = open_database(f"sqlite:///{tmp_path / 'walk.db'}")
    add_dialogues(database, "walk", [(entry.dialogue, entry.digest) for entry in read])
    keyed = list(read_corpus(database, "walk"))
    assert [dialogue for _, dialogue in keyed] == dialogues
    mined = mine("walk", dialogues, encoder.encode, MiningConfig(), lambda _: None)
    assert flow.support in {whole.support for whole in mined.assistant.flows}
    turns = [(key, actions) for (key, _), actions in zip(keyed, mined.turns, strict=True)]
    save_run(database, "walk", mined.assistant, encoder.name, turns, {"config": {}, "figures": {}})
    assert load_draft(database, "walk").assistant == mined.assistant

    # a reviewed, published version
    edit = RenameFlow(mined.assistant.flows[0].id, "reviewed")
    assert apply(inverse(edit, mined.assistant), apply(edit, mined.assistant)) == mined.assistant
    add_edit(database, "walk", edit)
    publish(database, "walk")
    version = load_version(database, published_id(database, "walk"))
    assert (version.number, version.assistant.flows[0].name) == (1, "reviewed")

    # a message understood, a position, the next step, a reply, a bubble
    manager = DialogueManager(database, encoder, RuntimeConfig(), calls=order_book)
    conversation = manager.start("walk")
    events = manager.reply(conversation, "m-1", "my vase arrived broken")
    reply = next(event for event in events if event.speaker == "agent")
    assert reply.node is not None
    assert _is_response(version.assistant, reply.node, reply.text)
    assert reply.evidence
    bubble = EventBody.model_validate(reply).model_dump(mode="json")
    assert (bubble["text"], bubble["node"], bubble["handoff"]) == (reply.text, reply.node, False)
    database.close()


def _is_response(assistant: Assistant, node_id: str, text: str) -> bool:
    return any(text in node.responses for flow in assistant.flows for node in flow.nodes if node.id == node_id)


def test_the_sample_is_where_the_demo_looks_for_it():
    assert Path(sample_path("demo.toml")).is_file()
