import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogFiles } from '../../src/adapters/disk/log-files.ts';
import { logsSuite } from './logs-suite.ts';

logsSuite('files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-logs-'));
  const logs = join(folder, 'logs');
  return {
    store: new LogFiles(logs),
    elsewhere: new LogFiles(logs),
    tear: async (id, text) => {
      await mkdir(logs, { recursive: true });
      await appendFile(join(logs, `${id}.txt`), text);
    },
    close: () => rm(folder, { recursive: true }),
  };
});
