import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { run } from '../../lib/run.ts';

/** Of a private key; the longest in use has 4 KiB. */
export const KEY_LIMIT = 64 << 10;

export interface PrivateAgent {
  socket: string;
  close(): Promise<void>;
}

/** A file with a private key, under the name by which the person knows it. */
export interface KeyFile {
  name: string;
  key: Uint8Array;
}

/**
 * An ssh agent of our own that holds these keys, for as long as a build wants them. The keys reach it by its standard input:
 * they lie in no file and on no command line. It ends with `close`, or with this process, since then its child's input ends.
 * @throws Problem `not-found` where OpenSSH's programs are missing, `invalid` for what is no key or asks for a passphrase
 */
export async function openPrivateAgent(keys: readonly KeyFile[]): Promise<PrivateAgent> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-agent-'));
  const socket = join(folder, 's');
  let agent: { end(): void } | undefined;
  const close = async () => {
    agent?.end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    agent = await startAgent(socket);
    for (const key of keys) await addKey(socket, key);
    return { socket, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `ssh-agent COMMAND` ends when the command does; the command tells us that it listens, and waits for our end. */
async function startAgent(socket: string): Promise<{ end(): void }> {
  const command = ['sh', '-c', 'echo "$SSH_AGENT_PID"; exec cat >/dev/null'];
  const child = spawn('ssh-agent', ['-a', socket, ...command], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => undefined);
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(hasErrorCode(error, 'ENOENT') ? missing('ssh-agent') : error));
    child.once('exit', (code) => reject(new Problem('failed', `ssh-agent ended with code ${code}`)));
    child.stdout.once('data', (line: Buffer) => resolve(Number.parseInt(line.toString(), 10)));
  });
  return {
    end() {
      child.stdin.end();
      try {
        process.kill(pid, 'SIGTERM'); // by itself it looks every ten seconds whether its command has ended
      } catch (error) {
        if (!hasErrorCode(error, 'ESRCH')) throw error;
      }
    },
  };
}

async function addKey(socket: string, { name, key }: KeyFile): Promise<void> {
  const { code, stderr } = await run('ssh-add', ['-q', '-'], {
    input: Buffer.from(key).toString('utf8'),
    env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'never', DISPLAY: '' },
  }).catch((error: unknown) => {
    throw error instanceof Problem && error.code === 'not-found' ? missing('ssh-add') : error;
  });
  if (code === 0) return;
  const locked = /passphrase/i.test(stderr);
  throw new Problem(
    'invalid',
    `${name} ${locked ? 'has a passphrase, which nobody can be asked for here' : 'is no private key of ssh'}`,
    {
      hint: locked
        ? `Add it to an agent of your own (ssh-add ${name}), and name that: --ssh default`
        : `ssh-add says: ${stderr.trim()}`,
    },
  );
}

function missing(program: string): Problem {
  return new Problem('not-found', `there is no ${program} on this machine`, {
    hint: 'Install OpenSSH (openssh-client), or name the socket of an agent that runs: --ssh ID=SOCKET',
  });
}
