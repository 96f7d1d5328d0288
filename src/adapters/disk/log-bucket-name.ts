import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../../lib/durable-file.ts';
import { hasErrorCode } from '../../lib/problem.ts';

/**
 * The name of a data folder's log bucket, `slipway-logs-<24 hex digits>`, chosen once. It stands in build records, so it
 * never changes. Only the owner of the folder may call this.
 */
export async function logBucketName(dataRoot: string): Promise<string> {
  const file = join(dataRoot, 'log-bucket');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
  const name = `slipway-logs-${randomBytes(12).toString('hex')}`;
  await writeDurably(file, `${name}\n`, 0o600);
  return name;
}
