"use strict";
// What the plan holds, and how elements are made of it. Text only ever becomes a text node or an attribute's value.

const plan = JSON.parse(document.getElementById("data").textContent);
const rows = plan.rows;
const total = rows.kind.length;
const NONE = -1;
const MARKS = ["", "privileged grant", "privileged removal"];
const SIGNS = { "+": "add", "~": "change", "-": "remove" };
const NOUNS = new Map([["user", "account"], ["group", "group"], ["membership", "role"], ["setting", "setting"]]);
const PAGE = 200; // rows

const byId = (id) => document.getElementById(id);
const said = (index) => (index === NONE ? "" : plan.strings[index]);
const number = (count) => count.toLocaleString("en-US");
const counted = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;

/** Make an element; children are elements or texts. */
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const kindOf = (row) => plan.kinds[rows.kind[row]][0];
const signOf = (row) => plan.kinds[rows.kind[row]][2];
const isHeld = (row) => rows.hold[row] !== NONE;
const nameOf = (row) => said(rows.name[row]);
const targetOf = (row) => said(plan.targets[rows.target[row]]);
const whatOf = (row) => said(rows.what[row]);
const markOf = (row) => MARKS[rows.mark[row]];
const reasonOf = (row) => plan.reasons[rows.reason[row]];
const sayingOf = (row) => said(reasonOf(row)[0]);
const placeOf = (row) => said(reasonOf(row)[1]);
const holdOf = (row) => said(rows.hold[row]);
const personOf = (row) => (rows.person[row] === NONE ? "" : said(plan.people[rows.person[row]]));
const groupName = (group) => said(plan.groups[group][1]);
const groupOf = (row) => (rows.group[row] === NONE ? "" : groupName(rows.group[row]));
const causeOf = (row) => (rows.cause[row] === NONE || !plan.causes.length ? "" : plan.causes[rows.cause[row]][1]);

/** Return the directory groups from the person's own one up to the rule's; empty where no membership is the reason. */
const wayOf = (row) => reasonOf(row)[2].map(said).reverse();
const moreOf = (row) => said(reasonOf(row)[3]);

/** Return a path that may be broken behind its slashes, and reads the same. */
function breakable(path) {
  return path.split(/(?<=\/)/).flatMap((part, index) => (index ? [element("wbr"), part] : [part]));
}

/** Say in a word what happens: a change that is held back would happen. */
function verbOf(row) {
  const word = SIGNS[signOf(row)];
  return isHeld(row) ? `held back: would ${word}` : word;
}

/** Say what kind of thing it is about, with a colon; nothing for a kind that has no word. */
function nounOf(row) {
  const noun = NOUNS.get(kindOf(row).split(".")[0]);
  return noun ? `${noun}: ` : "";
}

/** Say what it is about, and what becomes of that. */
function detailOf(row) {
  return nounOf(row) + whatOf(row);
}

const wouldBe = (mark) => `would be a ${mark}`;

/** Say all of it: what happens, to what, and where. */
function outcomeOf(row) {
  const group = groupOf(row);
  return `${verbOf(row)} ${detailOf(row)}, in ${group ? `${group} (${targetOf(row)})` : targetOf(row)}`;
}

/** Return the steps from the person to the rule, each as its kind and its text. */
function stepsOf(row) {
  const way = wayOf(row);
  const middle = way.length ? way.map((name) => ["group", name]) : [["saying", sayingOf(row)]];
  const rule = placeOf(row) || "no rule";
  return [["person", personOf(row) || nameOf(row)], ...middle, ["rule", rule]];
}

/** Return what a row is marked with: words, each in a shape of its own. */
function badges(row) {
  const found = [element("span", { class: `badge ${isHeld(row) ? "held" : SIGNS[signOf(row)]}` }, verbOf(row))];
  const mark = markOf(row);
  if (mark && isHeld(row)) found.push(" ", element("span", { class: "badge held" }, wouldBe(mark)));
  else if (mark) found.push(" ", element("span", { class: "badge privileged" }, mark));
  return found;
}
