/**
 * Docker's command line (Go's pflag): `--tag=x`, `--tag x`, `-t x`, `-tx`, `-t=x`, `-qa`, `--quiet=false`, flags and
 * arguments mixed, `--` ends the flags.
 */
export interface FlagSpec {
  /** Long name without dashes. */
  name: string;
  /** One letter. */
  short?: string;
  /** `switch`: true or false; `value`: the last one counts; `list`: all of them. */
  takes: 'switch' | 'value' | 'list';
}

export class Flags {
  readonly #values = new Map<string, string[]>();
  readonly args: string[] = [];

  add(name: string, value: string): void {
    this.#values.set(name, [...(this.#values.get(name) ?? []), value]);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  on(name: string): boolean {
    return this.#values.get(name)?.at(-1) === 'true';
  }

  one(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  all(name: string): string[] {
    return this.#values.get(name) ?? [];
  }
}

/** A command line that docker would refuse, in docker's words; exit code 125, with `See 'docker X --help'.` below it. */
export class FlagError extends Error {}

/** @throws FlagError */
export function parseFlags(specs: readonly FlagSpec[], args: readonly string[]): Flags {
  const flags = new Flags();
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      flags.args.push(...rest);
      break;
    }
    if (arg.startsWith('--')) long(arg, specs, rest, flags);
    else if (arg.startsWith('-') && arg !== '-') short(arg, specs, rest, flags);
    else flags.args.push(arg);
  }
  return flags;
}

function long(arg: string, specs: readonly FlagSpec[], rest: string[], flags: Flags): void {
  const equals = arg.indexOf('=');
  const name = arg.slice(2, equals < 0 ? undefined : equals);
  const spec = specs.find((one) => one.name === name);
  if (spec === undefined) throw new FlagError(`unknown flag: --${name}`);
  const value = equals >= 0 ? arg.slice(equals + 1) : spec.takes === 'switch' ? 'true' : rest.shift();
  if (value === undefined) throw new FlagError(`flag needs an argument: --${name}`);
  add(flags, spec, value, `"--${name}"`);
}

function short(arg: string, specs: readonly FlagSpec[], rest: string[], flags: Flags): void {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at] ?? '';
    const spec = specs.find((one) => one.short === letter);
    if (spec === undefined) throw new FlagError(`unknown shorthand flag: '${letter}' in ${arg}`);
    const after = arg.slice(at + 1);
    if (spec.takes === 'switch' && !after.startsWith('=')) {
      flags.add(spec.name, 'true');
      continue;
    }
    const value = after === '' ? rest.shift() : after.replace(/^=/, '');
    if (value === undefined) throw new FlagError(`flag needs an argument: '${letter}' in ${arg}`);
    add(flags, spec, value, `"-${letter}, --${spec.name}"`);
    return;
  }
}

const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

function add(flags: Flags, spec: FlagSpec, value: string, label: string): void {
  if (spec.takes === 'switch' && !TRUE.includes(value) && !FALSE.includes(value))
    throw new FlagError(
      `invalid argument ${JSON.stringify(value)} for ${label} flag: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`,
    );
  flags.add(spec.name, spec.takes === 'switch' ? String(TRUE.includes(value)) : value);
}
