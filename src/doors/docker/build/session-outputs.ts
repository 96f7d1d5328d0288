import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildOutput } from '../../../engine/request.ts';
import { fullName } from '../../../images/reference.ts';
import { Problem } from '../../../lib/problem.ts';
import type { ClientSession } from '../session/client-session.ts';

export interface AskedOutput {
  type: string;
  attributes: Record<string, string>;
}

/** What goes to the client besides, or in place of, an image here. */
export interface SessionOutputs {
  outputs: BuildOutput[];
  /** Whether the image is named here. */
  image: boolean;
}

/**
 * The outputs of a build while `work` runs. Archives go to the client as they are written; a folder is written here first,
 * below `scratch`, and sent when the build has succeeded.
 * @throws Problem `unsupported` for a type that is none of BuildKit's
 */
export async function withSessionOutputs<T>(
  asked: readonly AskedOutput[],
  session: ClientSession,
  scratch: string,
  signal: AbortSignal,
  work: (outputs: SessionOutputs) => Promise<T>,
): Promise<T> {
  const outputs: BuildOutput[] = [];
  const folders: { folder: string; exporter: number }[] = [];
  let image = asked.length === 0;
  try {
    for (const [exporter, { type, attributes }] of asked.entries()) {
      if (type === 'image' || type === 'moby' || type === '') image = true;
      else if (type === 'local') {
        await mkdir(scratch, { recursive: true, mode: 0o700 });
        const folder = await mkdtemp(join(scratch, 'output-'));
        folders.push({ folder, exporter });
        outputs.push({ kind: 'local', folder });
      } else if (type === 'tar' || type === 'oci' || type === 'docker') {
        const names = (attributes['name'] ?? '').split(',').filter((name) => name !== '');
        const write = (bytes: AsyncIterable<Uint8Array>) => session.sendArchive(bytes, { exporter, signal });
        outputs.push({ kind: type, write, names: names.map(fullName) });
      } else
        throw new Problem('unsupported', `output type ${JSON.stringify(type)} is not known here`, {
          hint: 'Types: local, tar, oci, docker, image.',
        });
    }
    const result = await work({ outputs, image });
    for (const { folder, exporter } of folders) await session.sendFolder(folder, { exporter, signal });
    return result;
  } finally {
    for (const { folder } of folders) await rm(folder, { recursive: true, force: true });
  }
}
