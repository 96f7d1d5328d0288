import { chmodSync, chownSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import type { FileOwner } from '../../dockerfile/run-mount.ts';
import { listenOn } from '../../kernel/unix-socket.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';

/** Requests that ask for keys and signatures (draft-miller-ssh-agent, 5.1); any other would change the person's agent. */
const ALLOWED = new Set([
  11, // SSH_AGENTC_REQUEST_IDENTITIES
  13, // SSH_AGENTC_SIGN_REQUEST
]);

const FAILURE = Buffer.from([0, 0, 0, 1, 5]); // SSH_AGENT_FAILURE
/** OpenSSH's own limit of a message. */
const LONGEST = 256 * 1024;

export interface AgentRelay {
  close(): Promise<void>;
}

/**
 * A socket of our own that leads to a person's ssh agent: it has the owner and mode that a container needs, and a command
 * can sign with the keys but neither add, remove nor lock them.
 * @param path below a folder of ours
 */
export async function relayAgent(path: string, agent: string, owner: FileOwner): Promise<AgentRelay> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(agent);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      // an agent that has gone, or a command that didn't wait: the other end learns it by the end of its connection
      socket.on('error', (error) => log.debug({ error: messageOf(error) }, 'ssh agent'));
    }
    upstream.once('close', () => client.destroy());
    relay(client, upstream).catch((error: unknown) => log.debug({ error: messageOf(error) }, 'ssh agent'));
  });
  const socket = await listenOn(server, path);
  const close = async () => {
    for (const connection of open) connection.destroy();
    await socket.close();
  };
  try {
    chownSync(socket.address, owner.uid, owner.gid);
    chmodSync(socket.address, owner.mode);
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One request after the other, as the protocol has it. */
async function relay(client: Socket, upstream: Socket): Promise<void> {
  const answers = messages(upstream);
  try {
    for await (const request of messages(client)) {
      if (!ALLOWED.has(request[4] ?? 0)) {
        client.write(FAILURE);
        continue;
      }
      upstream.write(request);
      const { value, done } = await answers.next();
      if (done === true) return;
      client.write(value);
    }
  } finally {
    client.destroy();
    upstream.destroy();
  }
}

/** Whole messages: four bytes of length, then as many. @throws Error for one that is too long */
async function* messages(socket: Socket): AsyncGenerator<Buffer, undefined, undefined> {
  let held = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 4) {
      const length = held.readUInt32BE(0) + 4;
      if (length > LONGEST) throw new Error(`a message of ${length} bytes`);
      if (held.length < length) break;
      yield held.subarray(0, length);
      held = held.subarray(length);
    }
  }
  return undefined;
}
