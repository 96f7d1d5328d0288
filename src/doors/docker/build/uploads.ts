import type { IncomingMessage } from 'node:http';
import { Problem } from '../../../lib/problem.ts';
import type { DockerHouse } from '../call.ts';

/** How a client marks the request that carries a build's context in its body. */
const PREFIX = 'upload-request:';
/** The value of `remote` in the other request, the build itself. */
export const UPLOAD_REQUEST = 'upload-request';
/** For the second of the two requests. Milliseconds. */
const PATIENCE = 10_000;

/** The build that a body is meant for; undefined for a request that is the build itself. */
export function uploadFor(buildId: string): string | undefined {
  return buildId.startsWith(PREFIX) ? buildId.slice(PREFIX.length) : undefined;
}

interface Waiting {
  body: Promise<IncomingMessage>;
  bring: (body: IncomingMessage) => void;
}

/**
 * Contexts that come in a request of their own, as docker sends its standard input with DOCKER_BUILDKIT=1. The body is not
 * read before its build takes it, and either request may be the first.
 */
class Uploads {
  readonly #waiting = new Map<string, Waiting>();

  /** Resolves when the build has read the body. @throws Problem `not-found` when nobody wants it, `cancelled` */
  async bring(id: string, body: IncomingMessage, signal: AbortSignal): Promise<void> {
    this.#of(id).bring(body);
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        if (body.readableFlowing === null && !body.readableDidRead)
          reject(new Problem('not-found', `no build ${id} asks for this context`));
      }, PATIENCE);
      const settle = (end: () => void) => {
        clearTimeout(late);
        end();
      };
      body.once('close', () => settle(resolve));
      body.once('end', () => settle(resolve));
      signal.addEventListener('abort', () => settle(() => reject(new Problem('cancelled', 'the client went away'))));
    }).finally(() => this.#waiting.delete(id));
  }

  /** @throws Problem `not-found` when none comes in time; `cancelled` */
  async take(id: string, signal: AbortSignal): Promise<IncomingMessage> {
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const late = setTimeout(() => reject(new Problem('not-found', `no context was sent for build ${id}`)), PATIENCE);
      const gone = () => reject(new Problem('cancelled', 'the client went away'));
      signal.addEventListener('abort', gone);
      void this.#of(id)
        .body.then(resolve)
        .finally(() => {
          clearTimeout(late);
          signal.removeEventListener('abort', gone);
        });
    }).finally(() => this.#waiting.delete(id));
  }

  #of(id: string): Waiting {
    const known = this.#waiting.get(id);
    if (known !== undefined) return known;
    let bring: Waiting['bring'] = () => undefined;
    const body = new Promise<IncomingMessage>((resolve) => {
      bring = resolve;
    });
    const waiting = { body, bring };
    this.#waiting.set(id, waiting);
    return waiting;
  }
}

const ofHouse = new WeakMap<DockerHouse['events'], Uploads>();

export function uploadsOf({ events }: Pick<DockerHouse, 'events'>): Uploads {
  const known = ofHouse.get(events) ?? new Uploads();
  ofHouse.set(events, known);
  return known;
}
