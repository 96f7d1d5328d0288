import { existsSync, mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Problem, renderProblem } from '../lib/problem.ts';
import { lintFolder } from './commands/lint.ts';
import { render } from './commands/render.ts';
import type { CliContext } from './context.ts';

const cases = fileURLToPath(new URL('../../test/cases/', import.meta.url));
const before = process.cwd();
beforeAll(() => process.chdir(cases));
afterAll(() => process.chdir(before));

/** A command's exit code and everything that it prints, as at a terminal. */
async function said(run: (context: CliContext) => Promise<number>): Promise<string> {
  let text = '';
  const print = (more: string | Uint8Array) => {
    text += more;
  };
  const terminal = { out: print, err: print, interactive: false, columns: 80 };
  let code = 1;
  try {
    code = await run({ terminal } as unknown as CliContext);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    text += `${renderProblem(error)}\n`;
  }
  return `${text}# exit ${code}\n`;
}

const rendered = (config: string, loose: boolean) =>
  said((context) => render(context, { config, region: 'europe-central2', project: 'p1', substitutions: {}, loose }));

/** Shapes of published files: how each renders as it stands, and, where that differs, as a trigger would run it. */
describe('slipway render', () => {
  it.each(readdirSync(`${cases}cloudbuild-files`))('%s', async (name) => {
    const config = `cloudbuild-files/${name}/cloudbuild.yaml`;
    const [strict, loose] = [await rendered(config, false), await rendered(config, true)];
    const text = strict === loose ? strict : `${strict}\n# --loose\n${loose}`;
    await expect(text).toMatchFileSnapshot(`${cases}cloudbuild-files/${name}/expected.txt`);
  });
});

/** A folder for each thing that goes wrong between files, and what is said of it. */
describe('slipway lint', () => {
  it.each(readdirSync(`${cases}lint`))('%s', async (name) => {
    process.chdir(`${cases}lint/${name}/in`);
    const text = await said((context) => lintFolder(context, {}));
    process.chdir(cases);
    await expect(text).toMatchFileSnapshot(`${cases}lint/${name}/expected.txt`);
  });

  it('says nothing wrong of shapes that run', async () => {
    const broken = ['number-for-a-text', 'shell-variable', 'template-in-a-duration', 'volumes', 'waits-for-nobody'];
    for (const name of readdirSync(`${cases}cloudbuild-files`)) {
      const text = await said((context) => lintFolder(context, {}, `${cases}cloudbuild-files/${name}`));
      expect([name, text.includes('# exit 0')]).toEqual([name, !broken.includes(name)]);
    }
  });

  it('gives programs JSON, and fails for warnings when asked to', async () => {
    const folder = `${cases}lint/arguments-of-the-job/in`;
    expect(existsSync(folder)).toBe(true);
    const json = JSON.parse(
      (await said((context) => lintFolder(context, { json: true }, folder))).split('\n')[0] ?? '',
    );
    expect(json.findings[0]).toMatchObject({
      file: expect.any(String),
      severity: expect.any(String),
      rule: expect.any(String),
    });
    const quiet = `${cases}cloudbuild-files/images-of-a-tag-that-a-trigger-knows`;
    expect(await said((context) => lintFolder(context, {}, quiet))).toContain('# exit 0');
    expect(await said((context) => lintFolder(context, { strict: true }, quiet))).toContain('# exit 1');
    expect(await said((context) => lintFolder(context, {}, '/nowhere'))).toContain('no such folder: /nowhere');
    const file = `${cases}lint/arguments-of-the-job/expected.txt`;
    expect(await said((context) => lintFolder(context, {}, file))).toContain(
      `is a file: files are looked at together, in their folder\n\n  Name the folder: slipway lint ${cases}lint/arguments-of-the-job\n`,
    );
    const empty = mkdtempSync(join(tmpdir(), 'lint-'));
    expect(await said((context) => lintFolder(context, {}, empty))).toMatch(/^nothing to look at: /);
    rmdirSync(empty);
  });
});
