"""Who may see what, and what every answer's headers say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from webui.access import is_public

TOKEN = "the developers' own long token"
PUBLIC = {
    "/static/<path:filename>",
    "/api/v1/conversations",
    "/api/v1/conversations/<conversation_id>/events",
    "/api/v1/conversations/<conversation_id>/stream",
    "/api/v1/conversations/<conversation_id>/messages",
    "/api/v1/conversations/<conversation_id>/attachments",
    "/api/v1/conversations/<conversation_id>/attachments/<attachment_id>",
    "/shop",
    "/shop/zh",
    "/login",
    "/logout",
}
DEVELOPER = {
    "/",
    "/corpora/<name>",
    "/corpora/<name>/mine",
    "/corpora/<name>/dialogues/<path:dialogue_id>",
    "/assistants/<name>",
    "/assistants/<name>/try",
    "/assistants/<name>/flows/<flow_id>",
    "/api/v1/assistants",
    "/api/v1/assistants/<name>/versions",
    "/api/v1/assistants/<name>/replay",
    "/api/v1/assistants/<name>/flows",
    "/api/v1/assistants/<name>/flows/<flow_id>",
    "/api/v1/assistants/<name>/flows/<flow_id>/nodes/<node_id>/evidence",
    "/api/v1/conversations/<conversation_id>/explanation",
    "/api/v1/openapi.json",
}
STRANGER = {"REMOTE_ADDR": "203.0.113.7"}


def address(rule: Rule) -> str:
    return re.sub(r"<[^>]+>", "x", rule.rule)


def logged_in(make_app: Any) -> FlaskClient:
    client: FlaskClient = make_app(developer_token=TOKEN).test_client()
    assert log_in(client, TOKEN).status_code == 303
    return client


def log_in(client: FlaskClient, token: str) -> Any:
    return client.post("/login", data={"token": token, "csrf_token": csrf_token(client)})


def csrf_token(client: FlaskClient, path: str = "/login") -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found is not None
    return found[1]


def test_every_route_is_public_or_a_developers(make_app: Any) -> None:
    rules = {rule.rule: rule for rule in make_app().url_map.iter_rules()}
    assert set(rules) == PUBLIC | DEVELOPER, "a new route: say here whose it is"
    for path, rule in rules.items():
        assert is_public(rule.endpoint) == (path in PUBLIC), path


@pytest.mark.parametrize("path", sorted(DEVELOPER))
def test_a_stranger_sees_no_developers_page(make_app: Any, path: str) -> None:
    for token, statuses in ((None, {403}), (TOKEN, {302, 401})):
        app = make_app(developer_token=token)
        rule = next(rule for rule in app.url_map.iter_rules() if rule.rule == path)
        for method in (rule.methods or set()) - {"POST"}:
            answer = app.test_client().open(address(rule), method=method, environ_base=STRANGER)
            assert answer.status_code in statuses, method
            assert "after-sale" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-For": ""},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8080"},
        {"Host": "localhost.evil.example"},
        {"Host": "user@localhost@evil.example"},
        {"Host": "[::1"},
        {"Host": "192.168.0.2:8080"},
    ],
)
def test_without_a_token_neither_proxies_nor_other_names_get_in(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.get("/", headers=headers)
    assert answer.status_code in (400, 403)
    if answer.status_code == 403:
        assert "TASKFLOW_DEVELOPER_TOKEN" in answer.text
    assert "after-sale" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080"])
def test_without_a_token_this_machines_user_gets_in(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_a_login_leads_to_the_page_that_was_asked_for(make_app: Any) -> None:
    client = make_app(developer_token=TOKEN).test_client()
    asked = client.get("/assistants/after-sale-en?version=1")
    assert asked.status_code == 302
    assert asked.location == "/login"
    entered = log_in(client, TOKEN)
    assert entered.location == "/assistants/after-sale-en?version=1"
    cookie = next(found for found in entered.headers.getlist("Set-Cookie") if found.startswith("taskflow="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert client.get(entered.location, environ_base=STRANGER).status_code == 200
    assert client.get("/api/v1/assistants/after-sale-en/flows/f-damaged").status_code == 200


def test_over_https_the_cookie_is_for_https_alone(make_app: Any) -> None:
    client = make_app(developer_token=TOKEN).test_client()
    answer = client.get("/login", base_url="https://localhost")
    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN[:-1], "é\0", "x" * 5000])
def test_a_wrong_token_does_not_open(make_app: Any, token: str) -> None:
    client = make_app(developer_token=TOKEN).test_client()
    assert log_in(client, token).status_code == 401
    assert client.get("/").status_code == 302


def test_logins_are_counted(make_app: Any) -> None:
    client = make_app(developer_token=TOKEN).test_client()
    statuses = [log_in(client, "wrong").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert log_in(client, TOKEN).status_code == 429


def test_a_login_needs_the_forms_own_token(make_app: Any) -> None:
    client = make_app(developer_token=TOKEN).test_client()
    assert client.post("/login", data={"token": TOKEN}).status_code == 400
    assert client.get("/").status_code == 302


def test_logging_out_shuts_the_door(make_app: Any) -> None:
    client = logged_in(make_app)
    assert client.post("/logout").status_code == 400, "not by another site's form"
    assert client.post("/logout", data={"csrf_token": csrf_token(client, "/")}).status_code == 303
    assert client.get("/").status_code == 302


def test_a_session_of_another_token_is_void(make_app: Any) -> None:
    client = logged_in(make_app)
    cookie = client.get_cookie("taskflow")
    assert cookie is not None
    changed = make_app(developer_token="the next token").test_client()
    changed.set_cookie("taskflow", cookie.value)
    assert changed.get("/").status_code == 302


def test_scripts_are_told_instead_of_sent_to_the_form(make_app: Any) -> None:
    answer = make_app(developer_token=TOKEN).test_client().get("/api/v1/assistants/after-sale-en/flows/f-damaged")
    assert answer.status_code == 401
    assert list(answer.json) == ["message"]


def test_scripts_may_send_the_token_instead_of_logging_in(make_app: Any) -> None:
    client = make_app(developer_token=TOKEN).test_client()
    known = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/api/v1/assistants", headers=known, environ_base=STRANGER).status_code == 200
    assert client.get("/", headers=known).status_code == 302, "pages ask people to log in"


def test_guesses_of_the_developers_token_are_counted(make_app: Any) -> None:
    client = make_app(developer_token=TOKEN).test_client()
    guess = {"Authorization": "Bearer guess"}
    paths = ["/api/v1/assistants", "/api/v1/conversations/x/explanation"] * 6
    statuses = [client.get(path, headers=guess).status_code for path in paths]
    assert statuses == [401] * 10 + [429] * 2
    elsewhere = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/api/v1/assistants", headers=elsewhere, environ_base=STRANGER).status_code == 200


def test_customers_need_no_login(make_app: Any) -> None:
    client = make_app(developer_token=TOKEN).test_client()
    assert client.get("/shop", environ_base=STRANGER, headers={"Host": "shop.example.com"}).status_code == 200
    begun = client.post("/api/v1/conversations", json={"assistant": "after-sale-en"}, environ_base=STRANGER)
    assert begun.status_code == 201


@pytest.mark.parametrize(
    "path", ["/", "/shop", "/login", "/nothing", "/api/nothing", "/static/nothing", "/api/v1/conversations"]
)
def test_every_answer_forbids_what_the_pages_do_not_need(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    for rule in (
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ):
        assert rule in policy.split("; ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_widget_alone_may_be_loaded_by_other_sites(client: FlaskClient) -> None:
    with client.get("/static/dist/widget.js") as answer:
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_a_failure_is_told_without_its_cause(make_app: Any) -> None:
    app = make_app(testing=False)

    def fail() -> None:
        raise RuntimeError("a secret")

    app.view_functions["shop.english"] = fail
    app.view_functions["chat.begin"] = fail
    page = app.test_client().get("/shop")
    assert page.status_code == 500
    assert "a secret" not in page.text
    answer = app.test_client().post("/api/v1/conversations", json={"assistant": "x"})
    assert answer.status_code == 500
    assert list(answer.json) == ["message"]
    assert "a secret" not in answer.text


def test_a_form_of_more_than_64_kb_is_refused(client: FlaskClient) -> None:
    assert client.post("/login", data={"token": "x" * 70_000}).status_code == 413
