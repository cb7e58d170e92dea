// <wk-lines>: the lines of a live session. New ones are appended; whoever reads at the end stays there, and whoever has
// scrolled up is left alone and told how many have come.
"use strict";

const NEAR_END = 24; // pixels: so near the end one is at the end
const MOST_KEPT = 3000; // lines; older ones are on the pages before

// The latch, apart from any page: what it is and what happened give what it is then.
function latch(state, event) {
  switch (event.kind) {
    case "lines": return state.following ? state : { following: false, fresh: state.fresh + event.count };
    case "scroll":
      if (event.atEnd) return { following: true, fresh: 0 };
      return event.up ? { following: false, fresh: state.fresh } : state;
    case "jump": return { following: true, fresh: 0 };
  }
  return state;
}

if (globalThis.customElements) {
  class WkLines extends HTMLElement {
    connectedCallback() {
      this.state = { following: true, fresh: 0 };
      this.list = this.querySelector("ol");
      this.button = document.querySelector("[data-jump]");
      this.text = this.button?.dataset.jump;
      this.button?.addEventListener("click", () => this.turn({ kind: "jump" }));
      this.addEventListener("scroll", () => this.scrolled(), { passive: true });
      this.turn({ kind: "jump" });
    }

    scrolled() {
      const top = this.scrollTop;
      const atEnd = this.scrollHeight - top - this.clientHeight < NEAR_END;
      this.turn({ kind: "scroll", atEnd, up: top < this.top });
      this.top = top;
    }

    take(fresh) {
      const lines = [...fresh.querySelectorAll("li")];
      this.dataset.tail = fresh.dataset.tail;
      if (!lines.length) return;
      this.list.append(...lines.map((line) => document.importNode(line, true)));
      this.turn({ kind: "lines", count: lines.length });
      if (this.state.following) {
        while (this.list.childElementCount > MOST_KEPT) this.list.firstElementChild.remove();
      }
    }

    turn(event) {
      this.state = latch(this.state, event);
      if (this.state.following && event.kind !== "scroll") {
        this.scrollTop = this.scrollHeight;
        this.top = this.scrollTop;
      }
      if (this.button) {
        this.button.hidden = this.state.following;
        this.button.textContent = this.text.replace("{n}", this.state.fresh);
      }
    }
  }
  customElements.define("wk-lines", WkLines);
}
