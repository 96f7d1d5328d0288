import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RegistrySettings } from './registries.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-registries-'));
  file = join(folder, 'slipway.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('lets builds reach the internet and the hosts that the file names, the owner everything', () => {
  writeFileSync(
    file,
    'registries:\n  mirrors: { docker.io: ["http://127.0.0.1:5055/hub"] }\n  plainHttp: ["harbor.lab:8080"]\n',
  );
  const settings = new RegistrySettings(file);
  const builds = settings.hosts(true);
  expect(builds.allowAddress?.('127.0.0.1', '127.0.0.1')).toBe(false);
  expect(builds.allowAddress?.('1.1.1.1', 'one')).toBe(true);
  expect(builds.isNamed?.('127.0.0.1:5055')).toBe(true);
  expect(builds.isNamed?.('harbor.lab:8080')).toBe(true);
  expect(builds.isNamed?.('127.0.0.1:22')).toBe(false);
  expect(builds.isNamed?.('constructor')).toBe(false);
  expect(settings.hosts(false).allowAddress).toBeUndefined();
});

it('reads the file again when it has changed, and keeps what was when it is broken', () => {
  const settings = new RegistrySettings(file, 0);
  expect(settings.current.sharedProjects).toEqual([]);
  writeFileSync(file, 'registries: { sharedProjects: [bases] }\n');
  expect(settings.current.sharedProjects).toEqual(['bases']);
  writeFileSync(file, 'registries: { sharedProjects: bases: }\n');
  expect(settings.current.sharedProjects).toEqual(['bases']);
});
