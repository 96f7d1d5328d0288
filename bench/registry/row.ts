import type { Registry } from './registry.ts';

/** The same requests to every registry in turn. */
export interface RegistryRow {
  id: string;
  title: string;
  about: string;
  /** What the other's wall time divided by ours should be at least. */
  atLeast: number;
  /** Ours may take as much memory as the other, in place of the limit that all rows have. */
  memoryOfOther?: boolean;
  /** Makes what the requests are about; not measured. */
  prepare?(registry: Registry, round: number): Promise<void>;
  measured(registry: Registry, round: number): Promise<void>;
}
