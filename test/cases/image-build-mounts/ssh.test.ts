import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPrivateAgent } from '../../../src/engine/mounts/private-agent.ts';
import { hasBusybox } from '../image-build/busybox-base.ts';
import { answers, hasRunc } from '../image-build/needs.ts';
import { BASE, MountBench, output, statuses } from './mount-bench.ts';

const hasSsh = answers('sh', '-c', 'command -v ssh-agent ssh-add ssh-keygen');

describe.skipIf(!hasBusybox || !hasRunc || !hasSsh)('RUN --mount=type=ssh', () => {
  let bench: MountBench;
  let folder: string;
  const key = (name: string, passphrase = '') => {
    const file = join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', `${name}@test`, '-f', file]);
    return { name: file, key: readFileSync(file) };
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-keys-'));
    bench = await MountBench.open('sshtest');
  });
  afterAll(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });
  const listed = (socket: string) =>
    execFileSync('sh', ['-c', 'ssh-add -l || true'], { env: { ...process.env, SSH_AUTH_SOCK: socket } }).toString();

  it('keeps keys in an agent of its own, which leaves nothing', async () => {
    const agent = await openPrivateAgent([key('one'), key('two')]);
    expect(listed(agent.socket)).toMatch(/one@test.*\n.*two@test/);
    await agent.close();
    expect(() => execFileSync('test', ['-e', agent.socket])).toThrow();
    await sleep(100);
    expect(execFileSync('sh', ['-c', 'ps ax -o args']).toString()).not.toContain(agent.socket);
  });

  it('says what is wrong with a key', async () => {
    await expect(openPrivateAgent([key('locked', 'secret')])).rejects.toMatchObject({
      code: 'invalid',
      message: `${join(folder, 'locked')} has a passphrase, which nobody can be asked for here`,
    });
    await expect(openPrivateAgent([{ name: 'k', key: Buffer.from('no key\n') }])).rejects.toMatchObject({
      message: 'k is no private key of ssh',
    });
  });

  it('lets a command list and use the keys, and nothing else; it is gone afterwards', async () => {
    const agent = await openPrivateAgent([key('mine')]);
    const ssh = (id: string) => (id === 'default' ? agent.socket : undefined);
    try {
      const sshAdd = await putProgram(bench, 'ssh-add');
      const result = await bench.build(
        `${BASE}\nRUN --mount=type=ssh,mode=666,uid=1000 --mount=target=/x ${sshAdd} -l | grep -c mine@test; echo "$SSH_AUTH_SOCK"; stat -c '%a %u:%g' $SSH_AUTH_SOCK; ${sshAdd} -D 2>/dev/null || echo refused\nRUN ! ls /run 2>/dev/null; echo "[$SSH_AUTH_SOCK]"`,
        { ssh },
      );
      expect(output(result)).toBe('1\n/run/buildkit/ssh_agent.0\n666 1000:0\nrefused\n[]\n');
      expect(listed(agent.socket)).toContain('mine@test');
      expect(await bench.files(result)).toEqual({});
      expect(await bench.traces()).toEqual([]);
    } finally {
      await agent.close();
    }
  });

  it('is absent when nobody gives one, unless it is required', async () => {
    const line = (options: string) =>
      `${BASE}\nRUN --mount=type=ssh${options} [ ! -e "$SSH_AUTH_SOCK" ] && echo absent`;
    expect(output(await bench.build(line('')))).toBe('absent\n');
    expect(statuses(await bench.build(line('')))).toEqual(['cached']);
    await expect(bench.build(line(',id=deploy,required'))).rejects.toMatchObject({
      code: 'not-found',
      message: 'no SSH key "deploy" forwarded from the client',
      hint: 'Give the build an agent: --ssh deploy, or --ssh deploy=KEYFILE.',
    });
    const required = `${BASE}\nRUN --mount=type=ssh,required true`;
    expect(statuses(await bench.build(required, { ssh: () => '/run/an-agent' }))).toEqual(['ran']);
    expect(statuses(await bench.build(required))).toEqual(['cached']);
  });
});

/** Puts a program of this machine with its libraries into the context. @returns how to run it with the context at /x */
async function putProgram(bench: MountBench, name: string): Promise<string> {
  const program = execFileSync('sh', ['-c', `command -v ${name}`])
    .toString()
    .trim();
  const libraries = [
    ...execFileSync('ldd', [program])
      .toString()
      .matchAll(/(\/\S+)/g),
  ].map(([path]) => path);
  for (const path of [program, ...libraries]) copyFileSync(path, join(bench.context, basename(path)));
  const loader = libraries.map((path) => basename(path)).find((path) => path.startsWith('ld-'));
  return `/x/${loader} --library-path /x /x/${name}`;
}
