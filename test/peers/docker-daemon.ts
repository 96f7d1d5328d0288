import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** A dockerd of our own, on a socket in a folder of its own, without any network of the machine. */
export interface DockerDaemon {
  version: string;
  /** DOCKER_HOST. */
  host: string;
  docker(args: readonly string[], env?: Record<string, string>): Promise<CommandResult>;
  stop(): Promise<void>;
}

/** The client that still has BuildKit built in: newer ones want a plug-in for it. */
const CLIENTS = ['/usr/bin/docker', '/usr/local/bin/docker'];

function client(): string | undefined {
  return CLIENTS.find((path) => {
    try {
      return / (?:19|20)\./.test(execFileSync(path, ['--version'], { encoding: 'utf8' }));
    } catch {
      return false;
    }
  });
}

export const hasDocker = process.getuid?.() === 0 && existsSync('/usr/sbin/dockerd') && client() !== undefined;

/**
 * @param flags more of dockerd's
 * @param env beside that of this process
 */
export async function startDocker({
  flags = [],
  env: more = {},
}: {
  flags?: readonly string[];
  env?: NodeJS.ProcessEnv;
} = {}): Promise<DockerDaemon> {
  const program = client();
  if (program === undefined) throw new Error('no docker client with BuildKit built in');
  const folder = await mkdtemp(join(tmpdir(), 'slipway-dockerd-'));
  const socket = `unix://${join(folder, 'docker.sock')}`;
  await writeFile(join(folder, 'daemon.json'), '{}');
  const log = openSync(join(folder, 'log'), 'a');
  const daemon = spawn(
    'dockerd',
    [
      ...['--data-root', join(folder, 'root'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid')],
      ...['--config-file', join(folder, 'daemon.json'), '-H', socket],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false'],
      ...flags,
    ],
    { stdio: ['ignore', log, log], env: { ...process.env, ...more } },
  );
  closeSync(log);
  const docker: DockerDaemon['docker'] = (args, env = {}) =>
    run(program, args, { ...process.env, DOCKER_HOST: socket, DOCKER_CONFIG: folder, ...env });
  const stop = async () => {
    await ended(daemon);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    for (let tries = 0; ; tries++) {
      const { exitCode, stdout } = await docker(['version', '--format', '{{.Server.Version}}']);
      if (exitCode === 0) return { version: stdout.trim(), host: socket, docker, stop };
      if (tries === 100 || daemon.exitCode !== null)
        throw new Error(`dockerd does not answer:\n${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ended(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const exit = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  const force = setTimeout(() => daemon.kill('SIGKILL'), 20_000);
  await exit;
  clearTimeout(force);
}

/** A program to its end, whatever its code. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(program, args, { env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
      resolve({ exitCode: code, stdout, stderr: code === 127 && stderr === '' ? String(error) : stderr });
    });
  });
}
