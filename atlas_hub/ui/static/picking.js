// What is ticked in a list of channels and not saved yet: kept with the form, whichever rows a search draws.
if (typeof window !== "undefined" && !window.atlasHubPicking) {
  const PICKS = "[data-ah-picks]";
  const store = (form) => form.elements.namedItem("changes");
  const read = (form) => ({ sync: {}, ...JSON.parse(store(form)?.value || "{}") });
  const tell = (form, kept) => {
    const count = Object.keys(kept.sync).length + ("destination" in kept ? 1 : 0);
    const note = form.querySelector("[data-ah-unsaved]");
    if (note) note.textContent = count ? `${count} ${count === 1 ? "change is" : "changes are"} not saved.` : "";
  };
  // A box of a public channel says nothing while all public ones are synced.
  const follow = (form) => {
    const every = form.querySelector("[data-ah-all]");
    if (every) form.querySelectorAll("[data-ah-pick]").forEach((box) => { box.disabled = every.checked; });
  };
  document.addEventListener("change", (event) => {
    const box = event.target;
    const form = box.closest?.(PICKS);
    if (!form) return;
    if ("ahAll" in box.dataset) { follow(form); return; }
    const kept = read(form);
    if ("ahPick" in box.dataset) {
      if (box.checked === box.defaultChecked) delete kept.sync[box.dataset.ahPick];
      else kept.sync[box.dataset.ahPick] = box.checked;
    } else if ("ahGoes" in box.dataset) {
      if (box.dataset.ahGoes === "yes") delete kept.destination;
      else kept.destination = box.value;
    } else return;
    store(form).value = JSON.stringify(kept);
    tell(form, kept);
  });
  // Enter looks for nothing more than what was typed: it saves nothing.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches?.("[data-ah-enters-not]")) event.preventDefault();
  });
  const drawn = (rows) => {
    for (const row of rows) {
      const form = row.closest(PICKS);
      if (!form || !store(form)) continue;
      const kept = read(form);
      const box = row.querySelector("[data-ah-pick]");
      const goes = row.querySelector("[data-ah-goes]");
      if (box && box.dataset.ahPick in kept.sync) box.checked = kept.sync[box.dataset.ahPick];
      if (goes && "destination" in kept) goes.checked = goes.value === kept.destination;
      if (box) box.disabled = Boolean(form.querySelector("[data-ah-all]")?.checked);
    }
  };
  window.atlasHubPicking = { drawn };
}
