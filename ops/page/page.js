// Keeps the overview up to date and searches while somebody types. Every page works without this file.
// What comes from the server is put in as the server's own markup, in which every value is escaped, or as text.
"use strict";

const REFRESH_PAUSE = 2000;
const REFRESH_AGAIN = 30000;
const TYPING_PAUSE = 250;

const status = document.getElementById("live");
const isLive = document.body.hasAttribute("data-live");
let latest = 0;

function say(text) {
    if (status && status.textContent !== text) status.textContent = text;
}

// Replaces parts of the page by those of the same address as the server writes them now.
async function replace(address, ids) {
    const turn = ++latest;
    const response = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (response.status === 401) return location.reload();
    if (!response.ok || turn !== latest) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (turn !== latest) return;
    for (const id of ids) {
        const old = document.getElementById(id), next = fresh.getElementById(id);
        if (!old || !next || old.innerHTML === next.innerHTML) continue;
        const focused = old.contains(document.activeElement) ? place(old) : null;
        const open = [...old.querySelectorAll("details[open]")].map((one) => one.closest("tr")?.textContent);
        old.replaceWith(next);
        for (const one of next.querySelectorAll("details")) one.open = open.includes(one.closest("tr")?.textContent);
        if (focused) next.querySelectorAll("a, summary, button")[focused.index]?.focus({ preventScroll: true });
    }
}

function place(part) {
    return { index: [...part.querySelectorAll("a, summary, button")].indexOf(document.activeElement) };
}

function liveParts() {
    return ["now", "refusals", "latency", "recent", "tenants-list", "pools-list", "upstreams", "replicas"];
}

const typedForms = new WeakSet();

function searchAsTyped(form) {
    if (typedForms.has(form)) return;
    typedForms.add(form);
    const list = form.closest("section").id + "-list";
    const address = () => "/?" + new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    let timer;
    const search = () => {
        history.replaceState(null, "", address());
        replace(address(), [list]).catch(() => {});
    };
    form.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(search, TYPING_PAUSE);
    });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        clearTimeout(timer);
        search();
    });
}

// Pages and states of a list are fetched without leaving the place on the page.
function followInPlace(event) {
    const link = event.target.closest(".list a, .parts a");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    const address = new URL(link.href);
    if (address.origin !== location.origin || address.pathname !== "/") return;
    event.preventDefault();
    history.pushState(null, "", address.pathname + address.search);
    replace(address.pathname + address.search, ["tenants", "pools"]).then(() => {
        document.querySelectorAll("form.search").forEach(searchAsTyped);
        const shown = document.getElementById(address.hash.slice(1));
        if (shown && shown.getBoundingClientRect().top < 0) shown.scrollIntoView();
    }).catch(() => location.assign(address));
}

function live() {
    let due = false, timer = null;
    const refresh = () => {
        timer = null;
        due = false;
        if (document.hidden) { due = true; return; }
        replace(location.pathname + location.search, liveParts()).catch(() => say("This gateway does not respond."));
    };
    const soon = () => { if (!timer) timer = setTimeout(refresh, REFRESH_PAUSE); };
    document.addEventListener("visibilitychange", () => { if (!document.hidden && due) refresh(); });
    let events = listen(soon);
    setInterval(() => {
        // Where too many listen already, the stream was refused, and a browser does not ask again.
        if (events.readyState === EventSource.CLOSED) events = listen(soon);
        soon();
    }, REFRESH_AGAIN);
    window.addEventListener("pagehide", () => events.close());
    window.addEventListener("pageshow", (event) => { if (event.persisted) events = listen(soon); });
}

function listen(changed) {
    const events = new EventSource("/events");
    events.onopen = () => say("Live");
    events.onerror = () => say("Not live: trying again");
    events.addEventListener("state", changed);
    events.addEventListener("refusal", changed);
    return events;
}

document.querySelectorAll("form.search").forEach(searchAsTyped);
if (isLive) {
    document.addEventListener("click", followInPlace);
    window.addEventListener("popstate", () => location.reload());
    live();
}

// A token stays in no field: not when its page is left, nor when a browser shows it again.
for (const moment of ["pagehide", "pageshow"]) {
    window.addEventListener(moment, () => {
        for (const field of document.querySelectorAll("input[type=password]")) field.value = "";
    });
}
