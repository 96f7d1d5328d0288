import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from '../../../src/lib/retry.ts';
import { type RunResult, run, runOk } from '../../../src/lib/run.ts';
import { unmountBelow } from './unmount-below.ts';

export interface DockerDaemon {
  /** The docker client against this daemon; an exit code other than 0 is an error. */
  docker(args: readonly string[], input?: string): Promise<RunResult>;
  close(): Promise<void>;
}

/**
 * A real dockerd with folders of its own, without bridge and firewall rules, which reaches Google's names through our
 * proxy and believes our authority, as a person sets it up in docker's service file.
 * @param folder short: containerd's sockets are made in it
 * @param flags more of dockerd's
 */
export async function startDockerDaemon(
  folder: string,
  proxy: string,
  authority: string,
  flags: readonly string[] = [],
): Promise<DockerDaemon> {
  await mkdir(folder, { recursive: true });
  const socket = `unix://${join(folder, 'docker.sock')}`;
  const daemon = spawn(
    'dockerd',
    [
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
      ...['--pidfile', join(folder, 'pid'), '-H', socket, '--bridge=none', '--iptables=false'],
      ...flags,
    ],
    { stdio: 'ignore', env: { ...process.env, HTTPS_PROXY: proxy, SSL_CERT_FILE: authority } },
  );
  const env = { ...process.env, DOCKER_HOST: socket, DOCKER_CONFIG: join(folder, 'config'), DOCKER_CONTEXT: '' };
  const close = async () => {
    if (daemon.exitCode === null && daemon.signalCode === null) {
      const ended = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      await ended;
    }
    await unmountBelow(folder);
    await rm(folder, { recursive: true, force: true });
  };
  for (let tries = 0; (await run('docker', ['version'], { env })).code !== 0; tries++) {
    if (tries === 120 || daemon.exitCode !== null) {
      await close();
      throw new Error('dockerd did not start');
    }
    await pause(250);
  }
  return {
    docker: (args, input) =>
      runOk('docker', args, { env, timeout: 180_000, ...(input === undefined ? {} : { input }) }),
    close,
  };
}
