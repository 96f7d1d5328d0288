import type { Place } from '../../../lib/problem.ts';

/** Lines of a file as BuildKit's messages have them: of a warning, and of an error's details. */
export interface FileSource {
  info: { filename: string; data: Uint8Array; language: string };
  /** Columns count from 0. */
  ranges: { start: Position; end: Position }[];
}

interface Position {
  line: number;
  character: number;
}

/** @returns undefined where nobody knows the lines, so that there would be nothing to show */
export function sourceOf({ file, text, ranges }: Place): FileSource | undefined {
  if (text === undefined || ranges.length === 0) return undefined;
  return {
    info: { filename: file, data: Buffer.from(text), language: 'Dockerfile' },
    ranges: ranges.map(({ line, column, endLine, endColumn }) => ({
      start: { line, character: column - 1 },
      end: { line: endLine, character: endColumn - 1 },
    })),
  };
}
