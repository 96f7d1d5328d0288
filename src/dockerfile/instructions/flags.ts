import { didYouMean } from '../../lib/nearest.ts';
import { Complaint } from '../complaint.ts';
import type { Node, Word } from '../lex/nodes.ts';

/** `many`: may be given several times. */
export type FlagKind = 'text' | 'boolean' | 'many';

/** An instruction's flags, checked against those that it knows. */
export class Flags {
  readonly #values = new Map<string, Word[]>();

  /** @throws Complaint for an unknown, doubled or valueless flag */
  constructor(node: Node, known: Record<string, FlagKind>) {
    for (const flag of node.flags) {
      const equals = flag.text.indexOf('=');
      const name = flag.text.slice(2, equals < 0 ? undefined : equals);
      const at = { ranges: [flag.range] };
      if (!Object.hasOwn(known, name)) {
        const names = Object.keys(known);
        const hint =
          names.length === 0
            ? `${node.name} has no flags.`
            : `Flags of ${node.name}: ${names.map((each) => `--${each}`).join(', ')}.`;
        throw new Complaint(`unknown flag: --${name}${didYouMean(name, names)}`, { ...at, hint });
      }
      const kind = known[name];
      const values = this.#values.get(name) ?? [];
      if (values.length > 0 && kind !== 'many') throw new Complaint(`duplicate flag specified: ${name}`, at);
      if (equals < 0 && kind !== 'boolean') throw new Complaint(`missing a value on flag: ${name}`, at);
      const value = equals < 0 ? 'true' : flag.text.slice(equals + 1);
      if (kind === 'boolean' && !/^(?:true|false)$/i.test(value))
        throw new Complaint(`expecting boolean value for flag ${name}, not: ${value}`, at);
      values.push({ text: value, range: valueRange(flag, equals), start: flag.start + equals + 1 });
      this.#values.set(name, values);
    }
  }

  text(name: string): Word | undefined {
    return this.#values.get(name)?.[0];
  }

  boolean(name: string): boolean | undefined {
    const value = this.text(name)?.text;
    return value === undefined ? undefined : value.toLowerCase() === 'true';
  }

  many(name: string): Word[] {
    return this.#values.get(name) ?? [];
  }
}

/** What stands behind the `=`, where the flag is written without quotes on one line; else the flag. */
function valueRange(flag: Word, equals: number): Word['range'] {
  const { range, text } = flag;
  if (equals < 0 || range.line !== range.endLine || range.endColumn - range.column !== text.length) return range;
  return { ...range, column: range.column + equals + 1 };
}
