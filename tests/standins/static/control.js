"use strict";
// The dial acts at once; what the vendors received is asked for every two seconds while the page is seen.

const said = document.getElementById("said");
let silence = 0;

function say(text) {
  said.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { said.textContent = ""; }, 5000);
}

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

function element(name, text = "", ...children) {
  const made = document.createElement(name);
  made.textContent = text;
  made.append(...children);
  return made;
}

function show(section, fault) {
  const dial = section.querySelector("[data-dial]");
  const works = fault === "ok";
  if (document.activeElement !== dial || dial.dataset.sent === fault) dial.value = fault;
  section.dataset.works = works ? "yes" : "no";
  section.querySelector("[data-badge]").textContent = works ? "works" : "fails";
}

function item({ what, detail }) {
  const code = element("code", what);
  if (!detail) return element("li", "", code);
  return element("li", "", element("details", "", element("summary", "", code), element("pre", detail)));
}

function list(section, told) {
  const place = section.querySelector("[data-received]");
  const seen = JSON.stringify([told.messages, told.calls]);
  // What somebody has opened or focused stays as it is until something new arrives.
  if (place.dataset.seen === seen) return;
  place.dataset.seen = seen;
  const parts = [];
  for (const [name, head] of [["messages", "Messages it took"], ["calls", "Calls it received"]]) {
    if (told[name].length) parts.push(element("h3", head), element("ul", "", ...told[name].map(item)));
  }
  if (!parts.length) {
    parts.push(element("p", "It has received nothing yet."));
    parts[0].className = "quiet";
  }
  place.replaceChildren(...parts);
}

let turns = 0;

async function refresh() {
  if (document.hidden) return;
  const before = turns;
  try {
    const told = await (await fetch("/state")).json();
    if (before !== turns) return; // a dial was turned meanwhile: this answer is older
    for (const section of document.querySelectorAll("[data-vendor]")) {
      const mine = told[section.dataset.vendor];
      if (mine) { show(section, mine.fault); list(section, mine); }
    }
  } catch {
    say("The demo has ended. Start it again with make demo.");
  }
}

async function act(section, path, body) {
  turns += 1;
  try {
    const told = await post(path, { vendor: section.dataset.vendor, ...body });
    section.querySelector("[data-dial]").dataset.sent = told.fault;
    show(section, told.fault);
    say(told.said);
  } catch (error) {
    say(error instanceof TypeError ? "The demo has ended. Start it again with make demo." : error.message);
  }
  turns += 1;
  await refresh();
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-dial]")) return;
  act(event.target.closest("[data-vendor]"), "/dial", { fault: event.target.value });
});

document.addEventListener("click", async (event) => {
  const reset = event.target.closest("[data-reset]");
  if (reset) act(reset.closest("[data-vendor]"), "/reset", {});
  const done = event.target.closest("[data-act]");
  if (done) act(done.closest("[data-vendor]"), "/act", { act: done.dataset.act });
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  try {
    await navigator.clipboard.writeText(copy.dataset.copy);
    copy.dataset.copied = "";
    setTimeout(() => { delete copy.dataset.copied; }, 2000);
    say("Copied.");
  } catch {
    getSelection().selectAllChildren(copy.previousElementSibling);
    say("The browser did not allow copying. The text is selected: copy it by hand.");
  }
});

refresh();
setInterval(refresh, 2000);
