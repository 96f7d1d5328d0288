import { Complaint } from '../complaint.ts';

/** A decoded string of a JSON array, with the offsets of its literal. */
export interface JsonWord {
  text: string;
  start: number;
  end: number;
}

export interface JsonArray {
  words: JsonWord[];
  /** Offset behind the closing bracket. */
  end: number;
}

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|([[\],])|[^\s"[\],]+)/y;

/**
 * The exec form: a JSON array of strings at the beginning of the text. Undefined when it is anything else, which the
 * instruction then reads as plain text. What follows the array is the caller's to judge.
 * @throws Complaint when it is a JSON array that holds something other than strings
 */
export function readJsonArray(line: string, from: number): JsonArray | undefined {
  const end = line[from] === '[' ? closingBracket(line, from) : undefined;
  if (end === undefined) return undefined;
  let values: unknown;
  try {
    values = JSON.parse(line.slice(from, end));
  } catch {
    return undefined;
  }
  if (!Array.isArray(values)) return undefined;
  if (!values.every((value) => typeof value === 'string'))
    throw new Complaint('when using JSON array syntax, arrays must be comprised of strings only');
  const words: JsonWord[] = [];
  TOKEN.lastIndex = from;
  for (let match = TOKEN.exec(line); match !== null && TOKEN.lastIndex <= end; match = TOKEN.exec(line)) {
    const literal = match[1];
    if (literal === undefined) continue;
    words.push({ text: values[words.length] ?? '', start: TOKEN.lastIndex - literal.length, end: TOKEN.lastIndex });
  }
  return { words, end };
}

/** Offset behind the bracket that closes the one at `from`. */
function closingBracket(line: string, from: number): number | undefined {
  let depth = 0;
  TOKEN.lastIndex = from;
  for (let match = TOKEN.exec(line); match !== null; match = TOKEN.exec(line)) {
    if (match[2] === '[') depth++;
    else if (match[2] === ']' && --depth === 0) return TOKEN.lastIndex;
  }
  return undefined;
}
