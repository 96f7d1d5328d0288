import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const SSHD = '/usr/sbin/sshd';
/** Where sshd leaves its root behind; fixed when it was compiled. */
const EMPTY = '/run/sshd';

export const hasSshd = existsSync(SSHD) && existsSync('/usr/bin/ssh-agent');

export interface SshServer {
  port: number;
  /** Socket of an agent whose key the server takes. */
  agent: string;
  close(): Promise<void>;
}

/** OpenSSH's own server on loopback, which lets root in by one key and by nothing else. */
export async function serveSsh(folder: string): Promise<SshServer> {
  const made = !existsSync(EMPTY);
  await mkdir(EMPTY, { recursive: true, mode: 0o755 });
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  await writeFile(join(folder, 'authorized'), await readFile(join(folder, 'user.pub')));
  const port = await freePort();
  await writeFile(
    join(folder, 'sshd_config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'authorized')}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
    ].join('\n'),
  );
  const agent = join(folder, 'agent');
  const children: ChildProcess[] = [
    spawn(SSHD, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' }),
    spawn('ssh-agent', ['-D', '-a', agent], { stdio: 'ignore' }),
  ];
  const close = async () => {
    for (const child of children) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.kill()) await ended;
    }
    if (made) await rmdir(EMPTY).catch(() => undefined);
  };
  try {
    await until(() => existsSync(agent));
    await until(() => answers(port));
    execFileSync('ssh-add', ['-q', join(folder, 'user')], { env: { ...process.env, SSH_AUTH_SOCK: agent } });
    return { port, agent, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('data', () => socket.destroy());
  });
}

async function until(ready: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await ready()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('sshd or ssh-agent did not start');
}
