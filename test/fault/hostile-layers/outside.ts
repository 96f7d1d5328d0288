import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder beside the one where hostile things happen; it tells whether anything of it was touched. */
export interface Outside {
  /** What hostile names and links aim at; holds `secret`. */
  victim: string;
  /** For whatever the test makes. */
  inside: string;
  /** Everything but `inside`, one line each. */
  state(): string[];
  remove(): void;
}

export function makeOutside(): Outside {
  const root = mkdtempSync(join(tmpdir(), 'slipway-hostile-'));
  const victim = join(root, 'victim');
  const inside = join(root, 'inside');
  for (const folder of [victim, inside]) mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(victim, 'secret'), 'untouched', { mode: 0o600 });
  const describe = (path: string): string => {
    const { mode, uid, gid, nlink, mtimeNs } = statSync(path, { bigint: true });
    return `${path} ${mode.toString(8)} ${uid}:${gid} ${nlink} ${mtimeNs}`;
  };
  return {
    victim,
    inside,
    state: () => [
      ...readdirSync(root),
      describe(victim),
      ...readdirSync(victim).map(
        (name) => `${describe(join(victim, name))} ${readFileSync(join(victim, name), 'utf8')}`,
      ),
    ],
    // rmSync calls itself for every level, and layers may have thousands
    remove: () => void execFileSync('rm', ['-rf', root]),
  };
}
