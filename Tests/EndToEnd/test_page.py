"""The status page in a browser: what it shows, what it lets nobody do, and that it needs neither mouse nor wide screen."""

import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

from browser import Browser
from gateway import Gateway
from processes import wait_until

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                               "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "same-origin",
    "cache-control": "no-store", "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp", "cross-origin-resource-policy": "same-origin",
}
MARKUP = "<img/src=x/onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser():
    tab = Browser()
    yield tab
    tab.remove()


@pytest.fixture(scope="module")
def site(binaries, migrated, stand_in, shared_upstream):
    """A gateway with 60 customers of six pools, and one with rules and markup in what others wrote."""
    database = migrated()
    database.sql("""
        INSERT INTO poolgate.tenants (host, region, pool_id)
        SELECT format('customer-%s.example.com', lpad(n::text, 3, '0')), 'eu-west-1', 'eu-west-1_Page' || n / 10
        FROM generate_series(0, 59) n;
        UPDATE poolgate.tenants SET status = 'suspended' WHERE host = 'customer-007.example.com'""")
    database.add("markup.example.com", "eu-west-1_PageMarkup", required_groups=[MARKUP], comment=MARKUP)
    database.sql(f"""
        INSERT INTO poolgate.rules (host, path_prefix, access, required_claims)
        VALUES ('markup.example.com', '/admin', 'authenticated', '{json.dumps({"custom:x": MARKUP})}');
        BEGIN; SET LOCAL poolgate.actor = '{MARKUP}'; SET LOCAL application_name = '{MARKUP}';
        UPDATE poolgate.tenants SET comment = '</script>{MARKUP}' WHERE host = 'markup.example.com'; COMMIT""")
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template)
    gateway.database, gateway.stand_in = database, stand_in
    gateway.url = f"http://127.0.0.1:{gateway.admin_port}"
    gateway.wait_status(401, "markup.example.com")
    yield gateway
    gateway.remove()


@pytest.fixture
def page(browser, site):
    """The overview on a wide screen; at the end, nothing may have been complained of."""
    browser.complaints.clear()
    browser.shape(1280)
    browser.open(site.url + "/")
    yield browser
    browser.run("1")
    assert browser.complaints == []


def fetch(url, method="GET", data=None, **headers):
    """Status, fields and body, without following where it leads."""
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None
    request = urllib.request.Request(
        url, method=method, headers=headers, data=data and urllib.parse.urlencode(data).encode())
    try:
        answer = urllib.request.build_opener(Stay).open(request, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read().decode()


def test_the_page_shows_gateway_tenants_pools_and_replicas(page):
    assert "ready" in page.text("#now") and "61" in page.text("#now") and "1 suspended" in page.text("#now")
    assert page.count("#tenants tbody tr") == 25
    pools = page.text("#pools")
    assert "eu-west-1_PageMarkup" in pools and "first seen" in pools and "in 1" in pools
    wait_until(lambda: page.open(page.run("location.href")) or "this one" in page.text("#replicas"), what="the replica's row")
    assert "serving" in page.text("#replicas")


def test_search_states_and_pages_find_tenants_as_somebody_types(page):
    page.run("document.querySelector('#tenants input[type=search]').focus()")
    page.type("customer-01")
    page.wait("document.querySelectorAll('#tenants tbody tr').length === 10")
    assert page.run("location.search") == "?q=customer-01"
    assert page.run("document.activeElement.value") == "customer-01"
    page.open(page.run("location.origin") + "/?q=page3")
    assert page.count("#tenants tbody tr") == 10, "a pool's id finds its tenants"
    page.open(page.run("location.origin") + "/")
    page.run("document.querySelector('#tenants .pages a').click()")
    page.wait("document.querySelector('#tenants .pages p').innerText === '26–50 of 61'")
    page.run("[...document.querySelectorAll('#tenants .choices a')].find(a => a.innerText.startsWith('Suspended')).click()")
    page.wait("document.querySelectorAll('#tenants tbody tr').length === 1")
    assert "customer-007" in page.text("#tenants tbody")
    page.open(page.run("location.origin") + "/?q=nobody%3Cb%3E")
    assert "Nothing matches" in page.text("#tenants")


def test_everything_is_there_without_the_script(browser, site):
    _, _, first = fetch(site.url + "/")
    assert "customer-000.example.com" in first and "customer-024" in first and "customer-025" not in first
    browser.shape(1280)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(site.url + "/?q=customer-02&state=ready")
        assert browser.count("#tenants tbody tr") == 10
        assert "customer-029" in browser.text("#tenants")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_a_refusal_and_a_change_appear_without_a_reload(page, site):
    page.run("window.isSame = true")
    page.wait("document.getElementById('live').innerText === 'Live'")
    site.get("customer-003.example.com", path="/seen-at-once")
    page.wait("document.getElementById('recent').innerText.includes('/seen-at-once')")
    site.database.add("appeared.example.com", "eu-west-1_Page1")
    page.run("history.replaceState(null, '', '/?q=appeared')")
    page.wait("document.getElementById('tenants').innerText.includes('appeared.example.com')")
    site.database.sql("DELETE FROM poolgate.tenants WHERE host = 'appeared.example.com'")
    assert page.run("window.isSame") is True


def test_markup_of_others_is_shown_as_text_and_no_script_runs(page, site):
    token = site.stand_in.mint("eu-west-1_PageMarkup", groups=[MARKUP + "2"], claims={"custom:x": MARKUP + "3"})
    site.get("markup.example.com", token, path="/" + MARKUP)
    site.get("nobody.example.com", path="/x", headers=[("X-Poolgate-Subject", MARKUP)])
    page.open(site.url + "/tenants/markup.example.com")
    text = page.text()
    assert text.count(MARKUP) >= 4, "the row's groups, the rule's claim, author, program and comment"
    describe(page, path="/admin?q=" + MARKUP, headers="X-A: " + MARKUP, token=token)
    assert MARKUP + "2" in page.text("table.checks")
    assert page.run("document.querySelector('#explain-path').value") == "/admin?q=" + MARKUP
    page.open(site.url + "/?q=" + urllib.parse.quote('"><script>alert(1)</script>'))
    assert page.count("img") == 0 and page.count("script") == 1
    assert fetch(site.url + "/tenants/%3Cscript%3E")[0] == 404


def describe(page, **fields):
    """Fills the form that explains, and sends it."""
    for name, value in fields.items():
        page.run(f"document.getElementById('explain-{name}').value = {json.dumps(value)}")
    page.run("window.isOld = true; document.querySelector('#explain form').requestSubmit()")
    page.wait("!window.isOld && document.readyState === 'complete' && document.getElementById('explanation') !== null")


def test_a_request_is_explained_and_its_token_is_kept_nowhere(page, site):
    token = site.stand_in.mint("eu-west-1_Page1")
    page.open(site.url + "/tenants/customer-010.example.com")
    describe(page, path="/x", token=token)
    assert "forwarded" in page.text("#explanation") and "signature" in page.text("table.checks")
    assert page.run("document.getElementById('explain-token').value") == ""
    assert token.split(".")[1] not in page.run("document.documentElement.outerHTML") + page.run("location.href")
    describe(page, path="/x?access_token={token}", token="Bearer " + token[:-5] + "AAAAA", method="POST")
    assert "401" in page.text("#explanation")
    site.wait_status(401, "customer-010.example.com")
    assert token.split(".")[1] not in site.log() and token.split(".")[2][:20] not in site.log()
    # No page but our own may post the form.
    url = site.url + "/tenants/customer-010.example.com/explain"
    assert fetch(url, "POST", {"token": token}, Origin="http://evil.example")[0] == 403
    assert fetch(url, "POST", {"token": token})[0] == 403
    assert fetch(url, "POST", {"token": "a" * 200_000}, Origin=site.url)[0] == 413


def test_the_page_is_used_by_the_keyboard_alone(page):
    page.run("document.activeElement.blur()")
    assert page.tab_to("e.className === 'skip'", 2) <= 1
    page.tab_to("e.name === 'q'")
    page.type("customer-012")
    page.wait("document.querySelectorAll('#tenants tbody tr').length === 1")
    page.tab_to("e.innerText === 'customer-012.example.com'")
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid", "the focus is seen"
    page.press("Enter")
    page.wait("location.pathname === '/tenants/customer-012.example.com' && document.readyState === 'complete'")
    page.tab_to("e.id === 'explain-token'")
    page.press("Tab")
    page.press("Enter")
    page.wait("document.getElementById('explanation') !== null")
    assert "missing_token" in page.text("#explanation")


# Contrast of every text with what lies behind it, after WCAG 2.2 §1.4.3.
CONTRAST = """(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = (colour) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const ground = (one) => {
        for (; one; one = one.parentElement) {
            const colour = rgba(getComputedStyle(one).backgroundColor);
            if (colour[3] === 255) return colour;
        }
        return [255, 255, 255];
    };
    const light = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const poor = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const one = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !one.checkVisibility() || one.closest('.unseen, .skip')) continue;
        const [a, b] = [light(rgba(getComputedStyle(one).color)), light(ground(one))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) poor.push([walker.currentNode.data.trim().slice(0, 40), one.className, ratio]);
    }
    return poor;
})()"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fits_a_phone_and_its_texts_can_be_read(page, site, dark):
    for width in 360, 1280:
        page.shape(width, 740, dark=dark, phone=width < 400)
        for path in "/", "/tenants/markup.example.com", "/tenants/customer-007.example.com", "/tenants/nobody.example.com", "/sign-in":
            page.open(site.url + path)
            assert page.run("document.documentElement.scrollWidth") <= width, path
            assert page.run(CONTRAST) == [], path
    # The one thing that a browser says by itself: that there is no such page.
    page.complaints[:] = [one for one in page.complaints if "404" not in str(one)]
    assert page.run("getComputedStyle(document.body).backgroundColor") == ("rgb(15, 19, 25)" if dark else "rgb(245, 246, 248)")


def test_every_response_has_the_headers_that_browsers_are_held_by(site):
    style = fetch(site.url + "/")[2].split('stylesheet" href="')[1].split('"')[0]
    for path in "/", "/tenants/customer-001.example.com", "/tenants/nobody.example.com", "/nothing", "/status", "/sign-in":
        _, fields, _ = fetch(site.url + path)
        assert {name: fields.get(name) for name in HEADERS} == HEADERS, path
    status, fields, body = fetch(site.url + style)
    assert status == 200 and fields["content-type"].startswith("text/css") and "immutable" in fields["cache-control"]
    assert fetch(site.url + "/assets/page-0000000000000000.css")[0] == 404
    assert fetch(site.url + "/", **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"})[0] == 403
    assert fetch(site.url + "/", Host="evil.example")[0] == 403


def test_a_person_signs_in_with_the_token_off_loopback(browser, start, database):
    token = "correct-horse-battery"
    gateway = start(database_url=database.url, admin_listen="0.0.0.0:0", admin_token=token, ready=False)
    url = f"http://127.0.0.1:{gateway.port_of('admin')}"
    status, fields, body = fetch(url + "/")
    assert status == 401 and fields["www-authenticate"].startswith("Bearer") and "Admin token" in body
    assert fetch(url + "/", Authorization=f"Bearer {token}")[0] == 200
    browser.shape(1280)
    browser.open(url + "/")
    browser.run("document.getElementById('token').focus()")
    browser.type("wrong")
    browser.press("Enter")
    browser.wait("document.body.innerText.includes('not the admin token')")
    browser.run("document.getElementById('token').focus()")
    browser.type(token)
    browser.press("Enter")
    browser.wait("location.pathname === '/' && document.getElementById('now') !== null")
    assert browser.run("document.cookie") == "" and token not in browser.run("location.href")
    cookie = browser.call("Network.getCookies", urls=[url])["cookies"][0]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["name"] == "poolgate"
    browser.run("document.querySelector('.bar button').click()")
    browser.wait("location.pathname === '/sign-in'")
    session = f"poolgate={cookie['value']}"
    assert fetch(url + "/", Cookie=session)[0] == 401, "the session has ended"
    # Where something before the port ends TLS, the cookie is for TLS alone.
    host = url.removeprefix("http://")
    status, fields, _ = fetch(url + "/sign-in", "POST", {"token": token}, Origin=f"https://{host}")
    assert status == 303 and fields["set-cookie"].startswith("__Host-poolgate=") and "; Secure" in fields["set-cookie"]
    assert fetch(url + "/sign-in", "POST", {"token": token}, Origin="http://evil.example")[0] == 403
    assert token not in gateway.log()


def test_whoever_guesses_the_token_is_held_up_and_told_in_the_log_while_probes_and_sessions_go_on(start, database):
    token = "correct-horse-battery"
    gateway = start(database_url=database.url, admin_listen="0.0.0.0:0", admin_token=token, ready=False)
    url = f"http://127.0.0.1:{gateway.port_of('admin')}"
    same = {"Origin": url}
    session = fetch(url + "/sign-in", "POST", {"token": token}, **same)[1]["set-cookie"].partition(";")[0]

    def guess(number):
        if number % 2:
            return fetch(url + "/status", Authorization=f"Bearer guess-{number}")
        return fetch(url + "/sign-in", "POST", {"token": f"guess-{number}"}, **same)

    def after_guesses(ask):
        """What is answered to the right token behind a guess that was not looked at any more. On a machine that is busy for
        seconds, the next one may be looked at again."""
        for _ in range(5):
            statuses = []
            while 429 not in statuses:
                statuses.append(guess(len(statuses))[0])
                assert len(statuses) < 100 and set(statuses) <= {401, 403, 429}, statuses
            answer = ask()
            if answer[0] == 429:
                return answer
        return answer
    status, fields, body = after_guesses(lambda: fetch(url + "/sign-in", "POST", {"token": token}, **same))
    assert status == 429 and 1 <= int(fields["retry-after"]) <= 7 and "Too many wrong tokens" in body
    status, fields, body = after_guesses(lambda: fetch(url + "/status", Authorization=f"Bearer {token}"))
    assert status == 429 and "too_many_tokens" in body and int(fields["retry-after"]) >= 1
    assert fetch(url + "/live")[0] == 200 and fetch(url + "/status", Cookie=session)[0] == 200
    assert fetch(url + "/status")[0] == 401
    lines = gateway.events("admin_token_wrong")
    assert len(lines) >= 10 and {line["given_in"] for line in lines} == {"form", "header"} and lines[0]["client"] == "127.0.0.1"
    assert "guess" not in gateway.log() and token not in gateway.log()
    wait_until(lambda: fetch(url + "/status", Authorization=f"Bearer {token}")[0] == 200, what="the end of the pause")


def test_without_its_database_the_page_says_so_and_shows_the_rest(start, database):
    database.add("a.example", "eu-west-1_PageDown")
    gateway = start(database_url=database.url)
    gateway.wait_status(401, "a.example")
    url = f"http://127.0.0.1:{gateway.admin_port}"
    database.server.sql(f"""
        ALTER DATABASE {database.name} WITH ALLOW_CONNECTIONS false;
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'""", "postgres")
    wait_until(lambda: "Not known: " in fetch(url + "/")[2], what="the sentence")
    body = fetch(url + "/tenants/a.example")[2]
    assert "Not known: " in body and "eu-west-1_PageDown" in body and "first seen" in body
