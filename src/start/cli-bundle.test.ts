import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CliServices } from '../cli/services.ts';
import { CliBundle, compiledPath } from './cli-bundle.ts';

const SOURCE = `const { basename } = require('node:path');
exports.runCli = async (argv, services) => argv.length + basename(__filename).length + (services.version === '7' ? 100 : 0);`;

describe('the bundled command line', () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-bundle-'));
    file = join(folder, 'cli.cjs');
  });
  beforeEach(() => {
    writeFileSync(file, SOURCE);
    rmSync(compiledPath(file), { force: true });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = () => new CliBundle(file).runCli(['a', 'b'], { version: '7' } as CliServices);

  it('runs from its source alone', async () => {
    expect(await run()).toBe(109);
  });

  it('runs from what was compiled', async () => {
    writeFileSync(compiledPath(file), new CliBundle(file).compiled());
    expect(await run()).toBe(109);
  });

  it('runs with a compiled form that another version of Node left, or a full disk', async () => {
    const compiled = new CliBundle(file).compiled();
    for (const left of [
      Buffer.alloc(0),
      Buffer.from('of another version'),
      compiled.subarray(0, compiled.length / 2),
    ]) {
      writeFileSync(compiledPath(file), left);
      expect(await run()).toBe(109);
    }
  });

  it('runs the new source after an update, whatever was compiled of the old one', async () => {
    writeFileSync(compiledPath(file), new CliBundle(file).compiled());
    writeFileSync(file, `${SOURCE}\nexports.runCli = async () => 3;`);
    expect(await run()).toBe(3);
  });
});
