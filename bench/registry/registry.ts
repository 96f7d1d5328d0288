import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataFolder } from '../../src/lib/data-folder.ts';
import { AccountedGroup } from '../accounting.ts';
import { httpAnswers, startDaemon } from '../contenders/daemon.ts';
import { SLIPWAY } from '../contenders/slipway.ts';
import { registryConfig } from '../upstream.ts';
import { RegistryClient } from './client.ts';

/** One registry with its store on this disk, asked over plain HTTP. */
export interface Registry {
  readonly name: string;
  /** Holds everything that it runs. */
  readonly group: AccountedGroup;
  readonly client: RegistryClient;
  /** Whether its image has many tags already. */
  readonly holdsTags: boolean;
  end(): Promise<void>;
}

/** @param fill writes into the new data folder before its server starts */
export async function startSlipway(
  name: string,
  folder: string,
  fill?: (data: string) => Promise<void>,
): Promise<Registry> {
  const data = join(folder, name.replaceAll(/\W+/g, '-'));
  await mkdir(data, { mode: 0o700 });
  await fill?.(data);
  const argv = [process.execPath, SLIPWAY, 'serve', '--data', data, '--listen', '127.0.0.1:0'];
  return start(name, fill !== undefined, async (group) => {
    const daemon = await startDaemon(
      await group.asRoot(argv),
      `${data}.log`,
      async (printed) => /^ready (http:\S+)$/m.exec(printed)?.[1],
    );
    const token = (await readFile(dataFolder(data).token, 'utf8')).trim();
    return { stop: daemon.stop, client: new RegistryClient(daemon.found, token) };
  });
}

/** distribution of the machine, as its package comes: file system, no users; deleting and logs are not measured. */
export async function startDistribution(name: string, folder: string): Promise<Registry> {
  const { config, host } = await registryConfig(join(folder, name));
  return start(name, false, async (group) => {
    const daemon = await startDaemon(
      group.within(['docker-registry', 'serve', config]),
      join(folder, `${name}.log`),
      async () => ((await httpAnswers(`http://${host}/v2/`)) ? host : undefined),
    );
    return { stop: daemon.stop, client: new RegistryClient(`http://${host}`) };
  });
}

async function start(
  name: string,
  holdsTags: boolean,
  begin: (group: AccountedGroup) => Promise<{ client: RegistryClient; stop(): Promise<void> }>,
): Promise<Registry> {
  const group = await AccountedGroup.create(name.replaceAll(/\W+/g, '-'));
  try {
    const { client, stop } = await begin(group);
    const end = async () => {
      client.close();
      await stop();
      await group.end();
    };
    return { name, group, client, holdsTags, end };
  } catch (error) {
    await group.end();
    throw error;
  }
}
