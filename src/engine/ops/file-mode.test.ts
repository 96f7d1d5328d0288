import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parseMode } from './file-mode.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-mode-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'file'), '');
mkdirSync(join(folder, 'folder'));

const place = { file: 'Dockerfile', ranges: [] };

/** What chmod(1) of this machine makes of it. */
function byChmod(name: string, before: number, mode: string): number {
  const path = join(folder, name);
  chmodSync(path, before);
  execFileSync('sh', ['-c', 'umask 022; exec chmod "$0" "$1"', mode, path]);
  return statSync(path).mode & 0o7777;
}

it.each([
  'u=rwX,go=rX',
  'a+x',
  '+x',
  '+w',
  'go-rwx',
  'u+s',
  'g+s',
  '+t',
  'g=u',
  'o=g',
  'u=g,o=',
  'a=rX',
  'u=rw,g=r,o=r',
  'u+x-w',
  'ug=rwx,o+t',
  '=rX',
  'u=rws',
  '755',
  '0644',
  'g=s',
  'o-x+r',
  '=',
])('means by --chmod=%s what chmod means', (mode) => {
  for (const before of [0o644, 0o755, 0o600, 0o4711, 0o2750, 0o1777, 0o000]) {
    const change = parseMode(mode, place);
    expect([before.toString(8), change(before, false).toString(8)]).toEqual([
      before.toString(8),
      byChmod('file', before, mode).toString(8),
    ]);
    if (/^\d+$/.test(mode)) continue; // chmod(1) keeps a folder's setgid then; docker sets what is written
    expect([before.toString(8), change(before, true).toString(8)]).toEqual([
      before.toString(8),
      byChmod('folder', before, mode).toString(8),
    ]);
  }
});

it('refuses what is no mode', () => {
  expect(() => parseMode('u=rq', place)).toThrow(/is no mode/);
});
