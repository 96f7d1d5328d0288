import { resolve } from 'node:path';
import { shortDigest } from '../../images/digest.ts';
import { formatBytes } from '../../lib/bytes.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { withControl } from '../with-control.ts';

/** So many absent blobs are named. */
const NAMED = 10;

export async function backup(
  context: CliContext,
  { keep, json = false }: { keep?: number; json?: boolean },
  folder: string,
): Promise<number> {
  const { terminal, signal } = context;
  const made = await withControl(context, (control) =>
    control.call('backup', { folder: resolve(folder), keep }, undefined, signal),
  );
  if (json) terminal.out(`${JSON.stringify(made)}\n`);
  else {
    const { name, elsewhere, blobs, added, addedBytes, dropped } = made;
    terminal.out(`Backup ${name}: ${blobs} blobs, ${added} of them new, ${formatBytes(addedBytes)}.\n`);
    if (elsewhere !== undefined) terminal.out(`The blobs stay in ${elsewhere}, and are not in the backup.\n`);
    if (dropped > 0) terminal.out(`Removed ${dropped} older ${dropped === 1 ? 'backup' : 'backups'}.\n`);
  }
  if (made.absent.length === 0) return EXIT.done;
  const named = made.absent.slice(0, NAMED).map(shortDigest).join(', ');
  terminal.err(`${made.absent.length} blobs are missing or damaged, and not in the backup: ${named}\n`);
  terminal.err('slipway doctor says more.\n');
  return EXIT.failed;
}
