import type { GrowthField } from '../growth/growth-table.ts';
import type { BuildServer } from './build-server.ts';

/** What a table of whole builds is measured with. */
export type BuildField = Omit<GrowthField, 'server'> & { server: BuildServer };

/** An image of the upstream by the name that builds know it by. */
export function hubName(image: string): string {
  return image.slice(image.lastIndexOf('/') + 1);
}
