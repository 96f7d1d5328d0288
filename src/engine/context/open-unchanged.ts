import { closeSync } from 'node:fs';
import { Problem } from '../../lib/problem.ts';
import type { OpenFile, SourceEntry, SourceTree } from './source-tree.ts';

/** What is done with a file, for the complaint about one that changes meanwhile. */
type Use = 'copied' | 'mounted';

/**
 * A file that is another one than when it was selected would give something that no state of the context ever had.
 * @throws Problem `conflict`
 */
export function openUnchanged(tree: SourceTree, entry: SourceEntry, use: Use): OpenFile {
  const file = tree.open(entry.path);
  if (file.size === entry.size && file.mtimeNs === entry.mtimeNs) return file;
  closeSync(file.fd);
  throw changedMeanwhile(entry, use);
}

export function changedMeanwhile({ path }: SourceEntry, use: Use): Problem {
  return new Problem('conflict', `${path} changed while it was ${use}`, {
    hint: 'Something else writes to this file. Stop it, or exclude the file, and build again.',
  });
}
