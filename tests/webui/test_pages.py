"""The developers' pages and their JSON, as this machine's user sees them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from taskflow.model import ActionId, Assistant, DialogueAction, FlowId, FlowNode, NodeId, Speaker, TaskFlow
from taskflow.store import Database, open_database
from taskflow.store.assistants import save_mined
from taskflow.store.jobs import claim, finish, heartbeat, list_jobs
from webui.assistants import outline
from webui.words import PHRASES

HOSTILE = '<script>alert("x")</script>'
FLOW = "/assistants/after-sale-en/flows/f-damaged"
PAGES = (
    "/",
    "/corpora/after-sale",
    "/corpora/after-sale/dialogues/d/1",
    f"/corpora/after-sale/dialogues/{quote(HOSTILE, safe='')}",
    "/corpora/after-sale/dialogues/" + quote("长//id"),
    "/assistants/after-sale-en",
    "/assistants/after-sale-en?version=1",
    "/assistants/after-sale-en/try",
    "/assistants/unpublished",
    FLOW,
    f"{FLOW}?version=1",
    "/shop",
    "/shop/zh",
)


class Page(HTMLParser):
    """What a test looks for in a page: its scripts, links, ids, and whether its elements nest."""

    _EMPTY = frozenset({"meta", "link", "input", "br", "path", "hr", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert not self._open, f"left open: {self._open}"
        assert len(self.ids) == len(set(self.ids)), "an id is used twice"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in self._EMPTY:
            self._open.append(tag)
        if tag == "script":
            self.scripts.append(found)
        if tag == "a":
            self.links.append(str(found["href"]))
        if found.get("id"):
            self.ids.append(str(found["id"]))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._EMPTY:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_and_runs_no_script_of_the_logs(client: FlaskClient, path: str, language: str) -> None:
    answer = client.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert all(script["src"].startswith("/static/dist/") for script in page.scripts if script["src"]), page.scripts
    assert all(script["src"] for script in page.scripts)
    assert HOSTILE not in answer.text
    if not path.startswith("/shop"):
        assert f'<html lang="{language}">' in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_the_links_of_a_page_lead_somewhere(client: FlaskClient, path: str) -> None:
    for link in set(Page(client.get(path).text).links):
        assert link.startswith("#") or client.get(link).status_code == 200, link


def test_the_overview_shows_what_there_is(client: FlaskClient) -> None:
    text = Page(client.get("/").text).text
    for expected in ("after-sale-en", "Version 1", "unpublished", "Not published", "88.9%", "11.1%"):
        assert expected in text


def test_an_empty_database_tells_the_next_command(make_app: Any, tmp_path: Any) -> None:
    empty = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
    text = Page(make_app(empty).test_client().get("/").text).text
    empty.close()
    assert "taskflow import logs.jsonl --corpus support" in text
    assert "taskflow mine support" in text


def test_the_language_is_asked_for_kept_and_else_the_browsers(client: FlaskClient) -> None:
    overview = PHRASES["overview"]
    assert overview[0] in client.get("/").text
    assert overview[1] in client.get("/", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}).text
    assert overview[1] in client.get("/?lang=zh").text
    assert overview[1] in client.get("/").text, "the cookie keeps it"
    assert overview[0] in client.get("/?lang=en").text
    assert client.get("/?lang=" + quote(HOSTILE)).status_code == 200


def test_every_phrase_is_in_both_languages_with_the_same_places(client: FlaskClient) -> None:
    for key, (english, chinese) in PHRASES.items():
        assert english and chinese, key
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese)), key


def test_a_transcript_shows_every_turn_as_text(client: FlaskClient) -> None:
    page = Page(client.get("/corpora/after-sale/dialogues/d/1").text)
    for expected in (f"It arrived broken {HOSTILE}", "[order_number]", "lookup_order", "谢谢", "Customer", "System"):
        assert expected in page.text
    assert [f"turn-{turn}" for turn in range(6)] == [found for found in page.ids if found.startswith("turn-")]


def test_mine_writes_a_job_that_a_worker_takes(client: FlaskClient, site: Database) -> None:
    answer = client.post(
        "/corpora/after-sale/mine", data={"assistant": "fresh", "csrf_token": csrf_token(client, "/corpora/after-sale")}
    )
    assert answer.status_code == 303
    shown = Page(client.get(answer.location).text).text
    assert "taskflow worker" in shown
    assert "Waiting" in shown
    job = claim(site, "worker")
    assert job is not None
    assert (job.corpus, job.assistant) == ("after-sale", "fresh")
    heartbeat(site, job.id, "worker", "encoding 2 of 4 texts")
    assert "encoding 2 of 4 texts" in client.get("/corpora/after-sale").text
    finish(site, job.id, "worker", f"it failed {HOSTILE}")
    assert f"it failed {HOSTILE}" in Page(client.get("/corpora/after-sale").text).text


def test_mine_without_a_name_mines_into_the_corpus_own_name(client: FlaskClient, site: Database) -> None:
    token = csrf_token(client, "/corpora/after-sale")
    assert client.post("/corpora/after-sale/mine", data={"csrf_token": token}).status_code == 303
    assert list_jobs(site)[0].assistant == "after-sale"


@pytest.mark.parametrize("name", [HOSTILE, "a b", "x" * 81, "../etc"])
def test_mine_into_an_impossible_name_says_why(client: FlaskClient, site: Database, name: str) -> None:
    token = csrf_token(client, "/corpora/after-sale")
    answer = client.post("/corpora/after-sale/mine", data={"assistant": name, "csrf_token": token})
    assert answer.status_code == 422
    assert "cannot be a name" in Page(answer.text).text
    assert not list_jobs(site)


def test_mine_needs_the_pages_own_token(client: FlaskClient, site: Database) -> None:
    answer = client.post("/corpora/after-sale/mine", data={"assistant": "fresh"})
    assert answer.status_code == 400
    assert not list_jobs(site)


def test_mine_of_an_unknown_corpus_is_not_found(client: FlaskClient, site: Database) -> None:
    token = csrf_token(client, "/corpora/after-sale")
    assert client.post("/corpora/nothing/mine", data={"csrf_token": token}).status_code == 404
    assert not list_jobs(site)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/corpora/nothing",
        "/corpora/" + quote(HOSTILE),
        "/corpora/a%00b",
        "/corpora/after-sale/dialogues/none",
        "/corpora/nothing/dialogues/d/1",
        "/assistants/nothing",
        "/assistants/unpublished/try",
        "/assistants/after-sale-en?version=2",
        "/assistants/after-sale-en/flows/nothing",
        f"{FLOW}?version=9",
        "/api/nothing",
        f"/api/v1{FLOW}x",
        f"/api/v1{FLOW}?version=7",
        f"/api/v1{FLOW}/nodes/nothing/evidence",
        "/api/v1/assistants/nothing/flows/f",
    ],
)
def test_what_is_not_there_is_not_found_in_one_sentence(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    if path.startswith("/api/"):
        assert list(answer.json) == ["message"]
    else:
        assert "Not found" in Page(answer.text).text


@pytest.mark.parametrize("version", ["x", "-1", "1.5", "9" * 400, "", "²", "%00"])
def test_a_malformed_version_is_refused(client: FlaskClient, version: str) -> None:
    assert client.get(f"{FLOW}?version={version}").status_code in (400, 404)
    assert client.get(f"/api/v1{FLOW}?version={version}").status_code in (404, 422)


def test_a_wrong_method_is_told_with_the_right_ones(client: FlaskClient) -> None:
    answer = client.delete("/corpora/after-sale")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_a_flow_as_json_is_what_the_drawing_reads(client: FlaskClient) -> None:
    document = client.get(f"/api/v1{FLOW}?version=1").json
    assert (document["assistant"], document["version"]) == ("after-sale-en", 1)
    assert client.get(f"/api/v1{FLOW}").json["version"] is None
    flow = document["flow"]
    assert (flow["id"], flow["name"], flow["support"]) == ("f-damaged", f"Damaged item {HOSTILE}", 4)
    assert flow["nodes"][0] == {
        "id": "n0",
        "parent": None,
        "speaker": "user",
        "action_id": "broken",
        "action": "broken",
        "support": 4,
        "probability": 1.0,
        "jump_to": None,
        "responses": [],
        "exemplars": [
            {"text": "It arrived broken", "count": 2},
            {"text": "My order is damaged", "count": 2},
            {"text": "[order_number] is broken", "count": 2},
        ],
        "evidence": [{"dialogue_id": "d/1", "turn": 0}],
    }
    assert flow["nodes"][-1]["jump_to"] == "n2"


def test_an_excerpt_is_the_turn_with_three_around_it(client: FlaskClient) -> None:
    (at_start,) = client.get(f"/api/v1{FLOW}/nodes/n0/evidence").json["excerpts"]
    assert (at_start["dialogue_id"], at_start["turn"]) == ("d/1", 0)
    assert [said["turn"] for said in at_start["turns"]] == [0, 1, 2, 3]
    assert at_start["turns"][0] == {"turn": 0, "speaker": "user", "text": f"It arrived broken {HOSTILE}"}
    (later,) = client.get(f"/api/v1{FLOW}/nodes/n5/evidence?version=1").json["excerpts"]
    assert [said["turn"] for said in later["turns"]] == [1, 2, 3, 4, 5]


def test_evidence_of_an_assistant_without_a_corpus_is_empty(client: FlaskClient) -> None:
    answer = client.get("/api/v1/assistants/unpublished/flows/f-damaged/nodes/n0/evidence")
    assert answer.json == {"excerpts": []}


def test_the_flow_page_names_its_source_and_lists_the_tree_without_script(client: FlaskClient) -> None:
    text = client.get(f"{FLOW}?version=1&lang=zh").text
    assert 'data-source="/api/v1/assistants/after-sale-en/flows/f-damaged?version=1"' in text
    assert 'data-lang="zh"' in text
    page = Page(text)
    assert {"src": "/static/dist/flow.js", "defer": None} in page.scripts
    assert "refunded" in page.text
    assert "转到“give-number”" in page.text


def test_a_tree_of_any_depth_is_listed(client: FlaskClient, site: Database) -> None:
    said = DialogueAction(ActionId("a"), Speaker.AGENT, "say it", (), 1)
    nodes = [FlowNode(NodeId("n0"), None, said.id)]
    nodes += [FlowNode(NodeId(f"n{place}"), NodeId(f"n{place - 1}"), said.id) for place in range(1, 3000)]
    assistant = Assistant("deep", (said,), (TaskFlow(FlowId("f"), "deep", tuple(nodes)),))
    with site.write() as session:
        save_mined(session, assistant, "use-multilingual-v3")
    assert [row.depth for row in outline(assistant, assistant.flows[0])] == list(range(3000))
    assert Page(client.get("/assistants/deep/flows/f").text).text.count("say it") == 3000


def csrf_token(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found is not None
    return found[1]
