import {
  Composer,
  type CST,
  type Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type LineCounter,
  Parser,
} from 'yaml';
import { isPedantic, lenientLexer } from './lenient-lexer.ts';

/** Longest text taken. A build request of the API has the same order of size, and it is read well within a second. */
const MAX_LENGTH = 1 << 20;
/** Deepest nesting; a build's fields stand at 6, and each level of YAML's grammar counts. */
const MAX_DEPTH = 60;
/** Lines, and words and signs: several times what a build with 300 steps has. */
const MAX_LINES = 20_000;
const MAX_TOKENS = 60_000;
/** How often anchors may be repeated, within each other too. */
const MAX_ALIASES = 10_000;
/** `%YAML` and its like, and `<<` in one map: nobody writes a dozen, and each costs more than a word does. */
const MAX_DIRECTIVES = 10;
const MAX_MERGES = 10;

/** Why a text is no YAML document that we take; offsets into the text. */
export interface YamlFault {
  message: string;
  from: number;
  to: number;
}

class Fault extends Error {
  readonly fault: YamlFault;

  constructor(message: string, from: number) {
    super(message);
    this.fault = { message, from, to: from + 1 };
  }
}

export interface YamlText {
  document: Document;
  /** Its value as plain data. Objects have only own keys, `__proto__` among them. */
  value: unknown;
}

/**
 * Reads one YAML 1.2 document (so JSON too) with merge keys, as strict as gcloud: one document, no key twice. Time and
 * memory are bounded whatever the text is: depth and number of tokens are counted while the text is read, before
 * anything is built of them.
 */
export function readYaml(text: string, counter: LineCounter): YamlText | { fault: YamlFault } {
  try {
    return compose(text, counter);
  } catch (error) {
    if (error instanceof Fault) return { fault: error.fault };
    throw error;
  }
}

function compose(text: string, counter: LineCounter): YamlText {
  for (let at = 0; at >= 0; at = text.indexOf('\n', at) + 1 || -1) counter.addNewLine(at);
  const end = counter.lineStarts[MAX_LINES];
  if (end !== undefined) throw new Fault(`longer than ${MAX_LINES} lines`, end);
  if (text.length > MAX_LENGTH) throw new Fault(`longer than ${MAX_LENGTH} characters`, 0);
  const forbidden = text.search(CONTROL);
  if (forbidden >= 0)
    throw new Fault(
      `a control character (0x${text.charCodeAt(forbidden).toString(16).padStart(2, '0')}) in the text`,
      forbidden,
    );
  const composer = new Composer({ merge: true, uniqueKeys: false, prettyErrors: false });
  let document: Document | undefined;
  for (const next of composer.compose(tokens(text), true, text.length)) {
    if (document !== undefined) throw new Fault('more than one document (a second one begins here)', next.range[0]);
    const broken = next.errors.find((error) => !isPedantic(error));
    if (broken !== undefined) throw new Fault(broken.message, broken.pos[0]);
    document = next;
  }
  if (document === undefined) throw new Fault('no document', 0);
  refuseTwins(document.contents);
  try {
    return { document, value: document.toJS({ maxAliasCount: MAX_ALIASES }) };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new Fault('too many aliases, or an alias within its own anchor', 0);
  }
}

/** What YAML doesn't allow unescaped, and nobody types; form feeds are let be. */
const CONTROL = /[\u0000-\u0008\u000e-\u001f]/;

/** yaml's own chain of lexer and parser, counted. */
function* tokens(text: string): Generator<CST.Token> {
  const parser = new Parser();
  let count = 0;
  let directives = 0;
  for (const lexeme of lenientLexer().lex(text)) {
    if (++count > MAX_TOKENS) throw new Fault(`more than ${MAX_TOKENS} words and signs`, parser.offset);
    for (const token of parser.next(lexeme)) {
      if (token.type === 'directive' && ++directives > MAX_DIRECTIVES)
        throw new Fault(`more than ${MAX_DIRECTIVES} directives`, token.offset);
      yield token;
    }
    if (parser.stack.length > MAX_DEPTH) throw new Fault(`nested more than ${MAX_DEPTH} levels deep`, parser.offset);
  }
  yield* parser.end();
}

/** The same key twice in one map; a set for each map, because comparing all with all takes hours for a long one. */
function refuseTwins(node: unknown): void {
  if (isSeq(node)) for (const item of node.items) refuseTwins(item);
  if (isPair(node)) refuseTwins(node.value);
  if (!isMap(node)) return;
  const seen = new Set<unknown>();
  let merges = 0; // yaml gives `<<` a symbol of its own
  for (const pair of node.items) {
    const { key } = pair;
    if (isScalar(key) && typeof key.value !== 'symbol') {
      if (seen.has(key.value))
        throw new Fault(`the key ${JSON.stringify(key.value)} stands twice in one map`, key.range?.[0] ?? 0);
      seen.add(key.value);
    } else if (isScalar(key) && ++merges > MAX_MERGES)
      throw new Fault(`more than ${MAX_MERGES} merges (<<) in one map`, key.range?.[0] ?? 0);
    else if (isCollection(key)) throw new Fault('a key that is no plain text', key.range?.[0] ?? 0);
    refuseTwins(pair.value);
  }
}
