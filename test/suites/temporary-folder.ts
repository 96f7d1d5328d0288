import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataFolder, type DataFolder, dataFolder } from '../../src/lib/data-folder.ts';

/** A data folder of a test's own. */
export async function temporaryDataFolder(): Promise<{ folder: DataFolder; remove(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-test-'));
  const folder = dataFolder(root);
  await createDataFolder(folder);
  return { folder, remove: () => rm(root, { recursive: true, force: true }) };
}
