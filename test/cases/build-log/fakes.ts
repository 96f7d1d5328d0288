import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ContainerRuntime, ContainerSpec } from '../../../src/containers/container.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import type { ImageConfig } from '../../../src/images/config.ts';
import { type Digest, digestOf } from '../../../src/images/digest.ts';
import { familiarName, parseReference, withDefaultTag } from '../../../src/images/reference.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { pause } from '../../../src/lib/retry.ts';
import type { NamedImage } from '../../../src/stores/names/names.ts';

/** Everything that was taken and has to be given back. */
export interface Held {
  scopes: Set<string>;
  networks: Set<string>;
  tokens: Set<string>;
  rootfs: number;
  /** Specs of the containers that ran. */
  ran: ContainerSpec[];
}

/** An engine without layers: `busybox` can be pulled, a build names what it was asked to tag. */
export function fakeEngine(held: Held): Engine {
  const scopes = new Map<string, Map<string, NamedImage>>();
  const names = (scope: string) => {
    const known = scopes.get(scope) ?? new Map<string, NamedImage>();
    scopes.set(scope, known);
    held.scopes.add(scope);
    return known;
  };
  const image = (name: string): NamedImage => {
    const digest = digestOf(name);
    const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 500 };
    return { name, id: digestOf(`config of ${name}`), target, manifest: target, at: 0 };
  };
  const keyOf = (name: string) => familiarName(withDefaultTag(parseReference(name)));
  const find = (name: string, scope: string) => {
    const found = names(scope).get(keyOf(name));
    if (found === undefined) throw new Problem('not-found', `No such image: ${keyOf(name)}`);
    return found;
  };
  const config: ImageConfig = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } };
  const pushed = (name: string) => ({
    reference: name,
    tag: withDefaultTag(parseReference(name)).tag ?? '',
    digest: digestOf(name),
    size: 500,
    own: true,
  });
  return {
    shelf: new Proxy({} as Engine['shelf'], {
      get: () => {
        throw new Error('no step asks for more than the commands of docker that we serve ourselves');
      },
    }),
    build: async (request, caller) => {
      request.onEvent({ kind: 'vertex', id: 1, name: '[1/1] FROM busybox' });
      request.onEvent({ kind: 'end', id: 1, ms: 0, status: 'done' });
      const tags = request.targets.flatMap((target) => target.tags);
      for (const tag of tags) names(caller.scope).set(tag, image(tag));
      return { images: [{ image: image(tags[0] ?? 'none'), tags, kept: false }], steps: [] };
    },
    pull: async (name, caller) => {
      const key = keyOf(name);
      if (!key.startsWith('busybox'))
        throw new Problem('not-found', `manifest for ${key} not found: manifest unknown: manifest unknown`);
      names(caller.scope).set(key, image(key));
      return { image: image(key), digest: digestOf(key), fresh: true, own: false };
    },
    push: async (name, caller, listener) => {
      find(name, caller.scope);
      listener?.onLayer?.(`sha256:${'5f70bf18a086'.padEnd(64, '0')}` as Digest, 'Pushed');
      return pushed(keyOf(name));
    },
    pushAll: async (repository, caller) =>
      [...names(caller.scope).keys()].filter((key) => key.startsWith(`${repository}:`)).map(pushed),
    copy: async () => {
      throw new Error('no step copies between registries');
    },
    copyAll: async () => {
      throw new Error('no step copies between registries');
    },
    tag: async (source, target, caller) => {
      names(caller.scope).set(keyOf(target), { ...find(source, caller.scope), name: keyOf(target) });
    },
    images: async (caller) => [...names(caller.scope).values()],
    inspect: async (name, caller) => {
      const found = find(name, caller.scope);
      return { image: found, names: [found.name], config, layers: [], size: 0 };
    },
    remove: async (name, caller) => void names(caller.scope).delete(keyOf(name)),
    files: async () => [],
    save: async () => undefined,
    saveFolder: async () => {
      throw new Error('no step writes an image layout into a folder');
    },
    loadFolder: async () => {
      throw new Error('no step reads an image layout from a folder');
    },
    load: async () => [],
    rootfs: async (name, caller) => {
      const found = find(name, caller.scope);
      held.rootfs++;
      return { lowers: [], config, digest: found.target.digest, release: async () => void held.rootfs-- };
    },
    endScope: async (scope) => {
      scopes.delete(scope);
      held.scopes.delete(scope);
    },
  };
}

/**
 * Containers whose programs are these words: `say LINE...`, `complain LINE...` (on standard error), `exit CODE`, `hang`,
 * `output TEXT` (into $BUILDER_OUTPUT/output), `env`, `where`, `reveal` (secrets, byte by byte, on both streams), `leak` (the first
 * secret into $BUILDER_OUTPUT/output) `make PATH...` (files of the workspace, each holding its path) and `link TARGET NAME...` (links in it).
 */
export function fakeContainers(held: Held): ContainerRuntime {
  return {
    run: async (spec, io) => {
      held.ran.push(spec);
      const [program = '', ...args] = spec.args;
      const lines = args.map((line) => `${line}\n`).join('');
      if (program === 'say') io.onStdout(Buffer.from(lines));
      else if (program === 'complain') io.onStderr(Buffer.from(lines));
      else if (program === 'env') io.onStdout(Buffer.from(spec.env.map((pair) => `${pair}\n`).join('')));
      else if (program === 'where') io.onStdout(Buffer.from(spec.cwd));
      else if (program === 'reveal')
        for (const byte of Buffer.from((spec.secretEnv ?? []).map((pair) => `${pair}\n`).join(''))) {
          io.onStdout(Buffer.of(byte));
          io.onStderr(Buffer.of(byte));
        }
      else if (program === 'make') {
        const root = sourceOf(spec, '/workspace');
        for (const path of args) {
          await mkdir(dirname(join(root, path)), { recursive: true });
          await writeFile(join(root, path), path);
        }
      } else if (program === 'link')
        for (let i = 0; i < args.length; i += 2)
          await symlink(args[i] ?? '', join(sourceOf(spec, '/workspace'), args[i + 1] ?? ''));
      else if (program === 'leak')
        await writeFile(join(sourceOf(spec, '/builder/outputs'), 'output'), spec.secretEnv?.[0] ?? '');
      else if (program === 'output') {
        await writeFile(join(sourceOf(spec, '/builder/outputs'), 'output'), args.join(' '));
      } else if (program === 'exit') return { code: Number(args[0]), outOfMemory: false };
      else if (program === 'hang') {
        io.onStdout(Buffer.from('half a li'));
        await pause(20_000, io.signal);
        throw new Problem('cancelled', 'container killed');
      } else throw new Problem('invalid', `exec: ${JSON.stringify(program)}: executable file not found in $PATH`);
      return { code: 0, outOfMemory: false };
    },
    createNetwork: async (owner) => {
      held.networks.add(owner);
      return { name: owner, subnet: '10.89.1.0/24', close: async () => void held.networks.delete(owner) };
    },
    sweep: async () => ({ containers: 0, mounts: 0, networks: 0, folders: 0 }),
    probe: async () => [],
  };
}

/** The folder of this machine that is bound there. */
function sourceOf({ mounts }: ContainerSpec, target: string): string {
  const mount = mounts.find((one) => one.target === target);
  return mount?.kind === 'bind' ? mount.source : '';
}
