import { matches, urlOf } from './list.ts';
import { type GsutilCommand, type GsutilSession, NothingMatched, splitFlags } from './session.ts';
import { hasWildcard, parsePlace } from './urls.ts';

/** `gsutil rm [-r] [-f] URL...`; a bucket that is named with -r goes as well. */
export const rm: GsutilCommand = async (args, session) => {
  const { flags, rest } = splitFlags('rm', args, { switches: 'rRfa' });
  const recursive = flags.has('r') || flags.has('R');
  for (const arg of rest) {
    const count = await removeObjects(arg, recursive, session, (url) => session.err(`Removing ${url}...`));
    if (count === 0 && !flags.has('f')) throw new NothingMatched(arg);
  }
  return 0;
};

/** @returns how many objects and buckets went */
export async function removeObjects(
  arg: string,
  recursive: boolean,
  session: GsutilSession,
  onRemove: (url: string) => void,
): Promise<number> {
  const place = parsePlace(arg);
  const below = recursive && place.kind === 'cloud' && place.path !== '' && !hasWildcard(place.path);
  const found = await matches(below ? `${arg.replace(/\/$/, '')}/**` : arg, recursive, false, session);
  if (below && place.kind === 'cloud') {
    const itself = await session.buckets.stat(place.bucket, place.path);
    if (itself !== undefined) found.objects.push(itself);
  }
  for (const object of found.objects) {
    session.caller.signal.throwIfAborted();
    onRemove(urlOf(object));
    await session.buckets.remove(object.bucket, object.name);
  }
  if (!recursive || place.kind !== 'cloud' || place.path !== '') return found.objects.length;
  onRemove(`gs://${place.bucket}/`);
  await session.buckets.removeBucket(place.bucket);
  return found.objects.length + 1;
}
