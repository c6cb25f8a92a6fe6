// What is looked at (kept in the address, so that it can be linked), and the table of changes.

const VIEWS = ["changes", "why"];
const KEYS = ["view", "person", "group", "target", "kind", "cause", "text", "page", "who", "where", "part"];
const state = {};

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const key of KEYS) state[key] = given.get(key) || "";
  if (!VIEWS.includes(state.view)) state.view = VIEWS[0];
}

function addressWith(changed) {
  const wanted = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...state, ...changed })) if (value) wanted.set(key, value);
  return `#${wanted}`;
}

function writeAddress() {
  try {
    history.replaceState(null, "", addressWith({}));
  } catch {
    // inside of somebody else's frame a page may have no address of its own to change
  }
}

/** Return for every text of the plan whether it holds what was typed; each text is looked at once, however many rows have it. */
function holding(typed) {
  const wanted = typed.toLowerCase();
  return plan.strings.map((text) => text.toLowerCase().includes(wanted));
}

function textsOf(row) {
  const [saying, place] = reasonOf(row);
  const target = plan.targets[rows.target[row]];
  const person = rows.person[row] === NONE ? NONE : plan.people[rows.person[row]];
  const group = rows.group[row] === NONE ? NONE : plan.groups[rows.group[row]][1];
  return [rows.name[row], rows.what[row], rows.hold[row], person, group, target, saying, place];
}

/** Return the words of a row that are the page's own, as one text in small letters. */
function wordsOf(row) {
  const mark = markOf(row);
  return [verbOf(row), mark && isHeld(row) ? wouldBe(mark) : mark, nounOf(row), causeOf(row)].join("\n").toLowerCase();
}

/** Kinds that stand for several; a Map, since a kind in the address may have the name of anything that objects have. */
const KIND_SETS = new Map([
  ["grave", ["removals and privileged grants", (row) => !isHeld(row) && (signOf(row) === "-" || rows.mark[row] > 0)]],
  ["removals", ["all removals", (row) => !isHeld(row) && signOf(row) === "-"]],
  ["privileged", ["all privileged", (row) => !isHeld(row) && rows.mark[row] > 0]],
  ["held", ["held back", isHeld]],
]);

/** Return the tests that a row has to pass. */
function tests() {
  const found = [];
  if (state.person) {
    const hits = holding(state.person);
    found.push((row) => rows.person[row] !== NONE && (hits[rows.name[row]] || hits[plan.people[rows.person[row]]]));
  }
  if (state.group) {
    const hits = holding(state.group);
    found.push((row) => rows.group[row] !== NONE && hits[plan.groups[rows.group[row]][1]]);
  }
  if (state.target) found.push((row) => targetOf(row) === state.target);
  if (KIND_SETS.has(state.kind)) found.push(KIND_SETS.get(state.kind)[1]);
  else if (state.kind) found.push((row) => kindOf(row) === state.kind);
  if (state.cause) found.push((row) => rows.cause[row] !== NONE && plan.causes[rows.cause[row]]?.[0] === state.cause);
  for (const word of state.text.split(/\s+/).filter(Boolean)) {
    const hits = holding(word);
    const wanted = word.toLowerCase();
    found.push((row) => textsOf(row).some((text) => text !== NONE && hits[text]) || wordsOf(row).includes(wanted));
  }
  return found;
}

function matching(wanted) {
  const found = [];
  for (let row = 0; row < total; row += 1) if (wanted.every((test) => test(row))) found.push(row);
  return found;
}

/** Keep a page's number inside of what there is; return the rows of that page. */
function pageOf(found, key) {
  const last = Math.max(1, Math.ceil(found.length / PAGE));
  const page = Math.min(Math.max(1, Math.trunc(Number(state[key])) || 1), last);
  state[key] = page === 1 ? "" : String(page);
  return found.slice((page - 1) * PAGE, page * PAGE);
}

/** Show where we are among the pages; a button that leads nowhere says so and keeps the focus. */
function showPaging(container, count, key) {
  const page = Number(state[key]) || 1;
  const last = Math.max(1, Math.ceil(count / PAGE));
  container.hidden = last === 1;
  container.querySelector(".where").textContent = `page ${number(page)} of ${number(last)}`;
  container.querySelector(".earlier").setAttribute("aria-disabled", String(page === 1));
  container.querySelector(".later").setAttribute("aria-disabled", String(page === last));
}

function turnPages(container, key, show) {
  for (const [name, step] of [["earlier", -1], ["later", 1]]) {
    container.querySelector(`.${name}`).addEventListener("click", (event) => {
      if (event.currentTarget.getAttribute("aria-disabled") === "true") return;
      state[key] = String((Number(state[key]) || 1) + step);
      show();
    });
  }
}

function link(label, changed) {
  return element("a", { href: addressWith({ view: "why", who: "", where: "", part: "", ...changed }) }, ...breakable(label));
}

function tableRow(row) {
  const person = rows.person[row];
  const group = rows.group[row];
  const subject = person === NONE ? breakable(nameOf(row)) : [link(nameOf(row), { who: labels.who[person] })];
  const place = placeOf(row);
  const why = isHeld(row) ? [`${holdOf(row)}; `, sayingOf(row)] : [sayingOf(row)];
  if (place) why.push("; ", element("code", {}, ...breakable(place)));
  const cells = [
    element("td", {}, ...badges(row)),
    element("th", { scope: "row", class: "place" }, ...subject),
    element("td", { class: "place" }, group === NONE ? "" : link(groupName(group), { where: labels.where[group] })),
    element("td", {}, targetOf(row)),
    element("td", {}, detailOf(row)),
    element("td", {}, ...why),
  ];
  if (plan.causes.length) cells.push(element("td", {}, causeOf(row)));
  return element("tr", { class: isHeld(row) ? "held" : SIGNS[signOf(row)] }, ...cells);
}

function showChanges() {
  const found = matching(tests());
  const shown = pageOf(found, "page");
  const first = found.length ? ((Number(state.page) || 1) - 1) * PAGE + 1 : 0;
  const held = found.reduce((count, row) => count + (isHeld(row) ? 1 : 0), 0);
  const rest = held ? `, ${number(held)} of them held back` : "";
  const part = found.length > shown.length ? ` Rows ${number(first)} to ${number(first + shown.length - 1)} are shown.` : "";
  byId("count").textContent = `${number(found.length)} of ${counted(total, "change matches", "changes match")}${rest}.${part}`;
  byId("body").replaceChildren(...shown.map(tableRow));
  for (const id of ["paging-top", "paging-bottom"]) showPaging(byId(id), found.length, "page");
  writeAddress();
}

function offer(select, value, words, count) {
  select.append(element("option", { value }, `${words} (${number(count)})`));
}

/** Offer to filter by what this plan has, each with its count. */
function offerFilters() {
  const countOf = (test) => matching([test]).length;
  for (const target of plan.targets) {
    offer(byId("target"), said(target), said(target), countOf((row) => plan.targets[rows.target[row]] === target));
  }
  for (const [key, [words, test]] of KIND_SETS) {
    const count = countOf(test);
    if (count) offer(byId("kind"), key, words, count);
  }
  const ranked = [...plan.kinds].sort((a, b) => plan.order.indexOf(a[0]) - plan.order.indexOf(b[0]));
  for (const [kind, words] of ranked) offer(byId("kind"), kind, words, countOf((row) => kindOf(row) === kind));
  plan.causes.forEach(([key, words], index) => offer(byId("cause"), key, words, countOf((row) => rows.cause[row] === index)));
  for (const id of ["cause-field", "cause-head"]) byId(id).hidden = !plan.causes.length;
}
