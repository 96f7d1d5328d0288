import { posix } from 'node:path';
import type { Place, Range } from '../../lib/problem.ts';
import { Complaint, placeOf } from '../complaint.ts';
import type { MountFlag } from '../instructions/instruction.ts';
import { checkMountType } from '../instructions/mount.ts';
import { parseSize } from '../instructions/size.ts';
import type { Node } from '../lex/nodes.ts';
import type { CacheMount, FileOwner, RunMount, SecretMount } from '../run-mount.ts';
import type { CopySource } from '../stage-names.ts';
import type { StageState } from './stage-state.ts';

type MountType = RunMount['type'];

/** Long form of keys that have several. */
const LONG_KEYS: Record<string, string> = {
  dst: 'target',
  destination: 'target',
  src: 'source',
  ro: 'readonly',
  rw: 'readwrite',
};

const MOUNT_TYPES: Record<string, MountType> = {
  bind: 'bind',
  cache: 'cache',
  tmpfs: 'tmpfs',
  secret: 'secret',
  ssh: 'ssh',
};

/** What each type reads. */
const MEANT: Record<MountType, readonly string[]> = {
  bind: ['from', 'source', 'target', 'readonly', 'readwrite'],
  cache: ['from', 'source', 'target', 'readonly', 'readwrite', 'id', 'sharing', 'mode', 'uid', 'gid'],
  tmpfs: ['target', 'readwrite', 'size'],
  secret: ['id', 'source', 'target', 'required', 'mode', 'uid', 'gid', 'env'],
  ssh: ['id', 'target', 'required', 'mode', 'uid', 'gid'],
};

/** Keys that BuildKit refuses where they mean nothing; it passes over any other without a word. */
const REFUSED = ['required', 'size', 'sharing', 'mode', 'uid', 'gid'];

/** --mount flags of one RUN with their words expanded. @throws Complaint in BuildKit's words */
export function expandMounts(state: StageState, node: Node, flags: readonly MountFlag[]): RunMount[] {
  const all = flags.map((flag) => new MountOptions(state, node, flag));
  const sockets = all.filter(({ type }) => type === 'ssh');
  return all.map((options) =>
    options.type === 'ssh' ? sshMount(options, sockets.indexOf(options)) : MAKE[options.type](options),
  );
}

const MAKE: Record<Exclude<MountType, 'ssh'>, (options: MountOptions) => RunMount> = {
  bind: ({ place, target, from = { kind: 'context' }, source, readonly }) => {
    return { type: 'bind', place, target, from, source, readonly: readonly ?? true };
  },
  cache: cacheMount,
  tmpfs: ({ place, target, sizeBytes }) => {
    return { type: 'tmpfs', place, target, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
  },
  secret: secretMount,
};

function sshMount(options: MountOptions, nth: number): RunMount {
  const { place, required } = options;
  const target = options.targetOr(`/run/buildkit/ssh_agent.${nth}`);
  return { type: 'ssh', place, id: options.text('id') || 'default', target, required, owner: options.owner(0o600) };
}

function cacheMount(options: MountOptions): CacheMount {
  const { place, target, from, source } = options;
  const written = options.text('target') ?? '';
  const id = options.text('id') || posix.normalize(written === '' ? '.' : written);
  return {
    type: 'cache',
    place,
    target,
    id: `${options.namespace}/${id}`,
    sharing: options.sharing,
    ...(from === undefined ? {} : { from }),
    source,
    readonly: options.readonly ?? false,
    ...(options.hasOwner ? { owner: options.owner(0o755) } : {}),
  };
}

function secretMount(options: MountOptions): SecretMount {
  const { place, from, required } = options;
  const source = options.text('source') ?? '';
  const target = options.text('target') ?? '';
  const env = options.text('env') || undefined;
  if (from !== undefined) options.complain('secret mount should not have a from');
  if (source !== '' && options.text('id')) options.complain("both source and id can't be set");
  const id = source || options.text('id') || posix.basename(target);
  if (id === '')
    options.complain(
      'invalid secret mount. one of source, target required',
      'For example --mount=type=secret,id=token',
    );
  const at = target === '' && env !== undefined ? undefined : options.targetOr(`/run/secrets/${posix.basename(id)}`);
  return {
    type: 'secret',
    place,
    id,
    ...(at === undefined ? {} : { target: at }),
    ...(env === undefined ? {} : { env }),
    required,
    owner: options.owner(0o400),
  };
}

/** The fields of one flag, each read as its type has it. */
class MountOptions {
  readonly type: MountType = 'bind';
  readonly from: CopySource | undefined;
  readonly #values = new Map<string, string>();
  readonly #state: StageState;
  readonly #ranges: Range[];

  constructor(state: StageState, node: Node, { word, options }: MountFlag) {
    this.#state = state;
    const range = state.rangeOf(word.range);
    this.#ranges = [range];
    for (const [key, written] of options) {
      if (key === 'from') {
        this.from = state.stage.scope.names.source({ ...word, range, text: written }, state.stage.index);
        continue;
      }
      const value = state.expand(node, { ...word, text: written });
      if (key === 'type') {
        checkMountType(value, { ...word, range });
        this.type = MOUNT_TYPES[value.toLowerCase()] ?? this.type;
      } else this.#set(LONG_KEYS[key] ?? key, value);
    }
    this.#checkMeaning();
  }

  /** Of `readonly` and `readwrite`, the last one counts. */
  #set(key: string, value: string): void {
    if (key === 'readonly') this.#values.delete('readwrite');
    if (key === 'readwrite') this.#values.delete('readonly');
    this.#values.set(key, value);
  }

  #checkMeaning(): void {
    const meant = MEANT[this.type];
    const given = [...this.#values.keys(), ...(this.from === undefined ? [] : ['from'])];
    for (const key of given.filter((each) => !meant.includes(each))) {
      if (REFUSED.includes(key))
        this.complain(
          key === 'sharing'
            ? `invalid cache sharing set for ${this.type} mount`
            : `unexpected key '${key}' for mount type '${this.type}'`,
          `A ${this.type} mount takes ${meant.join(', ')}.`,
        );
      if (key === 'from' && this.type === 'secret') continue;
      this.#state.remark('MountOptionIgnored', `${key} means nothing for a ${this.type} mount`, this.#ranges, {
        text: `Leave it out: a ${this.type} mount takes ${meant.join(', ')}`,
      });
    }
  }

  complain(message: string, hint?: string): never {
    throw new Complaint(message, { ranges: this.#ranges, hint });
  }

  /** Of cache mounts: keeps those of, say, two branches apart. */
  get namespace(): string {
    return this.#state.inputs.buildArgs['BUILDKIT_CACHE_MOUNT_NS'] ?? '';
  }

  get place(): Place {
    return placeOf(this.#state.stage.scope.source, ...this.#ranges);
  }

  text(key: string): string | undefined {
    return this.#values.get(key);
  }

  /** Relative to WORKDIR, which it is itself when it isn't given: BuildKit's rule. */
  get target(): string {
    const target = this.targetOr('');
    if (target === '/')
      this.complain(
        `invalid mount target ${JSON.stringify(this.text('target') ?? '')}: a ${this.type} mount needs target=PATH`,
        this.text('target') === undefined ? undefined : 'Everything that the image holds would be hidden by it.',
      );
    return target;
  }

  targetOr(absent: string): string {
    return posix.resolve('/', this.#state.cwd, this.text('target') || absent);
  }

  get source(): string {
    return posix.normalize(`/${this.text('source') ?? ''}`).replace(/^\/|\/$/g, '');
  }

  get readonly(): boolean | undefined {
    const readonly = this.#boolean('readonly');
    if (readonly !== undefined) return readonly;
    const readwrite = this.#boolean('readwrite');
    return readwrite === undefined ? undefined : !readwrite;
  }

  get required(): boolean {
    return this.#boolean('required') ?? false;
  }

  get sharing(): CacheMount['sharing'] {
    const sharing = this.text('sharing')?.toLowerCase() ?? 'shared';
    if (sharing === 'shared' || sharing === 'private' || sharing === 'locked') return sharing;
    return this.complain(
      `unsupported sharing value ${JSON.stringify(sharing)}`,
      'sharing takes shared, private or locked.',
    );
  }

  get sizeBytes(): number | undefined {
    const text = this.text('size');
    if (text === undefined) return undefined;
    return parseSize(text) ?? this.complain(`invalid value for size: ${text}`, 'For example size=64m or size=1g.');
  }

  get hasOwner(): boolean {
    return ['mode', 'uid', 'gid'].some((key) => this.#values.has(key));
  }

  owner(mode: number): FileOwner {
    return {
      mode: this.#number('mode', 8) ?? mode,
      uid: this.#number('uid', 10) ?? 0,
      gid: this.#number('gid', 10) ?? 0,
    };
  }

  #number(key: 'mode' | 'uid' | 'gid', radix: 8 | 10): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = (radix === 8 ? /^[0-7]{1,4}$/ : /^\d{1,10}$/).test(text) ? Number.parseInt(text, radix) : Number.NaN;
    if (value <= 0xffffffff) return value;
    return this.complain(
      `invalid value ${text} for ${key}`,
      radix === 8
        ? 'Octal digits are expected, for example mode=0755.'
        : 'A number is expected: names are not looked up here.',
    );
  }

  /** As Go's ParseBool. */
  #boolean(key: string): boolean | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    if (/^(?:1|t|true)$/i.test(text)) return true;
    if (/^(?:0|f|false)$/i.test(text)) return false;
    return this.complain(`invalid value for ${key}: ${text}`, 'true or false is expected.');
  }
}
