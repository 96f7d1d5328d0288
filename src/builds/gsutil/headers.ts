import { matches, urlOf } from './list.ts';
import { CommandException, type GsutilCommand, type GsutilSession, NothingMatched } from './session.ts';

/** What headers say of an object: `Content-Type:text/html`, `x-goog-meta-team:base`. Others have no meaning here. */
export function readHeaders(headers: readonly string[]): GsutilSession['upload'] {
  const upload: GsutilSession['upload'] = {};
  for (const header of headers) {
    const colon = header.indexOf(':');
    if (colon < 0) throw new CommandException(`Invalid argument: ${header}: a header is NAME:VALUE`);
    const name = header.slice(0, colon).trim().toLowerCase();
    const value = header.slice(colon + 1).trim();
    if (name === 'content-type') upload.contentType = value;
    else if (name.startsWith('x-goog-meta-')) upload.metadata = { ...upload.metadata, [name.slice(12)]: value };
  }
  return upload;
}

/** `gsutil setmeta -h NAME:VALUE... URL...`; a header without value takes it away. */
export const setmeta: GsutilCommand = async (args, session) => {
  const headers: string[] = [];
  const rest = [...args];
  while (rest[0] === '-h') headers.push(...rest.splice(0, 2).slice(1));
  if (headers.length === 0 || rest.length === 0)
    throw new CommandException('Wrong number of arguments for "setmeta" command.');
  const { contentType, metadata = {} } = readHeaders(headers);
  for (const arg of rest) {
    const { objects } = await matches(arg, false, false, session);
    if (objects.length === 0) throw new NothingMatched(arg);
    for (const object of objects) {
      session.err(`Setting metadata on ${urlOf(object)}...`);
      const merged = Object.entries({ ...object.metadata, ...metadata }).filter(([, value]) => value !== '');
      await session.buckets.copy(object, object.bucket, object.name, {
        contentType: contentType || object.contentType,
        metadata: Object.fromEntries(merged),
      });
    }
  }
  return 0;
};
