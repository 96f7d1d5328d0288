import { Problem } from '../../lib/problem.ts';
import type { CliContext } from '../context.ts';
import { DockerClient } from '../docker-client.ts';
import { runAttached } from '../run-attached.ts';

/** The better shell where there are two. */
const ANY_SHELL = ['/bin/sh', '-c', 'if command -v bash >/dev/null 2>&1; then exec bash; fi; exec /bin/sh'];

/** Walks into an image as it was after any of its layers. */
export async function shell(
  context: CliContext,
  options: { user?: string },
  name: string,
  command: string[],
): Promise<number> {
  // also one that is not here yet; its layers come when the container needs them
  await context.server().call('inspect', { name });
  const [program = '', ...args] = command.length === 0 ? ANY_SHELL : command;
  const docker = new DockerClient(context.data.dockerSocket);
  const { user } = options;
  const request = { Image: name, Entrypoint: [program], Cmd: args, ...(user === undefined ? {} : { User: user }) };
  try {
    return await runAttached(docker, request, process, context.signal);
  } catch (error) {
    if (!(error instanceof Problem) || !/exec: "\/bin\/sh"|no such file/.test(error.message)) throw error;
    throw new Problem(error.code, error.message, {
      cause: error,
      hint: `There is no ${program} in ${name}. Name another program behind --; \`docker export\` of a container gives all files.`,
    });
  }
}
