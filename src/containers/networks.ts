import type { Network } from './container.ts';

/** Networks that somebody created; `bridge`, `host` and `none` are always there and can't be removed. */
export interface Networks {
  create(name: string, options: { labels: Record<string, string>; internal: boolean }): Promise<NetworkRecord>;
  get(name: string): NetworkRecord;
  list(): NetworkRecord[];
  /** @throws Problem `conflict` when a container is on it */
  remove(name: string): Promise<void>;
  /** For a build: made on first use, closed when the last that is on it has left, or with the scope. @throws Problem `not-found` */
  join(name: string): Promise<{ network: Network; leave(): void }>;
}

export interface NetworkRecord {
  id: string;
  name: string;
  driver: 'bridge' | 'host' | 'null';
  labels: Record<string, string>;
  internal: boolean;
  createdAt: number;
  subnet?: string | undefined;
}
