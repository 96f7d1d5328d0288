import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile } from '../../test/suites/compile-dockerfile.ts';
import { countWarnings, renderWarning } from './checks/report.ts';
import { RULE_NAMES } from './checks/rules.ts';

/** A folder for each rule: a Dockerfile that breaks it, and what the person reads. */
const cases = new URL('../../test/cases/dockerfile-checks/', import.meta.url);

describe('what is said about a warning', () => {
  it.each(readdirSync(cases))('%s', async (name) => {
    const folder = new URL(`${name}/`, cases);
    const settings = new URL('build.json', folder);
    const options = existsSync(settings) ? JSON.parse(readFileSync(settings, 'utf8')) : {};
    const { plan, programs } = compile(readFileSync(new URL('Dockerfile', folder), 'utf8'), options);
    const warnings = [...plan.warnings, ...[...programs.values()].flatMap((program) => program.warnings)];
    expect(warnings.length).toBeGreaterThan(0);
    const said = [...warnings.map(renderWarning), countWarnings(warnings.length, 'Dockerfile')].join('\n\n');
    await expect(`${said}\n`).toMatchFileSnapshot(new URL('expected.txt', folder).pathname);
  });
});

it('has a row in the documentation for every rule', () => {
  const page = readFileSync(new URL('../../docs/dockerfile-checks.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| ([A-Z]\w+) \|/gm)].map(([, rule]) => rule);
  expect(rows.sort()).toEqual([...RULE_NAMES].sort());
});
