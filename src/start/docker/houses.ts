import { join } from 'node:path';
import type { DockerClient, DockerHouse } from '../../doors/docker/call.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import { OWNER_SCOPE } from '../engine.ts';
import { type HouseParts, type OpenHouse, openHouse } from './house.ts';

/** The person at the keyboard: sees what `slipway build` has made, and the other way round. */
export const OWNER_CLIENT: DockerClient = { kind: 'owner', scope: OWNER_SCOPE, project: 'demo', actor: 'owner' };

/** The houses that one process has opened; each is opened once, and stays until the end. */
export class DockerHouses {
  readonly #parts: (client: DockerClient) => HouseParts;
  readonly #folder: string;
  readonly #open = new Map<string, OpenHouse>();
  readonly #opening = new SingleFlight<string, OpenHouse>();

  /** @param folder DATA/docker */
  constructor(folder: string, parts: (client: DockerClient) => HouseParts) {
    this.#folder = folder;
    this.#parts = parts;
  }

  async open(client: DockerClient): Promise<DockerHouse> {
    const known = this.#open.get(client.scope);
    if (known !== undefined) return known.house;
    const opened = await this.#opening.do(client.scope, async () => {
      const house = await openHouse(client, join(this.#folder, folderName(client.scope)), this.#parts(client));
      this.#open.set(client.scope, house);
      return house;
    });
    return opened.house;
  }

  /** Ends the containers, those that listen with their stop signal; their records, changes and logs stay. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((house) => house.close({ seconds: STOP_SECONDS })));
  }
}

/** For containers to end by themselves when the server does; as long as docker's own default. */
export const STOP_SECONDS = 10;

/** A scope has characters that a folder's name should not have. */
function folderName(scope: string): string {
  return scope.replace(/[^a-z0-9-]/g, (char) => `_${char.charCodeAt(0).toString(16)}_`);
}
