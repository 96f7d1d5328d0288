import { CommandException, type GsutilCommand, NothingMatched } from './session.ts';
import { parsePlace } from './urls.ts';

/** `gsutil compose gs://B/A gs://B/B gs://B/ALL`: one object of several, in order. */
export const compose: GsutilCommand = async (args, session) => {
  const urls = [...args];
  const target = parsePlace(urls.pop() ?? '');
  if (target.kind !== 'cloud' || urls.length === 0)
    throw new CommandException('Wrong number of arguments for "compose" command.');
  const sources = [];
  for (const url of urls) {
    const place = parsePlace(url);
    const object = place.kind === 'cloud' ? await session.buckets.stat(place.bucket, place.path) : undefined;
    if (object === undefined) throw new NothingMatched(url);
    sources.push(object);
  }
  session.err(`Composing gs://${target.bucket}/${target.path} from ${sources.length} component object(s).`);
  await session.buckets.compose(target.bucket, target.path, sources, session.upload);
  return 0;
};
