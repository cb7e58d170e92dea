// What can be seen of a page as it stands on the screen, each as a list of sentences. An expression: its value is the looks.
(() => {
  const named = (e) => `<${e.tagName.toLowerCase()} class="${e.getAttribute("class") ?? ""}"> ` +
    (e.textContent || e.getAttribute("name") || "").trim().slice(0, 60);

  // What an ancestor cuts off or scrolls is no harm to the page.
  const isCut = (e) => {
    for (let up = e.parentElement; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") return true;
    }
    return false;
  };

  function overflowing() {
    const { clientWidth, scrollWidth } = document.documentElement;
    const outside = [...document.body.querySelectorAll("*")].filter((e) => {
      const box = e.getBoundingClientRect();
      const isOut = box.width && box.height && (box.right > clientWidth + 1 || box.left < -1);
      return isOut && !e.closest(".skip, .unseen, svg") && !isCut(e);
    });
    const sideways = scrollWidth > clientWidth ? [`the page is ${scrollWidth} px wide`] : [];
    return [...sideways, ...outside.slice(0, 5).map((e) => `outside: ${named(e)}`)];
  }

  function smallTargets() {
    // A box to tick is as large as the label around it, which takes the finger too.
    const height = (e) => ((e.type === "checkbox" && e.closest("label")) || e).getBoundingClientRect().height;
    return [...document.querySelectorAll("button, select, input:not([type=hidden]), nav a")]
      .filter((e) => e.offsetParent && height(e) < 43.5)
      .map((e) => `${Math.round(height(e))} px high: ${named(e)}`);
  }

  function focused() {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    return {
      name: named(e),
      ring: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none",
      shown: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0
        && box.left < innerWidth,
      id: e.id,
    };
  }

  return { overflowing, smallTargets, focused };
})()
