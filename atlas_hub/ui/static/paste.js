// What is pasted, dropped or generated into a secret field: cleaned at once, and told what it looks like. The server
// cleans again.
if (typeof window !== "undefined" && !window.atlasHubPaste) {
  window.atlasHubPaste = true;
  const SECRET = ".atlas-hub [data-secret]";
  const LARGEST = 65536;
  const QUOTE = "[\"'`\\u00b4\\u201c\\u201d\\u201e\\u2018\\u2019\\u201a\\u00ab\\u00bb]+";
  const STUCK = [/[\u200b-\u200f\u2060-\u2064\ufeff]/g, new RegExp(`^${QUOTE}|${QUOTE}$`, "g"), /^(authorization\s*:\s*)?bearer\s+/i];
  const cleaned = (text) => {
    let before;
    do {
      before = text;
      text = STUCK.reduce((rest, stuck) => rest.trim().replace(stuck, ""), text).trim();
    } while (text !== before);
    return text;
  };
  // A JSON file that was copied as a string of JSON comes with its quotes and line ends escaped.
  const unescaped = (text) => {
    const bare = text.trim();
    try {
      const inner = JSON.parse(bare);
      if (typeof inner === "string") return inner.trim();
    } catch {
      return bare;
    }
    return bare;
  };
  const place = (field) => field.closest(".ah-field")?.querySelector("[data-ah-note]");
  const note = (field, text) => { const here = place(field); if (here && here.textContent !== text) here.textContent = text; };
  const judge = (field) => {
    const told = JSON.parse(field.dataset.ahLookalikes || "{}");
    const start = Object.keys(told).find((each) => field.value.trim().startsWith(each));
    note(field, start ? told[start] : "");
  };
  const fill = (field, text, said) => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    if (!place(field)?.textContent) note(field, said);
  };

  document.addEventListener("input", (event) => { if (event.target.matches?.(SECRET)) judge(event.target); });
  document.addEventListener("paste", (event) => {
    const field = event.target;
    if (!field.matches?.(SECRET)) return;
    const text = event.clipboardData?.getData("text") || "";
    const whole = field.selectionStart === 0 && field.selectionEnd === field.value.length;
    const kept = field.tagName === "TEXTAREA" ? unescaped(text) : cleaned(text);
    if (!whole || kept === text) return;
    event.preventDefault();
    fill(field, kept, "What stuck to it was taken off.");
  });

  // A secret made up here, where it is shown for copying; it goes nowhere before Connect, and never comes back.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".atlas-hub [data-ah-generate]");
    const field = button && document.getElementById(button.dataset.ahGenerate);
    if (!field) return;
    const bytes = crypto.getRandomValues(new Uint8Array(24));
    const text = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
    field.type = "text";
    fill(field, text, "Made in this browser. Copy it now: it is not shown again.");
    const copies = document.querySelector(`[data-ah-copy-of="${field.id}"]`);
    if (copies) { copies.hidden = false; copies.focus(); }
  });

  // A key file is read here, in the browser, and goes nowhere before Connect.
  const take = async (field, file) => {
    if (!field || !file) return;
    if (file.size > LARGEST) { note(field, `${file.name} is larger than 64 KB, so it is no key file.`); return; }
    fill(field, unescaped(await file.text()), `Read from ${file.name} in this browser.`);
    field.focus();
  };
  document.addEventListener("change", (event) => {
    const id = event.target.dataset?.ahFile;
    if (!id) return;
    take(document.getElementById(id), event.target.files[0]);
    event.target.value = "";
  });
  const zoneOf = (event) => event.target.closest?.(".atlas-hub .ah-drop");
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      const zone = zoneOf(event);
      if (zone) { event.preventDefault(); zone.dataset.over = ""; }
    });
  }
  document.addEventListener("dragleave", (event) => {
    const zone = zoneOf(event);
    if (zone && !zone.contains(event.relatedTarget)) delete zone.dataset.over;
  });
  document.addEventListener("drop", (event) => {
    const zone = zoneOf(event);
    if (!zone) return;
    event.preventDefault();
    delete zone.dataset.over;
    take(zone.querySelector("textarea"), event.dataTransfer.files[0]);
  });
}
