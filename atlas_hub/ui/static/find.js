// Search and filter: applied here and kept in the address, whatever the drawer does to it.
if (typeof window !== "undefined" && !window.atlasHubFind) {
  const one = (what) => document.querySelector(what);
  const all = (what) => document.querySelectorAll(what);
  const wanted = { q: "", show: "" };
  // Until the address was read, nothing is written to it: the drawer may be there before the search is.
  let known = false;
  const HERE = ["connected", "environment"];
  const SHOWN = {
    needs: (card) => one(`[data-needs][data-of="${card.dataset.card}"]`),
    connected: (card) => HERE.includes(card.dataset.mode) || card.dataset.beside === "connected",
    available: (card) => ![...HERE, "no_default"].includes(card.dataset.mode) && card.dataset.beside !== "connected",
  };
  const hide = (element, hidden) => { if (element && element.hidden !== hidden) element.hidden = hidden; };

  const sift = () => {
    const words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (card) => {
      const told = card.querySelectorAll("h3, .ah-card-head .ah-badge, .ah-line, .ah-sentence");
      const text = [...told].map((each) => each.textContent).join(" ").toLowerCase();
      return words.every((word) => text.includes(word)) && (!SHOWN[wanted.show] || SHOWN[wanted.show](card));
    };
    let left = 0;
    all("[data-ah-group]").forEach((group) => {
      let here = 0;
      group.querySelectorAll("[data-card]").forEach((card) => {
        const fit = fits(card);
        hide(card, !fit);
        if (fit) here += 1;
      });
      hide(group, !here);
      left += here;
    });
    hide(one("[data-ah-nothing]"), left > 0);
    return left;
  };
  const write = () => {
    if (!known || !one("[data-ah-search]")) return;
    const address = new URL(location.href);
    for (const name of ["q", "show"]) {
      if (wanted[name]) address.searchParams.set(name, wanted[name]); else address.searchParams.delete(name);
    }
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  };
  const read = () => {
    const search = one("[data-ah-search]");
    if (!search) return;
    const told = new URLSearchParams(location.search);
    wanted.q = told.get("q") || "";
    wanted.show = SHOWN[told.get("show")] ? told.get("show") : "";
    search.value = wanted.q;
    one("[data-ah-filter]").value = wanted.show;
    sift();
  };
  // The router may put the page there anew, with an address that has lost the search: what is looked for stays.
  const begin = () => {
    const search = one("[data-ah-search]");
    if (!search) return;
    if (!known) { known = true; read(); return; }
    search.value = wanted.q;
    one("[data-ah-filter]").value = wanted.show;
    sift();
    write();
  };
  let soon;
  const typed = () => {
    wanted.q = one("[data-ah-search]").value.trim();
    wanted.show = one("[data-ah-filter]").value;
    const left = sift();
    write();
    clearTimeout(soon);
    soon = setTimeout(() => window.atlasHub.announce(`${left} shown`), 600);
  };
  const clear = () => {
    one("[data-ah-search]").value = "";
    one("[data-ah-filter]").value = "";
    typed();
    one("[data-ah-search]").focus();
  };
  document.addEventListener("input", (event) => {
    if (event.target.matches?.("[data-ah-search], [data-ah-filter]")) typed();
  });
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-ah-clear]")) clear(); });
  document.addEventListener("keydown", (event) => {
    const search = one("[data-ah-search]");
    if (!search) return;
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const free = !event.target.matches?.("input, textarea, select, [contenteditable]") && !one("dialog[open]");
    if (event.key === "/" && plain && free) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search && search.value) {
      event.preventDefault();
      clear();
    }
  });
  addEventListener("popstate", () => setTimeout(read));
  window.atlasHubFind = { begin, sift, write };
}
