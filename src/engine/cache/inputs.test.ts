import { describe, expect, it } from 'vitest';
import type { CopyOperation, RunOperation } from '../../dockerfile/program.ts';
import { copyInputs, looksSecret, runInputs } from './inputs.ts';

const place = { file: 'Dockerfile', ranges: [] };
const below = { chain: 'c', base: 'b', baseName: 'python:3.11@sha256:0123456789ab' };
const run: RunOperation = {
  kind: 'run',
  text: 'RUN make',
  place,
  args: ['/bin/sh', '-c', 'make'],
  env: ['PATH=/bin', 'API_TOKEN=hush', 'V=1.2', `LONG=${'x'.repeat(100)}`, 'INDEX=https://me:hush@pypi.example/simple'],
  proxyEnv: [],
  cwd: '/',
  user: '',
  network: 'default',
  mounts: [],
  security: 'sandbox',
  argsUsed: { API_TOKEN: 'hush', V: '1.2' },
};
const copy: CopyOperation = {
  kind: 'copy',
  text: 'COPY a /a',
  place,
  from: { kind: 'context' },
  sources: ['a'],
  inline: [],
  destination: '/a',
  intoFolder: false,
  link: false,
  parents: false,
  exclude: [],
  keepGitDir: false,
};

describe('values of arguments', () => {
  const inputs = runInputs(run, below, []);
  const of = (name: string) => inputs.find((input) => input.name === name);

  it('are shown when they are short', () => {
    expect(of('V')).toMatchObject({ kind: 'arg', shown: '1.2' });
    expect(of('PATH')).toMatchObject({ kind: 'env', shown: '/bin' });
  });

  it('are shown to nobody when their name or form says that they are secret', () => {
    expect(JSON.stringify(inputs)).not.toContain('hush');
    expect(of('API_TOKEN')).toEqual({ kind: 'arg', name: 'API_TOKEN', value: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(of('INDEX')?.shown).toBeUndefined();
  });

  it('are known by their digest when they are long', () => {
    expect(of('LONG')?.shown).toMatch(/^sha256:[0-9a-f]{8}$/);
  });
});

it.each([
  ['GITHUB_TOKEN', true],
  ['dbPassword', true],
  ['AWS_SECRET_ACCESS_KEY', true],
  ['PUBLIC_KEY', false],
  ['VERSION', false],
])('takes %s for secret: %s', (name, secret) => {
  expect(looksSecret(name)).toBe(secret);
});

it('shows of a file its mode, size and the first digits of its digest', () => {
  const facts = [0, 'file', 0o644, 0, 0, 120, `sha256:3f2a9c1b${'0'.repeat(56)}`, ''];
  const [file] = copyInputs(copy, below, [{ path: 'a', name: 'a', facts }]).filter(({ kind }) => kind === 'file');
  expect(file?.shown).toBe('0644 120 B 3f2a9c1b');
});

it('notes folders in place of files when there are very many', () => {
  const many = Array.from({ length: 6000 }, (_, i) => ({ path: `p${i}`, name: `src/d${i % 3}/f${i}`, facts: [i] }));
  const names = copyInputs(copy, below, many).filter((input) => input.kind === 'file');
  expect(names.map((input) => input.name)).toEqual(['src/d0/...', 'src/d1/...', 'src/d2/...']);
});

it('never notes more than some thousand folders, however deep the files lie, and sees each of them change', () => {
  const files = (edited: number) =>
    Array.from({ length: 7000 }, (_, i) => ({
      path: `p${i}`,
      name: `src/d${i % 3}/e${i}/f`,
      facts: [i === edited ? 'edited' : 'as it was'],
    }));
  const inputsOf = (edited: number) => copyInputs(copy, below, files(edited)).filter(({ kind }) => kind === 'file');
  const before = inputsOf(-1);
  expect(before.map(({ name }) => name)).toEqual(['src/d0/...', 'src/d1/...', 'src/d2/...']);
  const changed = inputsOf(4).filter(({ value }, i) => value !== before[i]?.value);
  expect(changed.map(({ name }) => name)).toEqual(['src/d1/...']);
});

it('marks what must not leave the project', () => {
  const secret = { name: '--mount=type=secret,id=npmrc', facts: ['secret', 'npmrc'], files: [], isPrivate: true };
  const inputs = runInputs(run, below, [secret]);
  expect(inputs.map(({ kind }) => kind)).toContain('private');
});
