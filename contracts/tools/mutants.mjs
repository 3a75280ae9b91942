// What can be changed in a source, one place at a time. The names of mutants stay the same while other lines move.
import { createHash } from "node:crypto";

const swap = (a, b) => [[a, b], [b, a]];
// [name, pattern, replacement]; the pattern is looked for in code without comments and strings.
const REPLACEMENTS = [
  ...swap(" < ", " <= ").concat(swap(" > ", " >= "), swap(" == ", " != ")).map((pair) => ["comparison", ...pair]),
  ...swap("lt(", "gt(").map((pair) => ["comparison", ...pair]),
  ...swap(" && ", " || ").concat(swap("or(", "and(")).map((pair) => ["logic", ...pair]),
  ["logic", "xor(", "or("],
  ...swap(" + ", " - ").concat(swap(" += ", " -= "), swap("add(", "sub("), swap("shl(", "shr(")).map((pair) => ["arithmetic", ...pair]),
  ["arithmetic", " * ", " + "],
  ["arithmetic", " / ", " * "],
  ["arithmetic", "mul(", "add("],
  ["arithmetic", "mod(", "div("],
  ["arithmetic", " << ", " >> "],
  ["arithmetic", " >> ", " << "],
  ["guard", " onlyOwner ", " "],
  ["guard", " onlyOwnerOrBillingAdmin ", " "],
  ["guard", "        checkAccess\n", ""],
  ["guard", " checkAccess ", " "],
  ["guard", "        forReaders\n", ""],
  ["guard", " forReaders ", " "],
];
const CHECK = /^ +if \([^{};]*\) revert [^;]*;/gm;

function* changesOf(text) {
  const blank = (match) => match.replace(/[^\n]/g, "\u0001");
  const code = text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\.)*"|^(pragma|import)[\s\S]*?;/gm, blank);
  const at = (index, length, into, operator) => ({ operator, index, from: text.slice(index, index + length), into });
  const checks = [...code.matchAll(CHECK)].map(({ index, 0: { length } }) => [index, index + length]);
  const inCheck = (index) => checks.some(([begin, end]) => begin <= index && index < end);
  for (const [operator, from, into] of REPLACEMENTS) {
    // Whoever notices that a check is gone notices that it is turned round.
    const turned = from === " == " || from === " != ";
    for (let index = code.indexOf(from); index >= 0; index = code.indexOf(from, index + 1)) {
      // `or(` is also the end of `xor(`.
      if (/^\w/.test(from) && /\w/.test(code[index - 1])) continue;
      if (!(turned && inCheck(index))) yield at(index, from.length, into, operator);
    }
  }
  const drop = function* (pattern, operator) {
    for (const match of code.matchAll(pattern)) {
      const start = match.index + match[0].length - match[0].trimStart().length;
      yield at(start, match.index + match[0].length - start, "", operator);
    }
  };
  yield* drop(CHECK, "check dropped");
  yield* drop(/^ +(emit [^;]*|_require\w*\([^;]*\));/gm, "statement dropped");
  yield* drop(/^ +(sstore|mstore|log[0-4]|calldatacopy)\(.*\)$/gm, "statement dropped");
  yield* drop(/^ +[\w.[\]()]+ (=|\+=|-=|\|=|:=) [^;\n]*;?$/gm, "statement dropped");
  yield* drop(/^ +(_settle|_unseat|_seat|_transfer|_fillTable|_setAddress|setWord|ConfigData\.setWord)\([^;]*\);/gm, "statement dropped");
  yield* drop(/ (continue|break);/gm, "statement dropped");
}

/** The mutants of one source: id, path, line, shown (the line), operator, from, into, text (the mutated source). */
export function mutantsOf(path, text) {
  const seen = new Map();
  const all = [...changesOf(text)].map((change) => {
    const line = text.slice(0, change.index).split("\n").length;
    const shown = text.split("\n")[line - 1].trim();
    const what = [path, change.operator, shown, change.from, change.into].join("\0");
    const count = (seen.get(what) ?? 0) + 1;
    seen.set(what, count);
    const id = createHash("sha256").update(`${what}\0${count}`).digest("hex").slice(0, 12);
    const mutated = text.slice(0, change.index) + change.into + text.slice(change.index + change.from.length);
    return { ...change, id, path, line, shown, text: mutated };
  });
  // Every line that can be changed is, and once in each way.
  const ways = new Set();
  return all.filter(({ line, operator }) => {
    const way = `${line} ${operator}`;
    return !ways.has(way) && ways.add(way);
  });
}
