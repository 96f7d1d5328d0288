import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile } from '../../test/suites/compile-dockerfile.ts';
import { Problem, renderProblem } from '../lib/problem.ts';

/** A folder for each mistake: the Dockerfile, perhaps how it is built (build.json), and what the person reads. */
const cases = new URL('../../test/cases/dockerfile-errors/', import.meta.url);

describe('what is said about a mistake', () => {
  it.each(readdirSync(cases))('%s', async (name) => {
    const folder = new URL(`${name}/`, cases);
    const settings = new URL('build.json', folder);
    const options = existsSync(settings) ? JSON.parse(readFileSync(settings, 'utf8')) : {};
    let said = '';
    try {
      compile(readFileSync(new URL('Dockerfile', folder), 'utf8'), options);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      said = `${renderProblem(error)}\n`;
    }
    await expect(said).toMatchFileSnapshot(new URL('expected.txt', folder).pathname);
  });
});
