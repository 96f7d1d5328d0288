import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type KeyFile, openPrivateAgent } from '../engine/mounts/private-agent.ts';
import { parseSsh } from '../engine/options/secret.ts';
import { messageOf, Problem } from '../lib/problem.ts';
import { UsageProblem } from './usage-problem.ts';

export interface SshAgents {
  /** By the id that a Dockerfile names. */
  sockets: Record<string, string>;
  close(): Promise<void>;
}

/**
 * The agents of `--ssh`: `ID` is the person's own, `ID=SOCKET` another one, `ID=KEYFILE,...` one that is started for these
 * keys and ends with the build.
 * @throws Problem, UsageProblem
 */
export async function openAgents(flags: readonly string[]): Promise<SshAgents> {
  const endings: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const end of endings.splice(0)) await end();
  };
  const sockets: Record<string, string> = {};
  try {
    for (const text of flags) {
      const { id, paths } = parseSsh(text);
      if (Object.hasOwn(sockets, id))
        throw new UsageProblem(`--ssh ${text}: ${id} is given twice`, 'Give each id once.');
      const [first] = paths;
      if (first === undefined) sockets[id] = ownAgent(text);
      else if (paths.length === 1 && existsSync(first) && statSync(first).isSocket()) sockets[id] = resolve(first);
      else {
        const agent = await openPrivateAgent(await Promise.all(paths.map((path) => readKey(path, text))));
        endings.push(() => agent.close());
        sockets[id] = agent.socket;
      }
    }
    return { sockets, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function ownAgent(text: string): string {
  const socket = process.env['SSH_AUTH_SOCK'];
  if (socket !== undefined && socket !== '') return resolve(socket);
  throw new UsageProblem(
    `--ssh ${text}: no agent is running`,
    'Start one (eval "$(ssh-agent)"; ssh-add), or name a socket or a key: --ssh ID=SOCKET, --ssh ID=KEYFILE.',
  );
}

async function readKey(path: string, text: string): Promise<KeyFile> {
  try {
    return { name: path, key: await readFile(path) };
  } catch (error) {
    throw new Problem('not-found', `--ssh ${text}: ${messageOf(error)}`, {
      hint: 'Behind the id stands the socket of an agent, or files with private keys.',
      cause: error,
    });
  }
}
