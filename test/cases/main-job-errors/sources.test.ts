import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';

/**
 * Every folder beside this file is a source with a mistake in it. Each of the `commands` of its case.json is run in a copy of
 * the folder against a real server, and all that the person sees must read as `expected.txt`: what happened, where, what
 * next. UPDATE_GOLDEN=1 writes the files anew.
 */
const folder = import.meta.dirname;
const cases = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();
const why = await missingForBuilds();

describe.skipIf(why !== '')(`mistakes in a source${why}`, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
  });
  afterAll(() => server?.close());

  it.each(cases)('%s', async (name) => {
    const cwd = join(server.folder, name);
    const filter = (path: string) => !/(case\.json|expected\.txt)$/.test(path);
    cpSync(join(folder, name), cwd, { recursive: true, filter });
    const { commands, exit } = JSON.parse(readFileSync(join(folder, name, 'case.json'), 'utf8')) as {
      commands: string[][];
      exit: number;
    };
    let seen = '';
    for (const command of commands) {
      const { code, stdout, stderr } = await server.cli(command, { cwd });
      seen += `$ slipway ${command.join(' ')}\n${withoutAccidents(stdout + stderr)}`;
      expect(code, seen).toBe(exit);
    }
    const path = join(folder, name, 'expected.txt');
    if (!existsSync(path) || process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, seen);
    expect(seen).toBe(readFileSync(path, 'utf8'));
  });

  /** What differs from run to run, written as words. */
  const withoutAccidents = (text: string): string =>
    text
      .replaceAll(server.url, 'http://SERVER')
      .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'BUILD_ID')
      .replaceAll(/\?key=[\w-]+/g, '?key=KEY')
      .replaceAll(/\b[\d.]+-[0-9a-f]{32}(\.tgz|\.json)?(#\d+)?/g, 'OBJECT')
      // which layers of the base still have to come depends on the cases before
      .replaceAll(/^.*#\d+ (?:extracting )?sha256:[0-9a-f]{64}.*\n/gm, '')
      .replaceAll(/sha256:[0-9a-f]{12,64}/g, 'sha256:DIGEST')
      .replaceAll(/\b\d+(\.\d+)?( ?(ms|s|B|KB|KiB))\b/g, 'N$2')
      .replaceAll(/\b\d+\.\d{3}(?= )/g, 'N')
      .replaceAll(/ +N(?= [KM]?i?B\b)/g, ' N');
});
