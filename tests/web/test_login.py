import re

import pytest
from itsdangerous import URLSafeTimedSerializer

from sweepcnn.storage import users
from tests.web.conftest import KEY, SECRET, Site

PAGES = ["/", "/local/digits", "/local/digits/sweeps/abc", "/local/digits/runs/abc", "/x/y"]
COOKIE = "sweepcnn_session"


@pytest.mark.parametrize("path", PAGES)
def test_pages_send_who_is_not_logged_in_to_the_login(path: str, site: Site) -> None:
    answer = site.client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?next={path.replace('/', '%2F')}"
    assert answer.text == ""


def test_the_login_asks_for_the_key_and_leads_back(site: Site) -> None:
    text = site.page("/login?next=/local/digits")
    assert '<input type="password" name="key"' in text
    assert '<input type="hidden" name="next" value="/local/digits">' in text
    assert "not known" not in text


def test_the_address_that_wandb_login_prints_leads_to_where_the_key_is_told(site: Site) -> None:
    answer = site.client.get("/authorize", params={"ref": "models"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    text = " ".join(site.page("/login").split())
    assert "ask whoever added you" in text
    assert "the file <code>api-key</code> of the data folder" in text


def test_the_right_key_sets_a_cookie_that_scripts_and_other_sites_cannot_use(site: Site) -> None:
    answer = site.client.post("/login", data={"key": KEY, "next": "/local/digits"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/local/digits")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=")
    assert "; httponly" in cookie
    assert "; samesite=strict" in cookie
    assert KEY not in cookie
    assert "Projects" in site.page("/")


def test_blanks_around_a_pasted_key_do_not_matter(site: Site) -> None:
    assert site.client.post("/login", data={"key": f" {KEY}\n"}).status_code == 303


@pytest.mark.parametrize("key", ["", "wrong", KEY[:-1], KEY + "k", "\N{SNOWMAN}"])
def test_a_wrong_key_is_refused(key: str, site: Site) -> None:
    answer = site.client.post("/login", data={"key": key, "next": "/local/digits"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "This key is not known here." in answer.text
    assert 'name="next" value="/local/digits"' in answer.text  # the next try leads there too
    assert site.client.get("/").status_code == 303


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"key", b"next=%00&key=%ff"])
def test_a_form_that_makes_no_sense_is_refused(body: bytes, site: Site) -> None:
    assert site.client.post("/login", content=body).status_code == 403


def test_a_form_that_is_too_large_is_refused(site: Site) -> None:
    answer = site.client.post("/login", content=b"key=" + b"k" * 5000)
    assert answer.status_code == 413
    assert "The form is too large." in answer.text


@pytest.mark.parametrize(
    "target",
    [
        "https://example.org/",
        "//example.org/",
        "/\\example.org/",
        "/\t/example.org/",
        "/\n/example.org/",
        "\\\\example.org",
        "javascript:alert(1)",
        "example.org",
        "",
    ],
)
def test_a_login_never_leads_away_from_here(target: str, site: Site) -> None:
    answer = site.client.post("/login", data={"key": KEY, "next": target})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    text = site.client.get("/login", params={"next": target}).text
    assert 'name="next" value="/"' in text


def test_a_target_is_escaped_in_the_form(site: Site) -> None:
    text = site.client.get("/login", params={"next": '/"><script>alert(1)</script>'}).text
    assert "<script>" not in text


def with_cookie(site: Site, value: str) -> int:
    """Ask for a page with a session cookie; gives the answer's status."""
    site.client.cookies.clear()
    return site.client.get("/", headers={"cookie": f"{COOKIE}={value}"}).status_code


def session(site: Site, *, secret: str = SECRET, salt: str = "session") -> str:
    """Sign a session of the first user."""
    with site.database.read() as connection:
        user = users.by_name(connection, "local")
    assert user is not None
    assert user.key_hash is not None
    serializer = URLSafeTimedSerializer(secret, salt=salt)
    return str(serializer.dumps([user.id, user.key_hash[:16]]))


def test_a_cookie_of_ours_is_taken(site: Site) -> None:
    assert with_cookie(site, session(site)) == 200


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "WzEsImEiXQ.aaaaaa.bbbb"])
def test_a_cookie_that_is_none_is_refused(value: str, site: Site) -> None:
    assert with_cookie(site, value) == 303


def test_a_cookie_signed_by_another_is_refused(site: Site) -> None:
    assert with_cookie(site, session(site, secret="t" * 64)) == 303


def test_an_address_of_a_file_is_no_cookie(site: Site) -> None:
    assert with_cookie(site, session(site, salt="download")) == 303


def test_a_cookie_that_was_changed_is_refused(site: Site) -> None:
    payload, rest = session(site).split(".", 1)
    other = URLSafeTimedSerializer(SECRET, salt="session").dumps([2, "0" * 16])
    assert with_cookie(site, f"{str(other).split('.', maxsplit=1)[0]}.{rest}") == 303
    assert with_cookie(site, f"{payload}.{rest}") == 200


def test_a_cookie_expires(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 1e9)
    old = session(site)
    assert with_cookie(site, old) == 200
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 1e9 + 31 * 24 * 3600)
    assert with_cookie(site, old) == 303


def test_a_new_key_ends_the_sessions_of_the_old_one(site: Site) -> None:
    site.log_in()
    assert site.client.get("/").status_code == 200
    with site.database.write() as connection:
        users.update(connection, 1, key="n" * 40)
    assert site.client.get("/").status_code == 303


def test_the_removal_of_a_user_ends_their_sessions(site: Site) -> None:
    site.log_in()
    with site.database.write() as connection:
        users.remove(connection, 1)
    assert site.client.get("/").status_code == 303


def test_one_who_logs_out_is_asked_again(site: Site) -> None:
    site.log_in()
    text = site.page("/")
    assert '<form method="post" action="/logout">local <button>Log out</button></form>' in text
    answer = site.client.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert site.client.get("/").status_code == 303
    assert "Log out" not in site.page("/login")


OTHERS: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://other.backend"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://["},
]


@pytest.mark.parametrize("headers", OTHERS)
def test_another_site_logs_nobody_in_or_out(headers: dict[str, str], site: Site) -> None:
    for path in ("/login", "/logout"):
        answer = site.client.post(path, data={"key": KEY}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert "from another site" in answer.text


@pytest.mark.parametrize("name", ["Sec-Fetch-Site", "Origin"])
def test_a_browser_that_tells_the_origin_logs_in_and_out(name: str, site: Site) -> None:
    origin = str(site.client.base_url).rstrip("/")
    headers = {name: origin if name == "Origin" else "same-origin"}
    for path in ("/login", "/logout"):
        answer = site.client.post(path, data={"key": KEY}, headers=headers)
        assert answer.status_code == 303


def test_a_cookie_that_was_set_by_https_stays_there(site: Site) -> None:
    address = str(site.client.base_url.copy_with(scheme="https")).rstrip("/")
    answer = site.client.post(f"{address}/login", data={"key": KEY})
    assert "; secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("path", ["/login", "/"])
def test_pages_forbid_scripts_frames_and_other_hosts(path: str, site: Site) -> None:
    site.log_in()
    headers = site.client.get(path).headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert policy["img-src"] == "'self'"
    assert "script-src" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script|\son\w+=|https?://", site.client.get(path).text)
