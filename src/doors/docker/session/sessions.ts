import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../../../lib/problem.ts';
import { GrpcClient } from '../../grpc/grpc-client.ts';
import type { DockerHouse } from '../call.ts';
import { ClientSession, type SessionFacts } from './client-session.ts';
import { Mirrors } from './mirrors.ts';

/** A client opens its session beside the request that names it: whichever comes first. Milliseconds. */
const PATIENCE = 5000;
const LOOK_MS = 10;

/** The sessions that clients have open now. */
export class Sessions {
  readonly mirrors: Mirrors;
  readonly #open = new Map<string, ClientSession>();

  /** @param folder that stays when this process ends */
  constructor(folder: string) {
    this.mirrors = new Mirrors(folder);
  }

  /** Serves a client's session until it ends. @param socket taken over; the client answers on it */
  async serve(facts: SessionFacts, socket: Duplex): Promise<void> {
    const session = new ClientSession(facts, await GrpcClient.over(socket), this.mirrors);
    this.#open.set(facts.uuid, session);
    try {
      await session.closed;
    } finally {
      if (this.#open.get(facts.uuid) === session) this.#open.delete(facts.uuid);
    }
  }

  /** @throws Problem `not-found` when it isn't opened soon; `cancelled` */
  async get(uuid: string, signal: AbortSignal): Promise<ClientSession> {
    for (let waited = 0; ; waited += LOOK_MS) {
      const session = this.#open.get(uuid);
      if (session !== undefined) return session;
      if (signal.aborted) throw new Problem('cancelled', 'the client went away');
      if (waited >= PATIENCE)
        throw new Problem('not-found', `no active session for ${uuid}: context deadline exceeded`);
      await sleep(LOOK_MS);
    }
  }
}

const ofHouse = new WeakMap<DockerHouse['events'], Sessions>();

/** The sessions of one scope, which has one hub of events: no client reaches another scope's. */
export function sessionsOf({ events, keptFolder }: Pick<DockerHouse, 'events' | 'keptFolder'>): Sessions {
  const known = ofHouse.get(events) ?? new Sessions(keptFolder);
  ofHouse.set(events, known);
  return known;
}
