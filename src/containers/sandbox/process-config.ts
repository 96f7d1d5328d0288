import type { TerminalSize } from '../container.ts';
import type { ContainerUser } from './user.ts';

/** One program in a container: its first one, or one that comes by `exec`. */
export interface ProcessInput {
  args: string[];
  env: string[];
  cwd: string;
  user: ContainerUser;
  capabilities: readonly string[];
  noNewPrivileges: boolean;
  rlimits: readonly Rlimit[];
  terminal: TerminalSize | undefined;
}

/** `-1` is no limit. */
export interface Rlimit {
  type: string;
  soft: number;
  hard: number;
}

/** `process` of the OCI runtime configuration (runtime-spec 1.0.2, config.md). */
export interface ProcessConfig {
  terminal: boolean;
  consoleSize?: { height: number; width: number };
  user: { uid: number; gid: number; umask: number; additionalGids: number[] };
  args: string[];
  env: string[];
  cwd: string;
  capabilities: Record<'bounding' | 'effective' | 'permitted', readonly string[]>;
  rlimits?: readonly Rlimit[];
  noNewPrivileges: boolean;
  oomScoreAdj: number;
}

export function processConfig(input: ProcessInput): ProcessConfig {
  const isRoot = input.user.uid === 0;
  const { terminal, capabilities } = input;
  return {
    terminal: terminal !== undefined,
    // set before the program begins: what runc copies from our terminal would come too late for its first look
    ...(terminal === undefined ? {} : { consoleSize: { height: terminal.rows, width: terminal.columns } }),
    user: {
      uid: input.user.uid,
      gid: input.user.gid,
      umask: 0o022,
      additionalGids: input.user.additionalGids,
    },
    args: input.args,
    env: input.env,
    cwd: input.cwd,
    // Another user than root could only have them as ambient ones, which docker doesn't give either.
    capabilities: {
      bounding: capabilities,
      effective: isRoot ? capabilities : [],
      permitted: isRoot ? capabilities : [],
    },
    ...(input.rlimits.length === 0 ? {} : { rlimits: input.rlimits }),
    noNewPrivileges: input.noNewPrivileges,
    oomScoreAdj: 0,
  };
}

/** RLIM_INFINITY, which no number of JavaScript can hold. */
const NO_LIMIT = '18446744073709551615';

/** As text for runc. Within a string, quotes are escaped, so what is replaced can only be a member's name and value. */
export function configText(config: object): string {
  return JSON.stringify(config).replace(/"(soft|hard)":-1\b/g, `"$1":${NO_LIMIT}`);
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Adds what every program finds: PATH, HOME, and TERM on a terminal. */
export function withDefaults(env: readonly string[], home: string, terminal: boolean): string[] {
  const has = (name: string) => env.some((entry) => entry.startsWith(`${name}=`));
  return [
    ...env,
    ...(has('PATH') ? [] : [DEFAULT_PATH]),
    ...(has('HOME') ? [] : [`HOME=${home}`]),
    ...(!terminal || has('TERM') ? [] : ['TERM=xterm']),
  ];
}

/** Those of `others` take the place of those of the same name. */
export function mergeEnv(env: readonly string[], others: readonly string[]): string[] {
  const nameOf = (pair: string) => pair.split('=', 1)[0];
  const names = new Set(others.map(nameOf));
  return [...env.filter((pair) => !names.has(nameOf(pair))), ...others];
}
