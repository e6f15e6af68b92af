"""Figures that can be counted by hand, and what holds of every prediction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining.evaluation.clusters import cluster_scores
from mining.evaluation.compactness import compactness
from mining.evaluation.coverage import coverage_curves
from mining.evaluation.figures import Evaluated, evaluate, walk_all
from mining.evaluation.gold import gold_flow, read_gold
from mining.evaluation.hollow import graph_size, transition_coverage
from taskflow.model import (
    ActionId,
    Assistant,
    Dialogue,
    DialogueAction,
    Exemplar,
    FlowId,
    FlowNode,
    NodeId,
    Speaker,
    TaskFlow,
    Utterance,
)
from taskflow.store.corpora import CorpusError
from taskflow.store.runs import TurnActions

SPEAKERS = {"open": Speaker.USER, "yes": Speaker.USER, "no": Speaker.USER, "answer": Speaker.USER}
YES, NO = ("open", "ask", "yes", "label"), ("open", "ask", "no", "sorry")
GOLD = {
    "return": {
        "nodes": [
            {"id": f"g-{label}", "action": label, "speaker": SPEAKERS.get(label, Speaker.AGENT).value}
            for label in ("open", "ask", "yes", "no", "label", "sorry")
        ],
        "edges": [
            {"from": f"g-{one}", "to": f"g-{other}"}
            for one, other in [("open", "ask"), ("ask", "yes"), ("ask", "no"), ("yes", "label"), ("no", "sorry")]
        ],
    }
}


def talk(name: str, labels: Sequence[str], need: str | None = "return", outcome: str | None = None) -> Dialogue:
    turns = [Utterance(SPEAKERS.get(label, Speaker.AGENT), f"says {label}", label) for label in labels]
    return Dialogue(name, tuple(turns), need=need, outcome=outcome)


TALKS = [talk(f"y{i}", YES, outcome="resolved") for i in range(3)] + [talk("n", NO, outcome="unresolved")]


def assistant(paths: Mapping[str, Sequence[Sequence[str]]]) -> Assistant:
    """A flow for each need, the prefix tree of its paths below a root for the need alone."""
    flows = []
    for need, sequences in paths.items():
        counts: dict[tuple[str, ...], int] = {}
        for sequence in sequences:
            for end in range(len(sequence) + 1):
                counts[tuple(sequence[:end])] = counts.get(tuple(sequence[:end]), 0) + 1
        nodes = [
            FlowNode(
                NodeId(f"{need}/{'/'.join(path)}"),
                NodeId(f"{need}/{'/'.join(path[:-1])}") if path else None,
                ActionId(path[-1]) if path else None,
                support=support,
                probability=support / counts[path[:-1]] if path else 1.0,
            )
            for path, support in sorted(counts.items())
        ]
        flows.append(TaskFlow(FlowId(need), need, tuple(nodes)))
    names = sorted({step for sequences in paths.values() for sequence in sequences for step in sequence})
    actions = [
        DialogueAction(ActionId(n), SPEAKERS.get(n, Speaker.AGENT), n, (Exemplar(f"says {n}", 1),), 1) for n in names
    ]
    return Assistant("a", tuple(actions), tuple(flows))


def assigned(dialogues: Sequence[Dialogue], called: Mapping[str, str | None]) -> list[TurnActions]:
    """Every turn's action by its label; a label that is not named is the action's own name."""
    return [
        TurnActions(d.id, turn, u.speaker, called.get(u.label or "", u.label), None, ())
        for d in dialogues
        for turn, u in enumerate(d.utterances)
    ]


def evaluated(
    mined: Assistant, dialogues: Sequence[Dialogue], called: Mapping[str, str | None], gold: Any
) -> Evaluated:
    flows = None if gold is None else {need: gold_flow(flow) for need, flow in gold.items()}
    return evaluate(mined, walk_all(mined, dialogues, assigned(dialogues, called)), flows)


def test_a_perfect_prediction_has_every_score_one():
    figures = evaluated(assistant({"return": [YES, YES, YES, NO]}), TALKS, {}, GOLD).figures
    ones = "ACC NMI ARI V P R F1 example_coverage"
    for scores in (figures["actions"]["user"], figures["actions"]["agent"]):
        assert [scores[name] for name in ones.split()] == [1.0] * 8
        assert scores["left_out"] == 0.0
    assert figures["needs"]["ACC"] == 1.0
    for form in ("one_to_one", "majority"):
        scores = figures["flows"]["return"][form]
        whole = "precision precision_by_support recall F1 recall_of_visited F1_of_visited path_recall branch_accuracy"
        assert [scores[name] for name in whole.split()] == [1.0] * 8
        assert (scores["path_distance"], scores["branch_decisions"]) == (0.0, 4)
    replayed = figures["replay"]
    assert not replayed["held_out"]
    assert (replayed["all"]["without_edit"], replayed["all"]["edit_distance"]) == (1.0, 0.0)
    assert replayed["by_outcome"].keys() == {"resolved", "unresolved"}
    assert replayed["by_outcome"]["resolved"]["hit_1"] == 1.0
    assert replayed["by_outcome"]["unresolved"]["hit_3"] == 1.0


MIXED = [("open", "ask", "answer", "label")] * 3 + [("open", "ask", "answer", "sorry")]


def test_an_action_that_mixes_yes_and_no_costs_what_can_be_counted():
    """Mined: open-ask, ask-yes, yes-label and, wrong, yes-sorry; missed: ask-no and no-sorry."""
    figures = evaluated(assistant({"return": MIXED}), TALKS, {"yes": "answer", "no": "answer"}, GOLD).figures
    assert figures["actions"]["user"]["clusters"] == 2
    assert figures["actions"]["user"]["ACC"] == 7 / 8
    for form in ("one_to_one", "majority"):
        scores = figures["flows"]["return"][form]
        assert (scores["edges"], scores["gold_edges"], scores["visited_edges"]) == (4, 5, 5)
        assert (scores["precision"], scores["recall"], scores["F1"]) == (0.75, 0.6, 0.6667)
        assert scores["path_recall"] == 0.75
        assert scores["path_distance"] == 0.0625  # a quarter of the dialogues is a quarter of its steps away


def test_an_action_too_many_has_no_label_of_its_own_but_that_of_the_majority():
    """The opening is split in two: one to one, an edge is wrong and one dialogue is no path."""
    dialogues = [*TALKS, talk("y3", YES)]
    called = assigned(dialogues, {})
    called[-4] = TurnActions("y3", 0, "user", "open again", None, ())
    mined = assistant({"return": [YES, YES, YES, NO, ("open again", *YES[1:])]})
    walks = walk_all(mined, dialogues, called)
    figures = evaluate(mined, walks, {"return": gold_flow(GOLD["return"])}).figures["flows"]["return"]
    assert (figures["one_to_one"]["edges"], figures["one_to_one"]["precision"]) == (6, 0.8333)
    assert (figures["majority"]["edges"], figures["majority"]["precision"]) == (5, 1.0)
    assert (figures["one_to_one"]["path_recall"], figures["majority"]["path_recall"]) == (1.0, 1.0)


def test_edges_that_the_log_never_passes_count_apart():
    dialogues = TALKS[:3]
    scores = evaluated(assistant({"return": [YES] * 3}), dialogues, {}, GOLD).figures["flows"]["return"]["one_to_one"]
    assert (scores["recall"], scores["visited_edges"], scores["recall_of_visited"]) == (0.6, 3, 1.0)
    assert scores["F1_of_visited"] == 1.0


def test_what_the_gold_flow_does_not_speak_of_is_passed_over_and_told():
    chatty = ("open", "wait", *YES[1:])
    dialogues = [talk(f"y{i}", chatty) for i in range(4)]
    scores = evaluated(assistant({"return": [chatty] * 4}), dialogues, {}, GOLD).figures["flows"]["return"][
        "one_to_one"
    ]
    assert (scores["precision"], scores["path_recall"], scores["passed_over"]) == (1.0, 1.0, 0.2)


def test_a_branch_taken_against_the_label_is_counted():
    """Of four answers at the branch one 'no' was taken for a 'yes', and one 'yes' was left out."""
    mined = assistant({"return": [YES, YES, YES, NO]})
    dialogues = [*TALKS, talk("n2", NO), talk("y4", YES)]
    rows = assigned(dialogues, {})
    wrong = [row for row in rows if row.turn == 2 and row.dialogue_id in ("n2", "y4")]
    for row, action in zip(wrong, ("yes", None), strict=True):
        rows[rows.index(row)] = TurnActions(row.dialogue_id, 2, row.speaker, action, None, ())
    walks = walk_all(mined, dialogues, rows)
    scores = evaluate(mined, walks, {"return": gold_flow(GOLD["return"])}).figures["flows"]["return"]["majority"]
    assert (scores["branch_decisions"], scores["branch_accuracy"]) == (6, 0.6667)


def test_a_need_without_a_flow_scores_nothing():
    gold = GOLD | {"other": GOLD["return"]}
    figures = evaluated(assistant({"return": [YES, NO]}), [*TALKS, talk("o", ["open"], "other")], {}, gold).figures
    assert figures["flows"]["other"]["flows"] == []
    assert figures["flows"]["other"]["one_to_one"]["F1"] == 0.0
    assert figures["flows_mean"]["one_to_one"]["F1"] == figures["edge_F1_mean"] == 0.5


def test_a_log_without_needs_is_held_against_the_only_gold_flow():
    dialogues = [talk(d.id, [str(u.label) for u in d.utterances], None) for d in TALKS]
    figures = evaluated(assistant({"anything": [YES, YES, YES, NO]}), dialogues, {}, GOLD).figures
    assert "needs" not in figures
    assert figures["flows"]["return"]["one_to_one"]["F1"] == 1.0


def test_left_out_turns_are_a_cluster_of_their_own():
    scores = cluster_scores(["a", "a", None, None], ["x", "x", "y", "z"])
    assert (scores["clusters"], scores["labels"], scores["left_out"]) == (1, 3, 0.5)
    assert (scores["ACC"], scores["P"], scores["R"], scores["F1"]) == (0.75, 0.75, 1.0, 0.8571)
    assert scores["example_coverage"] == 0.75


items = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), min_size=1, max_size=30)


@given(items, st.permutations("abcd"))
def test_names_of_clusters_change_nothing_and_no_score_leaves_its_range(pairs, names):
    renamed = dict(zip("abcd", names, strict=True))
    found, gold = [one for one, _ in pairs], [other for _, other in pairs]
    scores = cluster_scores(found, gold)
    assert cluster_scores([renamed[one] for one in found], gold) == pytest.approx(scores, abs=1e-4)
    assert all(0 <= scores[name] <= 1 for name in ("ACC", "NMI", "V", "P", "R", "F1", "example_coverage", "left_out"))
    assert scores["ACC"] <= min(scores["P"], scores["R"])
    assert cluster_scores(gold, gold)["ACC"] == cluster_scores(gold, gold)["F1"] == 1.0


def test_gold_flows_may_loop_and_have_conditions_that_stand_for_no_turn():
    chart = {
        "nodes": [{"id": "ask"}, {"id": "yes", "kind": "condition"}, {"id": "x", "action": None}, {"id": "done"}],
        "edges": [
            {"from": "ask", "to": "yes"},
            {"from": "yes", "to": "x"},
            {"from": "x", "to": "yes"},
            {"from": "x", "to": "done"},
            {"from": "done", "to": "ask"},
        ],
    }
    flow = gold_flow(chart)
    assert flow.edges == {("ask", "done"), ("done", "ask")}
    spoken = Dialogue(
        "d", tuple(Utterance(Speaker.AGENT, "t", label) for label in ("ask", "ask", "yes", "done", "ask"))
    )
    assert flow.sequence(spoken) == ("ask", "done", "ask")
    assert flow.visited([spoken]) == {("ask", "done"), ("done", "ask")}


def test_a_system_turn_is_its_call_and_its_outcome():
    nodes = [
        {"id": "1", "action": "track", "speaker": "system"},
        {"id": "2", "action": "track:ok", "speaker": "system"},
    ]
    flow = gold_flow({"nodes": nodes, "edges": [{"from": "1", "to": "2"}]})
    turn = Utterance(Speaker.SYSTEM, "{}", "track", {"outcome": "ok"})
    assert flow.labels(turn) == ("track", "track:ok")
    assert flow.labels(Utterance(Speaker.USER, "track", "track")) == (None,)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"n": 1}',
        '{"n": {"nodes": [{}], "edges": []}}',
        '{"n": {"nodes": [], "edges": [{"from": 1, "to": 2}]}}',
    ],
)
def test_a_file_of_another_form_is_told_in_one_sentence(tmp_path, content):
    path = tmp_path / "gold.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match="holds no gold trees"):
        read_gold(path)
    path.write_text(json.dumps(GOLD), encoding="utf-8")
    assert len(read_gold(path)["return"].edges) == 5


def test_compactness_of_a_small_tree():
    flow = assistant({"return": [YES, NO]}).flows[0]
    assert compactness([flow]) == {
        "nodes": 7,
        "actions": 6,
        "jumps": 0,
        "depth": 4,
        "mean_branching": 1.2,
        "nodes_per_100_dialogues": 350.0,
    }


sequences = st.lists(
    st.lists(st.sampled_from(("open", "ask", "yes", "no", "label")), min_size=1), min_size=1, max_size=8
)


@given(sequences)
def test_coverage_grows_with_size_up_to_what_replay_finds(paths):
    dialogues = [talk(str(number), path) for number, path in enumerate(paths)]
    mined = assistant({"return": paths})
    whole = evaluated(mined, dialogues, {}, None)
    everything, own = coverage_curves(mined.flows, whole.replayed)
    for curve in (everything, own):
        sizes, covered = zip(*curve.points, strict=True)
        assert list(sizes) == sorted(sizes)
        assert list(covered) == sorted(covered)
    assert everything.points[-1] == (len(mined.flows[0].nodes), whole.figures["replay"]["all"]["on_the_flows"])


def test_the_hollow_figures():
    assert graph_size([["a", "b"], ["a", "b"], ["a", "a", "b"]]) == 4
    # A step said once in a hundred is cut, and so is what only it leads to.
    assert graph_size([["a", "b"]] * 100 + [["a", "c", "d"]]) == 4
    assert transition_coverage([["a", "b"]], [["a", "b"], ["b", "a"]]) == 0.5
