import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type DataFolder, dataFolder } from '../lib/data-folder.ts';
import { serverAnswers, socketClient } from './control-client.ts';
import type { CliServices, ControlClient } from './services.ts';
import { processTerminal, type Terminal } from './terminal.ts';

/** What every command is given. */
export interface CliContext {
  services: CliServices;
  terminal: Terminal;
  /** Given on Ctrl-C: the command ends what it started, then itself. */
  signal: AbortSignal;
  data: DataFolder;
  /** The running server, or this process as the owner for one command. */
  control(): Promise<ControlClient>;
  /** The running server. @throws Problem `unavailable` when there is none */
  server(): ControlClient;
}

/** --data, else SLIPWAY_DATA, else `.slipway` where there is one, else `/var/lib/slipway` as root, else the home folder's. */
export function dataPath(option: string | undefined): string {
  if (option !== undefined) return resolve(option);
  const named = process.env['SLIPWAY_DATA'];
  if (named !== undefined && named !== '') return resolve(named);
  if (existsSync('.slipway')) return resolve('.slipway');
  return process.getuid?.() === 0 ? '/var/lib/slipway' : resolve(process.env['HOME'] ?? '.', '.slipway');
}

export function createContext(services: CliServices, data: string | undefined, signal: AbortSignal): CliContext {
  const folder = dataFolder(dataPath(data));
  const terminal = processTerminal();
  return {
    services,
    terminal,
    signal,
    data: folder,
    server: () => socketClient(folder.socket),
    async control() {
      if (await serverAnswers(folder.socket)) return socketClient(folder.socket);
      const waiting = () => terminal.err('Waiting for another slipway command to let go of the data folder\n');
      return services.openOwner(folder.root, { signal, waiting });
    },
  };
}
