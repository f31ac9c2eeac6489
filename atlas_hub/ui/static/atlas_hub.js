if (typeof window !== "undefined" && !window.atlasHub) {
  const one = (root, what) => root.querySelector(what);
  const all = (what) => document.querySelectorAll(what);
  const announce = (text) => {
    const region = one(document, "[data-ah-announce]");
    if (region) { region.textContent = ""; setTimeout(() => { region.textContent = text; }, 50); }
  };
  window.atlasHub = { announce };

  // Times: React renders the element and its ISO moment, never its text.
  const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [2592000, "day", 86400],
    [31536000, "month", 2592000], [Infinity, "year", 31536000]];
  const over = new WeakSet();
  const language = () => document.documentElement.lang || "en";
  const tell = (element) => {
    const moment = new Date(element.getAttribute("datetime") || "");
    if (Number.isNaN(moment.getTime())) { element.textContent = ""; return; }
    const seconds = (moment.getTime() - Date.now()) / 1000;
    let text;
    if (element.dataset.ahTime === "date") {
      text = moment.toLocaleDateString(language(), { day: "numeric", month: "short" });
    } else if (element.dataset.ahTime === "clock") {
      text = moment.toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit" });
    } else if (element.dataset.ahTime === "left") {
      const minutes = Math.ceil(seconds / 60);
      text = seconds <= 0 ? "the time is over" : seconds < 60 ? "less than a minute left" : `${minutes} minutes left`;
      if (seconds <= 0 && !over.has(element)) { over.add(element); setTimeout(() => one(document, "[data-ah-reload]")?.click(), 1500); }
    } else if (Math.abs(seconds) < 10) {
      text = "just now";
    } else {
      const [, unit, size] = STEPS.find(([limit]) => Math.abs(seconds) < limit);
      text = new Intl.RelativeTimeFormat(language(), { style: "short" }).format(Math.round(seconds / size), unit);
    }
    if (element.textContent !== text) element.textContent = text;
    element.title = moment.toLocaleString(language(), { dateStyle: "long", timeStyle: "long" });
  };
  setInterval(() => all("time[data-ah-time]").forEach(tell), 15000);

  // The drawer follows its attribute; the browser keeps the focus inside and gives it back.
  let from;
  // What opened the drawer may be gone with the state that its card had: the card's present act takes the focus.
  const goBack = () => {
    if (document.activeElement !== document.body || !from) return;
    const act = ".ah-acts :is(a, button)";
    (one(document, `[data-part="${from.drawer}"] ${act}`) || one(document, `[data-card="${from.of}"] ${act}`))?.focus();
  };
  const follow = (dialog) => {
    const wanted = dialog.dataset.ahModal === "open";
    if (wanted && !dialog.open) {
      dialog.showModal();
      from = one(dialog, "[data-drawer]")?.dataset;
      dialog.scrollTop = 0;
      one(dialog, "h2")?.focus();
      window.atlasHubFind.write();
    } else if (!wanted && dialog.open) {
      dialog.close();
      window.atlasHubFind.write();
      goBack();
    }
  };
  const leave = (dialog) => one(dialog, "[data-ah-close]")?.click();
  document.addEventListener("cancel", (event) => {
    if (event.target.matches?.(".atlas-hub dialog")) { event.preventDefault(); leave(event.target); }
  }, true);
  document.addEventListener("close", (event) => {
    // A browser may close it against our word; the address must follow.
    if (event.target.matches?.("dialog[data-ah-modal=open]")) leave(event.target);
  }, true);

  const copy = async (button) => {
    const field = document.getElementById(button.dataset.ahCopyOf);
    const text = field ? field.value : button.dataset.ahCopy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const value = button.closest("td, .ah-copied, [data-invitation]")?.querySelector(".ah-value");
      if (field) field.select();
      else if (value) getSelection().selectAllChildren(value);
      else return;
      document.execCommand("copy");
    }
    button.dataset.copied = "";
    announce("Copied.");
    setTimeout(() => delete button.dataset.copied, 1500);
  };
  document.addEventListener("click", (event) => {
    if (event.target.matches?.(".ah-skip")) { event.preventDefault(); document.getElementById("content")?.focus(); return; }
    const target = event.target.closest?.(".atlas-hub [data-ah-opens], .atlas-hub [data-ah-close], .atlas-hub [data-ah-copy], .atlas-hub [data-ah-copy-of], .atlas-hub button[type=submit]");
    if (event.target.matches?.(".atlas-hub dialog[open]")) {
      const box = event.target.getBoundingClientRect();
      const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (!inside) leave(event.target);
    }
    if (!target) return;
    if (target.dataset.ahOpens) {
      const dialog = document.getElementById(target.dataset.ahOpens);
      dialog?.showModal();
      one(dialog, "[data-ah-focus]")?.focus();
    } else if (target.tagName === "BUTTON" && "ahClose" in target.dataset) {
      target.closest("dialog")?.close();
    } else if ("ahCopy" in target.dataset || "ahCopyOf" in target.dataset) {
      copy(target);
    } else if (target.form) {
      const field = target.form.elements.namedItem("_anyway");
      if (field) field.value = target.dataset.ahSets === "_anyway" ? "yes" : "";
    }
  }, true);
  document.addEventListener("submit", (event) => {
    if (event.target.matches?.("[data-ah-closes]")) event.target.closest("dialog")?.close();
    // Whoever comes next to this tab begins with a state of their own.
    if (event.target.matches?.("[data-ah-forgets]")) sessionStorage.removeItem("token");
  });

  // What was refused: only the secret at fault is emptied, and the first field at fault gets the focus.
  let faulty = false;
  const refused = () => {
    if (faulty) return;
    faulty = true;
    requestAnimationFrame(() => {
      faulty = false;
      const fields = [...all('.atlas-hub [aria-invalid="true"]')].filter((each) => each.offsetParent);
      fields.filter((each) => "secret" in each.dataset).forEach((each) => { each.value = ""; });
      fields[0]?.focus();
    });
  };

  // A card that changed says so: once to the ear, once to the eye.
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const before = new WeakMap();
  const changed = (card) => {
    window.atlasHubFind.sift();
    const now = [card.dataset.mode, card.dataset.word].join();
    const was = before.get(card);
    before.set(card, now);
    if (was === undefined || was === now || was.startsWith("loading")) return;
    announce(`${card.dataset.name}: ${card.dataset.word.toLowerCase()}`);
    if (!still.matches) {
      const accent = getComputedStyle(card).getPropertyValue("--ah-accent");
      card.animate([{ boxShadow: `0 0 0 2px ${accent}` }, { boxShadow: `0 0 0 2px ${accent}`, offset: 0.8 }, { boxShadow: "0 0 0 0 transparent" }], 1500);
    }
  };

  // What had the focus may be gone with its form: the sentence that says why takes it.
  const lost = () => requestAnimationFrame(() => {
    const dialog = one(document, "dialog[data-ah-modal=open][open]");
    if (!dialog || (document.activeElement !== document.body && document.activeElement !== dialog)) return;
    (one(dialog, "[data-ah-said]:not(:empty)") || one(dialog, "h2"))?.focus();
    dialog.scrollTop = 0;
  });
  // After a connect that went well nothing that was typed stays in the page.
  const connected = (said) => {
    const dialog = said.closest("dialog");
    dialog?.querySelectorAll("form.ah-form").forEach((form) => form.reset());
    dialog?.querySelectorAll("details.ah-disclosure[open]").forEach((each) => each.removeAttribute("open"));
    said.focus();
    if (dialog) dialog.scrollTop = 0;
  };

  const look = (node) => {
    if (node.nodeType !== 1) return;
    const found = (what) => [...(node.matches(what) ? [node] : []), ...node.querySelectorAll(what)];
    found("time[data-ah-time]").forEach(tell);
    found("dialog[data-ah-modal]").forEach(follow);
    found("[data-card]").forEach(changed);
    if (found('[aria-invalid="true"]').length) refused();
    found("[data-ah-tells]").forEach((each) => announce(each.dataset.ahTells));
    found("fieldset[data-ah-focus]").forEach((each) => each.focus());
    found('[data-ah-form]:not([data-ah-form=""])').forEach((each) => { each.scrollIntoView({ block: "start" }); each.focus({ preventScroll: true }); });
    window.atlasHubPicking.drawn(found("[data-channel-id], .ah-picks tr"));
    if (found("[data-ah-search]").length) window.atlasHubFind.begin();
    if (found("[data-needs]").length) window.atlasHubFind.sift();
  };
  new MutationObserver((records) => {
    for (const record of records) {
      const element = record.target;
      if (record.type === "childList") { record.addedNodes.forEach(look); if (record.removedNodes.length) lost(); continue; }
      if (!element.isConnected) continue;
      if (record.attributeName === "datetime") tell(element);
      else if (record.attributeName === "data-ah-modal") follow(element);
      else if (record.attributeName === "aria-invalid") { if (element.getAttribute("aria-invalid") === "true") refused(); }
      else if (record.attributeName === "data-ah-said") { if (element.dataset.ahSaid === "connect") connected(element); }
      else if (element.matches("[data-card]")) changed(element);
    }
  }).observe(document.documentElement, {
    subtree: true, childList: true, attributes: true,
    attributeFilter: ["datetime", "data-ah-modal", "aria-invalid", "data-ah-said", "data-mode", "data-word"],
  });
  look(document.documentElement);
}
