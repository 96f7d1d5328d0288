import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerMount, ContainerSpec, Network } from '../../containers/container.ts';
import type { RunOperation } from '../../dockerfile/program.ts';
import type { Layer } from '../../images/layer.ts';
import { Lines } from '../../lib/lines.ts';
import { Problem } from '../../lib/problem.ts';
import { runInputs } from '../inputs.ts';
import { runKey } from '../key.ts';
import { type WrittenLayer, writeLayer } from '../layers/write-layer.ts';
import { diffUpper } from '../snapshots/diff.ts';
import { chainIDs } from '../snapshots/snapshot-store.ts';
import { sourceDateNs } from '../source-date.ts';
import type { OperationPlace, OperationResult, OperationServices, StageState } from './operation.ts';
import { type Made, throughCache } from './through-cache.ts';

/** Lines of a failed command's output that its error repeats. */
const LAST_LINES = 10;
/** Characters of each. */
const LAST_LINE = 4096;

/**
 * RUN: a container over the stage's tree; what it changed becomes a layer. A command that changed nothing makes none.
 * @throws Problem `failed` with the command's exit code; `unsupported`, `denied`, `cancelled`
 */
export async function runCommand(
  operation: RunOperation,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<OperationResult> {
  refuseUnfinished(operation);
  // what the command could reach decides what it made, whether the Dockerfile said so or the build
  const { kind } = networkOf(operation, services.request.network);
  const facts: RunOperation = { ...operation, network: kind === 'bridge' ? 'default' : kind };
  const question = {
    key: runKey(state.chain, facts),
    text: operation.text,
    inputs: () => runInputs(facts, state),
    env: operation.mounts.length === 0 && operation.network === 'default' ? operation.env : undefined,
  };
  return await throughCache(services, state, place, question, () => execute(operation, state, place, services));
}

function refuseUnfinished(operation: RunOperation): void {
  const what =
    operation.mounts.length > 0
      ? `RUN --mount=type=${operation.mounts[0]?.type}`
      : operation.security === 'insecure'
        ? 'RUN --security=insecure'
        : undefined;
  if (what === undefined) return;
  throw new Problem('unsupported', `${what} is not supported yet`, {
    place: operation.place,
    hint: 'Take the flag out, or do the same with COPY and RUN.',
  });
}

async function execute(
  operation: RunOperation,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<Made> {
  const { mounts, deps, signal } = services;
  const stack = await mounts.stack(state.layers, signal);
  try {
    const active = await mounts.store.prepare();
    try {
      const upper = join(active.folder, 'upper');
      await mkdir(upper, { mode: 0o755 });
      const scripts = await writeScript(operation, active.folder);
      await runContainer(operation, { lowers: stack.lowers, upper }, scripts, place, services);
      if ((await readdir(upper)).length === 0) return {};
      const items = diffUpper(upper, services.trees.tree(state.layers, signal));
      const first = await items.next();
      if (first.done === true) return {};
      const written = await writeLayer(
        deps.content,
        (async function* () {
          yield first.value;
          yield* items;
        })(),
        signal,
        sourceDateNs(services.request.buildArgs),
      );
      return await keep(operation, written, upper, state, place, services);
    } finally {
      await active.discard();
    }
  } finally {
    await stack.release();
  }
}

/**
 * A command that wrote the same as last time, times apart, keeps the layer of last time: everything below stays cached
 * and the image keeps its digest. Else the folder that the command wrote to becomes the tree that the next one stands on.
 * In a build with a date of its own, what happened here before must not decide: times count, and the next command sees
 * those of the layer, as it would on another machine.
 */
async function keep(
  operation: RunOperation,
  written: WrittenLayer,
  upper: string,
  state: StageState,
  place: OperationPlace,
  { deps, caller, mounts, trees, request }: OperationServices,
): Promise<Made> {
  const dated = sourceDateNs(request.buildArgs) !== undefined;
  const earlier = dated ? undefined : await deps.cache.latest(caller.project, place.position, operation.text);
  if (earlier?.layer !== undefined && earlier.contentDigest === written.contentDigest) {
    if ((await deps.content.stat(earlier.layer.blob.digest)) !== undefined) {
      await written.discard();
      return { layer: earlier.layer, contentDigest: earlier.contentDigest };
    }
  }
  await written.adopt();
  await trees.note(written.layer.diffID, written.listing);
  const chainID = chainIDs(diffIDs([...state.layers, written.layer])).at(-1);
  if (chainID !== undefined && !dated) await mounts.store.commit(chainID, upper);
  return { layer: written.layer, contentDigest: written.contentDigest };
}

function diffIDs(layers: readonly Layer[]) {
  return layers.map((layer) => layer.diffID);
}

/** A here-document with an interpreter of its own is a file, readable while the command runs. */
async function writeScript({ script }: RunOperation, folder: string): Promise<ContainerMount[]> {
  if (script === undefined) return [];
  const source = join(folder, 'script');
  await writeFile(source, script.content);
  await chmod(source, 0o755);
  return [{ kind: 'bind', source, target: script.path, readonly: true }];
}

async function runContainer(
  operation: RunOperation,
  rootfs: ContainerSpec['rootfs'],
  mounts: ContainerMount[],
  place: OperationPlace,
  services: OperationServices,
): Promise<void> {
  const { deps, signal } = services;
  const tail = new Tail();
  const listen = (stream: 'stdout' | 'stderr') => {
    const decoder = new TextDecoder();
    return (chunk: Buffer) => {
      const text = decoder.decode(chunk, { stream: true });
      tail.add(text);
      place.vertex.output(stream, text);
    };
  };
  const spec: ContainerSpec = {
    id: `run-${randomBytes(8).toString('hex')}`,
    rootfs,
    args: operation.args,
    env: [...operation.env, ...operation.proxyEnv],
    cwd: operation.cwd,
    user: operation.user,
    hostname: 'build',
    mounts,
    network: networkOf(operation, services.request.network),
  };
  const exit = await deps.runtime.run(spec, { onStdout: listen('stdout'), onStderr: listen('stderr'), signal });
  if (exit.code === 0) return;
  throw new Problem(
    'failed',
    `process ${JSON.stringify(operation.args.join(' '))} did not complete successfully: exit code: ${exit.code}`,
    {
      place: operation.place,
      exitCode: exit.code,
      hint: exit.outOfMemory ? 'The kernel killed it because it ran out of memory.' : tail.text(),
    },
  );
}

function networkOf(operation: RunOperation, allowed: Network): Network {
  if (operation.network === 'none') return { kind: 'none' };
  if (operation.network === 'default' || allowed.kind === 'host') return allowed;
  throw new Problem('denied', 'RUN --network=host: this build may not use the network of the host', {
    place: operation.place,
    hint: "The owner of the server allows it with builds.allowHostNetwork in slipway.yaml, and the build asks for it with --network=host. RUN's default network reaches the internet too.",
  });
}

/** The last lines of what was written. */
class Tail {
  readonly #coming = new Lines(LAST_LINE);
  #lines: string[] = [];

  add(text: string): void {
    const lines = this.#coming.take(text).filter((line) => line.trim() !== '');
    if (lines.length > 0) this.#lines = [...this.#lines, ...lines].slice(-LAST_LINES);
  }

  text(): string | undefined {
    this.add('\n');
    const lines = this.#lines;
    return lines.length === 0 ? undefined : `Its last lines:\n${lines.join('\n')}`;
  }
}
