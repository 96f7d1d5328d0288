import { CommandException, type GsutilCommand, splitFlags } from './session.ts';
import { type Place, parsePlace } from './urls.ts';

/** `gsutil mb [-l LOCATION] gs://BUCKET...`: in the build's own project, whatever -p says. */
export const mb: GsutilCommand = async (args, session) => {
  const { values, rest } = splitFlags('mb', args, { switches: '', values: 'pclsb' });
  const project = values.get('p') ?? session.caller.project;
  if (project !== session.caller.project)
    throw new CommandException(`this build runs in project ${session.caller.project} and makes buckets there alone`);
  for (const arg of rest) {
    const { bucket: name } = bucketOf('mb', parsePlace(arg));
    session.err(`Creating gs://${name}/...`);
    await session.buckets.createBucket({ name, project, location: (values.get('l') ?? 'US').toUpperCase() });
  }
  return 0;
};

/** `gsutil rb [-f] gs://BUCKET...`. */
export const rb: GsutilCommand = async (args, session) => {
  const { flags, rest } = splitFlags('rb', args, { switches: 'f' });
  let code = 0;
  for (const arg of rest) {
    const { bucket } = bucketOf('rb', parsePlace(arg));
    session.err(`Removing gs://${bucket}/...`);
    const removed = await session.buckets.removeBucket(bucket).catch((error: unknown) => {
      if (flags.has('f')) return false;
      throw error;
    });
    if (!removed) code = 1;
  }
  return code;
};

function bucketOf(command: string, place: Place): { bucket: string } {
  if (place.kind === 'cloud' && place.path === '' && place.bucket !== '') return place;
  throw new CommandException(`"${command}" command requires that its URLs name buckets: gs://BUCKET`);
}
