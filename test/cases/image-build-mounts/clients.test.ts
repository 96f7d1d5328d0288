import { execFileSync } from 'node:child_process';
import { chmod, copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../../wire/server.ts';
import { BUSYBOX, hasBusybox } from '../image-build/busybox-base.ts';
import { answers, hasRunc } from '../image-build/needs.ts';

const hasSsh = answers('sh', '-c', 'command -v ssh-agent ssh-add ssh-keygen');

const DOCKERFILE = `FROM scratch
COPY busybox /bin/busybox
SHELL ["/bin/busybox", "sh", "-c"]
RUN --mount=type=secret,id=file --mount=type=secret,id=variable,env=V --mount=type=ssh,required,id=deploy <<EOF
b=/bin/busybox
$b echo "file $($b wc -c < /run/secrets/file), variable \${#V}, $($b ls $SSH_AUTH_SOCK)"
$b cat /run/secrets/file
$b echo "$V"
$b echo made > /made
EOF
`;

describe.skipIf(!hasBusybox || !hasRunc || !hasSsh)('secrets and keys from the command line to a RUN', () => {
  let server: TestServer;
  let source: string;
  const secrets = ['file-secret-4711', 'variable-secret-0815'] as const;
  beforeAll(async () => {
    server = await TestServer.start();
    source = await server.source('app', {
      Dockerfile: DOCKERFILE,
      '.dockerignore': '*\n!busybox\n',
      '.gcloudignore': '',
      'token.txt': `${secrets[0]}\n`,
      'cloudbuild.yaml': `steps:
- name: gcr.io/cloud-builders/docker
  env: ['V=${secrets[1]}']
  args: [build, --progress=plain, --network=none, --secret, 'id=file,src=token.txt', --secret, 'id=variable,env=V', --ssh, deploy=key, -t, step, --no-cache, .]
`,
    });
    await putBusybox(source);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(source, 'key')]);
  });
  afterAll(() => server?.close());

  const putBusybox = async (folder: string) => {
    await copyFile(BUSYBOX, join(folder, 'busybox'));
    await chmod(join(folder, 'busybox'), 0o755);
  };
  const SHOWN = `file ${secrets[0].length + 1}, variable ${secrets[1].length}, /run/buildkit/ssh_agent.0`;

  it('slipway build --secret --ssh ID=KEYFILE', async () => {
    const { code, stdout, stderr } = await server.cli(
      [
        ...['build', source, '--progress', 'plain', '--network', 'none', '-t', 'cli', '--ssh', `deploy=${source}/key`],
        ...['--secret', `id=file,src=${source}/token.txt`, '--secret', 'id=variable,env=MY_SECRET'],
      ],
      { env: { MY_SECRET: secrets[1] } },
    );
    expect(stdout + stderr).toContain(SHOWN);
    expect([code, ...secrets.map((secret) => (stdout + stderr).includes(secret))]).toEqual([0, false, false]);
    expect(execFileSync('ps', ['ax', '-o', 'args']).toString()).not.toMatch(/slipway-agent-/);
    const told = await server.cli(['build', source, '--no-cache', '--secret', 'id=file,src=none']);
    expect([told.code, told.stderr]).toEqual([1, expect.stringContaining('src is a path from here')]);
  });

  it('docker build --secret --ssh in a step, with files of the workspace', async () => {
    // packed, because what is searched for below stands in the source itself
    const archive = join(server.folder, 'app.tgz');
    execFileSync('tar', ['-C', source, '-czf', archive, '.']);
    const { build, log } = await server.submit(archive, `--config=${source}/cloudbuild.yaml`);
    expect([build.status, log]).toEqual(['SUCCESS', expect.stringContaining(SHOWN)]);
    for (const secret of secrets) expect(log).not.toContain(secret);
  });

  it('says what a step cannot give', async () => {
    for (const [n, [flags, words]] of [
      [['--ssh', 'default'], 'a build step has no ssh agent'] as const,
      [['--secret', 'id=x,env=NONE'], 'the step has no variable NONE'] as const,
      [['--secret', 'id=x,src=/etc/shadow'], 'A native builder sees'] as const,
      [['--allow', 'everything'], 'unknown entitlement'] as const,
    ].entries()) {
      const args = JSON.stringify(['build', ...flags, '.']);
      const folder = await server.source(`refused-${n}`, {
        Dockerfile: 'FROM scratch\nLABEL a=b\n',
        'cloudbuild.yaml': `steps: [{ name: gcr.io/cloud-builders/docker, args: ${args} }]\n`,
      });
      const { build, log } = await server.submit(folder, `--config=${folder}/cloudbuild.yaml`);
      expect([build.status, log]).toEqual(['FAILURE', expect.stringContaining(words)]);
    }
  });

  it('lists cache mounts when it prunes', async () => {
    const folder = await server.source('cached', {
      Dockerfile: `FROM scratch\nCOPY busybox /bin/busybox\nRUN --mount=type=cache,id=pip,target=/c ["/bin/busybox", "touch", "/c/f"]\n`,
    });
    await putBusybox(folder);
    await server.ok('build', folder, '--network', 'none');
    expect(await server.ok('prune', '--cache')).toMatch(/Kept 1 cache mount, .*:\n {2}\S+ pip {2}/);
  });

  it('keeps no secret, neither in its data nor in its log', async () => {
    await server.stop();
    const holders: string[] = [];
    for (const entry of await readdir(server.data, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const bytes = await readFile(path);
      // the variable stands in the person's own cloudbuild.yaml, so the record of that build has it
      if (bytes.includes(secrets[0]) || (!entry.name.startsWith('slipway.db') && bytes.includes(secrets[1])))
        holders.push(path);
    }
    expect(holders).toEqual([]);
    for (const secret of secrets) expect(await server.log()).not.toContain(secret);
  });
});
