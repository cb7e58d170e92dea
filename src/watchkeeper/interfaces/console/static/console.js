// <wk-live>: keeps the regions of a page fresh. The server says "changed" and never what; the regions are then fetched
// again from the page's own address. A region is left alone while its reader is busy in it.
"use strict";

const GATHER_MS = 400; // the first change is shown at once; those that follow so soon are one refresh
const SLOWEST_MS = 5000; // and where an answer takes long, the server gets three times as long a rest
const RETRY_MS = 30000; // how long a refused stream is left alone
const STALE_MS = 45000; // silence after which the data no longer counts as live

class WkLive extends HTMLElement {
  connectedCallback() {
    this.status = this.querySelector("[data-status]");
    this.word = this.querySelector("[data-word]");
    this.age = this.querySelector("[data-age]");
    this.announcer = this.querySelector("[data-announce]");
    this.seenAt = Date.now();
    this.rest = 0;
    this.etag = null;
    this.time = this.age.querySelector("time");
    this.asOf = this.time.textContent;
    this.onVisible = () => (document.hidden ? this.pause() : this.resume());
    this.onLeave = () => this.held && this.later(300);
    document.addEventListener("visibilitychange", this.onVisible);
    this.addEventListener("focusout", this.onLeave);
    document.addEventListener("selectionchange", this.onLeave);
    this.clock = setInterval(() => this.show(), 1000);
    if (!document.hidden) this.resume();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.onVisible);
    document.removeEventListener("selectionchange", this.onLeave);
    clearInterval(this.clock);
    this.pause();
  }

  resume() {
    this.open();
    clearInterval(this.poll);
    this.poll = setInterval(() => this.refresh(), Number(this.getAttribute("poll")) * 1000);
    if (Date.now() - this.seenAt > 2000) this.refresh();
  }

  pause() {
    clearInterval(this.poll);
    clearTimeout(this.reopening);
    clearTimeout(this.gathering);
    this.gathering = null;
    this.stream?.close();
    this.stream = null;
  }

  open() {
    this.stream?.close();
    const stream = new EventSource(this.getAttribute("events"));
    this.stream = stream;
    this.streaming = false;
    stream.onopen = () => { this.streaming = true; this.show(); };
    stream.addEventListener("changed", () => this.later());
    stream.onerror = () => {
      this.streaming = false;
      this.show();
      if (stream.readyState === EventSource.CLOSED && this.stream === stream) {
        this.reopening = setTimeout(() => this.open(), RETRY_MS);
      }
    };
  }

  later(least = 0) {
    const wait = Math.max(least, this.rest - Date.now());
    this.gathering ??= setTimeout(() => { this.gathering = null; this.refresh(); }, wait);
  }

  async refresh() {
    if (this.fetching) this.again = true; // what changes while an answer is on its way may not be in it
    if (this.fetching || document.hidden || this.signedOut) return;
    this.fetching = true;
    this.again = false;
    const asked = Date.now();
    const address = new URL(location.href);
    address.searchParams.set("fragment", "1");
    const tail = this.querySelector("[data-tail]");
    if (tail) address.searchParams.set("after", tail.dataset.tail);
    address.hash = "";
    const headers = this.etag ? { "If-None-Match": this.etag } : {};
    try {
      const answer = await fetch(address, { headers, cache: "no-store", signal: AbortSignal.timeout(20000) });
      if (answer.status === 401) { this.signedOut = true; this.pause(); }
      this.failed = !(answer.ok || answer.status === 304);
      if (answer.ok) this.take(new DOMParser().parseFromString(await answer.text(), "text/html"), answer);
      if (!this.failed) this.seenAt = Date.now();
    } catch {
      this.failed = true; // offline, or no answer in time: show() says so, with the age of what is on the page
    } finally {
      const now = Date.now();
      this.rest = now + Math.min(SLOWEST_MS, Math.max(GATHER_MS, 3 * (now - asked)));
      this.fetching = false;
      if (this.again) this.later();
      this.show();
    }
  }

  take(page, answer) {
    const old = document.title;
    if (page.title) document.title = page.title;
    const icon = document.querySelector("link[rel=icon]");
    const counted = page.querySelector("link[rel=icon]")?.getAttribute("href");
    if (counted && icon.getAttribute("href") !== counted) icon.setAttribute("href", counted);
    this.held = false;
    for (const fresh of page.querySelectorAll("[data-region]")) {
      const here = this.querySelector(`[data-region="${CSS.escape(fresh.dataset.region)}"]`);
      if (!here) continue;
      if (busy(here)) {
        here.dataset.held = this.getAttribute("text-held");
        this.held = true;
      } else {
        delete here.dataset.held;
        this.swap(here, fresh);
      }
    }
    const lines = page.querySelector("[data-tail]");
    if (lines) this.querySelector("[data-tail]")?.take?.(lines);
    // A held region has not been shown yet: without its ETag the next answer comes in full.
    this.etag = this.held ? null : answer.headers.get("ETag");
    const now = page.querySelector("time[data-now]");
    if (now) {
      this.asOf = now.textContent;
      this.time.dateTime = now.dateTime;
      this.time.title = now.title;
    }
    if (document.title !== old) this.announcer.textContent = document.title;
  }

  swap(here, fresh) {
    const rows = here.querySelector("[data-rows]");
    const count = rows && scrollY > 80 ? arrivals(rows, fresh) : 0;
    if (count) {
      patch(rows, fresh);
      this.offer(here, fresh, count);
      return;
    }
    for (const open of here.querySelectorAll("details[open][data-key]")) {
      fresh.querySelector(`details[data-key="${CSS.escape(open.dataset.key)}"]`)?.setAttribute("open", "");
    }
    if (here.isEqualNode(fresh)) return;
    here.className = fresh.className;
    here.replaceChildren(...document.importNode(fresh, true).childNodes);
  }

  // New rows would push away what is being read: they wait behind a button.
  offer(here, fresh, count) {
    const button = here.querySelector(".arrived") ?? document.createElement("button");
    button.type = "button";
    button.className = "arrived";
    button.textContent = this.getAttribute("text-new").replace("{n}", count);
    button.onclick = () => { scrollTo(0, 0); here.replaceChildren(...document.importNode(fresh, true).childNodes); };
    if (!button.isConnected) here.querySelector("[data-rows]").before(button);
  }

  show() {
    const age = Math.round((Date.now() - this.seenAt) / 1000);
    const lost = this.signedOut || this.failed || age * 1000 > STALE_MS;
    const state = lost ? "lost" : this.streaming ? "live" : "polling";
    this.status.className = `freshness is-${state}`;
    set(this.word, this.getAttribute(this.signedOut ? "text-out" : `text-${state}`));
    set(this.time, lost ? this.getAttribute("text-age").replace("{age}", age) : this.asOf);
  }
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function busy(region) {
  const focused = document.activeElement;
  if (focused && focused !== document.body && region.contains(focused)) return true;
  if (region.querySelector("form, input, select, textarea, dialog[open]")) return true;
  const selection = getSelection();
  return Boolean(selection && !selection.isCollapsed && selection.containsNode(region, true));
}

function keys(root) {
  return [...root.querySelectorAll("[data-key]")].filter((row) => row.tagName === "TR");
}

function arrivals(rows, fresh) {
  const known = new Set(keys(rows).map((row) => row.dataset.key));
  return keys(fresh).filter((row) => !known.has(row.dataset.key)).length;
}

function patch(rows, fresh) {
  const now = new Map(keys(fresh).map((row) => [row.dataset.key, row]));
  for (const row of keys(rows)) {
    const other = now.get(row.dataset.key);
    if (other && !row.isEqualNode(other)) row.replaceWith(document.importNode(other, true));
  }
}

customElements.define("wk-live", WkLive);
