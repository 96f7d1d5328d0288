import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StepFiles } from '../run/step-files.ts';
import { withStepCaches } from './build-caches.ts';
import type { DockerSession } from './command.ts';
import { parseFlags } from './flags.ts';

let workspace: string;
let said: string;
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'slipway-step-caches-'));
  said = '';
});
afterEach(() => rmSync(workspace, { recursive: true }));

function caches<T>(line: string[], use: Parameters<typeof withStepCaches<T>>[2]): Promise<T> {
  const flags = parseFlags(
    [
      { name: 'cache-from', takes: 'list' },
      { name: 'cache-to', takes: 'list' },
    ],
    line,
  );
  const docker = {
    cwd: '/workspace/app',
    files: new StepFiles(new Map([['/workspace', workspace]])),
    output: { stderr: (text: string) => (said += text) },
  } as unknown as DockerSession;
  return withStepCaches(flags, docker, use);
}

it('takes folders for those of the workspace, and holds them open meanwhile', async () => {
  mkdirSync(join(workspace, 'app/old'), { recursive: true });
  const line = ['--cache-from', 'type=local,src=old', '--cache-to', 'type=local,dest=/workspace/new/deep'];
  const paths = await caches(line, async ({ cacheFrom, cacheTo }) =>
    [...cacheFrom, ...cacheTo].map((cache) => (cache.kind === 'local' ? [cache.name, realpathSync(cache.path)] : [])),
  );
  expect(paths).toEqual([
    ['old', join(realpathSync(workspace), 'app/old')],
    ['/workspace/new/deep', join(realpathSync(workspace), 'new/deep')],
  ]);
});

it('warns of a folder that is not there, and looks into the others', async () => {
  const line = ['--cache-from', 'type=local,src=none', '--cache-from', 'ghcr.io/team/app:1'];
  const from = await caches(line, async ({ cacheFrom }) => cacheFrom);
  expect(from).toEqual([{ kind: 'registry', reference: 'ghcr.io/team/app:1' }]);
  expect(said).toBe('WARNING: the cache none is not used: there is no such folder\n');
});

it('follows no link out of the workspace', async () => {
  mkdirSync(join(workspace, 'app'));
  symlinkSync(tmpdir(), join(workspace, 'app/out'));
  await caches(['--cache-to', 'type=local,dest=out/made'], async () => undefined).catch(() => undefined);
  expect(existsSync(join(tmpdir(), 'made'))).toBe(false);
});
