import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { missingDockerfile } from './missing-dockerfile.ts';
import { StepFiles } from './step-files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'missing-'));
});
afterAll(() => rm(folder, { recursive: true }));

const said = () => missingDockerfile('/workspace/deploy/Dockerfile', new StepFiles(new Map([['/workspace', folder]])));

it('says that a build came without a source, and blames no ignore file for it', async () => {
  const { message, hint } = await said();
  expect(message).toBe('Dockerfile not found: deploy/Dockerfile');
  expect(hint).toContain('/workspace is empty');
  expect(hint).not.toContain('.gcloudignore');
});

it('names what the source holds instead, then the line that keeps it out', async () => {
  await writeFile(join(folder, 'Dockerfile'), '');
  expect((await said()).hint).toContain('The source holds Dockerfile. ');
  await writeFile(join(folder, '.gcloudignore'), '*.md\ndeploy\n');
  expect((await said()).hint).toContain('.gcloudignore:2 excludes it.');
});
