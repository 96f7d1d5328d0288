import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticator } from '../../auth/tokens.ts';

/** A door over plain node:http: one wildcard path, its own router, its own rendering of errors. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** What every door is given. */
export interface DoorContext {
  authenticator: Authenticator;
  /** False only when the owner said so (`auth: none` in slipway.yaml): then everybody on the listener is the owner. */
  requireToken: boolean;
}

/**
 * The address by which the client reached us (`http://127.0.0.1:7070`, or `https://storage.googleapis.com` through the
 * proxy): absolute URLs in answers must stay on it.
 */
export function originOf(request: IncomingMessage): string {
  const encrypted = 'encrypted' in request.socket && request.socket.encrypted === true;
  return `${encrypted ? 'https' : 'http'}://${request.headers.host ?? 'localhost'}`;
}
