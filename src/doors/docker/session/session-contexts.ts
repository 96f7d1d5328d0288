import { parseIgnore } from '../../../dockerfile/ignore.ts';
import { TEXT_LIMIT } from '../../../engine/context/folder-files.ts';
import { MissingSource } from '../../../engine/context/missing-source.ts';
import type { ContextSource, ImageBuildRequest } from '../../../engine/request.ts';
import type { ClientSession } from './client-session.ts';

type Asked = Extract<ContextSource, { kind: 'asked' }>;

export interface SessionFolders {
  /** The folder with the Dockerfile, by its name in the session. */
  dockerfile: string;
  context: string;
  /** Of the Dockerfile, in its folder. */
  filename: string;
}

/**
 * The context of a build whose files are a client's: the Dockerfile and the ignore file are read now, the rest is asked for
 * by the build when it knows what it needs, without what the ignore file keeps out. `<Dockerfile>.dockerignore` beside the
 * Dockerfile wins over `.dockerignore` of the context.
 * @throws Problem `not-found` when there is no Dockerfile
 */
export async function sessionContext(
  session: ClientSession,
  { dockerfile, context, filename }: SessionFolders,
  signal: AbortSignal,
): Promise<Pick<ImageBuildRequest, 'context' | 'dockerfile'>> {
  const own = `${filename}.dockerignore`;
  // for file systems and people that don't mind case, as BuildKit has it
  const other = filename === 'Dockerfile' ? ['dockerfile'] : [];
  const [texts, shared] = await Promise.all([
    session.readTexts(dockerfile, [filename, own, ...other], TEXT_LIMIT, { signal }),
    session.readTexts(context, ['.dockerignore'], TEXT_LIMIT, { signal }),
  ]);
  const text = texts.get(filename) ?? other.map((name) => texts.get(name)).find((found) => found !== undefined);
  if (text === undefined)
    throw new MissingSource(`failed to read dockerfile: open ${filename}: no such file or directory`, filename, {
      hint: `The folder of the Dockerfile has no ${filename}. Name it with -f.`,
    });
  const [ignoreName, ignore] = texts.has(own) ? [own, texts.get(own)] : ['.dockerignore', shared.get('.dockerignore')];
  return {
    context: askedContext(session, context, ignore),
    dockerfile: { text, name: filename, ...(ignore === undefined ? {} : { ignore, ignoreName }) },
  };
}

/** A folder of the client beside its context, without what its own ignore file keeps out. */
export function namedSessionContext(session: ClientSession, name: string): Asked {
  return {
    kind: 'asked',
    open: async (ask) => {
      const file = '.dockerignore';
      const texts = await session.readTexts(name, [file], TEXT_LIMIT, { signal: ask.signal });
      return await askedContext(session, name, texts.get(file)).open(ask);
    },
  };
}

function askedContext(session: ClientSession, name: string, ignore: string | undefined): Asked {
  const exclude = ignore === undefined ? [] : parseIgnore(ignore).patterns;
  return {
    kind: 'asked',
    open: async ({ paths, watch, signal }) => {
      const item = 'transferring context:';
      const { folder, states, receivedBytes, release } = await session.openContext(name, {
        followPaths: paths,
        exclude,
        signal,
        watch: (bytes) => watch(item, bytes, undefined, false),
      });
      watch(item, receivedBytes, undefined, true);
      return { path: folder, states, release };
    },
  };
}
