import { splitWords } from './words.ts';

/** A here-document: `<<EOF`, `<<-EOF`, `<<"EOF"`, `3<<EOF`. */
export interface Heredoc {
  /** The word that ends it; for COPY and ADD also the file's name. */
  name: string;
  /** False when a part of the word was quoted: variables then stay as they are. */
  expand: boolean;
  /** `<<-`: leading tabs are dropped. */
  chomp: boolean;
  /** Everything up to the terminator, with its line ends (LF). Tabs still in place. */
  content: string;
}

const HEREDOC = /^\d*<<(-?)([^<]+)$/;

/** Reads one word; undefined when it is no here-document. */
export function heredocOf(word: string): Heredoc | undefined {
  const match = HEREDOC.exec(word);
  const rest = match?.[2];
  if (rest === undefined) return undefined;
  const name = rest.replace(/\\(.)|["']/g, '$1');
  if (name === '' || /\s/.test(name)) return undefined;
  return { name, expand: name === rest, chomp: match?.[1] === '-', content: '' };
}

/** The here-documents that a line announces, in order. Quoted text announces none. */
export function heredocsIn(line: string): Heredoc[] {
  if (!line.includes('<<')) return [];
  return splitWords(line, '\\').flatMap((word) => heredocOf(word.text) ?? []);
}

/** The content as the reader gets it. */
export function bodyOf(heredoc: Heredoc): string {
  return heredoc.chomp ? heredoc.content.replace(/^\t+/gm, '') : heredoc.content;
}
