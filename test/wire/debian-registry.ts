import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's docker-registry (distribution 2.8) on a port of its own, which plays everybody else's registry. */
export interface DebianRegistry {
  /** `127.0.0.1:PORT`. */
  host: string;
  stop(): Promise<void>;
}

export async function startDebianRegistry(): Promise<DebianRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-registry-'));
  const config = join(folder, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      version: '0.1',
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
      http: { addr: '127.0.0.1:0' },
    }),
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { host: `127.0.0.1:${await listeningPort(child)}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`docker-registry ended: ${log}`)));
  });
}

/** A server between a client and a registry, for everything that a good registry doesn't do by itself. */
export interface Interloper {
  host: string;
  /** `METHOD /path` of every request, without queries. */
  seen: string[];
  stop(): Promise<void>;
}

/**
 * Forwards to a registry whatever `intercept` doesn't answer.
 * @param intercept answers by itself and gives true, or false to forward; may wrap the answer with `cutAfter`
 */
export async function startInterloper(
  target: string,
  intercept: (incoming: IncomingMessage, outgoing: ServerResponse, forward: (cutAfter?: number) => void) => boolean,
): Promise<Interloper> {
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url?.split('?')[0]}`);
    const forward = (cutAfter = Number.POSITIVE_INFINITY) => forwardTo(target, incoming, outgoing, cutAfter);
    if (!intercept(incoming, outgoing, forward)) forward();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen, stop: () => stopServer(server) };
}

function forwardTo(target: string, incoming: IncomingMessage, outgoing: ServerResponse, cutAfter: number): void {
  const headers = { ...incoming.headers };
  delete headers['authorization'];
  const onward = request(`http://${target}${incoming.url}`, { method: incoming.method ?? 'GET', headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    let passed = 0;
    answer.on('data', (chunk: Buffer) => {
      if (passed + chunk.length > cutAfter) {
        outgoing.write(chunk.subarray(0, cutAfter - passed), () => outgoing.destroy());
        answer.destroy();
      } else if (!outgoing.write(chunk)) {
        answer.pause();
        outgoing.once('drain', () => answer.resume());
      }
      passed += chunk.length;
    });
    answer.on('end', () => outgoing.end());
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
}

export function stopServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
