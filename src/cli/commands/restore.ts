import { resolve } from 'node:path';
import { shortDigest } from '../../images/digest.ts';
import { formatBytes } from '../../lib/bytes.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';

/** So many absent blobs are named. */
const NAMED = 10;

export async function restore(
  { services, terminal, data, signal }: CliContext,
  { snapshot, json = false }: { snapshot?: string; json?: boolean },
  folder: string,
): Promise<number> {
  const made = await services.restore({ backup: resolve(folder), snapshot, data: data.root, signal });
  const { name, elsewhere, blobs, bytes, absent } = made;
  if (json) terminal.out(`${JSON.stringify(made)}\n`);
  else {
    const content =
      elsewhere === undefined ? `${blobs} blobs, ${formatBytes(bytes)}, each measured` : `blobs in ${elsewhere}`;
    terminal.out(
      `Backup ${name} lies in ${data.root}: ${content}.\nStart it with: slipway serve --data ${data.root}\n`,
    );
  }
  if (absent.length === 0) return EXIT.done;
  terminal.err(
    `${absent.length} blobs are missing or damaged in the backup: ${absent.slice(0, NAMED).map(shortDigest).join(', ')}\n`,
  );
  return EXIT.failed;
}
