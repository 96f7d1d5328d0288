import { fullName } from '../../../images/reference.ts';
import { Problem } from '../../../lib/problem.ts';
import type { AskedOutput } from '../build/session-outputs.ts';
import type { SolveRequest } from './gen/control_pb.ts';

/** What a client wants of a result. */
export interface Exporters {
  /** All, in the client's order, which is how it knows them apart. */
  all: AskedOutput[];
  /** Names of the image here. */
  tags: string[];
  /** Those that are pushed. */
  pushed: string[];
}

/** What would make another image, or another file, than was asked for. */
const REFUSED: { asks: (key: string, value: string) => boolean; flag: string; hint: string }[] = [
  { asks: (key) => /^annotation[-.[]/.test(key), flag: '--annotation', hint: 'Labels are kept: --label NAME=VALUE.' },
  { asks: (key, value) => key === 'tar' && value === 'false', flag: 'tar=false', hint: 'Unpack the archive.' },
  {
    asks: (key, value) => key === 'compression' && value !== 'gzip',
    flag: 'compression',
    hint: 'Layers are packed by gzip, or not at all where that saves nothing.',
  },
];

/**
 * Clients of old know one exporter, and the later ones repeat theirs in its place.
 * @throws Problem `unsupported`, `invalid` for a bad name
 */
export function exportersOf({ exporters, exporter, exporterAttrs }: SolveRequest): Exporters {
  const single = exporter === '' ? [] : [{ type: exporter, attributes: exporterAttrs }];
  const all = exporters.length > 0 ? exporters.map(({ type, attrs }) => ({ type, attributes: attrs })) : single;
  for (const { type, attributes } of all) refuse(type, attributes);
  const images = all.filter(({ type }) => type === 'image' || type === 'moby');
  return { all, tags: namesOf(images), pushed: namesOf(images.filter(isPushed)) };
}

function refuse(type: string, attributes: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(attributes))
    for (const { asks, flag, hint } of REFUSED)
      if (asks(key, value))
        throw new Problem('unsupported', `${flag} is not served for outputs of type=${type}`, { hint });
}

function namesOf(images: readonly AskedOutput[]): string[] {
  const names = images.flatMap(({ attributes }) => (attributes['name'] ?? '').split(','));
  return [...new Set(names.filter((name) => name !== '').map(fullName))];
}

/** buildx of old pushes again by docker's own call, which finds everything there; later ones leave it to the server. */
function isPushed({ attributes }: AskedOutput): boolean {
  return attributes['push'] === 'true';
}
