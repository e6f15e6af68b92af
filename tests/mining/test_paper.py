"""The configuration `paper`: our reconstruction of the paper's mining, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.config import MiningConfig, PaperConfig
from mining.paper.mining import mine_paper, sequence
from mining.paper.prefix_tree import Prefix, grow, mass, prune, walk
from mining.pipeline import Mined, mine
from mining.sentences import Sentence, sentence_key, sentences_of
from taskflow.model import ActionId, Dialogue, Speaker, Utterance
from taskflow.texts import split_sentences

SPEAKERS = {"u": Speaker.USER, "a": Speaker.AGENT, "s": Speaker.SYSTEM}


def dialogue(name: str, talk: Sequence[tuple[str, str]], need: str | None = None) -> Dialogue:
    return Dialogue(name, tuple(Utterance(SPEAKERS[who], text) for who, text in talk), need=need)


def mined(encoder, dialogues: Sequence[Dialogue], **thresholds: object) -> Mined:
    config = MiningConfig(method="paper", paper=PaperConfig(**thresholds))
    return mine_paper("test", dialogues, encoder.encode, config, lambda _: None)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It broke. Can I return it? Thanks", ["It broke.", "Can I return it?", "Thanks"]),
        ("It costs 4.50 today", ["It costs 4.50 today"]),
        ("杯子碎了。能退吗？", ["杯子碎了。", "能退吗？"]),
        ("one\ntwo", ["one", "two"]),
        ("... !", []),
        ("😀", ["😀"]),
    ],
)
def test_a_turn_is_split_into_sentences(text, sentences):
    assert split_sentences(text) == sentences


def test_sentences_of_no_scenario_are_dropped_and_a_system_says_none():
    talk = dialogue("d", [("u", "Hello! It broke."), ("s", "lookup"), ("a", "hello")])
    assert [(s.turn, s.text) for s in sentences_of(talk, {sentence_key("HELLO.")})] == [(0, "It broke.")]


paths = st.lists(st.text("abc", max_size=5), max_size=30)
Tree = Prefix[str, int]


def tree(given_paths: Sequence[str]) -> Tree:
    root: Tree = Prefix(None)
    for number, path in enumerate(given_paths):
        grow(root, number, [(symbol, number) for symbol in path])
    return root


def by_path(root: Tree) -> dict[str, Tree]:
    found = {"": root}
    for path in found.copy():
        stack = [(path, root)]
        while stack:
            prefix, node = stack.pop()
            found[prefix] = node
            stack += [(prefix + symbol, child) for symbol, child in node.children.items()]
    return found


@given(paths)
def test_the_tree_counts_each_prefix(given_paths):
    counted = Counter(path[:end] for path in given_paths for end in range(len(path) + 1))
    found = by_path(tree(given_paths))
    assert {path: node.support for path, node in found.items() if node.support} == dict(counted)
    for path, node in found.items():
        assert node.seen == [number for number, whole in enumerate(given_paths) if whole.startswith(path)]


@given(paths, st.integers(1, 4), st.floats(0, 1), st.integers(1, 3))
def test_pruning_keeps_what_meets_every_threshold_and_nothing_else(given_paths, s_min, p_min, most):
    before, root = by_path(tree(given_paths)), tree(given_paths)
    whole = mass(root)
    prune(root, s_min, p_min, most)
    kept = by_path(root)
    for path, node in kept.items():
        assert len(node.children) <= most
        for child in node.children.values():
            assert child.support >= s_min
            assert child.support >= p_min * node.support
        # What was cut of a kept node's children met no threshold, or was no better than any that stayed.
        for symbol, child in before[path].children.items():
            if symbol not in node.children and child.support >= s_min and child.support >= p_min * node.support:
                assert len(node.children) == most
                assert all(child.support <= other.support for other in node.children.values())
    cut = sum(node.support for path, node in before.items() if path not in kept)
    assert whole - mass(root) == cut
    assert sum(1 for _ in walk(root)) == len(kept)


def sentence(who: str, key: str, turn: int) -> Sentence:
    return Sentence(turn, SPEAKERS[who], key, key)


def test_a_sequence_drops_other_joins_repeats_of_a_speakers_row_and_is_cut():
    said = [sentence(w, k, n) for n, (w, k) in enumerate(["uA", "u?", "uB", "uA", "aC", "a?", "uA", "u?", "uA", "aD"])]
    found = {(s.speaker, s.key): ActionId(s.key) for s in said if s.key != "?"}
    assert "".join(action for action, _ in sequence(said, found, 20)) == "ABCAD"
    assert "".join(action for action, _ in sequence(said, found, 3)) == "ABC"


RETURN = ["I want to return a jacket", "Can I return this jacket?", "I'd like to return my jacket"]
LATE = ["Where is my parcel?", "Where is my parcel now?", "Where has my parcel gone?"]


def shop() -> list[Dialogue]:
    talks = []
    for i in range(12):
        yes = i % 3 > 0
        reply = ("u", "Yes, it is unused."), ("a", "Here is your return label.")
        refusal = ("u", "No, I wore it."), ("a", "Used items stay with you.")
        start = [("u", f"Hello! {RETURN[i % 3]}"), ("a", "Is it unused?"), ("s", "lookup")]
        talks.append(dialogue(f"r{i}", [*start, *(reply if yes else refusal)], "return"))
        talks.append(dialogue(f"l{i}", [("u", LATE[i % 3]), ("a", "It is on its way.")], "late"))
    return talks


def test_each_scenario_is_a_tree_below_a_root_of_its_own(encoder):
    result = mined(encoder, shop())
    assert {flow.name: flow.support for flow in result.assistant.flows} == {"return": 12, "late": 12}
    assert all(flow.root.action_id is None for flow in result.assistant.flows)
    alone = [Dialogue(d.id, d.utterances) for d in shop()]
    assert [(f.name, f.support) for f in mined(encoder, alone).assistant.flows] == [("test", 24)]


def test_actions_are_one_speakers_and_every_assigned_turn_passes_evidence(encoder):
    dialogues = shop()
    result = mined(encoder, dialogues)
    turns = {d.id: given for d, given in zip(dialogues, result.turns, strict=True)}
    speakers = {action.id: action.speaker for action in result.assistant.actions}
    for d in dialogues:
        for utterance, actions in zip(d.utterances, turns[d.id], strict=True):
            assert all(speakers[action] is utterance.speaker for action in actions)
    for flow in result.assistant.flows:
        for node in flow.nodes:
            if node.action_id is not None:
                assert all(node.action_id in turns[seen.dialogue_id][seen.turn] for seen in node.evidence)
                assert bool(node.responses) == (speakers[node.action_id] is Speaker.AGENT)


def test_labels_of_spoken_turns_change_nothing(encoder):
    def labelled(d: Dialogue) -> Dialogue:
        return replace(d, utterances=tuple(replace(u, label="x" if u.text else None) for u in d.utterances))

    spoken = [Dialogue(d.id, tuple(u for u in d.utterances if u.speaker is not Speaker.SYSTEM)) for d in shop()]
    for config in (MiningConfig(), MiningConfig(method="paper")):
        method = mine_paper if config.method == "paper" else mine
        plain, named = (
            method("test", talks, encoder.encode, config, lambda _: None)
            for talks in (spoken, [labelled(d) for d in spoken])
        )
        assert plain == named


def test_thresholds_prune_and_the_mass_is_told(encoder):
    loose = mined(encoder, shop(), least_support=1, least_probability=0.0)
    strict = mined(encoder, shop(), least_support=5, least_probability=0.0)
    shares = mined(encoder, shop(), least_support=1, least_probability=0.5)
    narrow = mined(encoder, shop(), least_support=1, least_probability=0.0, most_children=1)
    shallow = mined(encoder, shop(), depth=2)
    assert loose.cut == 0
    assert loose.steps == strict.steps == shares.steps == narrow.steps
    for result in (strict, shares, narrow):
        kept = sum(node.support for flow in result.assistant.flows for node in flow.nodes[1:])
        assert kept == result.steps - result.cut < result.steps
    for flow in narrow.assistant.flows:
        assert all(len(flow.children(node.id)) <= 1 for node in flow.nodes)
    assert shallow.steps <= 2 * 24


def test_labels_that_are_too_far_from_every_centroid_are_other(encoder):
    nothing = mined(encoder, shop(), label_above=1.0, fine_clusters=1)
    assert nothing.assigned < mined(encoder, shop(), label_above=-1.0).assigned
    one = mined(encoder, shop(), merge_above=-1.0, label_above=-1.0)
    assert len(one.assistant.actions) == 2


texts = st.sampled_from(
    [*RETURN, *LATE, "yes", "no", "", "谢谢。再见！", "[order_number]", "hello", "<b>&", "😀", "..."]
)
talks = st.lists(st.tuples(st.sampled_from("uas"), texts), min_size=1, max_size=7)


@settings(max_examples=40, deadline=None)
@given(st.lists(talks, min_size=1, max_size=8), st.booleans())
def test_any_dialogues_give_a_sound_assistant_and_the_same_one_again(encoder, given_talks, named):
    dialogues = [dialogue(str(i), talk, str(i % 2) if named else None) for i, talk in enumerate(given_talks)]
    result = mined(encoder, dialogues)
    assert mined(encoder, dialogues) == result
    both = sum({Speaker.USER, Speaker.AGENT} <= {u.speaker for u in d.utterances} for d in dialogues)
    assert bool(result.assistant.flows) == (both >= 2) == (result.note is None)
    assert 0 <= result.cut <= result.steps
