// One person or one target group: every change with the whole way to it, in words and, for a person, as a picture.

const OFFERED = 50; // names
const DRAWN = 60; // changes
const labels = { who: distinct(plan.people.map(said)), where: distinct(plan.groups.map(groupLabel)) };

function groupLabel([target], group) {
  return `${said(plan.targets[target])}: ${groupName(group)}`;
}

/** Number those that are called what one before them is called: a label in the address is one person, one group. */
function distinct(called) {
  const taken = new Set();
  return called.map((label) => {
    let own = label;
    for (let other = 2; taken.has(own); other += 1) own = `${label} [${other}]`;
    taken.add(own);
    return own;
  });
}

function chosen(key) {
  const typed = state[key];
  if (!typed) return NONE;
  const exact = labels[key].indexOf(typed);
  if (exact !== NONE) return exact;
  const same = labels[key].filter((label) => label.toLowerCase() === typed.toLowerCase());
  return same.length === 1 ? labels[key].indexOf(same[0]) : NONE;
}

function offerNames(key, one, many) {
  const typed = state[key].toLowerCase();
  const found = labels[key].filter((label) => label.toLowerCase().includes(typed)).sort();
  const list = byId("matches");
  list.replaceChildren(...found.slice(0, OFFERED).map((label) => element("li", {}, link(label, { [key]: label }))));
  list.hidden = !found.length;
  const rest = found.length > OFFERED ? `; the first ${OFFERED} are listed, type more of the name` : "";
  byId("found").textContent = `${counted(found.length, `${one} fits`, `${many} fit`)}${rest}.`;
}

/** Return one change as the way to it, step by step. */
function wayItem(row) {
  const steps = stepsOf(row).map(([kind, text]) => {
    const words = kind === "group" ? "in " : kind === "rule" ? "rule " : "";
    return element("li", { class: kind }, words, kind === "rule" ? element("code", {}, ...breakable(text)) : text);
  });
  const end = element("li", { class: "outcome" }, outcomeOf(row));
  const details = [moreOf(row), holdOf(row), causeOf(row)].filter(Boolean).map((text) => element("p", {}, text));
  return element("li", {}, ...badges(row), element("ol", { class: "steps" }, ...steps, end), ...details);
}

function showWhy() {
  const who = chosen("who");
  const where = chosen("where");
  byId("matches").hidden = true;
  byId("found").textContent = "";
  if (state.who && who === NONE) offerNames("who", "person", "people");
  else if (state.where && where === NONE) offerNames("where", "target group", "target groups");
  else if (who === NONE && where === NONE) offerNames("who", "person", "people");
  const known = (who !== NONE || where !== NONE) && byId("matches").hidden && !byId("found").textContent;
  byId("answer").hidden = !known;
  if (known) showAnswer(who, where);
  writeAddress();
}

function showAnswer(who, where) {
  const wanted = [];
  if (who !== NONE) wanted.push((row) => rows.person[row] === who);
  if (where !== NONE) wanted.push((row) => rows.group[row] === where);
  const found = matching(wanted);
  const shown = pageOf(found, "part");
  const about = [who === NONE ? "" : labels.who[who], where === NONE ? "" : labels.where[where]].filter(Boolean);
  byId("answer-title").textContent = about.join(" in ");
  byId("found").textContent = `${counted(found.length, "change", "changes")} of ${about.join(" in ")}.`;
  byId("ways").replaceChildren(...shown.map(wayItem));
  byId("ways").setAttribute("start", String(((Number(state.part) || 1) - 1) * PAGE + 1));
  showPaging(byId("paging-why"), found.length, "part");
  showFigure(who, shown);
}

function showFigure(who, shown) {
  const drawn = shown.slice(0, DRAWN);
  byId("figure").hidden = who === NONE || !drawn.length;
  if (byId("figure").hidden) return;
  const rest = shown.length > drawn.length ? `, the first ${drawn.length} of this page` : "";
  byId("figure-title").textContent =
    `The ways from ${labels.who[who]} through directory groups and rules to target groups${rest}. The list above says the same.`;
  byId("picture").replaceChildren(picture(drawn, labels.who[who]));
}
