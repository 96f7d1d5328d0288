import { formatPlatform, type Platform } from '../images/platform.ts';
import { locate } from './complaint.ts';
import { expand } from './expand.ts';
import type { ParsedDockerfile } from './parsed.ts';
import type { BuildInputs } from './program.ts';

/** Proxy settings: usable in RUN without an ARG, and never part of a key or of the history. */
export const PROXY_ARGS: ReadonlySet<string> = new Set(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
);

/** Arguments that are meant for the builder and not for the file: no ARG has to take them. */
export function isEngineArg(name: string): boolean {
  return PROXY_ARGS.has(name) || name.startsWith('BUILDKIT_') || name === 'SOURCE_DATE_EPOCH';
}

/** The build argument of that name, if one is given. */
export function givenArg(inputs: BuildInputs, name: string): string | undefined {
  return Object.hasOwn(inputs.buildArgs, name) ? inputs.buildArgs[name] : undefined;
}

/** TARGETPLATFORM and its kin: global, so free in FROM, and visible in a stage after `ARG NAME`. */
export function platformArgs(inputs: BuildInputs, targetStage: string): Map<string, string> {
  const args = new Map<string, string>();
  const add = (prefix: string, platform: Platform) => {
    args.set(`${prefix}PLATFORM`, formatPlatform(platform));
    args.set(`${prefix}OS`, platform.os);
    args.set(`${prefix}ARCH`, platform.architecture);
    args.set(`${prefix}VARIANT`, platform.variant ?? '');
  };
  add('TARGET', inputs.targetPlatform);
  add('BUILD', inputs.buildPlatform);
  args.set('TARGETSTAGE', targetStage);
  for (const name of args.keys()) {
    const given = givenArg(inputs, name);
    if (given !== undefined) args.set(name, given);
  }
  return args;
}

/** The ARGs before the first FROM: a name without a value is declared, but has neither a default nor a build argument. */
export type GlobalScope = ReadonlyMap<string, string | undefined>;

/** @throws Problem when a default cannot be expanded */
export function globalScope(parsed: ParsedDockerfile, inputs: BuildInputs, targetStage: string): GlobalScope {
  const scope = new Map<string, string | undefined>(platformArgs(inputs, targetStage));
  const { escape: escapeToken } = parsed.directives;
  for (const { node, args } of parsed.globalArgs) {
    for (const { name, word, value } of args) {
      const fromFile = () =>
        locate(parsed.source, node.range, () => {
          if (value === undefined) return scope.get(name);
          return expand(value.text, (key) => scope.get(key), { escape: escapeToken, ranges: [word.range] }).text;
        });
      scope.set(name, givenArg(inputs, name) ?? fromFile());
    }
  }
  return scope;
}
