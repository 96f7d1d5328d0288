import type { RunOperation } from '../../dockerfile/program.ts';
import type { CacheMount, RunMount, SecretMount } from '../../dockerfile/run-mount.ts';
import type { MountFacts } from '../cache/key.ts';
import type { OperationServices } from '../ops/operation.ts';
import { type BindSource, bindSource } from './bind-source.ts';

/** A mount whose outside is known: the files, the secret, the agent that it shows. */
export type FoundMount =
  | { mount: Extract<RunMount, { type: 'bind' }>; source: BindSource }
  | { mount: CacheMount; source: BindSource | undefined }
  | { mount: Extract<RunMount, { type: 'tmpfs' }> }
  | { mount: SecretMount; given: boolean | undefined }
  | { mount: Extract<RunMount, { type: 'ssh' }>; agent: string | undefined };

/**
 * The mounts of a RUN, found before it is known whether it has to run.
 *
 * In a key a bind mount is its content. A cache mount is where it is and what it began with, never what it holds or who
 * shares it: a command has to give the same with an empty one. A secret is its name and where it is, never its value; but an
 * optional one that isn't given is another matter than one that is, since a command may well do without.
 */
export class RunMounts {
  readonly found: readonly FoundMount[];

  static async of(operation: RunOperation, services: OperationServices): Promise<RunMounts> {
    return new RunMounts(await Promise.all(operation.mounts.map((mount) => find(mount, services))));
  }

  private constructor(found: readonly FoundMount[]) {
    this.found = found;
  }

  /** For the first look: by the identity of whole stages. */
  get facts(): MountFacts[] {
    return this.found.map((each) => factsOf(each, 'source' in each ? each.source?.identity : undefined));
  }

  /** Whether a stage gave another result is not the same as whether what is mounted of it changed. */
  get canBeExact(): boolean {
    return this.found.some((each) => 'source' in each && each.source?.exact !== undefined);
  }

  /** For the second look: by the content of what is mounted. Stages are unpacked for it. */
  async exactFacts(): Promise<MountFacts[]> {
    const facts: MountFacts[] = [];
    for (const each of this.found) {
      const source = 'source' in each ? each.source : undefined;
      facts.push(factsOf(each, (await source?.exact?.()) ?? source?.identity));
    }
    return facts;
  }
}

async function find(mount: RunMount, services: OperationServices): Promise<FoundMount> {
  const { request } = services;
  switch (mount.type) {
    case 'bind':
      return { mount, source: await bindSource(mount.from, mount.source, mount.place, services) };
    case 'cache': {
      const { from, source, place } = mount;
      return { mount, source: from === undefined ? undefined : await bindSource(from, source, place, services) };
    }
    case 'tmpfs':
      return { mount };
    case 'secret':
      // one that is required has to be there when it runs; until then nobody is asked for it
      return { mount, given: mount.required ? undefined : (await request.secret?.(mount.id)) !== undefined };
    case 'ssh':
      return { mount, agent: await request.ssh?.(mount.id) };
  }
}

function factsOf(found: FoundMount, identity: string | undefined): MountFacts {
  const { mount } = found;
  const at = 'target' in mount && mount.target !== undefined ? `target=${mount.target}` : undefined;
  const id = 'id' in mount && mount.type !== 'cache' ? `id=${mount.id}` : undefined;
  return {
    name: ['--mount=type=', mount.type, ...[id, at].flatMap((part) => (part === undefined ? [] : [',', part]))].join(
      '',
    ),
    facts: [mount.type, 'target' in mount ? (mount.target ?? '') : '', ...ownFacts(found, identity)],
    files: 'source' in found ? (found.source?.files ?? []) : [],
    isPrivate: mount.type === 'secret' || mount.type === 'ssh',
  };
}

function ownFacts(found: FoundMount, identity: string | undefined): unknown[] {
  const { mount } = found;
  switch (mount.type) {
    case 'bind':
      return [mount.readonly, identity ?? ''];
    case 'cache':
      return [mount.readonly, mount.owner ?? '', identity ?? '', mount.from === undefined ? mount.source : ''];
    case 'tmpfs':
      return [mount.sizeBytes ?? ''];
    case 'secret':
      return [mount.id, mount.env ?? '', mount.owner, 'given' in found ? (found.given ?? 'required') : ''];
    case 'ssh':
      return [mount.id, mount.owner, mount.required ? 'required' : 'agent' in found && found.agent !== undefined];
  }
}
