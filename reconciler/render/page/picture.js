// Draws ways as a tree from left to right: a person, directory groups, rules, target groups.

const SVG = "http://www.w3.org/2000/svg";
const BOX = { width: 176, height: 44, across: 208, down: 58, top: 34, letters: 23 };
const ENDS = { "-": "takes", "+": "gives", "~": "changes" };

function drawn(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Put ways that begin alike together: a node per step, with what follows from it. */
function treeOf(found, person) {
  const root = { kind: "person", lines: [person], next: new Map(), column: 0 };
  const deepest = Math.max(...found.map((row) => stepsOf(row).length - 2));
  for (const row of found) {
    let here = root;
    stepsOf(row).slice(1).forEach(([kind, text], index) => {
      const key = `${kind} ${text}`;
      const column = kind === "rule" ? deepest + 1 : index + 1;
      const gone = kind === "saying" && signOf(row) === "-";
      if (!here.next.has(key)) here.next.set(key, { kind, lines: [text], next: new Map(), column, gone });
      here = here.next.get(key);
    });
    const place = groupOf(row) || `the account in ${targetOf(row)}`;
    const what = [verbOf(row), whatOf(row), markOf(row)].filter(Boolean).join(", ");
    const end = { kind: "target", lines: [place, what], next: new Map(), column: deepest + 2, gone: signOf(row) === "-" };
    here.next.set(`change ${row}`, { ...end, ends: isHeld(row) ? "held" : ENDS[signOf(row)] });
  }
  return { root, columns: deepest + 3, deepest };
}

/** Give every node its height: what ends a way takes the next line, the others stand in the middle of what follows. */
function placed(node, line) {
  if (!node.next.size) {
    node.y = BOX.top + line * BOX.down;
    return line + 1;
  }
  const after = [...node.next.values()];
  const next = after.reduce((at, child) => placed(child, at), line);
  node.y = (after[0].y + after[after.length - 1].y) / 2;
  return next;
}

/** Break a text into at most so many lines that fit a box; the whole text is the box's title. */
function broken(text, most) {
  const letters = [...text];
  const lines = [];
  while (letters.length && lines.length < most) lines.push(letters.splice(0, BOX.letters).join(""));
  if (letters.length) lines[most - 1] = `${lines[most - 1].slice(0, -1)}\u2026`;
  return lines;
}

function box(node) {
  const x = node.column * BOX.across;
  const lines = node.lines.length > 1 ? node.lines.flatMap((line) => broken(line, 1)) : broken(node.lines[0], 2);
  const round = node.kind === "person" ? 22 : node.kind === "rule" ? 0 : 6;
  const shape = { x: x + 1, y: node.y + 1, width: BOX.width - 2, height: BOX.height - 2, rx: round, class: "shape" };
  const made = drawn("g", { class: `node ${node.kind} ${node.ends || ""}` }, drawn("title", {}, node.lines.join(": ")), drawn("rect", shape));
  if (node.kind === "target") {
    made.append(drawn("rect", { ...shape, x: x + 4, y: node.y + 4, width: BOX.width - 8, height: BOX.height - 8, rx: 3 }));
  }
  lines.forEach((line, index) => {
    const y = node.y + BOX.height / 2 + 4 + (index - (lines.length - 1) / 2) * 15;
    made.append(drawn("text", { x: x + 10, y }, line));
  });
  return made;
}

function edge(from, to) {
  const start = [from.column * BOX.across + BOX.width, from.y + BOX.height / 2];
  const end = [to.column * BOX.across, to.y + BOX.height / 2];
  const middle = end[0] - (BOX.across - BOX.width) / 2;
  const way = `M${start} H${middle - 16} C${middle},${start[1]} ${middle},${end[1]} ${end}`;
  return drawn("path", { d: way, class: to.gone ? "edge gone" : "edge" });
}

/** Return a picture of the ways of these changes, all of one person. */
function picture(found, person) {
  const { root, columns, deepest } = treeOf(found, person);
  const height = BOX.top + placed(root, 0) * BOX.down;
  const width = (columns - 1) * BOX.across + BOX.width;
  const label = `Picture of ${counted(found.length, "way", "ways")} from ${person} to target groups; the list above says the same.`;
  const size = { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label };
  const made = drawn("svg", { ...size, class: "picture", focusable: "false" });
  const heads = [[0, "Person"], [1, "Directory groups"], [deepest + 1, "Rule"], [deepest + 2, "Target group"]];
  for (const [column, words] of heads) made.append(drawn("text", { x: column * BOX.across + 2, y: 18, class: "head" }, words));
  const waiting = [root];
  const nodes = [];
  while (waiting.length) {
    const node = waiting.pop();
    nodes.push(node);
    for (const child of node.next.values()) {
      made.append(edge(node, child));
      waiting.push(child);
    }
  }
  made.append(...nodes.map(box));
  return made;
}
