import { type Digest, shortDigest } from '../../images/digest.ts';
import type { Caller, Engine, PushResult } from '../engine.ts';
import type { Progress } from '../progress.ts';

/** Pushes as one line of work of a build's progress: its layers, and how far they are. @throws as `Engine.push` */
export async function pushShown(
  engine: Pick<Engine, 'push'>,
  name: string,
  caller: Caller,
  progress: Progress,
): Promise<PushResult> {
  const vertex = progress.begin(`pushing ${name}`);
  const sizes = new Map<Digest, number>();
  try {
    const result = await engine.push(name, caller, {
      onLayer: (layer, state, from) => {
        const size = sizes.get(layer);
        if (state === 'Pushed' && size !== undefined) vertex.status(layer, size, size, true);
        else if (state !== 'Preparing')
          vertex.note(`${shortDigest(layer)}: ${from === undefined ? state : `Mounted from ${from}`}`);
      },
      onBytes: (layer, current, total) => {
        sizes.set(layer, total);
        vertex.status(layer, current, total, false);
      },
    });
    vertex.note(`${result.tag}: digest: ${result.digest} size: ${result.size}`);
    vertex.end('done');
    return result;
  } catch (error) {
    vertex.fail(error);
    throw error;
  }
}
