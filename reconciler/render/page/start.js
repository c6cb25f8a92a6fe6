// Brings the page to life: controls follow the state, and the state follows controls and the address.

const FIELDS = ["person", "group", "target", "kind", "cause", "text", "who", "where"];

function show() {
  for (const key of FIELDS) if (byId(key).value !== state[key]) byId(key).value = state[key];
  for (const view of VIEWS) {
    byId(view).hidden = view !== state.view;
    const to = byId(`to-${view}`);
    to.setAttribute("href", addressWith({ view }));
    if (view === state.view) to.setAttribute("aria-current", "page");
    else to.removeAttribute("aria-current");
  }
  if (state.view === "why") showWhy();
  else showChanges();
}

function typedInto(event) {
  const key = event.target.name;
  if (!FIELDS.includes(key)) return;
  state[key] = event.target.value;
  if (key === "who") state.where = "";
  if (key === "where") state.who = "";
  state[state.view === "why" ? "part" : "page"] = "";
  show();
}

function skipTo(event) {
  event.preventDefault(); // the address keeps the filter
  byId("main").focus();
}

function followAddress() {
  readAddress();
  show();
  byId(state.view === "why" && !byId("answer").hidden ? "answer-title" : `${state.view}-title`).focus();
}

for (const id of ["filters", "choice"]) {
  byId(id).addEventListener("input", typedInto);
  byId(id).addEventListener("submit", (event) => event.preventDefault());
}
byId("clear").addEventListener("click", () => {
  for (const key of ["person", "group", "target", "kind", "cause", "text", "page"]) state[key] = "";
  show();
});
for (const id of ["paging-top", "paging-bottom"]) turnPages(byId(id), "page", show);
turnPages(byId("paging-why"), "part", show);
document.querySelector(".skip").addEventListener("click", skipTo);
window.addEventListener("hashchange", followAddress);
offerFilters();
readAddress();
show();
byId("app").hidden = false;
