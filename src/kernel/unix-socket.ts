import { closeSync, constants, openSync } from 'node:fs';
import type { Server } from 'node:net';
import { basename, dirname } from 'node:path';
import { selfFd } from './rooted.ts';

export interface UnixSocket {
  /** Leads to the socket for this process, however long its real path is. */
  address: string;
  /** Ends the server; its connections are the caller's to end before. */
  close(): Promise<void>;
}

/**
 * Listens on a path of any length: sockaddr_un holds 108 bytes (unix(7)), and a data folder's path may have more, so the
 * socket is named through a descriptor of its folder. That stays open as long, because Node removes a socket by its name.
 */
export async function listenOn(server: Server, path: string): Promise<UnixSocket> {
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  const address = `${selfFd(folder)}/${basename(path)}`;
  try {
    await new Promise<void>((listening, failed) => {
      server.once('error', failed);
      server.listen(address, listening);
    });
  } catch (error) {
    closeSync(folder);
    throw error;
  }
  return {
    address,
    async close() {
      await new Promise((closed) => server.close(closed));
      closeSync(folder);
    },
  };
}
