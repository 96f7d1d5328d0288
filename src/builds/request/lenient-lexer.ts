import { Lexer, type YAMLParseError } from 'yaml';

/** What is changed of yaml's lexer (2.9): private in its types, and used by its own name in its code. */
interface Inside {
  /** Least indentation of a line that belongs to what is read. */
  indentNext: number;
  parseFlowCollection(): Generator<string, string | undefined>;
  parseQuotedScalar(): Generator<string, string | undefined>;
}

/**
 * A lexer that takes what PyYAML and go-yaml take, and so gcloud and the hosted service: lines within brackets and quotes
 * may begin anywhere, also left of the key that they belong to. YAML 1.2 says no, and published builds are full of it.
 */
export function lenientLexer(): Lexer {
  const lexer = new Lexer();
  const inside = lexer as unknown as Inside;
  for (const method of ['parseFlowCollection', 'parseQuotedScalar'] as const) {
    const strict = inside[method].bind(lexer);
    inside[method] = function* () {
      const least = inside.indentNext;
      inside.indentNext = 0;
      const next = yield* strict();
      if (inside.indentNext === 0) inside.indentNext = least;
      return next;
    };
  }
  return lexer;
}

/** The complaint of yaml's later stages about a comment right behind a value, which the others take too. */
export function isPedantic({ code, message }: YAMLParseError): boolean {
  return code === 'MISSING_CHAR' && message.startsWith('Comments ');
}
