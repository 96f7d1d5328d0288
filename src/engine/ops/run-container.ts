import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerExit, ContainerMount, ContainerSpec } from '../../containers/container.ts';
import type { RunOperation } from '../../dockerfile/program.ts';
import { Lines } from '../../lib/lines.ts';
import { Problem } from '../../lib/problem.ts';
import { failureHint } from '../last-lines.ts';
import type { SecretMask } from '../mounts/secret-mask.ts';
import { networkOf, securityOf } from './entitlements.ts';
import type { OperationPlace, OperationServices } from './operation.ts';

/** Lines of a failed command's output that its error repeats. */
const LAST_LINES = 10;
/** Characters of each. */
const LAST_LINE = 4096;

export interface RunSurroundings {
  rootfs: ContainerSpec['rootfs'];
  /** A folder of ours for what only the container needs. */
  folder: string;
  mounts: ContainerMount[];
  /** `K=V`, in place of the stage's variables of the same name. */
  env: readonly string[];
  mask: SecretMask;
}

/** Runs the command of a RUN to its end, and shows what it prints without the secrets in it. @throws Problem `failed` */
export async function runContainer(
  operation: RunOperation,
  { rootfs, folder, mounts, env, mask }: RunSurroundings,
  place: OperationPlace,
  services: OperationServices,
): Promise<void> {
  const { deps, signal } = services;
  const tail = new Tail();
  const streams = (['stdout', 'stderr'] as const).map((name) => {
    const decoder = new TextDecoder();
    const masked = mask.stream();
    const show = (text: string) => {
      if (text === '') return;
      tail.add(text);
      place.vertex.output(name, text);
    };
    return {
      listen: (chunk: Buffer) => show(masked.take(decoder.decode(chunk, { stream: true }))),
      end: () => show(masked.end()),
    };
  });
  const [stdout, stderr] = streams;
  if (stdout === undefined || stderr === undefined) throw new Error('two streams');
  const security = securityOf(operation, services);
  const spec: ContainerSpec = {
    id: `run-${randomBytes(8).toString('hex')}`,
    rootfs,
    args: operation.args,
    env: [...operation.env, ...operation.proxyEnv],
    ...(env.length === 0 ? {} : { secretEnv: env }),
    cwd: operation.cwd,
    user: operation.user,
    hostname: 'build',
    mounts: [...(await writeScript(operation, folder)), ...mounts],
    network: networkOf(operation, services),
    ...services.request.run,
    ...(security === undefined ? {} : { security }),
  };
  const exit = await deps.runtime
    .run(spec, { onStdout: stdout.listen, onStderr: stderr.listen, signal })
    .catch((error: unknown) => {
      throw placed(error, operation);
    })
    .finally(() => {
      for (const { end } of streams) end();
    });
  if (exit.code === 0) return;
  throw new Problem(
    'failed',
    `process ${JSON.stringify(operation.args.join(' '))} did not complete successfully: exit code: ${exit.code}`,
    {
      place: operation.place,
      exitCode: exit.code,
      hint: failureHint(reasonOf(exit), exit.outOfMemory ? [] : tail.lines()),
    },
  );
}

/** What shells mean by these codes. */
function reasonOf({ code, outOfMemory }: ContainerExit): string | undefined {
  if (outOfMemory) return 'The kernel killed it because it ran out of memory.';
  if (code === 127)
    return '127: the shell found no such program. Install it in a RUN above, or begin with a base that has it.';
  return code === 126 ? '126: the file is there, but it can not be executed (chmod +x, or its #! line).' : undefined;
}

/** What the image lacks for a command to start. */
function lacking(message: string, { args, user }: RunOperation): string | undefined {
  if (message.startsWith('unable to find user'))
    return `/etc/passwd of the image has no ${user.split(':')[0]}. Create the user with RUN before USER, or write a number.`;
  const [program = ''] = args;
  if (!message.includes(`exec: ${JSON.stringify(program)}`)) return undefined;
  return program === '/bin/sh'
    ? 'The image has no shell. Write the command as an array, RUN ["program", "argument"], or begin with a base that has a shell.'
    : `The image has no ${program} that can be executed. Copy or install it above, or begin with a base that has it.`;
}

/** What kept the container from starting, with its place; a mount is named by what the Dockerfile says, not by our paths. */
function placed(error: unknown, operation: RunOperation): unknown {
  if (!(error instanceof Problem) || error.place !== undefined || error.code === 'cancelled') return error;
  const { place } = operation;
  const { code, message, exitCode } = error;
  const hint = error.hint ?? lacking(message, operation);
  const [, target, why] = /mounting ".*" to rootfs at "([^"]*)": (?:.*: )?([^:]+)$/s.exec(message) ?? [];
  const shown = target === undefined ? message : `nothing can be mounted at ${target}: ${why}`;
  return new Problem(code, shown, { place, hint, exitCode, cause: error });
}

/** A here-document with an interpreter of its own is a file, readable while the command runs. */
async function writeScript({ script }: RunOperation, folder: string): Promise<ContainerMount[]> {
  if (script === undefined) return [];
  const source = join(folder, 'script');
  await writeFile(source, script.content);
  await chmod(source, 0o755);
  return [{ kind: 'bind', source, target: script.path, readonly: true }];
}

/** The last lines of what was written. */
class Tail {
  readonly #coming = new Lines(LAST_LINE);
  #lines: string[] = [];

  add(text: string): void {
    const lines = this.#coming.take(text).filter((line) => line.trim() !== '');
    if (lines.length > 0) this.#lines = [...this.#lines, ...lines].slice(-LAST_LINES);
  }

  lines(): readonly string[] {
    this.add('\n');
    return this.#lines;
  }
}
