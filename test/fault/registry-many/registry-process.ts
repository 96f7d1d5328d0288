import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callRegistry, type RegistryAnswer, type Sending } from '../../wire/registry-call.ts';

/** A registry beside the test, with the admin of project `p` as its client. */
export class RegistryProcess {
  readonly host: string;
  readonly secret: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, { host, secret }: { host: string; secret: string }) {
    this.#child = child;
    this.host = host;
    this.secret = secret;
  }

  /** @param idleMs after which a connection on which nothing moves is given up */
  static async start(idleMs?: number): Promise<RegistryProcess> {
    const child = fork(join(import.meta.dirname, 'serve.ts'), idleMs === undefined ? [] : [String(idleMs)], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const failed = once(child, 'exit').then(() => Promise.reject(new Error('the registry did not start')));
    const [said] = (await Promise.race([once(child, 'message'), failed])) as [{ host: string; secret: string }];
    failed.catch(() => undefined);
    return new RegistryProcess(child, said);
  }

  send(method: string, path: string, sending: Sending = {}): Promise<RegistryAnswer> {
    return callRegistry(this.host, method, path.startsWith('/') ? path : `/v2/p/images/app/${path}`, {
      secret: this.secret,
      ...sending,
    });
  }

  /** Megabytes resident: now, and the most that there ever were. */
  async memory(): Promise<{ now: number; peak: number }> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
    const megabytes = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
    return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') };
  }

  async openFiles(): Promise<number> {
    return (await readdir(`/proc/${this.#child.pid}/fd`)).length;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }
}
