import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DockerEngineServer, lacksDocker } from './docker-engine-server.ts';
import { type DockerClient, dockerClients } from './docker-lessons/docker-clients.ts';

let engine: DockerEngineServer;
beforeAll(async () => {
  if (lacksDocker === '') engine = await DockerEngineServer.start();
}, 90_000);
afterAll(() => engine?.close());

let names = 0;

describe.skipIf(lacksDocker !== '').each(dockerClients)(`docker $version${lacksDocker}`, (client: DockerClient) => {
  const docker = (...args: string[]) => engine.docker(client, args);
  const ok = (...args: string[]) => engine.ok(client, ...args);
  const run = (...args: string[]) => docker('run', '--rm', 'box:1', ...args);
  const inspect = (format: string, name: string) => ok('inspect', '-f', format, name);

  /** A container that sleeps; it is removed by whoever asked for it. */
  async function sleeping(...options: string[]): Promise<string> {
    const name = `c${++names}`;
    await ok('run', '-d', '--name', name, ...options, 'box:1', 'sleep', '1000');
    return name;
  }

  it('sees a server', async () => {
    expect(await ok('version', '-f', '{{.Server.Os}} {{.Server.APIVersion}}')).toBe('linux 1.43');
    expect(await ok('info', '-f', '{{.OSType}} {{.Driver}} {{.Swarm.LocalNodeState}}')).toBe('linux overlay2 inactive');
    expect((await docker('node', 'ls')).stderr).toContain('This node is not a swarm manager');
    expect((await docker('inspect', 'no-such-thing')).stderr).toMatch(/no such object: no-such-thing/i);
  });

  it.each([
    [['true'], 0],
    [['sh', '-c', 'exit 7'], 7],
    [['/etc'], 126],
    [['no-such-program'], 127],
    [['sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?'], 137],
  ])('run --rm box %j exits with %d', async (command, code) => {
    expect((await run(...command)).code).toBe(code);
  });

  it('says 125 when the container can not be made', async () => {
    expect((await docker('run', '--rm', '--memory', '1m', 'box:1', 'true')).code).toBe(125);
  });

  it('run joins all three streams', async () => {
    const { stdout, stderr } = await run('sh', '-c', 'echo out; echo err >&2');
    expect([stdout, stderr]).toEqual(['out\n', 'err\n']);
    const given = await engine.docker(client, ['run', '--rm', '-i', 'box:1', 'cat'], { input: 'a line\n' });
    expect(given).toMatchObject({ code: 0, stdout: 'a line\n' });
    const many = await run('seq', '1', '20000');
    expect(many.stdout.split('\n').length).toBe(20_001);
  });

  it('keeps a container that runs on, shows it, and ends it', async () => {
    const name = await sleeping('-e', 'A=1', '--label', 'kind=test', '--hostname', 'here');
    expect(await ok('ps', '--filter', `name=^/${name}$`, '--format', '{{.Names}} {{.Image}} {{.Command}}')).toBe(
      `${name} box:1 "sleep 1000"`,
    );
    expect(await ok('ps', '-q', '--filter', 'label=kind=test', '--filter', 'ancestor=box:1')).not.toBe('');
    expect(await ok('ps', '-aq', '--filter', 'status=exited', '--filter', `name=${name}`)).toBe('');
    expect(await inspect('{{.State.Status}} {{.Config.Hostname}} {{.HostConfig.NetworkMode}}', name)).toBe(
      'running here default',
    );
    expect(await ok('top', name)).toContain('sleep 1000');
    expect(await ok('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', name)).toBe(`${name} 1`);
    await ok('rename', name, `${name}-new`);
    await ok('stop', '-t', '1', `${name}-new`);
    expect(await inspect('{{.State.Status}} {{.State.ExitCode}}', `${name}-new`)).toBe('exited 137');
    await ok('start', `${name}-new`);
    await ok('restart', '-t', '0', `${name}-new`);
    await ok('kill', '-s', 'KILL', `${name}-new`);
    expect(await ok('wait', `${name}-new`)).toBe('137');
    await ok('rm', `${name}-new`);
    expect((await docker('start', `${name}-new`)).stderr).toContain(`No such container: ${name}-new`);
  });

  it('pauses, limits and refuses as dockerd does', async () => {
    const name = await sleeping('--memory', '64m');
    await ok('pause', name);
    expect(await ok('ps', '--filter', `name=${name}`, '--format', '{{.Status}}')).toContain('(Paused)');
    await ok('unpause', name);
    await ok('update', '--memory', '128m', '--memory-swap', '128m', name);
    expect(await inspect('{{.HostConfig.Memory}}', name)).toBe(String(128 << 20));
    expect((await docker('rm', name)).stderr).toMatch(/cannot remove|Stop the container before/);
    const again = await docker('run', '--name', name, 'box:1', 'true');
    expect(again.code).toBe(125);
    expect(again.stderr).toContain(`Conflict. The container name "/${name}" is already in use by container`);
    await ok('rm', '-f', name);
  });

  it('gives what a container said, also while it speaks', async () => {
    const name = `c${++names}`;
    await ok(
      'run',
      '-d',
      '--name',
      name,
      'box:1',
      'sh',
      '-c',
      'echo one; sleep 0.3; echo two; sleep 0.3; echo three >&2',
    );
    const followed = await docker('logs', '-f', name);
    expect([followed.stdout, followed.stderr]).toEqual(['one\ntwo\n', 'three\n']);
    const last = await docker('logs', '--tail', '1', '-t', name);
    expect(last.stderr).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z three\n$/);
    await ok('rm', name);
  });

  it('runs more commands in a container', async () => {
    const name = await sleeping('-e', 'A=1');
    const exec = (...args: string[]) => docker('exec', ...args);
    expect(await exec('-e', 'B=2', '-w', '/tmp', name, 'sh', '-c', 'echo $A $B $PWD; exit 5')).toMatchObject({
      code: 5,
      stdout: '1 2 /tmp\n',
    });
    expect((await exec(name, 'no-such-program')).code).toBe(127);
    expect((await exec(name, '/etc')).code).toBe(126);
    expect(await engine.docker(client, ['exec', '-i', name, 'cat'], { input: 'x' })).toMatchObject({ stdout: 'x' });
    await ok('exec', '-d', name, 'touch', '/tmp/behind');
    await expect.poll(async () => (await exec(name, 'ls', '/tmp')).stdout).toBe('behind\n');
    await ok('rm', '-f', name);
    expect((await exec(name, 'true')).stderr).toContain(`No such container: ${name}`);
  });

  it('copies files in and out, and shows what changed', async () => {
    const name = await sleeping();
    const folder = join(engine.server.folder, `cp-${name}`);
    await mkdir(join(folder, 'sub'), { recursive: true });
    await writeFile(join(folder, 'sub/file'), 'content');
    await ok('cp', join(folder, 'sub'), `${name}:/tmp`);
    expect((await docker('exec', name, 'cat', '/tmp/sub/file')).stdout).toBe('content');
    await ok('cp', `${name}:/tmp/sub/file`, join(folder, 'back'));
    expect(await readFile(join(folder, 'back'), 'utf8')).toBe('content');
    expect((await docker('cp', `${name}:/nope`, folder)).stderr).toMatch(
      /Could not find the file \/nope|No such container:path/,
    );
    expect((await ok('diff', name)).split('\n').sort()).toEqual(['A /tmp/sub', 'A /tmp/sub/file', 'C /tmp']);
    await ok('export', '-o', join(folder, 'all.tar'), name);
    await ok('commit', name, `made:${name}`);
    expect((await docker('run', '--rm', `made:${name}`, 'cat', '/tmp/sub/file')).stdout).toBe('content');
    await ok('rm', '-f', name);
    await ok('rmi', `made:${name}`);
  });

  it('has volumes', async () => {
    const name = `v${++names}`;
    await ok('volume', 'create', '--label', 'a=b', name);
    expect(await ok('volume', 'ls', '-q', '--filter', 'label=a=b', '--filter', `name=${name}`)).toBe(name);
    await ok('run', '--rm', '-v', `${name}:/v`, 'box:1', 'sh', '-c', 'echo kept > /v/file');
    expect(await ok('run', '--rm', '-v', `${name}:/v:ro`, 'box:1', 'cat', '/v/file')).toBe('kept');
    const user = await sleeping('-v', `${name}:/v`);
    expect((await docker('volume', 'rm', name)).stderr).toContain('volume is in use');
    expect(await ok('run', '--rm', '--volumes-from', user, 'box:1', 'cat', '/v/file')).toBe('kept');
    await ok('rm', '-f', user);
    await ok('volume', 'rm', name);
    expect((await docker('volume', 'inspect', name)).stderr).toMatch(/no such volume/i);
  });

  it('has networks, on which containers find each other', async () => {
    const name = `n${++names}`;
    await ok('network', 'create', name);
    const one = await sleeping('--network', name, '--network-alias', 'other');
    expect(await ok('network', 'inspect', '-f', '{{range .Containers}}{{.Name}}{{end}}', name)).toBe(one);
    const gateway = await ok('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', name);
    expect(await ok('exec', one, 'busybox', 'ip', 'route')).toContain(`default via ${gateway} `);
    const looked = await ok('run', '--rm', '--network', name, 'box:1', 'busybox', 'nslookup', 'other');
    expect(looked).toContain(await inspect(`{{(index .NetworkSettings.Networks "${name}").IPAddress}}`, one));
    expect((await docker('network', 'rm', name)).stderr).toContain('has active endpoints');
    expect((await docker('network', 'rm', 'host')).stderr).toContain('host is a pre-defined network');
    await ok('rm', '-f', one);
    await ok('network', 'rm', name);
    expect((await run('ls', '/sys/class/net')).stdout).toContain('eth0');
    expect((await docker('run', '--rm', '--network', 'none', 'box:1', 'ls', '/sys/class/net')).stdout).toBe('lo\n');
    const host = await docker('run', '--rm', '--network', 'host', 'box:1', 'ls', '/sys/class/net');
    expect(host.code).toBe(0);
    expect(host.stdout).not.toBe('eth0\nlo\n');
  });

  it('tells what happened', async () => {
    const since = String(Date.now() / 1000);
    const name = `c${++names}`;
    await ok('run', '--rm', '--name', name, 'box:1', 'true');
    const until = String(Date.now() / 1000 + 0.5);
    const said = await ok(
      'events',
      '--since',
      since,
      '--until',
      until,
      '--filter',
      `container=${name}`,
      '--filter',
      'type=container',
      '--format',
      '{{.Action}}',
    );
    const actions = said.split('\n');
    for (const action of ['create', 'start', 'die', 'destroy']) expect(actions).toContain(action);
  });

  it('clears away what has ended, and nothing else', async () => {
    const runs = await sleeping('--label', 'prune=1');
    const ended = `c${++names}`;
    await ok('run', '--name', ended, '--label', 'prune=1', 'box:1', 'true');
    expect(await ok('container', 'prune', '-f', '--filter', 'label=prune=1')).toContain('Total reclaimed space');
    expect(await ok('ps', '-a', '--filter', 'label=prune=1', '--format', '{{.Names}}')).toBe(runs);
    expect(await ok('system', 'df')).toMatch(/^Containers\s+[1-9]\d*\s+[1-9]/m);
    await ok('rm', '-f', runs);
  });

  it('gives the owner what the owner asks for', async () => {
    const bound = await ok('run', '--rm', '-v', `${engine.server.folder}:/host:ro`, 'box:1', 'ls', '/host');
    expect(bound).toContain('server.log');
    const caps = await ok('run', '--rm', '--privileged', 'box:1', 'cat', '/proc/self/status');
    const ours = await readFile('/proc/self/status', 'utf8');
    const effective = (text: string) => /^CapEff:\s*(\w+)/m.exec(text)?.[1];
    expect(effective(caps)).toBe(effective(ours));
    expect(await ok('run', '--rm', '--pid', 'host', 'box:1', 'ls', '/proc')).toContain(String(engine.server.pid));
  });
});
